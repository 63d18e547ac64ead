"""What is moved: every table of the pipeline, with its columns in order and their types.

Values cross between the engines as plain numbers and text: times as microseconds, days as days,
both since 1970, so that no engine's or driver's way of writing them comes into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import duckdb

from newsapi_dentsu.warehouse.schema import history

LATEST, EARLIEST = 9_223_372_036_854_775_807, -9_223_372_036_854_775_807
"""What stands for the infinities among times."""

_KINDS = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DOUBLE": "float8",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its qualified name; each column's name and kind, in the table's order."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def schema(self) -> str:
        """The name's first part."""
        return self.name.partition(".")[0]

    @property
    def names(self) -> str:
        """The columns, for a statement."""
        return ", ".join(self.columns)


@cache
def tables() -> tuple[Table, ...]:
    """Every table that holds the pipeline's data, in the order of the schema's history."""
    columns: dict[str, dict[str, str]] = {}
    keys: dict[str, tuple[str, ...]] = {}
    with duckdb.connect(":memory:") as connection:
        for statement in history.script("DuckDB"):
            connection.execute(statement)
        for table, column, type_ in connection.execute(
            "SELECT table_schema || '.' || table_name, column_name, data_type "
            "FROM information_schema.columns "
            "WHERE table_schema || '.' || table_name IN (SELECT unnest(?)) "
            "ORDER BY table_schema, table_name, ordinal_position",
            [list(history.tables())],
        ).fetchall():
            if table not in history.CACHES:
                columns.setdefault(table, {})[column] = _KINDS[type_]
        for table, key in connection.execute(
            "SELECT schema_name || '.' || table_name, constraint_column_names "
            "FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall():
            keys[table] = tuple(key)
    return tuple(Table(name, columns[name], keys[name]) for name in history.tables())


def table(name: str) -> Table:
    """The table of this qualified name."""
    return next(item for item in tables() if item.name == name)


def postgres_plain(column: str, kind: str) -> str:
    """An expression for PostgreSQL: the column as a plain value."""
    if kind == "timestamptz":
        return (
            f"CASE WHEN {column} IS NULL THEN NULL WHEN isfinite({column}) "
            f"THEN CAST(extract(epoch FROM {column}) * 1000000 AS bigint) "
            f"WHEN {column} > TIMESTAMPTZ '2000-01-01 00:00:00+00' THEN {LATEST} "
            f"ELSE {EARLIEST} END"
        )
    if kind == "date":
        return f"{column} - DATE '1970-01-01'"
    return column


def plain_type(kind: str) -> str:
    """The SQL type of a column's plain value."""
    return {"timestamptz": "bigint", "date": "integer"}.get(kind, kind)


def wire_name(type_: str) -> str:
    """What the driver calls a plain value's type where rows go to or from the server in binary."""
    return {"bigint": "int8", "integer": "int4", "boolean": "bool"}.get(type_, type_)


def duckdb_typed(column: str, kind: str) -> str:
    """An expression for DuckDB: the column's value of its plain value."""
    if kind == "timestamptz":
        return (
            f"CASE WHEN {column} = {LATEST} THEN TIMESTAMPTZ 'infinity' "
            f"WHEN {column} = {EARLIEST} THEN TIMESTAMPTZ '-infinity' "
            f"ELSE make_timestamptz({column}) END"
        )
    if kind == "date":
        return f"DATE '1970-01-01' + {column}"
    return column
