"""Dagster as this pipeline runs it: its home, instance, storage, daemon and run launcher."""
