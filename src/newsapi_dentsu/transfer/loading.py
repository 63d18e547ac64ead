"""Filling PostgreSQL from a DuckDB file: parallel COPY, part by part, so that it can be resumed.

While a transfer is under way the target holds the table `ops.transfer`, which keeps runs out (see
`history.applied_version`): row 0 says what is being loaded, every other row stands for a part that
is in, written in the transaction of that part. It goes when both sides have been proven equal.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import psycopg

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.transfer.tables import Table, plain_type, tables, wire_name
from newsapi_dentsu.warehouse.engines.base import retry_while_unavailable
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.postgres import (
    Connection,
    PostgresEngine,
    connection,
    own_sql,
    worded,
)
from newsapi_dentsu.warehouse.schema import history

STREAMS = 2
PART_ROWS = 1_000
_FETCH_ROWS = 100

_EPOCH = {"timestamptz": 946_684_800_000_000, "date": 10_957}
"""From 1970, where plain values begin, to 2000, where PostgreSQL's begin."""

_WIRE_LATEST, _WIRE_EARLIEST = 2**63 - 1, -(2**63)
_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table of the source, from one DuckDB row id to another, both inclusive."""

    number: int
    table: Table
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A transfer that has begun in the target and not ended."""

    source: str | None
    version: int
    restore: tuple[str, ...]


def parts(session: DuckDBSession) -> list[Part]:
    """Divide the source's tables; the same for the same file."""
    found: list[Part] = []
    for table in tables():
        ((last,),) = session.rows(f"SELECT max(rowid) FROM {table.name}")
        for first in range(0, 0 if last is None else last + 1, PART_ROWS):
            found.append(Part(len(found) + 1, table, first, first + PART_ROWS - 1))
    return found


def pending(engine: PostgresEngine) -> Pending | None:
    """The transfer that has begun in the target and not ended, if any."""
    with connection(engine) as opened:
        there = opened.execute("SELECT to_regclass('ops.transfer') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return None
        found = opened.execute("SELECT note FROM ops.transfer WHERE part = 0").fetchone()
    note = json.loads(found[0]) if found else {"source": None, "version": 0, "restore": []}
    return Pending(note["source"], note["version"], tuple(note["restore"]))


def discard(engine: PostgresEngine, left: Pending) -> None:
    """Empty a target that an unfinished transfer has filled in part, and open it again."""
    with connection(engine) as opened, opened.transaction():
        for (name,) in opened.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname || '.' || tablename = ANY(%s)",
            [[*(table.name for table in tables()), *history.CACHES]],
        ).fetchall():
            opened.execute(own_sql(f"TRUNCATE {name}"))
        for statement in left.restore:
            opened.execute(own_sql(statement))
        opened.execute("DROP TABLE ops.transfer")


def begin(engine: PostgresEngine, source: str | None, *, compress: bool) -> Pending:
    """Empty the target's tables, close it to runs and make it quick to fill.

    Raises:
        WarehouseError: the target's encoding isn't UTF-8, or the role may not do this.
    """
    with connection(engine) as opened, opened.transaction():
        encoding = opened.execute("SHOW server_encoding").fetchone()
        if encoding and encoding[0] != "UTF8":
            raise WarehouseError(
                f"PostgreSQL at {engine.location}: the database's encoding is {encoding[0]}: "
                "create it with ENCODING 'UTF8'"
            )
        names = ", ".join([*(table.name for table in tables()), *history.CACHES])
        opened.execute(own_sql(f"TRUNCATE {names}"))
        for name, statement in history.indexes("PostgreSQL").items():
            opened.execute(own_sql(history.drop_index(name, statement)))
        restore = _quick_storage(opened, compress=compress)
        note = Pending(source, history.migrations()[-1].version, tuple(restore))
        opened.execute(
            "CREATE TABLE ops.transfer (part integer NOT NULL PRIMARY KEY, note text NOT NULL)"
        )
        opened.execute(
            "INSERT INTO ops.transfer (part, note) VALUES (0, %s)",
            [json.dumps({"source": source, "version": note.version, "restore": restore})],
        )
    return note


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


def release(engine: PostgresEngine) -> None:
    """Open the target to runs; everything before this is on the server's disk when it returns."""
    with connection(engine) as opened, opened.transaction():
        opened.execute("SET LOCAL synchronous_commit = on")
        opened.execute("DROP TABLE ops.transfer")


def distrust(engine: PostgresEngine) -> None:
    """Have the next migration begin anew, as what was loaded turned out not to be right."""
    with connection(engine) as opened:
        note = json.dumps({"source": None, "version": 0, "restore": []})
        opened.execute("UPDATE ops.transfer SET note = %s WHERE part = 0", [note])


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
    columns = ", ".join(_wire_value(*column) for column in table.columns.items())
    types = [wire_name(plain_type(kind)) for kind in table.columns.values()]
    try:
        with target.transaction(), target.cursor() as cursor:
            taken = cursor.execute(
                "INSERT INTO ops.transfer (part, note) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [part.number, table.name],
            ).rowcount
            if not taken:
                return
            rows = source.execute(
                f"SELECT {columns} FROM {table.name} "
                f"WHERE rowid BETWEEN {part.first} AND {part.last}"
            )
            statement = f"COPY {table.name} ({table.names}) FROM STDIN (FORMAT binary)"
            with cursor.copy(own_sql(statement)) as copy:
                copy.set_types(types)
                while batch := rows.fetchmany(_FETCH_ROWS):
                    for row in batch:
                        copy.write_row(row)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        message = error.diag.message_primary or str(error)
        raise WarehouseError(
            f"{_culprit(source, part)} can't be stored in PostgreSQL ({message}): "
            "mend it in the DuckDB file and run again"
        ) from error
    except psycopg.Error as error:
        raise worded(location, error) from error


def _wire_value(column: str, kind: str) -> str:
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
    def ask() -> set[int]:
        with connection(engine) as opened:
            return {number for (number,) in opened.execute("SELECT part FROM ops.transfer")}

    there = retry_while_unavailable(engine, ask)
    return [part for part in every if part.number not in there]


def _quick_storage(opened: Connection, *, compress: bool) -> list[str]:
    """Make long texts cheap to store while loading; returns the statements that undo it."""
    lz4 = opened.execute(
        "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' "
        "AND 'lz4' = ANY(enumvals)"
    ).fetchone()
    if lz4 is None and compress:
        return []
    restore = []
    for table in tables():
        found = opened.execute(
            "SELECT attname, attstorage::text, attcompression::text FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND atttypid = 'text'::regtype",
            [table.name],
        ).fetchall()
        change, undo = [], []
        for name, storage, compression in found:
            if lz4 is None:
                # pglz takes most of the time of loading; what comes later is compressed again.
                change.append(f"ALTER COLUMN {name} SET STORAGE EXTERNAL")
                undo.append(f"ALTER COLUMN {name} SET STORAGE {_STORAGE[storage]}")
            else:
                before = {"p": "pglz", "l": "lz4"}.get(compression, "default")
                change.append(f"ALTER COLUMN {name} SET COMPRESSION lz4")
                undo.append(f"ALTER COLUMN {name} SET COMPRESSION {before}")
        opened.execute(own_sql(f"ALTER TABLE {table.name} {', '.join(change)}"))
        restore.append(f"ALTER TABLE {table.name} {', '.join(undo)}")
    return restore


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
