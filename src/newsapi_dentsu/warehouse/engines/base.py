"""What the warehouse needs of a database engine, and nothing more.

SQL is written once, for both engines: unquoted names, `$1` parameters, PostgreSQL's type names
(DuckDB knows them too) and lists passed as arrays, one for each column.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import tenacity

from newsapi_dentsu.errors import WarehouseAwayError

Row = tuple[Any, ...]
T = TypeVar("T")

ALERTS_BUSY = "somebody else is looking at the alert rules and telling operators: try again"

FETCHED_BY_ANOTHER = "another process is fetching the same: it need not be fetched twice"


def no_place(places: int, wait: float) -> str:
    """Why somebody who wants to fetch may not."""
    return (
        f"{places} others are fetching already, as many as may at once (BACKFILL_JOBS), and none "
        f"ended within {wait:g} s: try again later"
    )


LONGEST_ENDING = 60.0
"""Seconds that the last one of those who work together may take to note that all is done."""

ENDING = f"others are just ending the same work, for more than {LONGEST_ENDING:g} s: try again"

DIMENSIONS = 384
"""How many numbers a vector of the table of embeddings has."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_console = logging.getLogger("newsapi_dentsu.connection")


class Session(Protocol):
    """One open transaction."""

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Run a query and return all its rows."""
        ...

    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        """Run a query and return its rows one by one, in bounded memory."""
        ...

    def execute(self, sql: str, *parameters: object) -> None:
        """Run a statement that returns nothing."""
        ...


class Engine(Protocol):
    """A database: transactions on it, and the few things that the two engines do differently."""

    name: str
    location: str
    """Where the data is, for people; without secrets."""

    other_schemas: tuple[str, ...]
    """Schemas that others than the pipeline use: Dagster's, where it stores here as well."""

    @property
    def patience(self) -> float:
        """Seconds for which work under way waits for a server that went away."""
        ...

    def transaction(self) -> AbstractContextManager[Session]:
        """Open a transaction for writing; commits on leaving, rolls back on an exception."""
        ...

    def snapshot(self) -> AbstractContextManager[Session]:
        """Open a read-only transaction that sees one consistent state."""
        ...

    def glance(self, sql: str) -> str:
        """The text that a statement without parameters gives, which is asked again and again.

        It has one row of one column, and is a transaction of its own: the quickest one.
        """
        with self.snapshot() as session:
            return str(one(session, sql))

    async def glance_here(self, sql: str) -> str | None:  # noqa: ARG002
        """As `glance`, without a thread that waits; None where it takes one."""
        return None

    def rehearsal(self) -> AbstractContextManager["Engine"]:
        """An engine on which all is as on this one, and nothing of what is done stays.

        The caller holds the run lock.
        """
        ...

    def kept_open(self) -> AbstractContextManager[None]:
        """Let transactions that follow each other at once share what opening costs.

        Others wait for that, a second at most; before waiting for anything else, call `release`.
        """
        ...

    def release(self) -> None:
        """Hold nothing until the next transaction."""
        ...

    def run_lock(self, holder: str, wait: float) -> AbstractContextManager[None]:
        """Hold the lock that keeps pipeline runs apart; a dead holder loses it.

        Raises:
            WarehouseBusyError: another run held it for longer than `wait` seconds.
        """
        ...

    def fetch_lock(
        self, holder: str, part: int, places: int, wait: float
    ) -> AbstractContextManager[Callable[[], None]]:
        """Hold the run lock together with others who only fetch; a dead holder loses it.

        A run keeps all of them out, and waits for them. What is given, when called, lets those
        runs in that are waiting, and takes the lock again after them.

        Args:
            holder: who holds it, for messages.
            part: what is fetched, as a number of at least 1,000: nobody else may at the same time.
            places: how many may fetch at once.
            wait: seconds to wait for a place, and for a run.

        Raises:
            WarehouseBusyError: somebody else fetches this part, or the wait was in vain.
        """
        ...

    def together(self, work: int) -> AbstractContextManager[Callable[[], bool]]:
        """Be known as one of those who do the same work; a dead one isn't any more.

        What is given, when called, stops that, and tells whether this was the last one. Until the
        block's end nobody else begins then.

        Args:
            work: what is worked on, as a signed number of 32 bits.
        """
        ...

    def exists(self) -> bool:
        """Tell whether there is a database to read."""
        ...

    def upgrade_lock(self) -> AbstractContextManager[None]:
        """Hold the lock that keeps apart those who create or alter tables, Dagster's included."""
        ...

    def run_under_way(self, session: Session) -> bool:
        """Tell whether somebody holds the run lock."""
        ...

    def alert_lock(self, wait: float) -> AbstractContextManager[None]:
        """Hold the lock that keeps apart those who tell operators; a dead holder loses it.

        Raises:
            WarehouseBusyError: somebody else held it for longer than `wait` seconds.
        """
        ...

    def used_bytes(self, session: Session) -> int:
        """How much storage the database takes."""
        ...

    def disk_free_bytes(self) -> int | None:
        """How much its disk has left, where that is this machine's."""
        ...

    def close(self) -> None:
        """Let go of whatever is kept open between transactions."""
        ...

    def index_names(self, session: Session) -> set[str]:
        """Name the indexes that exist in the pipeline's schemas."""
        ...

    def unique_indexes(self, session: Session) -> set[str]:
        """Name those of them that are unique."""
        ...

    def table_exists(self, session: Session, schema: str, table: str) -> bool:
        """Tell whether a table exists."""
        ...

    def schema_exists(self, session: Session, schema: str) -> bool:
        """Tell whether a schema exists."""
        ...

    def vector_type(self, session: Session) -> str:
        """The SQL type in which this database keeps a vector of `DIMENSIONS` numbers."""
        ...

    def lift_limits(self, session: Session) -> None:
        """Let this transaction's statements take the time and the memory that they need."""
        ...


def retry_while_unavailable(engine: Engine, attempt: Callable[[], T]) -> T:
    """Attempt again while the server is away, for `engine.patience` from its first absence.

    Raises:
        WarehouseAwayError: it did not come back in time.
        whatever else `attempt` raises.
    """
    deadline: float | None = None

    def stop(state: tenacity.RetryCallState) -> bool:
        nonlocal deadline
        now = time.monotonic()
        if deadline is None:
            deadline = now + engine.patience
            if now < deadline:
                error = state.outcome.exception() if state.outcome else None
                # Not by a logger that Dagster manages: it would write to the same server.
                _console.warning("Waiting up to %g s: %s", engine.patience, error)
        return now + state.upcoming_sleep > deadline

    result = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(WarehouseAwayError),
        stop=stop,
        wait=tenacity.wait_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
        reraise=True,
    )(attempt)
    if deadline is not None:
        _console.warning("The database is back: going on")
    return result


def one(session: Session, sql: str, *parameters: object) -> Any:
    """Return the first column of a query's only row."""
    return session.rows(sql, *parameters)[0][0]


def _arrays(columns: Mapping[str, str], rows: Sequence[Row]) -> tuple[str, list[object]]:
    unnested = ", ".join(
        f"unnest(${number}::{type_}[]) AS {name}"
        for number, (name, type_) in enumerate(columns.items(), start=1)
    )
    return unnested, [list(column) for column in zip(*rows, strict=True)]


def insert(session: Session, table: str, columns: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Insert rows in one statement.

    Args:
        session: the open transaction.
        table: the table's qualified name.
        columns: each column's name and SQL type, in the order of the rows' values.
        rows: the values.
    """
    if rows:
        unnested, arrays = _arrays(columns, rows)
        session.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {unnested}", *arrays)


def update(
    session: Session, table: str, key: str, columns: Mapping[str, str], rows: Sequence[Row]
) -> None:
    """Update rows by key in one statement; `columns` and the rows hold the key as well."""
    if rows:
        unnested, arrays = _arrays(columns, rows)
        assignments = ", ".join(f"{name} = v.{name}" for name in columns if name != key)
        session.execute(
            f"UPDATE {table} AS t SET {assignments} FROM (SELECT {unnested}) AS v "
            f"WHERE t.{key} = v.{key}",
            *arrays,
        )


def upsert(
    session: Session,
    table: str,
    key: Sequence[str],
    columns: Mapping[str, str],
    rows: Sequence[Row],
    merged: Mapping[str, str],
) -> None:
    """Insert rows in one statement, or update those whose key is there.

    Args:
        session: the open transaction.
        table: the table's qualified name.
        key: the columns of its primary key.
        columns: each column's name and SQL type, in the order of the rows' values.
        rows: the values.
        merged: the new value of a column where it isn't just that of the row (`excluded`).
    """
    if rows:
        unnested, arrays = _arrays(columns, rows)
        updates = ", ".join(
            f"{name} = {merged.get(name, f'excluded.{name}')}"
            for name in columns
            if name not in key
        )
        session.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {unnested} "
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}",
            *arrays,
        )


def delete(session: Session, table: str, key: str, values: Sequence[object]) -> None:
    """Delete the rows whose text `key` is among `values`."""
    if values:
        session.execute(
            f"DELETE FROM {table} WHERE {key} IN (SELECT unnest($1::text[]))", list(values)
        )
