"""The databases: one protocol, DuckDB and PostgreSQL behind it, with their errors and locks."""
