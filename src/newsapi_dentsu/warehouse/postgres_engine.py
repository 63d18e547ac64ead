"""PostgreSQL: pooled connections, one advisory lock for runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql as psql
from psycopg.raw_cursor import RawCursor, RawServerCursor
from typing_extensions import override

from newsapi_dentsu.errors import WarehouseBusyError, WarehouseError
from newsapi_dentsu.warehouse.engine import Engine, Row, Session

RUN_LOCK = 4_612_790
"""Key of the advisory lock that keeps pipeline runs apart; any number that nobody else uses."""

_STREAM_ROWS = 1000


class PostgresSession(Session):
    """A transaction on the server."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        with RawCursor(self._connection) as cursor:
            return cursor.execute(_trusted(sql), parameters).fetchall()

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        with RawServerCursor(self._connection, "stream") as cursor:
            cursor.itersize = _STREAM_ROWS
            yield from cursor.execute(_trusted(sql), parameters)

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        with RawCursor(self._connection) as cursor:
            cursor.execute(_trusted(sql), parameters)


class PostgresEngine(Engine):
    """The warehouse on a PostgreSQL server."""

    name = "PostgreSQL"

    def __init__(
        self, *, host: str, port: int, database: str, user: str, password: str | None, wait: float
    ) -> None:
        self._connect: dict[str, Any] = {
            "host": host,
            "port": port,
            "dbname": database,
            "user": user,
            "password": password,
            "connect_timeout": max(2, int(wait)),
            "application_name": "newsapi",
            "options": "-c timezone=UTC",
        }
        self._connection: psycopg.Connection[Row] | None = None
        self.location = f"{user}@{host}:{port}/{database}"

    @override
    def exists(self) -> bool:
        return True

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._errors_explained():
            connection = self._ready()
            with connection.transaction():
                yield PostgresSession(connection)

    @override
    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with self._errors_explained():
            connection = self._ready()
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield PostgresSession(connection)

    @override
    @contextmanager
    def run_lock(self, holder: str, wait: float) -> Iterator[None]:
        with self._errors_explained():
            # A connection of its own: the lock must outlive every transaction of the run.
            connection = psycopg.connect(**self._connect, autocommit=True)
        try:
            with self._errors_explained():
                name = f"newsapi: {holder}"[:63]
                connection.execute(psql.SQL("SET application_name = {}").format(psql.Literal(name)))
                self._take(connection, wait)
            yield
        finally:
            connection.close()

    def _take(self, connection: psycopg.Connection[Row], wait: float) -> None:
        got = connection.execute("SELECT pg_try_advisory_lock(%s)", [RUN_LOCK]).fetchone()
        if got and got[0]:
            return
        if wait > 0:
            milliseconds = max(1, int(wait * 1000))
            connection.execute(psql.SQL("SET lock_timeout = {}").format(psql.Literal(milliseconds)))
            try:
                connection.execute("SELECT pg_advisory_lock(%s)", [RUN_LOCK])
                return
            except psycopg.errors.LockNotAvailable:
                pass
        found = connection.execute(
            "SELECT a.application_name, a.pid, a.backend_start FROM pg_locks l "
            "JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted",
            [RUN_LOCK],
        ).fetchone()
        who = f"{found[0]}, backend {found[1]}, since {found[2]:%H:%M:%S}" if found else "unknown"
        raise WarehouseBusyError(
            f"another run is under way ({who}) and didn't end within {wait:g} s; "
            "nothing was done. Try again later, or raise RUN_WAIT_SECONDS."
        )

    @override
    def index_names(self, session: Session) -> set[str]:
        return {
            name
            for (name,) in session.rows(
                "SELECT indexname FROM pg_indexes "
                "WHERE schemaname IN ('raw', 'processed', 'final', 'ops')"
            )
        }

    @override
    def table_exists(self, session: Session, schema: str, table: str) -> bool:
        return bool(
            session.rows(
                "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2", schema, table
            )
        )

    def _ready(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = psycopg.connect(**self._connect, autocommit=True)
        return self._connection

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError as error:
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WarehouseError(f"PostgreSQL at {self.location}: {first_line}") from error


def _trusted(sql: str) -> LiteralString:
    # The text is the warehouse's own; every value goes as a parameter.
    return sql
