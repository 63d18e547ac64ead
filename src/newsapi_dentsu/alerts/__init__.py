"""Telling operators: messages, channels, and what was told to whom."""
