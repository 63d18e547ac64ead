"""Filling PostgreSQL from a DuckDB file: parallel COPY, part by part, so that it can be resumed."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import psycopg

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.transfer.tables import Table, plain_type, tables, wire_name
from newsapi_dentsu.transfer.unfinished import Pending, note_part, parts_there
from newsapi_dentsu.warehouse.engines.base import retry_while_unavailable
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.postgres import (
    PostgresEngine,
    connection,
    own_sql,
    worded,
)
from newsapi_dentsu.warehouse.engines.postgres_session import Connection
from newsapi_dentsu.warehouse.schema import history

STREAMS = 2
PART_ROWS = 1_000
_FETCH_ROWS = 100

_EPOCH = {"timestamptz": 946_684_800_000_000, "date": 10_957}
"""From 1970, where plain values begin, to 2000, where PostgreSQL's begin."""

_WIRE_LATEST, _WIRE_EARLIEST = 2**63 - 1, -(2**63)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table of the source, from one DuckDB row id to another, both inclusive."""

    number: int
    table: Table
    first: int
    last: int


def parts(session: DuckDBSession) -> list[Part]:
    """Divide the source's tables; the same for the same file."""
    found: list[Part] = []
    for table in tables():
        ((last,),) = session.rows(f"SELECT max(rowid) FROM {table.name}")
        for first in range(0, 0 if last is None else last + 1, PART_ROWS):
            found.append(Part(len(found) + 1, table, first, first + PART_ROWS - 1))
    return found


def load(source: DuckDBSession, engine: PostgresEngine, progress: Progress) -> None:
    """Copy every part that the target doesn't have yet.

    Raises:
        WarehouseError: a part can't be stored; the parts before it are.
    """
    every = parts(source)
    while missing := _missing(engine, every):
        # A server that crashed may have lost parts whose storing it had confirmed: look again.
        _Load(source, engine, missing, len(every), progress).run()


def finish(engine: PostgresEngine, plan: Pending) -> None:
    """Build the indexes, in parallel, and put the storage settings back.

    Raises:
        WarehouseError: rows are there twice that must not be.
    """
    with connection(engine) as opened, opened.transaction():
        for statement in plan.restore:
            opened.execute(own_sql(statement))
    with engine.snapshot() as session:
        existing = engine.index_names(session)
    statements = deque(
        statement
        for name, statement in history.indexes("PostgreSQL").items()
        if name not in existing
    )

    def build() -> None:
        with connection(engine) as opened:
            while statements:
                try:
                    statement = statements.popleft()
                except IndexError:
                    return
                opened.execute(own_sql(statement))

    in_parallel([build] * STREAMS)
    with connection(engine) as opened:
        for table in tables():
            opened.execute(own_sql(f"ANALYZE {table.name}"))


class _Load:
    """The parts of one attempt and the threads that copy them."""

    def __init__(
        self,
        source: DuckDBSession,
        engine: PostgresEngine,
        missing: Sequence[Part],
        total: int,
        progress: Progress,
    ) -> None:
        self._source = source
        self._engine = engine
        self._queue = deque(missing)
        self._done = total - len(missing)
        self._total = total
        self._progress = progress
        self._lock = threading.Lock()

    def run(self) -> None:
        self._progress(self._done, self._total)
        in_parallel([self._work] * STREAMS, stop=self._queue.clear)

    def _work(self) -> None:
        source = self._source.sibling()
        target: Connection | None = None
        try:
            while True:
                try:
                    part = self._queue.popleft()
                except IndexError:
                    return

                def attempt(part: Part = part) -> None:
                    nonlocal target
                    if target is None or target.closed:
                        target = self._engine.connect()
                        target.execute("SET statement_timeout = 0")
                        # What a crash would lose is found missing and copied again.
                        target.execute("SET synchronous_commit = off")
                    _copy(source, target, self._engine.location, part)

                retry_while_unavailable(self._engine, attempt)
                with self._lock:
                    self._done += 1
                    self._progress(self._done, self._total)
        finally:
            source.close()
            if target is not None:
                target.close()


def _copy(source: duckdb.DuckDBPyConnection, target: Connection, location: str, part: Part) -> None:
    table = part.table
    columns = ", ".join(wire_value(*column) for column in table.columns.items())
    try:
        with target.transaction(), target.cursor() as cursor:
            if not note_part(target, part.number, table.name):
                return
            rows = source.execute(
                f"SELECT {columns} FROM {table.name} "
                f"WHERE rowid BETWEEN {part.first} AND {part.last}"
            )
            statement = f"COPY {table.name} ({table.names}) FROM STDIN (FORMAT binary)"
            copy_rows(rows, cursor, statement, list(table.columns.values()))
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        message = error.diag.message_primary or str(error)
        raise WarehouseError(
            f"{_culprit(source, part)} can't be stored in PostgreSQL ({message}): "
            "fix it in the DuckDB file and run again"
        ) from error
    except psycopg.Error as error:
        raise worded(location, error) from error


def copy_rows(
    rows: duckdb.DuckDBPyConnection,
    cursor: psycopg.Cursor[Any],
    statement: str,
    kinds: Sequence[str],
) -> None:
    """Send what DuckDB has found by COPY in the binary format, a few rows at a time.

    Args:
        rows: the executed query, whose columns are `wire_value`s.
        cursor: where the rows go.
        statement: the COPY.
        kinds: the SQL types of the columns.
    """
    with cursor.copy(own_sql(statement)) as copy:
        copy.set_types([wire_name(plain_type(kind)) for kind in kinds])
        while batch := rows.fetchmany(_FETCH_ROWS):
            for row in batch:
                copy.write_row(row)


def wire_value(column: str, kind: str) -> str:
    """An expression for DuckDB: what PostgreSQL's binary format holds for the column."""
    if kind == "timestamptz":
        return (
            f"CASE WHEN {column} IS NULL THEN NULL WHEN isfinite({column}) "
            f"THEN epoch_us({column}) - {_EPOCH[kind]} "
            f"WHEN {column} > TIMESTAMPTZ '2000-01-01 00:00:00+00' THEN {_WIRE_LATEST} "
            f"ELSE {_WIRE_EARLIEST} END"
        )
    if kind == "date":
        return f"CAST({column} - DATE '1970-01-01' AS integer) - {_EPOCH[kind]}"
    return column


def _culprit(source: duckdb.DuckDBPyConnection, part: Part) -> str:
    """Where the trouble is: a row that holds a NUL character, else the part."""
    table = part.table
    texts = [name for name, kind in table.columns.items() if kind == "text"]
    found = source.execute(
        f"SELECT {', '.join(table.key)} FROM {table.name} "
        f"WHERE rowid BETWEEN {part.first} AND {part.last} AND "
        f"({' OR '.join(f'contains({name}, chr(0))' for name in texts)}) LIMIT 1"
    ).fetchall()
    if found:
        row = ", ".join(f"{name} {value}" for name, value in zip(table.key, found[0], strict=True))
        return f"The row {row} of {table.name}, which holds a NUL character,"
    return f"One of the rows {part.first} to {part.last} (rowid) of {table.name}"


def _missing(engine: PostgresEngine, every: Sequence[Part]) -> list[Part]:
    there = retry_while_unavailable(engine, lambda: parts_there(engine))
    return [part for part in every if part.number not in there]


def in_parallel(
    jobs: Sequence[Callable[[], None]], stop: Callable[[], None] = lambda: None
) -> None:
    """Run jobs at once; the first failure stops the others and is raised."""
    failures: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            failures.append(error)
            stop()

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        stop()
        raise
    if failures:
        raise failures[0]
