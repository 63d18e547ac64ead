"""What readers are served from: the reader's copy where DuckDB stores, else the server's views."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import duckdb
from typing_extensions import override

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.reading.chapters import LINK
from newsapi_dentsu.reading.copy import FILE
from newsapi_dentsu.reading.copy_index import CopyIndex
from newsapi_dentsu.reading.hits import Index
from newsapi_dentsu.reading.index import CopySession, searched_revision
from newsapi_dentsu.reading.stories import State, read_revision
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine, Session
from newsapi_dentsu.warehouse.engines.opening import open_postgres_to_read
from newsapi_dentsu.warehouse.engines.quoting import quoted_text

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaState

_MEMORY = "512MB"
T = TypeVar("T")


class Library(Protocol):
    """Something that holds the views of `final`."""

    location: str
    """Where it is, for people."""

    def session(self) -> AbstractContextManager[Session]:
        """Open it for reading one consistent state; threads may do so at once.

        Raises:
            WarehouseError: it isn't there yet, or can't be read.
        """
        ...

    def read(self, work: Callable[[Session], T]) -> T:
        """Do work that only reads on a session; again where a replica gave it up.

        Raises:
            WarehouseError: as `session` does.
        """
        ...

    def revision(self) -> str | None:
        """What names all that is read at this moment; see `revision_of`. Quick, however busy it is.

        Raises:
            WarehouseError: as `session` does.
        """
        ...

    def revision_at_hand(self) -> str | None:
        """The same where nobody has to be waited for to tell it; else None."""
        return None

    def close(self) -> None:
        """Let go of it."""
        ...


def revision_of(session: Session, state: State | None = None) -> str | None:
    """What names all that a session reads: the same name, the same answers.

    None where nothing does. How the press speaks about whom is not among it.

    Args:
        session: the open library.
        state: what `read_state` has told of it, where that is known.

    Raises:
        WarehouseError: it was made by another version of this program.
    """
    revision = state.revision if state else read_revision(session)
    if revision is None:
        return None
    published = session.published if isinstance(session, CopySession) else ""
    return f"{revision} {searched_revision(session)} {published}"


class CopyLibrary(Library):
    """The reader's copy: opened once for each publication, and held for those who still read it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._folder = folder
        self._index_link = folder / LINK
        self.location = str(self._path)
        self._lock = threading.Lock()
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._identity: tuple[int, int] | None = None
        self._index: CopyIndex | None = None
        self._known: tuple[object, str | None] | None = None

    @override
    @contextmanager
    def session(self) -> Iterator[Session]:
        cursor, identity = self._cursor()
        with cursor:
            cursor.execute("USE news")
            cursor.execute("SET TimeZone = 'UTC'")
            yield CopySession(cursor, self._opened_index, "-".join(map(str, identity)))

    @override
    def read(self, work: Callable[[Session], T]) -> T:
        with self.session() as session:
            return work(session)

    @override
    def revision(self) -> str | None:
        there = self._there()
        with self.session() as session:
            revision = revision_of(session)
        # Of now or newer: then what is there differs, and it is asked for again.
        self._known = there, revision
        return revision

    @override
    def revision_at_hand(self) -> str | None:
        known, there = self._known, self._there()
        return known[1] if known is not None and there is not None and known[0] == there else None

    def _there(self) -> object:
        """The file and the state of the index that are there; None where it can't be told."""
        try:
            return _identity(self._path), _leads_to(self._index_link)
        except OSError:
            return None

    @override
    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = self._identity = None

    def _opened_index(self) -> Index:
        with self._lock:
            if self._index is None or not self._index.is_newest():
                self._index = CopyIndex(self._folder)
            return self._index

    def _cursor(self) -> tuple[duckdb.DuckDBPyConnection, tuple[int, int]]:
        with self._lock:
            try:
                identity = _identity(self._path)
                if self._opened is None or identity != self._identity:
                    former, self._opened = self._opened, self._open()
                    self._identity = identity
                    if former is not None:
                        # Its cursors go on with the file of before.
                        former.close()
                return self._opened.cursor(), identity
            except FileNotFoundError:
                raise WarehouseError(
                    f"{self._path} doesn't exist yet: run `newsapi run` first"
                ) from None
            except duckdb.Error as error:
                raise WarehouseError(
                    f"{self._path} can't be read; the next `newsapi run` makes it anew "
                    f"({str(error).splitlines()[0].rstrip('!.')})"
                ) from error
            except OSError as error:
                raise WarehouseError(f"{self._path}: {str(error).splitlines()[0]}") from error

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config={"memory_limit": _MEMORY})
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"ATTACH {quoted_text(self._path)} AS news (READ_ONLY)")
        except BaseException:
            connection.close()
            raise
        return connection


def server_of(library: Library, session: Session) -> str | None:
    """Which server a session reads, `primary` or `replica`; None where there is one only."""
    if not isinstance(library, ServerLibrary) or library.replica() is None:
        return None
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaSession

    return "replica" if isinstance(session, ReplicaSession) else "primary"


def _identity(path: Path) -> tuple[int, int]:
    """What tells one publication of a file from the next."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _leads_to(link: Path) -> str | None:
    try:
        return os.readlink(link)  # noqa: PTH115 - half the time of the same by pathlib
    except FileNotFoundError:
        return None


class ServerLibrary(Library):
    """The views on a PostgreSQL server, as the role that the settings name.

    `watch` is asked for revisions: an engine of its own waits for none that reads much.
    """

    def __init__(self, engine: Engine, watch: Engine | None = None) -> None:
        self._engine = engine
        self._watch = watch or engine
        self.location = engine.location

    @override
    def read(self, work: Callable[[Session], T]) -> T:
        try:
            with self.session() as session:
                return work(session)
        except WarehouseAwayError:
            if self.replica() is None:
                raise
        with self.session() as session:
            return work(session)

    def replica(self) -> "ReplicaState | None":
        """What is known of the replica; None where there is none."""
        from newsapi_dentsu.warehouse.engines.postgres_replica import ReadingEngine

        engine = self._engine
        return engine.replica_state() if isinstance(engine, ReadingEngine) else None

    @override
    def revision(self) -> str | None:
        with self._watch.snapshot() as session:
            return revision_of(session)

    @override
    def session(self) -> AbstractContextManager[Session]:
        return self._engine.snapshot()

    @override
    def close(self) -> None:
        self._engine.close()
        self._watch.close()


def open_library(settings: Settings) -> Library:
    """The library that the settings name; nothing is opened yet."""
    if settings.use_postgres:
        watching = settings.model_copy(update={"postgres_pool_size": 1})
        return ServerLibrary(
            open_postgres_to_read(settings, own_writes=False),
            open_postgres_to_read(watching, own_writes=False),
        )
    return CopyLibrary(settings.reading_folder)
