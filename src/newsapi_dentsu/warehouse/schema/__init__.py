"""The schema: its history, its indexes, and how a database compares with it."""
