"""Backups, the archive of raw records, and a working database made of them again."""
