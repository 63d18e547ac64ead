"""The lock by which one daemon acts and others stand by: two would run every tick twice."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey
from newsapi_dentsu.warehouse.engines.opening import open_postgres

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres_session import Connection

_NAME = "newsapi: daemon"


class DaemonLock(Protocol):
    """A lock that its holder loses by dying."""

    def take(self) -> bool:
        """Try to take it, without waiting; False where another daemon has it.

        Raises:
            WarehouseError: the database can't be reached.
        """
        ...

    def is_held(self) -> bool:
        """Tell whether this process still has it; a lock that fell with its server is taken again.

        Raises:
            WarehouseError: the server is away, and so is everybody's lock.
        """
        ...

    def release(self) -> None:
        """Let it go."""
        ...


def open_daemon_lock(settings: Settings) -> DaemonLock:
    """The lock of the deployment that the settings name: in its database, or in Dagster's home."""
    if settings.use_postgres:
        return _AdvisoryLock(open_postgres(settings).connect)
    return _FileLock(settings.home / ".daemon.lock")


class _FileLock(DaemonLock):
    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        # It is looked at from another thread than the one that takes it.
        self._lock = FileLock(path, thread_local=False)

    @override
    def take(self) -> bool:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise WarehouseError(
                f"{self._lock.lock_file} can't be locked ({error.strerror or error}): make it "
                "writable, move away what is no file, or set DAGSTER_HOME to another place"
            ) from error
        return True

    @override
    def is_held(self) -> bool:
        return self._lock.is_locked

    @override
    def release(self) -> None:
        self._lock.release()


class _AdvisoryLock(DaemonLock):
    """A session's advisory lock on PostgreSQL."""

    def __init__(self, connect: Callable[[], "Connection"]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._backend: int | None = None

    @override
    def take(self) -> bool:
        import psycopg

        from newsapi_dentsu.warehouse.engines.postgres_session import backend_pid

        try:
            connection = self._connection or self._connected()
            found = connection.execute(
                "SELECT pg_try_advisory_lock(%s)", [LockKey.DAEMON.value]
            ).fetchone()
            backend = backend_pid(connection)
        except psycopg.Error as error:
            self.release()
            raise WarehouseError(f"the daemon's connection broke: {error}") from error
        # Kept while standing by as well: the next try needs no new one.
        self._connection = connection
        if not (found and found[0]):
            return False
        self._backend = backend
        return True

    @override
    def is_held(self) -> bool:
        import psycopg

        if self._connection is not None:
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self.release()
            else:
                return True
        return self.take()

    @override
    def release(self) -> None:
        import psycopg

        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _connected(self) -> "Connection":
        connection = self._connect()
        connection.execute("SELECT set_config('application_name', %s, false)", [_NAME])
        # It says nothing for as long as the daemon lives.
        connection.execute("SET idle_session_timeout = 0")
        if self._backend is not None:
            # The server may not have noticed yet that the old session's client is gone.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE pid = %s AND application_name = %s AND usename = current_user",
                [self._backend, _NAME],
            )
            self._backend = None
        return connection
