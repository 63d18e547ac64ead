"""The Azure deployment of the news pipeline: one module for each concern, wired in `stack`."""
