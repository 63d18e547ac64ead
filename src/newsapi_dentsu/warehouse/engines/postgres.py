"""PostgreSQL: pooled connections, advisory locks, and a server that may go away for a while."""

import asyncio
import atexit
import logging
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from typing import Any, Literal, LiteralString

import psycopg
import tenacity
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.raw_cursor import RawCursor, RawServerCursor
from psycopg_pool import ConnectionPool, PoolTimeout
from typing_extensions import override

from newsapi_dentsu.deadline import Deadline, within
from newsapi_dentsu.errors import (
    AlertsBusyError,
    WarehouseAwayError,
    WarehouseBusyError,
    WarehouseError,
)
from newsapi_dentsu.warehouse.engines.base import (
    ALERTS_BUSY,
    DIMENSIONS,
    ENDING,
    FETCHED_BY_ANOTHER,
    LONGEST_ENDING,
    Engine,
    Row,
    Session,
    no_place,
    one,
    retry_while_unavailable,
)
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey
from newsapi_dentsu.warehouse.engines.postgres_errors import (
    explained,
    held_up,
    lost,
    password_refused,
    soon_ready,
)
from newsapi_dentsu.warehouse.engines.postgres_login import Address, login
from newsapi_dentsu.warehouse.engines.postgres_servers import Servers, refuse_fenced
from newsapi_dentsu.warehouse.engines.postgres_session import (
    Connection,
    backend_pid,
    cut,
    is_pooled,
    lock_holder,
    prepare_session,
    refuse_lost_schema,
    refuse_narrow_encoding,
    refuse_shared_sessions,
    table_holder,
)
from newsapi_dentsu.warehouse.engines.postgres_silence import (
    LOGIN_SECONDS,
    QUIET_SECONDS,
    SILENT,
    HeardConnection,
    Silence,
)

_INDEXES = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('raw', 'processed', 'final', 'ops')"
)
CREATE_PGVECTOR = (
    "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS vector SCHEMA public; "
    "EXCEPTION WHEN OTHERS THEN NULL; END $$"
)
"""Creates pgvector where the server has it and the role may; without it vectors are bytes."""

_HALFVEC = (
    "SELECT quote_ident(n.nspname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE t.typname = 'halfvec' AND has_schema_privilege(n.oid, 'USAGE') "
    "AND has_type_privilege(t.oid, 'USAGE')"
)
_STREAM_ROWS = 1000
_GLANCE = b"glance"
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY)
_IDLE_SECONDS = 300.0
_LIFETIME_SECONDS = 1800.0
_POOL_SLICE = 0.25
_PAUSE = 0.5
_LONGEST_LOCK = 600.0
"""Seconds that tables are waited for which another process alters, where no limit is set."""

# What it says about lost connections is said by this module, once and in words of its own.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class PostgresSession(Session):
    """A transaction on the server."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        with RawCursor(self.connection) as cursor:
            return cursor.execute(own_sql(sql), parameters).fetchall()

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        with RawServerCursor(self.connection, "stream") as cursor:
            cursor.itersize = _STREAM_ROWS
            yield from cursor.execute(own_sql(sql), parameters)

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        with RawCursor(self.connection) as cursor:
            cursor.execute(own_sql(sql), parameters)


class PostgresEngine(Engine):
    """The warehouse on a PostgreSQL server.

    While a run holds the run lock, it writes on the very connection that holds it. So a lost
    connection is a lost lock, and no transaction can land beside another run's: before the next
    one the lock is taken again, or the run fails because somebody else has it.
    """

    name = "PostgreSQL"
    other_schemas = ("dagster",)

    def __init__(
        self,
        *,
        host: str,
        port: int,
        database: str,
        user: str,
        password: str | None,
        wait: float,
        role: str | None = None,
        auth: Literal["password", "entra"] = "password",
        password_url: str | None = None,
        standby: tuple[str, int] | None = None,
        sslmode: str = "prefer",
        sslrootcert: str | None = None,
        pool_size: int = 4,
        statement_timeout: float = 300,
        lock_timeout: float = 60,
        patience: float = 180,
        silence: Silence | None = None,
    ) -> None:
        longest_login = int(wait) if silence is None else min(int(wait), LOGIN_SECONDS)
        self._address = Address(
            host=host,
            port=port,
            database=database,
            user=user,
            connect_timeout=max(2, longest_login),
            sslmode=sslmode,
            sslrootcert=sslrootcert,
        )
        self._role = role
        self._statement_timeout = statement_timeout
        self._lock_timeout = lock_timeout
        self._pooled_sessions: bool | None = None
        self.login = login(auth, password, password_url)
        others = [replace(self._address, host=standby[0], port=standby[1])] if standby else []
        self.servers = Servers([self._address, *others], self.login.password)
        self._wait = wait
        self._pool_size = pool_size
        self._pool: ConnectionPool[Connection] | None = None
        self._lent = 0
        self._glancing = threading.Lock()
        self._glance: Connection | None = None
        self._glance_since = 0.0
        self._glance_of = ""
        self._closed_at_exit = False
        self._run: _HeldLock | None = None
        self._patience = patience
        self._was_there = False
        self._silence = silence
        if silence is not None:
            silence.reach_by(lambda: self._attempt().close())
        self.location = self._address.shown

    @property
    @override
    def patience(self) -> float:
        # A server that never was there isn't coming back.
        return self._patience if self._was_there else 0

    @override
    def exists(self) -> bool:
        return True

    @override
    def close(self) -> None:
        if (glance := self._glance) is not None:
            # Another thread may wait on it, and mustn't find it freed.
            cut(glance)
            if self._glancing.acquire(timeout=_PAUSE):
                self._let_glancing_go()
                self._glancing.release()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        atexit.unregister(self.close)
        self._closed_at_exit = False

    def _close_at_exit(self) -> None:
        if not self._closed_at_exit:
            self._closed_at_exit = True
            atexit.register(self.close)

    def connect(self) -> Connection:
        """Open a connection of the caller's own, outside the pool, that commits each statement.

        Raises:
            WarehouseError: there is none to be had; see `postgres_errors`.
        """
        with self._errors_explained():
            return self._connect()

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with (
            self._errors_explained(),
            self._writing_connection() as connection,
            connection.transaction(),
        ):
            yield PostgresSession(connection)

    @override
    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with self._errors_explained(), self._pooled() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                yield PostgresSession(connection)
            finally:
                with suppress(psycopg.Error):
                    connection.rollback()

    @override
    def glance(self, sql: str) -> str:
        with self._errors_explained(), self._glancing:
            self._refuse_silent()
            try:
                return self._glanced(sql)
            except psycopg.OperationalError as error:
                if not lost(error):
                    raise
                # Since the last time: a new one will do.
                self._let_glancing_go()
            return self._glanced(sql)

    @override
    async def glance_here(self, sql: str) -> str | None:
        if not self._glancing.acquire(blocking=False):
            return None
        try:
            ready = (
                self._glance is not None and self._glance_of == sql and not self._glance_is_old()
            )
            if self._glance is None or not ready or self._glance.closed:
                return None
            there, told = self._glance.pgconn, None
            try:
                there.send_query_prepared(_GLANCE, [])
                told = _told(there, await _arrived(there, self._glance_seconds))
            except psycopg.Error:
                # Whoever asks in a thread is told what is wrong.
                return None
            finally:
                if told is None:
                    self._let_glancing_go()
            return _text_in(told)
        finally:
            self._glancing.release()

    @property
    def _glance_seconds(self) -> float:
        """The longest wait for an answer: a server that is frozen keeps no limit of its own."""
        return min(self._address.connect_timeout, QUIET_SECONDS)

    def _glance_is_old(self) -> bool:
        return time.monotonic() - self._glance_since > _LIFETIME_SECONDS

    def _glanced(self, sql: str) -> str:
        """What a statement tells on the connection that is kept for glances.

        It is asked through libpq itself: what psycopg does around it takes longer than the rest.
        """
        if self._glance_is_old() or self._glance_of != sql:
            self._let_glancing_go()
        if self._glance is None or self._glance.closed:
            self._glance, self._glance_since = self._connect(), time.monotonic()
            self._close_at_exit()
            self._glance_of = ""
            there = self._glance.pgconn
            there.send_prepare(_GLANCE, sql.encode())
            _told(there, _awaited(there, self._glance_seconds))
            self._glance_of = sql
        there = self._glance.pgconn
        there.send_query_prepared(_GLANCE, [])
        return _text_in(_told(there, _awaited(there, self._glance_seconds)))

    def _let_glancing_go(self) -> None:
        if self._glance is not None:
            self._glance.close()
            self._glance = None

    @override
    @contextmanager
    def rehearsal(self) -> Iterator[Engine]:
        with (
            self._errors_explained(),
            self._writing_connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            yield _Rehearsal(self, connection)

    @override
    @contextmanager
    def kept_open(self) -> Iterator[None]:
        # Connections are pooled anyway.
        yield

    @override
    def release(self) -> None:
        """A pooled connection keeps nobody out."""

    @override
    @contextmanager
    def run_lock(self, holder: str, wait: float) -> Iterator[None]:
        held = _HeldLock(LockKey.RUN, f"newsapi: {holder}")
        deadline = time.monotonic() + wait

        def take() -> None:
            with self._errors_explained():
                held.take(self._connect(), max(0, deadline - time.monotonic()), wait)
                refuse_fenced(held.connection)

        outer, self._run = self._run, held
        try:
            retry_while_unavailable(self, take)
            yield
        finally:
            self._run = outer
            held.release()

    @override
    @contextmanager
    def fetch_lock(
        self, holder: str, part: int, places: int, wait: float
    ) -> Iterator[Callable[[], None]]:
        held = _HeldFetchLock(f"newsapi: {holder}", part, places)
        deadline = time.monotonic() + wait

        def take() -> None:
            with self._errors_explained():
                held.take(self._connect(), max(0, deadline - time.monotonic()), wait)
                refuse_fenced(held.connection)

        def give_way() -> None:
            with self._errors_explained():
                held.give_way(wait)
                refuse_fenced(held.connection)

        outer, self._run = self._run, held
        try:
            retry_while_unavailable(self, take)
            yield give_way
        finally:
            self._run = outer
            held.release()

    @override
    @contextmanager
    def together(self, work: int) -> Iterator[Callable[[], bool]]:
        key = (LockKey.TOGETHER.value, work)
        with ExitStack() as held:

            def connected() -> Connection:
                connection = held.enter_context(closing(self._connect()))
                # It is idle until the work is done.
                connection.execute("SET idle_session_timeout = 0")
                return connection

            def ends_last() -> bool:
                with self._errors_explained():
                    with suppress(psycopg.Error):
                        working.execute("SELECT pg_advisory_unlock_shared(%s, %s)", key)
                    # The connection may have been lost meanwhile.
                    return _first(connected(), "SELECT pg_try_advisory_lock(%s, %s)", key)

            with self._errors_explained():
                working = connected()
                deadline = time.monotonic() + LONGEST_ENDING
                while not _first(working, "SELECT pg_try_advisory_lock_shared(%s, %s)", key):
                    if time.monotonic() >= deadline:
                        raise WarehouseBusyError(ENDING)
                    time.sleep(_PAUSE)
            yield ends_last

    @override
    @contextmanager
    def upgrade_lock(self) -> Iterator[None]:
        with self._errors_explained():
            connection = self._connect()
        wait = self._lock_timeout or _LONGEST_LOCK
        with connection:
            refuse_narrow_encoding(self.location, connection)
            with self._errors_explained():
                if not _lock(connection, LockKey.UPGRADE, wait):
                    raise WarehouseBusyError(
                        f"{self.location}: another process creates or alters the tables "
                        f"({lock_holder(connection, LockKey.UPGRADE)}) and didn't end within "
                        f"{wait:g} s; nothing was done. Try again later, or end that process."
                    )
            yield

    @override
    def run_under_way(self, session: Session) -> bool:
        return bool(
            session.rows(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                LockKey.RUN.value,
            )
        )

    @override
    @contextmanager
    def alert_lock(self, wait: float) -> Iterator[None]:
        with self._errors_explained():
            connection = self._connect()
        with connection:
            with self._errors_explained():
                if not _lock(connection, LockKey.ALERTS, wait):
                    holder = lock_holder(connection, LockKey.ALERTS)
                    raise AlertsBusyError(f"{ALERTS_BUSY} (it is {holder})")
            yield

    @override
    def used_bytes(self, session: Session) -> int:
        used: int = one(session, "SELECT pg_database_size(current_database())")
        return used

    @override
    def disk_free_bytes(self) -> int | None:
        return None

    @override
    def index_names(self, session: Session) -> set[str]:
        return {name for (name,) in session.rows(f"{_INDEXES} AND i.indisvalid")}

    @override
    def unique_indexes(self, session: Session) -> set[str]:
        return {name for (name,) in session.rows(f"{_INDEXES} AND i.indisvalid AND i.indisunique")}

    @override
    def table_exists(self, session: Session, schema: str, table: str) -> bool:
        return bool(
            session.rows(
                "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2", schema, table
            )
        )

    @override
    def schema_exists(self, session: Session, schema: str) -> bool:
        return bool(session.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema))

    @override
    def vector_type(self, session: Session) -> str:
        session.execute(CREATE_PGVECTOR)
        found = session.rows(_HALFVEC)
        return f"{found[0][0]}.halfvec({DIMENSIONS})" if found else "bytea"

    @override
    def lift_limits(self, session: Session) -> None:
        session.execute("SET LOCAL statement_timeout = 0")

    @contextmanager
    def _writing_connection(self) -> Iterator[Connection]:
        if self._run is None:
            with self._pooled() as connection:
                yield connection
        else:
            if self._run.lost:
                self._run.take_again(self._connect())
            yield self._run.connection

    @contextmanager
    def _pooled(self) -> Iterator[Connection]:
        pool = self._opened_pool()
        connection = self._borrow(pool)
        self._lent += 1
        try:
            yield connection
        finally:
            self._lent -= 1
            pool.putconn(connection)

    def _opened_pool(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            self._pool = ConnectionPool(
                connection_class=HeardConnection,
                kwargs=self._parameters,
                configure=self._prepare,
                min_size=0,
                max_size=self._pool_size,
                open=True,
                check=self._check,
                max_idle=_IDLE_SECONDS,
                max_lifetime=_LIFETIME_SECONDS,
                # A failed attempt is not repeated behind our back, at ever longer intervals.
                reconnect_timeout=0,
                num_workers=1,
            )
            self._close_at_exit()
        return self._pool

    def _check(self, connection: Connection) -> None:
        """Try a connection that has lain idle: the network may have forgotten it without a word.

        Raises:
            psycopg.OperationalError: it is lost, or didn't answer in time.
        """
        there, seconds = connection.pgconn, self._glance_seconds
        if self._silence is None:
            seconds = self._address.connect_timeout
        try:
            there.send_query(b"")
            _told(there, _awaited(there, seconds))
        except psycopg.OperationalError:
            if self._pool is not None and there.status == ConnStatus.OK:
                # What has befallen one that says nothing has befallen the others.
                self._pool.drain()
            raise

    def _borrow(self, pool: ConnectionPool[Connection]) -> Connection:
        def borrow() -> Connection:
            self._refuse_silent()
            try:
                return pool.getconn(timeout=_POOL_SLICE)
            except PoolTimeout:
                if self._lent < self._pool_size:
                    # The pool doesn't tell why it has none: an attempt of one's own does.
                    self._connect().close()
                raise

        try:
            connection = tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(PoolTimeout),
                stop=tenacity.stop_after_delay(self._wait),
                reraise=True,
            )(borrow)
        except PoolTimeout:
            raise WarehouseBusyError(
                f"all {self._pool_size} connections of this process to {self.location} "
                "are in use: raise POSTGRES_POOL_SIZE"
            ) from None
        self._was_there = True
        return connection

    def _refuse_silent(self) -> None:
        if self._silence is not None:
            self._silence.refuse()

    def _connect(self) -> Connection:
        """Connect; a server that has no connection free or is starting is given a little time.

        So is a password that is just being changed.
        """

        def soon(error: BaseException) -> bool:
            return soon_ready(error) or (
                isinstance(error, psycopg.OperationalError)
                and password_refused(error)
                and self.login.refused()
            )

        connection = tenacity.Retrying(
            retry=tenacity.retry_if_exception(soon),
            stop=tenacity.stop_before_delay(self._wait),
            wait=tenacity.wait_fixed(_PAUSE),
            reraise=True,
        )(self._attempt)
        self._was_there = True
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def reaching(self) -> dict[str, Any]:
        """Where another library has to connect to at this moment, and with which password.

        Raises:
            WarehouseError: no server takes writes, or the vault gives no password.
        """
        address = self.servers.choose()
        return {"host": address.host, "port": address.port, "password": self.login.password()}

    def _attempt(self) -> Connection:
        try:
            return HeardConnection.connect(**self._parameters())
        except psycopg.OperationalError as error:
            self.servers.forget()
            if self._silence is not None and isinstance(error, psycopg.errors.ConnectionTimeout):
                self._silence.note()
            raise

    def _prepare(self, connection: Connection) -> None:
        """Make a new session fit for the code, before anything else is done in it.

        Raises:
            WarehouseError: it isn't ours alone.
            WarehouseBusyError: there is none behind the connection.
        """
        opened = [connection]
        if isinstance(connection, HeardConnection):
            connection.silence = self._silence

        def prepare() -> None:
            if self._pooled_sessions is None:
                pooled = is_pooled(connection)
                if pooled:
                    with psycopg.Connection[Row].connect(**self._parameters()) as other:
                        opened.append(other)
                        refuse_shared_sessions(self.location, connection, other)
                    connection.execute("DISCARD ALL")
                    for schema in self.other_schemas:
                        refuse_lost_schema(self.location, connection, schema)
                self._pooled_sessions = pooled
            prepare_session(
                connection,
                role=self._role,
                statement_timeout=self._statement_timeout,
                lock_timeout=self._lock_timeout,
                clean=self._pooled_sessions,
            )

        def abandon() -> None:
            for each in opened:
                cut(each)

        wait = self._address.connect_timeout
        try:
            within(wait, prepare, abandon=abandon)
        except TimeoutError:
            raise WarehouseBusyError(
                f"{self.location} took the login, but gave no session within {wait} s: behind a "
                "pooler, make its pool (default_pool_size) larger, or connect to PostgreSQL "
                "itself; otherwise run again when the server is less busy"
            ) from None

    def _parameters(self) -> dict[str, Any]:
        return {
            **self.servers.choose().parameters(),
            "password": self.login.password(),
            "autocommit": True,
        }

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.LockNotAvailable as error:
            raise held_up(self.location, self.in_the_way()) from error
        except psycopg.Error as error:
            raise explained(self.location, error) from error

    def in_the_way(self) -> str:
        """Who has had locks on the tables for longest; asked after a wait for one was given up."""
        with suppress(psycopg.Error, WarehouseError), self._connect() as connection:
            return table_holder(connection)
        return "unknown"


class _Rehearsal(PostgresEngine):
    """The same database within one transaction, which is rolled back in the end."""

    def __init__(self, engine: PostgresEngine, connection: Connection) -> None:
        self.__dict__.update(engine.__dict__)
        self._rehearsing = connection

    @property
    @override
    def patience(self) -> float:
        # With the connection everything that was rehearsed is lost.
        return 0

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._errors_explained(), self._rehearsing.transaction():
            yield PostgresSession(self._rehearsing)

    @override
    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with self.transaction() as session:
            yield session

    @override
    def glance(self, sql: str) -> str:
        return Engine.glance(self, sql)

    @override
    def close(self) -> None:
        """The connection is another's."""


async def _arrived(connection: PGconn, seconds: float) -> PGresult | None:
    """The result of the statement that was sent, when all of it is there.

    Raises:
        psycopg.Error: the connection is lost, or the server doesn't answer in time.
    """
    loop = asyncio.get_running_loop()
    there: asyncio.Future[None] = loop.create_future()
    results: list[PGresult] = []

    def look() -> None:
        if there.done():
            # Given up, or told already: a loop may call once more before it is told not to.
            return
        try:
            if _all_taken(connection, results):
                there.set_result(None)
        except psycopg.Error as error:
            there.set_exception(error)

    def give_up() -> None:
        if not there.done():
            there.set_exception(psycopg.OperationalError(SILENT))

    socket = connection.socket
    loop.add_reader(socket, look)
    ending = loop.call_later(seconds, give_up)
    try:
        await there
    finally:
        ending.cancel()
        loop.remove_reader(socket)
    return results[-1] if results else None


def _awaited(connection: PGconn, seconds: float) -> PGresult | None:
    """As `_arrived`, in a thread that waits."""
    deadline = Deadline.after(seconds)
    results: list[PGresult] = []
    arrival = select.poll()
    arrival.register(connection.socket, select.POLLIN)
    while connection.is_busy() or not _all_taken(connection, results):
        if not arrival.poll(deadline.left * 1000):
            raise psycopg.OperationalError(SILENT)
        connection.consume_input()
    return results[-1] if results else None


def _all_taken(connection: PGconn, results: list[PGresult]) -> bool:
    """Take what has arrived of an answer; tells whether that is all of it."""
    connection.consume_input()
    while not connection.is_busy():
        one = connection.get_result()
        if one is None:
            return True
        results.append(one)
    return False


def _text_in(result: PGresult) -> str:
    """The only value of a result; empty where it has no row."""
    return (result.get_value(0, 0) or b"").decode() if result.ntuples else ""


def _told(connection: PGconn, result: PGresult | None) -> PGresult:
    """The result of a statement that was sent through libpq itself.

    Raises:
        psycopg.Error: the statement failed, or the connection is lost.
    """
    if result is not None and result.status in _DONE:
        return result
    if result is None or connection.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection is lost")
    raise psycopg.errors.error_from_result(result)


class _HeldLock:
    """A session-level advisory lock and the connection that holds it."""

    _shared = False

    def __init__(self, key: LockKey, name: str) -> None:
        self._key = key
        self._name = name[:63]
        self._connection: Connection | None = None
        self._backend = 0
        self._where = ("", 0)

    @property
    def connection(self) -> Connection:
        """The connection that holds the lock."""
        if self._connection is None:
            raise WarehouseAwayError("the run lock is not held")
        return self._connection

    @property
    def lost(self) -> bool:
        """Whether the connection, and so the lock, is gone."""
        return self._connection is None or self._connection.closed

    def take(self, connection: Connection, wait: float, whole_wait: float) -> None:
        """Take the lock, waiting for its holder.

        Raises:
            WarehouseBusyError: it was not let go within `wait` seconds.
        """
        try:
            self._prepare(connection)
            self._claim(connection, wait)
            if not _lock(connection, self._key, wait, shared=self._shared):
                raise WarehouseBusyError(
                    f"another run is under way ({lock_holder(connection, self._key)}) and didn't "
                    f"end within {whole_wait:g} s; nothing was done. Try again later, or raise "
                    "RUN_WAIT_SECONDS."
                )
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def take_again(self, connection: Connection) -> None:
        """Take the lock that was lost with its connection.

        Raises:
            WarehouseBusyError: another run has it now.
            WarehouseError: the database was failed over to another server meanwhile, which may
                lack what this run has written.
        """
        try:
            if _place(connection) != self._where:
                raise WarehouseError(
                    "another server was promoted while this run was under way, and may lack what "
                    "it has written: it stops here. The next run fetches that again."
                )
            self._prepare(connection)
            # The server may not have noticed yet that the old session's client is gone.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE pid = %s AND application_name = %s AND usename = current_user",
                [self._backend, self._name],
            )
            self._claim(connection, 0)
            if not _try_lock(connection, self._key, shared=self._shared):
                raise WarehouseBusyError(
                    "this run lost its connection, and with it the run lock, to which another run "
                    f"has come since ({lock_holder(connection, self._key)}): it stops here, so "
                    "that the two don't write at once. What it stored stays; the next run goes on "
                    "there."
                )
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def release(self) -> None:
        """Let the lock go, with its connection."""
        if self._connection is not None:
            # A closed connection's lock is free a moment later: whoever comes next may not wait.
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()

    def _claim(self, connection: Connection, wait: float) -> None:
        """Take what must be held before the lock itself."""

    def _prepare(self, connection: Connection) -> None:
        connection.execute("SELECT set_config('application_name', %s, false)", [self._name])
        # The connection is idle while pages are fetched.
        connection.execute("SET idle_session_timeout = 0")

    def _keep(self, connection: Connection) -> None:
        self._connection = connection
        self._backend = backend_pid(connection)
        self._where = _place(connection)


class _HeldFetchLock(_HeldLock):
    """The run lock as those hold it together who fetch: each its own part, in one of few places."""

    _shared = True

    def __init__(self, name: str, part: int, places: int) -> None:
        super().__init__(LockKey.RUN, name)
        self._part = part
        self._places = places

    def give_way(self, wait: float) -> None:
        """Let the runs in that wait, and take the lock again after them.

        Raises:
            WarehouseBusyError: they held it for longer than `wait` seconds.
        """
        if self.lost:
            # The next transaction takes it again.
            return
        self.connection.execute("SELECT pg_advisory_unlock_shared(%s)", [self._key.value])
        if not _lock(self.connection, self._key, wait, shared=True):
            raise WarehouseBusyError(
                f"another run is under way ({lock_holder(self.connection, self._key)}) and didn't "
                f"end within {wait:g} s. What was fetched stays: try again later, or raise "
                "RUN_WAIT_SECONDS."
            )

    @override
    def _claim(self, connection: Connection, wait: float) -> None:
        if not _try_claim(connection, self._part):
            raise WarehouseBusyError(FETCHED_BY_ANOTHER)
        deadline = time.monotonic() + wait
        while not any(_try_claim(connection, place + 1) for place in range(self._places)):
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(no_place(self._places, wait))
            time.sleep(_PAUSE)


def _try_claim(connection: Connection, number: int) -> bool:
    return _first(connection, "SELECT pg_try_advisory_lock(%s, %s)", (LockKey.FETCH.value, number))


def _try_lock(connection: Connection, key: LockKey, *, shared: bool = False) -> bool:
    statement: LiteralString = "SELECT pg_try_advisory_lock(%s)"
    if shared:
        statement = "SELECT pg_try_advisory_lock_shared(%s)"
    return _first(connection, statement, (key.value,))


def _first(connection: Connection, statement: LiteralString, parameters: Sequence[object]) -> bool:
    """Whether the first value of a statement's answer is true."""
    got = connection.execute(statement, parameters).fetchone()
    return bool(got and got[0])


def _lock(connection: Connection, key: LockKey, wait: float, *, shared: bool = False) -> bool:
    """Take a session's advisory lock, for which the server waits up to `wait` seconds."""
    if _try_lock(connection, key, shared=shared):
        return True
    if wait <= 0:
        return False
    try:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            milliseconds = str(max(1, int(wait * 1000)))
            connection.execute("SELECT set_config('lock_timeout', %s, true)", [milliseconds])
            if shared:
                connection.execute("SELECT pg_advisory_lock_shared(%s)", [key.value])
            else:
                connection.execute("SELECT pg_advisory_lock(%s)", [key.value])
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _place(connection: Connection) -> tuple[str, int]:
    """The server that a connection leads to."""
    return connection.info.host, connection.info.port


def own_sql(text: str) -> LiteralString:
    """Vouch for a statement: made of the program's own text and names, values as parameters."""
    return text


@contextmanager
def connection(engine: PostgresEngine) -> Iterator[Connection]:
    """Open a connection without a statement's time limit, whose errors are explained.

    Raises:
        WarehouseError: in place of psycopg's errors.
    """
    with engine.connect() as opened:
        try:
            opened.execute("SET statement_timeout = 0")
            yield opened
        except psycopg.errors.LockNotAvailable as error:
            raise held_up(engine.location, engine.in_the_way()) from error
        except psycopg.Error as error:
            raise worded(engine.location, error) from error


def worded(location: str, error: psycopg.Error) -> Exception:
    """The error in words that name the server, also where it refuses a value."""
    told = explained(location, error)
    if told is error and isinstance(error, psycopg.IntegrityError | psycopg.DataError):
        message = error.diag.message_primary or str(error)
        return WarehouseError(f"PostgreSQL at {location}: {message}")
    return told
