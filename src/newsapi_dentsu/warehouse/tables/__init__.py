"""The tables, one module each: columns, reads and writes."""
