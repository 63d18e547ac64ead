"""One state of a PostgreSQL database: its tables' digests, counts and rows, for whoever copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsapi_dentsu.transfer import proof
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.tables import Table, plain_type, postgres_plain, tables, wire_name
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.postgres import (
    PostgresEngine,
    connection,
    own_sql,
)
from newsapi_dentsu.warehouse.engines.postgres_session import Connection
from newsapi_dentsu.warehouse.engines.quoting import quoted_name


class PostgresSnapshot:
    """The tables as they are in one open transaction, however long it lasts."""

    def __init__(self, opened: Connection) -> None:
        self._opened = opened

    def digests(self) -> dict[str, Digest]:
        """Let the server compute the digests of all tables."""
        found = {}
        for table in tables():
            row = self._opened.execute(own_sql(proof.postgres_statement(table))).fetchone()
            found[table.name] = proof.of_row(row or (0, 0, 0))
        return found

    def count(self, table: Table) -> int:
        """Count a table's rows."""
        row = self._opened.execute(own_sql(f"SELECT count(*) FROM {table.name}")).fetchone()
        return int(row[0]) if row else 0

    def rows(self, table: Table) -> Iterator[Row]:
        """Read a table's rows as plain values, one by one."""
        columns = ", ".join(
            f"{postgres_plain(*column)} AS {column[0]}" for column in table.columns.items()
        )
        statement = f"COPY (SELECT {columns} FROM {table.name}) TO STDOUT (FORMAT binary)"
        with self._opened.cursor() as cursor, cursor.copy(own_sql(statement)) as copy:
            copy.set_types([wire_name(plain_type(kind)) for kind in table.columns.values()])
            yield from copy.rows()

    def write_csv(self, table: Table, file: Path) -> None:
        """Write a table's rows to a CSV file as DuckDB writes them, which PostgreSQL reads too."""
        columns = ", ".join(
            f"CAST({name} AS text) AS {name}"
            if kind == "boolean"
            else f"{name} AS {quoted_name(name)}"
            for name, kind in table.columns.items()
        )
        statement = f"COPY (SELECT {columns} FROM {table.name}) TO STDOUT (FORMAT csv, HEADER)"
        self._opened.execute("SET LOCAL datestyle = 'ISO'")
        with (
            file.open("wb") as target,
            self._opened.cursor() as cursor,
            cursor.copy(own_sql(statement)) as copy,
        ):
            for block in copy:
                target.write(block)


@contextmanager
def postgres_snapshot(engine: PostgresEngine) -> Iterator[PostgresSnapshot]:
    """Open a snapshot on a connection of its own.

    Raises:
        WarehouseError: the server can't be used.
    """
    with connection(engine) as opened, opened.transaction():
        opened.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield PostgresSnapshot(opened)
