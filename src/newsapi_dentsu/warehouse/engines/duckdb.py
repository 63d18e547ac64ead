"""DuckDB: one file, opened for each transaction and closed after it."""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import duckdb
import filelock
import tenacity
from typing_extensions import override

from newsapi_dentsu.errors import (
    AlertsBusyError,
    WarehouseBusyError,
    WarehouseError,
    query_interrupts,
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
)
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.engines.shared_lock import SharedFileLock

_STREAM_ROWS = 1000
_WHOLE_INDEXES = "1GB"
"""Memory for making or binding the indexes of a long history, where the usual limit is less."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_LONGEST_KEPT = 1.0
"""Seconds after which a file that is kept open is let go once, for those who wait for it."""

_REHEARSAL = ".rehearsal-"
_LONGEST_COPY = 60.0

_LONGEST_COMMAND = 120
_DAMAGE = (
    "not a valid DuckDB database",
    "Corrupt database file",
    # A file that was cut short.
    "Could not read enough bytes",
)
_HELD_IN = re.compile(r"Conflicting lock is held in (.+? \(PID (?P<pid>\d+)\)(?: by user [^.]+)?)")
_SECRET = re.compile("pass|secret|token|key|credential|://.*@", re.IGNORECASE)


class DuckDBSession(Session):
    """A transaction on the file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What it is open on."""
        return self._connection

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        return self._connection.execute(sql, list(parameters)).fetchall()

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        cursor = self._connection.execute(sql, list(parameters))
        while batch := cursor.fetchmany(_STREAM_ROWS):
            yield from batch

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        self._connection.execute(sql, list(parameters))

    def write_file(self, query: str, file: Path, options: str) -> None:
        """Write the rows of a query into a file.

        Args:
            query: the statement that gives the rows.
            file: where they go.
            options: those of DuckDB's `COPY`.
        """
        # Several threads put rows back in order, which takes more memory the more rows there are.
        self.execute("SET threads = 1")
        try:
            self.execute(f"COPY ({query}) TO {quoted_text(file)} ({options})")
        finally:
            # After an error the transaction has ended.
            with suppress(duckdb.Error):
                self.execute("RESET threads")

    def sibling(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the same open file, for another thread; the caller closes it."""
        other = self._connection.cursor()
        other.execute("USE news")
        other.execute("SET TimeZone = 'UTC'")
        return other


def duckdb_session(session: Session) -> DuckDBSession:
    """The session as one on a DuckDB file.

    Raises:
        TypeError: it is on another engine.
    """
    if not isinstance(session, DuckDBSession):
        raise TypeError("the session is not on a DuckDB file")
    return session


def _lift_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise the limit to `_WHOLE_INDEXES`, unless it is higher, until the file is let go of."""
    connection.execute(
        f"SELECT parse_formatted_bytes('{_WHOLE_INDEXES}') "
        "> parse_formatted_bytes(current_setting('memory_limit'))"
    )
    if connection.fetchall() == [(True,)]:
        connection.execute(f"SET memory_limit = '{_WHOLE_INDEXES}'")


@dataclass
class _Kept:
    """The open file between two transactions, and since when it is open."""

    connection: duckdb.DuckDBPyConnection | None = None
    since: float = 0.0

    def take(self) -> duckdb.DuckDBPyConnection | None:
        """Give it out, as it is needed again."""
        taken, self.connection = self.connection, None
        return taken


class DuckDBEngine(Engine):
    """The warehouse in a DuckDB file.

    A process that has the file open for writing keeps every other process out, readers too; so
    it is open only while a transaction lasts, and whoever finds it held waits a little.
    """

    name = "DuckDB"
    patience = 0.0
    other_schemas = ()

    def __init__(self, path: Path, *, memory_limit: str, wait: float) -> None:
        # Lock and log are beside the file itself, by whatever link it is reached.
        # A link that may not be looked at is told where it is opened.
        self._path = path.resolve() if os.path.islink(path) else path  # noqa: PTH114
        self._memory_limit = memory_limit
        self._wait = wait
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._keeping: _Kept | None = None
        self._lock_path = self._path.with_name(self._path.name + ".lock")
        self._note_path = self._path.with_name(self._path.name + ".lock-holder")
        self.location = str(path)

    @property
    def path(self) -> Path:
        """The file itself: links are followed."""
        return self._path

    @override
    def exists(self) -> bool:
        with self._errors_explained():
            return self._path.exists()

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._errors_explained():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened(read_only=False) as connection:
                connection.execute("BEGIN")
                yield DuckDBSession(connection)
                connection.execute("COMMIT")

    @override
    @contextmanager
    def snapshot(self) -> Iterator[DuckDBSession]:
        with (
            self._errors_explained(),
            self._opened(read_only=self._keeping is None) as connection,
        ):
            connection.execute("BEGIN")
            yield DuckDBSession(connection)
            connection.execute("ROLLBACK")

    @override
    @contextmanager
    def rehearsal(self) -> Iterator[Engine]:
        self.release()
        with self._errors_explained():
            for left in self._path.parent.glob(f"{_REHEARSAL}*"):
                # Of a process that was killed: whoever holds the run lock is alone here.
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=_REHEARSAL, dir=self._path.parent) as folder:
                copy = self._copied(Path(folder))
                engine = DuckDBEngine(copy, memory_limit=self._memory_limit, wait=self._wait)
                try:
                    yield engine
                finally:
                    engine.close()

    def _copied(self, folder: Path) -> Path:
        """A copy of the file and of its log; of one state, though others may write to it."""
        log = _log_of(self._path)
        deadline = time.monotonic() + max(self._wait, _LONGEST_KEPT) + _LONGEST_COPY
        while True:
            before = _state_of(self._path), _state_of(log)
            for path in (self._path, log):
                (folder / path.name).unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    shutil.copyfile(path, folder / path.name)
            if before == (_state_of(self._path), _state_of(log)):
                return folder / self._path.name
            if time.monotonic() > deadline:
                raise WarehouseBusyError(
                    f"{self._path} is written to all the time, so that no copy of it can be made: "
                    "try again when no other process uses it"
                )

    @override
    @contextmanager
    def kept_open(self) -> Iterator[None]:
        if self._keeping is not None:
            yield
            return
        self._keeping = _Kept()
        try:
            yield
        finally:
            self.release()
            self._keeping = None

    @override
    def release(self) -> None:
        if self._keeping and (connection := self._keeping.take()) is not None:
            with self._errors_explained():
                self._release(connection)

    @contextmanager
    def _opened(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file open for one transaction, and after it, where it is kept open, for more."""
        keeping = self._keeping
        connection = keeping.take() if keeping else None
        since = keeping.since if keeping and connection else time.monotonic()
        if connection is None:
            connection = self._open(read_only=read_only)
        try:
            yield connection
            if keeping is not None and time.monotonic() - since < _LONGEST_KEPT:
                keeping.connection, keeping.since = connection, since
            else:
                self._release(connection)
        except BaseException:
            connection.close()
            raise

    @override
    @contextmanager
    def run_lock(self, holder: str, wait: float) -> Iterator[None]:
        lock = filelock.FileLock(self._lock_path)
        with self._lock_errors_explained(wait):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            deadline = time.monotonic() + wait
            with self._gate().acquire(timeout=wait):
                lock.acquire(timeout=max(0, deadline - time.monotonic()))
        try:
            self._write_note(holder)
            yield
        finally:
            with suppress(OSError):
                self._note_path.unlink()
            lock.release()

    @override
    @contextmanager
    def fetch_lock(
        self, holder: str, part: int, places: int, wait: float
    ) -> Iterator[Callable[[], None]]:
        with ExitStack() as held, self._lock_errors_explained(wait):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            mine = self._claim(f"{part}")
            if mine is None:
                raise WarehouseBusyError(FETCHED_BY_ANOTHER)
            held.enter_context(mine)
            deadline = time.monotonic() + wait
            while (place := self._place(places)) is None:
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(no_place(places, wait))
                time.sleep(_LONGEST_PAUSE)
            held.enter_context(place)
            shared = held.enter_context(SharedFileLock(self._lock_path))

            def take() -> None:
                deadline = time.monotonic() + wait
                # A run that waits has the gate: whoever comes after it stands behind it.
                with self._gate().acquire(timeout=wait):
                    shared.acquire(max(0, deadline - time.monotonic()))
                self._write_note(holder)

            def give_way() -> None:
                shared.release()
                with self._lock_errors_explained(wait):
                    take()

            take()
            locks = held.pop_all()
        with locks:
            yield give_way
            with suppress(OSError):
                self._note_path.unlink()

    @override
    @contextmanager
    def together(self, work: int) -> Iterator[Callable[[], bool]]:
        path = self._path.with_name(f"{self._path.name}.together-{work}")
        alone = filelock.FileLock(path)

        def ends_last() -> bool:
            shared.release()
            with self._errors_explained(), suppress(filelock.Timeout):
                alone.acquire(timeout=0)
            return alone.is_locked

        with SharedFileLock(path) as shared:
            with self._errors_explained():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    shared.acquire(LONGEST_ENDING)
                except filelock.Timeout:
                    raise WarehouseBusyError(ENDING) from None
            try:
                yield ends_last
            finally:
                if alone.is_locked:
                    # While it is held: whoever waits for it notices that it is another file.
                    with suppress(OSError):
                        path.unlink()
                    alone.release()

    def _gate(self) -> filelock.FileLock:
        """What is passed on the way to the run lock, one after the other."""
        return filelock.FileLock(self._path.with_name(self._path.name + ".lock-gate"))

    def _place(self, places: int) -> AbstractContextManager[None] | None:
        """One of the places of those who may fetch at once; None where all are taken."""
        for number in range(1, places + 1):
            if (place := self._claim(f"place-{number}")) is not None:
                return place
        return None

    def _claim(self, name: str) -> AbstractContextManager[None] | None:
        """A lock of this name, held until the block's end; None where another process has it."""
        path = self._path.with_name(f"{self._path.name}.fetching-{name}")
        lock = filelock.FileLock(path)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return None

        @contextmanager
        def claimed() -> Iterator[None]:
            try:
                yield
            finally:
                # While it is held: whoever waits for it notices that it is another file.
                with suppress(OSError):
                    path.unlink()
                lock.release()

        return claimed()

    @contextmanager
    def _lock_errors_explained(self, wait: float) -> Iterator[None]:
        try:
            yield
        except filelock.Timeout:
            raise WarehouseBusyError(
                f"another run is under way ({_read_note(self._note_path)}) and didn't end within "
                f"{wait:g} s; nothing was done. Try again later, or raise RUN_WAIT_SECONDS."
            ) from None
        except OSError as error:
            raise WarehouseError(
                f"{error.filename or self._lock_path} can't be written ({error.strerror}): make "
                "it and its folder writable, move away what is no file, or set DUCKDB_PATH to "
                "another place"
            ) from None

    def _write_note(self, holder: str) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        # The note only words an error message; the lock itself is the kernel's.
        with suppress(OSError):
            self._note_path.write_text(
                json.dumps({"holder": holder, "pid": os.getpid(), "since": since})
            )

    @override
    @contextmanager
    def upgrade_lock(self) -> Iterator[None]:
        # A file has one writer at a time.
        yield

    @override
    def run_under_way(self, session: Session) -> bool:
        lock = filelock.FileLock(self._lock_path)
        if not self._lock_path.exists():
            return False
        try:
            with lock.acquire(timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:
            # Whoever may only read can't try the lock; the note is there while it is held.
            return self._note_path.exists()

    @override
    @contextmanager
    def alert_lock(self, wait: float) -> Iterator[None]:
        lock = filelock.FileLock(self._path.with_name(self._path.name + ".alerts-lock"))
        with self._errors_explained():
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                lock.acquire(timeout=wait)
            except filelock.Timeout:
                raise AlertsBusyError(ALERTS_BUSY) from None
        try:
            yield
        finally:
            lock.release()

    @override
    def used_bytes(self, session: Session) -> int:
        return self._path.stat().st_size

    @override
    def disk_free_bytes(self) -> int | None:
        return shutil.disk_usage(self._path.parent).free

    @override
    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @override
    def index_names(self, session: Session) -> set[str]:
        return {name for (name,) in session.rows("SELECT index_name FROM duckdb_indexes()")}

    @override
    def unique_indexes(self, session: Session) -> set[str]:
        return {
            name
            for (name,) in session.rows("SELECT index_name FROM duckdb_indexes() WHERE is_unique")
        }

    @override
    def table_exists(self, session: Session, schema: str, table: str) -> bool:
        return bool(
            session.rows(
                "SELECT 1 FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2",
                schema,
                table,
            )
        )

    @override
    def schema_exists(self, session: Session, schema: str) -> bool:
        return bool(session.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = $1", schema))

    @override
    def vector_type(self, session: Session) -> str:
        return f"float[{DIMENSIONS}]"

    @override
    def lift_limits(self, session: Session) -> None:
        _lift_memory(duckdb_session(session).connection)

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        if "?" in str(self._path.absolute()):
            raise WarehouseError(
                f"{self._path.absolute()}: DuckDB takes ? for the end of a file's name and would "
                "write its log elsewhere; rename the folder or file, or set DUCKDB_PATH"
            )
        if read_only and not self._path.exists():
            raise WarehouseError(f"{self._path} doesn't exist yet: run `newsapi run` first")
        connection = self._instance()
        # A killed process leaves its last transactions in a log. Merging them binds whole indexes,
        # for which the usual limit is too small with a long history.
        unmerged = _log_of(self._path).exists()
        try:
            if unmerged:
                _lift_memory(connection)
            # Attached under a fixed name: a file called raw.duckdb would shadow the schema raw.
            mode = " (READ_ONLY)" if read_only else ""
            self._attach(connection, f"ATTACH {quoted_text(self._path)} AS news{mode}")
            connection.execute("USE news")
            if unmerged and not read_only:
                connection.execute("CHECKPOINT news")
        except BaseException:
            connection.close()
            raise
        return connection

    def _instance(self) -> duckdb.DuckDBPyConnection:
        """An empty DuckDB to attach the file to; making one takes longer than a transaction."""
        try:
            return self._idle.pop()
        except IndexError:
            connection = duckdb.connect(":memory:", config={"memory_limit": self._memory_limit})
            connection.execute("SET TimeZone = 'UTC'")
            # DuckDB's own bar would go to stdout where it takes the process for an interactive one.
            connection.execute("SET enable_progress_bar = false")
            return connection

    def _release(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Close the file, but keep the instance for the next transaction."""
        try:
            connection.execute("USE memory")
            connection.execute("DETACH news")
            connection.execute(f"SET memory_limit = {quoted_text(self._memory_limit)}")
        except duckdb.Error:
            # Committed it is; the log that could not be merged is read with the file next time.
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            self._idle.append(connection)

    def _attach(self, connection: duckdb.DuckDBPyConnection, statement: str) -> None:
        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_exception(_is_held),
                stop=tenacity.stop_after_delay(self._wait),
                wait=tenacity.wait_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
                reraise=True,
            )(connection.execute, statement)
        except duckdb.IOException as error:
            if not _is_held(error):
                raise
            raise WarehouseBusyError(
                f"{self._path} is held by another process ({_lock_holder(error)}) and "
                f"stayed so for {self._wait:g} s: close it there, even if it only reads, or raise "
                "DATABASE_WAIT_SECONDS"
            ) from None

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            with query_interrupts():
                yield
        except duckdb.Error as error:
            raise _explained(self._path, error) from error
        except OSError as error:
            # Whoever has it open may fail with another file.
            raise WarehouseError(
                f"{error.filename or self._path}: {error.strerror or error}; "
                "make room or make the folder writable, or set DUCKDB_PATH to another place"
            ) from error


def refuse_unmerged(path: Path) -> None:
    """Make sure that a file that has been closed holds everything, so that it may be moved.

    Raises:
        WarehouseError: a part of it is only in its log, which closing had no room to merge.
    """
    if _log_of(path).exists():
        raise WarehouseError(
            f"{path} could not be written to its end, most likely as the disk is full: make room "
            "and run again"
        )


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def tells_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB found no database, or one that isn't whole."""
    return isinstance(error, duckdb.SerializationException) or any(
        said in str(error) for said in _DAMAGE
    )


def _explained(path: Path, error: duckdb.Error) -> Exception:
    text = str(error)
    first_line = text.splitlines()[0] if text else type(error).__name__
    if tells_damage(error):
        return WarehouseError(
            f"{path} is not a DuckDB database or is damaged: move it away and run again, "
            "or restore a copy"
        )
    if "No space left" in text or "disk is full" in text.lower():
        return WarehouseError(
            f"{path}: the disk is full; nothing of this step was stored. Make room and run again."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseError(
            f"{path}: DuckDB needs more memory than it may take; nothing of this step was stored. "
            "Raise DUCKDB_MEMORY_LIMIT and run again."
        )
    if "Permission denied" in text or "Read-only file system" in text or "read-only" in text:
        return WarehouseError(
            f"{path} can't be written: make the file and its folder writable, "
            "or set DUCKDB_PATH to another place"
        )
    # After what keeps a whole log from being read: such a one must not be moved away.
    if "replaying WAL" in text:
        told = first_line.rsplit(": ", 1)[-1].rstrip(".")
        return WarehouseError(
            f"{path}.wal is damaged or no log of {path} ({told}): one of them was copied or "
            "restored without the other; restore both, or move the log "
            "away, which loses what only it holds: the next run fetches that again"
        )
    failed = duckdb.IOException | duckdb.FatalException | duckdb.InternalException
    if isinstance(error, failed) or "Failed to commit: Could not" in text:
        return WarehouseError(f"{path}: {first_line}")
    return error


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_held(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and any(
        said in str(error) for said in ("Could not set lock", "used by another process")
    )


def _lock_holder(error: Exception) -> str:
    """Who holds the lock, with its command; DuckDB's advice to read meanwhile is left out.

    Its message says it so: `… Conflicting lock is held in /usr/bin/python3 (PID 12) by user x. …`.
    """
    found = _HELD_IN.search(str(error))
    if found is None:
        return "unknown"
    command = _command_of(int(found["pid"]))
    return found[1] + (f": {command}" if command else "")


def _command_of(pid: int) -> str:
    """How a process was started, as far as that can be told; without what may be a secret."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
    words = takewhile(lambda word: not _SECRET.search(word), arguments.rstrip("\0").split("\0"))
    return " ".join(" ".join(words).split())[:_LONGEST_COMMAND]


def _read_note(path: Path) -> str:
    try:
        note = json.loads(path.read_text())
        return f"{note['holder']}, process {note['pid']}, since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "holder unknown"
