"""Dagster's view of the pipeline: wiring, a few lines each."""
