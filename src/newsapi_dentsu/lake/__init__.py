"""The lake: every record and what became of it, as Delta tables that any engine reads."""
