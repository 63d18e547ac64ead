"""Filling a new DuckDB file from one snapshot of PostgreSQL, in constant memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.transfer.postgres_snapshot import PostgresSnapshot
from newsapi_dentsu.transfer.tables import Table, duckdb_typed, plain_type, tables
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.schema import history

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 8_000_000


@contextmanager
def writing(path: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Make a DuckDB file with the pipeline's empty tables and open it for loading in bulk.

    The indexes are built at the end of the block.

    Raises:
        WarehouseError: the file can't be written, or a row is there twice that must not be.
    """
    Warehouse(DuckDBEngine(path, memory_limit=memory, wait=0)).upgrade()
    try:
        with _instance(path, memory) as target:
            target.execute(f"ATTACH {quoted_text(path)} AS news")
            target.execute("USE news")
            target.execute("SET TimeZone = 'UTC'")
            # One checkpoint at the end, since each of them compresses the texts.
            target.execute("SET checkpoint_threshold = '1TB'")
            for name, statement in history.indexes("DuckDB").items():
                target.execute(history.drop_index(name, statement))
            yield target
            for statement in history.indexes("DuckDB").values():
                target.execute(statement)
            target.execute("USE memory")
            target.execute("DETACH news")
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: {str(error).splitlines()[0]}") from error


def _instance(path: Path, memory: str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        ":memory:", config={"memory_limit": memory, "temp_directory": f"{path}.spill"}
    )


def build(there: PostgresSnapshot, path: Path, memory: str, progress: Progress) -> None:
    """Make a DuckDB file with everything that a snapshot holds.

    Raises:
        WarehouseError: a side can't be used.
    """
    total = sum(there.count(table) for table in tables())
    done = 0
    with writing(path, memory) as target:
        for table in tables():
            insert = _insert(table)
            target.execute("BEGIN")
            for batch in _batches(there.rows(table)):
                target.execute(insert, [list(column) for column in zip(*batch, strict=True)])
                done += len(batch)
                progress(done, total)
            target.execute("COMMIT")


def clone(session: DuckDBSession, path: Path) -> None:
    """Copy an open DuckDB file, whatever is in it, to a new one.

    Raises:
        WarehouseError: the new file can't be written.
    """
    try:
        with session.sibling() as connection:
            connection.execute(f"ATTACH {quoted_text(path)} AS clone")
            connection.execute("COPY FROM DATABASE news TO clone")
            connection.execute("DETACH clone")
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: {str(error).splitlines()[0]}") from error


def _insert(table: Table) -> str:
    plain = ", ".join(
        f"unnest(${number}::{plain_type(kind)}[]) AS {name}"
        for number, (name, kind) in enumerate(table.columns.items(), start=1)
    )
    typed = ", ".join(duckdb_typed(*column) for column in table.columns.items())
    return f"INSERT INTO {table.name} ({table.names}) SELECT {typed} FROM (SELECT {plain}) AS v"


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
