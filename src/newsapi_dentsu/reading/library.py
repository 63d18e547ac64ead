"""What readers are served from: the reader's copy where DuckDB stores, else the server's views."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import duckdb
from typing_extensions import override

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.reading.chapters import LINK
from newsapi_dentsu.reading.copy import FILE, note_damage
from newsapi_dentsu.reading.copy_index import CopyIndex
from newsapi_dentsu.reading.hits import Index
from newsapi_dentsu.reading.index import CopySession, searched_revision
from newsapi_dentsu.reading.memory import Now, OtherRevisionError, RememberedSession
from newsapi_dentsu.reading.server_index import ServerIndex, entries_revision
from newsapi_dentsu.reading.stories import State, read_revision, read_state, refuse_earlier
from newsapi_dentsu.reading.symlinks import state_led_to
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine, Session, one
from newsapi_dentsu.warehouse.engines.duckdb import tells_damage
from newsapi_dentsu.warehouse.engines.opening import open_postgres_to_read, silence_of
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import search

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaState

_CONFIGURED: Final[dict[str, Any]] = {
    "memory_limit": "512MB",
    "late_materialization_max_rows": "1000",
}
"""Of the pages of a list, which have fewer rows, whole texts are read for the rows that are shown;
DuckDB does so for 50 by itself, and reads all texts of the table otherwise."""

T = TypeVar("T")

_NOW = (
    "SELECT json_build_array(pg_is_in_recovery(), state.schema_version, state.revision, "
    f"{', '.join(f'search.{name}' for name in search.STATE_COLUMNS)})::text "
    f"FROM final.reading_state AS state LEFT JOIN {search.STATE} AS search ON true"
)
"""All that `revision_of` names on a server, in one statement."""


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

    def read(self, work: Callable[[Session], T], known: Now | None = None) -> T:
        """Do work that only reads on a session; again where a replica gave it up.

        Args:
            work: what is done.
            known: what `now` has told since it was asked for, of use to whoever remembers.

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

    def now(self) -> Now:
        """What is read at this moment; as `revision`, with the server that told it.

        Raises:
            WarehouseError: as `session` does.
        """
        return Now(self.revision())

    def now_at_hand(self) -> Now | None:
        """The same where nobody has to be waited for to tell it; else None."""
        revision = self.revision_at_hand()
        return None if revision is None else Now(revision)

    async def now_here(self) -> Now | None:
        """The same as `now`, without a thread that waits; None where it takes one.

        Raises:
            WarehouseError: as `now` does.
        """
        return None

    def now_of(self, session: Session) -> Now:
        """What a session reads.

        Raises:
            WarehouseError: it was made by another version of this program.
        """
        return Now(revision_of(session), self.server_of(session))

    def server_of(self, session: Session) -> str | None:
        """The server that a session reads, `primary` or `replica`; None where there is only one."""
        return session.now.server if isinstance(session, RememberedSession) else None

    def look(self, session: RememberedSession) -> Index:
        """The index of searches of a session's revision.

        Raises:
            OtherRevisionError: there is a newer one.
            NoIndexError: there is none, or none that can be read.
        """
        return ServerIndex(session)

    def close(self) -> None:
        """Let go of it."""
        ...


def revision_of(session: Session, state: State | None = None) -> str | None:
    """What names all that a session reads: the same name, the same answers.

    None where nothing does.

    Args:
        session: the open library.
        state: what `read_state` has told of it, where that is known.

    Raises:
        WarehouseError: it was made by another version of this program.
    """
    if isinstance(session, RememberedSession):
        return session.now.revision
    revision = state.revision if state else read_revision(session)
    if revision is None:
        return None
    published = session.published if isinstance(session, CopySession) else ""
    return _named(revision, searched_revision(session), published)


def _named(revision: str, searched: str | None, published: str = "") -> str:
    return f"{revision} {searched} {published}"


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
        self._known: tuple[object, Now] | None = None

    @override
    @contextmanager
    def session(self) -> Iterator[Session]:
        cursor, identity = self._cursor()
        with cursor:
            cursor.execute("USE news")
            try:
                yield CopySession(cursor, self._opened_index, "-".join(map(str, identity)))
            except duckdb.Error as error:
                if not tells_damage(error):
                    raise
                note_damage(self._folder)
                raise _unreadable(self._path, error) from error

    @override
    def read(self, work: Callable[[Session], T], known: Now | None = None) -> T:
        with self.session() as session:
            return work(session)

    @override
    def revision(self) -> str | None:
        return self.now().revision

    @override
    def revision_at_hand(self) -> str | None:
        known = self._known_now(self._there())
        return known.revision if known else None

    @override
    def now(self) -> Now:
        there = self._there()
        with self.session() as session:
            now = self.now_of(session)
        # Of now or newer: then what is there differs, and it is asked for again.
        self._known = there, now
        return now

    @override
    def now_of(self, session: Session) -> Now:
        if isinstance(session, CopySession):
            known = self._known_now((session.published, searched_revision(session)))
            if known is not None:
                return known
        return super().now_of(session)

    @override
    def look(self, session: RememberedSession) -> Index:
        index = self._opened_index()
        if self._known_now((self._published(), index.revision)) != session.now:
            raise OtherRevisionError
        return index

    def _known_now(self, there: object) -> Now | None:
        known = self._known
        return known[1] if known is not None and there is not None and known[0] == there else None

    def _there(self) -> object:
        """The file and the state of the index that are there; None where it can't be told."""
        try:
            return self._published(), state_led_to(self._index_link)
        except OSError:
            return None

    def _published(self) -> str:
        return "-".join(map(str, _identity(self._path)))

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
                raise _unreadable(self._path, error) from error
            except OSError as error:
                raise WarehouseError(f"{self._path}: {str(error).splitlines()[0]}") from error

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config=_CONFIGURED)
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute(f"ATTACH {quoted_text(self._path)} AS news (READ_ONLY)")
        except BaseException:
            connection.close()
            raise
        return connection


def _unreadable(path: Path, error: duckdb.Error) -> WarehouseError:
    told = str(error).splitlines()[0].rstrip("!.")
    return WarehouseError(f"{path} can't be read; the next `newsapi run` makes it anew ({told})")


def _identity(path: Path) -> tuple[int, int]:
    """What tells one publication of a file from the next."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


class ServerLibrary(Library):
    """The views on a PostgreSQL server, as the role that the settings name.

    `watch` is asked for revisions: an engine of its own waits for none that reads much.
    """

    def __init__(self, engine: Engine, watch: Engine | None = None) -> None:
        self._engine = engine
        self._watch = watch or engine
        self._last = "", Now(None)
        self.location = engine.location

    @override
    def read(self, work: Callable[[Session], T], known: Now | None = None) -> T:
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
        return self.now().revision

    @override
    def now(self) -> Now:
        try:
            return self._told(self._watch.glance(_NOW))
        except WarehouseAwayError:
            raise
        except WarehouseError:
            # Of an earlier version, as whoever looks closer is told.
            with self._watch.snapshot() as session:
                return super().now_of(session)

    @override
    async def now_here(self) -> Now | None:
        text = await self._watch.glance_here(_NOW)
        return self._told(text) if text else None

    @override
    def now_of(self, session: Session) -> Now:
        return self._told(one(session, _NOW))._replace(server=self.server_of(session))

    def _told(self, text: str) -> Now:
        last, now = self._last
        if text == last:
            return now
        recovers, version, revision, *searched = json.loads(text)
        refuse_earlier(version)
        if revision is not None:
            found = None if searched[0] is None else search.SearchState(*searched)
            revision = _named(revision, entries_revision(found))
        now = Now(revision, self._server(replica=recovers))
        self._last = text, now
        return now

    @override
    def server_of(self, session: Session) -> str | None:
        from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaSession

        if isinstance(session, RememberedSession):
            return session.now.server
        return self._server(replica=isinstance(session, ReplicaSession))

    def _server(self, *, replica: bool) -> str | None:
        if self.replica() is None:
            return None
        return "replica" if replica else "primary"

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
        silence = silence_of(settings)
        return ServerLibrary(
            open_postgres_to_read(settings, own_writes=False, silence=silence),
            open_postgres_to_read(watching, own_writes=False, silence=silence),
        )
    return CopyLibrary(settings.reading_folder)


def state_of_copy(folder: Path) -> int:
    """The state of final that the reader's copy in a folder has.

    Raises:
        WarehouseError: no reader can be served from it.
    """
    try:
        with closing(CopyLibrary(folder)) as library:
            return library.read(read_state).change_seq
    except duckdb.Error as error:
        raise WarehouseError(str(error).splitlines()[0]) from None
