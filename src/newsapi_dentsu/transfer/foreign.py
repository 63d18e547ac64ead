"""DuckDB files that somebody else made: which tables they hold, and their rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from newsapi_dentsu.errors import NewerTablesError, WarehouseError
from newsapi_dentsu.transfer import copying
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_name
from newsapi_dentsu.warehouse.schema import history

Kind = Literal["own", "earlier", "foreign"]

_FETCH_ROWS = 200
_ORDER = ("raw", "processed", "final")
_NAMES = ("ai_marketing_news_raw", "processed_news", "filtered_news")


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """A table by schema and name as they are written there, its columns and its size."""

    schema: str
    name: str
    columns: tuple[str, ...]
    rows: int

    @property
    def shown(self) -> str:
        """The name for people."""
        return f"{self.schema}.{self.name}"

    @property
    def rank(self) -> int:
        """0 for raw, 1 for processed, 2 for final, 3 for a table of another name."""
        if self.name.lower() in _NAMES:
            return _NAMES.index(self.name.lower())
        return _ORDER.index(self.schema.lower()) if self.schema.lower() in _ORDER else 3


def kind_of(engine: DuckDBEngine) -> Kind:
    """Tell a file of this program's schema from an earlier one's and from somebody else's.

    Raises:
        WarehouseError: there is no such file, it can't be read, or a newer program made it.
    """
    if not engine.exists():
        raise WarehouseError(f"{engine.location} doesn't exist: name the DuckDB file with --from")
    with engine.snapshot() as session:
        version = history.applied_version(engine, session)
    latest = history.migrations()[-1].version
    if version > latest:
        raise NewerTablesError(engine.location, version, latest)
    return "own" if version == latest else "earlier" if version else "foreign"


def upgraded_copy(engine: DuckDBEngine, path: Path) -> None:
    """Copy a file of an earlier version and bring the copy to this one."""
    with engine.snapshot() as session:
        copying.clone(session, path)
    Warehouse(DuckDBEngine(path, memory_limit="256MB", wait=0)).upgrade()


@contextmanager
def reading(engine: DuckDBEngine) -> Iterator["ForeignFile"]:
    """Open somebody else's file."""
    with engine.snapshot() as session:
        yield ForeignFile(session)


class ForeignFile:
    """An open file of unknown tables."""

    def __init__(self, session: DuckDBSession) -> None:
        self._session = session

    def tables(self) -> list[ForeignTable]:
        """Every table, raw before processed before final before the others."""
        columns: dict[tuple[str, str], list[str]] = {}
        for schema_, table, column in self._session.rows(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'news' AND NOT internal AND table_name IN "
            "(SELECT table_name FROM duckdb_tables() WHERE database_name = 'news') "
            "ORDER BY schema_name, table_name, column_index"
        ):
            columns.setdefault((schema_, table), []).append(column)
        found = [
            ForeignTable(
                *of,
                tuple(names),
                self._session.rows(
                    f"SELECT count(*) FROM {quoted_name(of[0])}.{quoted_name(of[1])}"
                )[0][0],
            )
            for of, names in columns.items()
        ]
        return sorted(found, key=lambda table: (table.rank, table.shown))

    def rows(self, table: ForeignTable) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read a table's rows by column name, each with its number from 1."""
        columns = ", ".join(quoted_name(name) for name in table.columns)
        with self._session.sibling() as connection:
            try:
                cursor = connection.execute(
                    f"SELECT {columns} FROM {quoted_name(table.schema)}.{quoted_name(table.name)}"
                )
                number = 0
                while batch := cursor.fetchmany(_FETCH_ROWS):
                    for row in batch:
                        number += 1
                        yield number, dict(zip(table.columns, row, strict=True))
            except duckdb.Error as error:
                raise WarehouseError(
                    f"{table.shown} can't be read: {str(error).splitlines()[0]}"
                ) from error
