"""Types and pure rules: no I/O, no Dagster, no SQL."""
