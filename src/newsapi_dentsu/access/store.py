"""Where keys are kept: in the schema `access` of PostgreSQL, else in a small file of their own.

Not in the pipeline's DuckDB file: that is closed to others while a run writes, and a server must
take and refuse keys at any time; nor in the reader's copy, which each run replaces. SQLite lets
several processes read and write one small file. The tables are the server's and not the pipeline's;
so the first key makes them, and no migration.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from typing_extensions import override

from newsapi_dentsu.access.keys import Key
from newsapi_dentsu.errors import AccessError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine, Row, Session
from newsapi_dentsu.warehouse.engines.opening import open_postgres_for_people
from newsapi_dentsu.warehouse.engines.quoting import quoted_name

FILE: Final = "access.sqlite"

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS access.keys (key_id text PRIMARY KEY, name text NOT NULL, "
    "digest text NOT NULL, scopes text NOT NULL, per_minute integer NOT NULL, "
    "created_at text NOT NULL, last_used_at text, revoked_at text)",
    # A bucket is full again at a moment, which each request puts off.
    "CREATE TABLE IF NOT EXISTS access.buckets "
    "(bucket text PRIMARY KEY, full_at double precision NOT NULL)",
    "CREATE TABLE IF NOT EXISTS access.uses (minute text NOT NULL, key_id text NOT NULL, "
    "address text NOT NULL, method text NOT NULL, route text NOT NULL, status integer NOT NULL, "
    "requests bigint NOT NULL, PRIMARY KEY (minute, key_id, address, method, route, status))",
)
_NAMES: Final = ("keys", "buckets", "uses")
_WAIT_MS: Final = 5_000


class Use(NamedTuple):
    """What is noted of requests: when, by which key from where, for what, and how it was answered.

    Never what was asked: no parameters, no ids.
    """

    minute: str
    key_id: str
    address: str
    method: str
    route: str
    status: int


class Place(Protocol):
    """A database that has, or may get, the tables of `access`."""

    clock: str
    """SQL of the seconds since 1970, by the clock that all who ask share."""

    def transaction(self) -> AbstractContextManager[Session]:
        """Open a transaction.

        Raises:
            PipelineError: the database can't be used.
        """
        ...

    def prepare(self) -> None:
        """Make the tables where they are missing."""
        ...

    def is_prepared(self) -> bool:
        """Whether there are tables."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class KeyStore:
    """Keys, the buckets of their rates, and notes of their use."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def add(self, key: Key) -> None:
        """Keep a new key.

        Raises:
            AccessError: one of this name holds already.
        """
        self._place.prepare()
        with self._place.transaction() as session:
            if session.rows(
                "SELECT 1 FROM access.keys WHERE name = $1 AND revoked_at IS NULL", key.name
            ):
                raise AccessError(
                    f"there is a key named {key.name}: revoke it first, or choose another name"
                )
            session.execute(
                "INSERT INTO access.keys (key_id, name, digest, scopes, per_minute, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                *(key.key_id, key.name, key.digest, " ".join(sorted(key.scopes))),
                *(key.per_minute, _text(key.created_at)),
            )

    def all(self) -> list[Key]:
        """All keys, the oldest first."""
        if not self._place.is_prepared():
            return []
        with self._place.transaction() as session:
            return [_key(row) for row in session.rows(f"{_SELECT} ORDER BY created_at, key_id")]

    def find(self, key_id: str) -> Key | None:
        """The key of this id that holds."""
        if not self._place.is_prepared():
            return None
        with self._place.transaction() as session:
            found = session.rows(f"{_SELECT} WHERE key_id = $1 AND revoked_at IS NULL", key_id)
        return _key(found[0]) if found else None

    def revoke(self, named: str, now: datetime) -> list[Key]:
        """Revoke the key of this id or name; returns what was revoked."""
        held = [key for key in self.all() if key.revoked_at is None]
        meant = [key for key in held if named in (key.key_id, key.name)]
        with self._place.transaction() as session:
            for key in meant:
                session.execute(
                    "UPDATE access.keys SET revoked_at = $1 WHERE key_id = $2",
                    *(_text(now), key.key_id),
                )
        return meant

    def take(self, bucket: str, interval: float, window: float) -> tuple[bool, float]:
        """Take one request from a bucket that all replicas share.

        Args:
            bucket: its name.
            interval: seconds until one more is there.
            window: seconds until an empty bucket is full.

        Returns:
            Whether there was one, and the seconds until the bucket is full.
        """
        clock = self._place.clock
        with self._place.transaction() as session:
            taken = session.rows(
                "INSERT INTO access.buckets AS held (bucket, full_at) "
                f"SELECT $1, {clock} + $2 WHERE true "
                "ON CONFLICT (bucket) DO UPDATE SET full_at = CASE "
                "WHEN held.full_at + $2 > excluded.full_at THEN held.full_at + $2 "
                "ELSE excluded.full_at END "
                "WHERE held.full_at + $2 - (excluded.full_at - $2) <= $3 "
                f"RETURNING full_at - {clock}",
                *(bucket, interval, window),
            )
            found = taken or session.rows(
                f"SELECT full_at - {clock} FROM access.buckets WHERE bucket = $1", bucket
            )
        return bool(taken), max(0.0, float(found[0][0]))

    def note(self, uses: Mapping[Use, int]) -> None:
        """Note requests, and when each key was used last."""
        if not self._place.is_prepared():
            return
        latest: dict[str, str] = {}
        with self._place.transaction() as session:
            for use, requests in sorted(uses.items()):
                session.execute(
                    "INSERT INTO access.uses AS noted "
                    "(minute, key_id, address, method, route, status, requests) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7) "
                    "ON CONFLICT (minute, key_id, address, method, route, status) "
                    "DO UPDATE SET requests = noted.requests + excluded.requests",
                    *(*use, requests),
                )
                latest[use.key_id] = max(use.minute, latest.get(use.key_id, ""))
            for key_id, minute in sorted(latest.items()):
                session.execute(
                    "UPDATE access.keys SET last_used_at = $1 WHERE key_id = $2 "
                    "AND (last_used_at IS NULL OR last_used_at < $1)",
                    *(minute, key_id),
                )

    def uses(self) -> list[tuple[Use, int]]:
        """What is noted, the newest first."""
        if not self._place.is_prepared():
            return []
        with self._place.transaction() as session:
            return [
                (Use(*row[:-1]), row[-1])
                for row in session.rows(
                    "SELECT minute, key_id, address, method, route, status, requests "
                    "FROM access.uses ORDER BY minute DESC, requests DESC LIMIT 1000"
                )
            ]

    def forget(self, before: datetime) -> None:
        """Delete notes from before this moment."""
        if self._place.is_prepared():
            with self._place.transaction() as session:
                session.execute("DELETE FROM access.uses WHERE minute < $1", _text(before))

    def allow(self, role: str) -> None:
        """Let a role of PostgreSQL check keys and note their use, but make none.

        Raises:
            AccessError: keys are in a file.
        """
        if not isinstance(self._place, ServerPlace):
            raise AccessError("only PostgreSQL has roles: set USE_POSTGRES=true")
        self._place.prepare()
        name = quoted_name(role)
        with self._place.transaction() as session:
            for right in (
                "USAGE ON SCHEMA access",
                "SELECT, UPDATE (last_used_at) ON access.keys",
                "SELECT, INSERT, UPDATE, DELETE ON access.buckets, access.uses",
            ):
                session.execute(f"GRANT {right} TO {name}")

    def close(self) -> None:
        """Close the database in which keys are kept."""
        self._place.close()


class FilePlace(Place):
    """A file of SQLite that only its owner may read; each thread has a connection of its own."""

    clock = "((julianday('now') - 2440587.5) * 86400.0)"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of_thread = threading.local()

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        try:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _FileSession(connection)
                connection.execute("COMMIT")
            except BaseException:
                # On a full disk it has ended already.
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise AccessError(
                f"{self._path}: {error}; make room, or make the file and its folder writable"
            ) from error
        except sqlite3.Error as error:
            raise AccessError(
                f"{self._path} is damaged ({error}): restore a copy of it, or move it away and "
                "make the keys anew with `newsapi keys`"
            ) from error

    @override
    def prepare(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise AccessError(f"{self._path}: {error.strerror or error}") from error
        with self.transaction() as session:
            for statement in _TABLES:
                session.execute(statement)

    @override
    def is_prepared(self) -> bool:
        # One that was emptied has no tables.
        return self._path.exists() and self._path.stat().st_size > 0

    @override
    def close(self) -> None:
        """Do nothing: a connection ends with its thread."""

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if found is None:
            found = sqlite3.connect(":memory:", isolation_level=None, timeout=_WAIT_MS / 1000)
            found.execute("ATTACH $1 AS access", {"1": str(self._path)})
            found.execute("PRAGMA access.journal_mode = WAL")
            found.execute("PRAGMA access.synchronous = NORMAL")
            self._of_thread.connection = found
        return found


class _FileSession(Session):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        return self._connection.execute(sql, _numbered(parameters)).fetchall()

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        yield from self._connection.execute(sql, _numbered(parameters))

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        self._connection.execute(sql, _numbered(parameters))


class ServerPlace(Place):
    """The schema `access` on a PostgreSQL server."""

    clock = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prepared = False

    @override
    def transaction(self) -> AbstractContextManager[Session]:
        return self._engine.transaction()

    @override
    def prepare(self) -> None:
        with self.transaction() as session:
            if not self._engine.schema_exists(session, "access"):
                session.execute("CREATE SCHEMA access")
            for statement in _TABLES:
                session.execute(statement)

    @override
    def is_prepared(self) -> bool:
        if not self._prepared:
            with self._engine.snapshot() as session:
                self._prepared = all(
                    self._engine.table_exists(session, "access", name) for name in _NAMES
                )
        return self._prepared

    @override
    def close(self) -> None:
        self._engine.close()


def open_key_store(settings: Settings) -> KeyStore:
    """Where the settings keep keys; nothing is opened yet."""
    if settings.use_postgres:
        return KeyStore(ServerPlace(open_postgres_for_people(settings)))
    return KeyStore(FilePlace(settings.data_folder / FILE))


_SELECT: Final = (
    "SELECT key_id, name, digest, scopes, per_minute, created_at, last_used_at, revoked_at "
    "FROM access.keys"
)


def _key(row: Row) -> Key:
    key_id, name, digest, scopes, per_minute, *moments = row
    created_at, last_used_at, revoked_at = (at and datetime.fromisoformat(at) for at in moments)
    return Key(
        *(key_id, name, digest, frozenset(scopes.split()), per_minute),
        *(created_at, last_used_at, revoked_at),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def minute_of(at: datetime) -> str:
    """The minute of a moment, as it is noted."""
    return _text(at.replace(second=0, microsecond=0))


def _numbered(parameters: Iterable[object]) -> dict[str, object]:
    return {str(number): value for number, value in enumerate(parameters, start=1)}
