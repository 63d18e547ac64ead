"""Backups, and a working database made of them and of the lake."""
