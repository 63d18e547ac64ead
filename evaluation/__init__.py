"""Duplicates and relevance judged on labelled sets: `python -m evaluation`."""
