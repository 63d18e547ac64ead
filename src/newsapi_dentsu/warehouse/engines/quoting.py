"""Names and texts inside SQL statements, as both engines read them.

Values go as parameters; this is for the statements that take none, such as ATTACH and COPY.
"""


def quoted_name(name: str) -> str:
    """A name of a schema, table, column or role, exactly as it is spelled."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(value: object) -> str:
    """A text, or a path, as a literal."""
    return "'" + str(value).replace("'", "''") + "'"
