"""What readers are served from: the reader's copy where DuckDB stores, else the server's views."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import duckdb
from typing_extensions import override

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading.copy import FILE
from newsapi_dentsu.reading.copy_index import CopyIndex
from newsapi_dentsu.reading.hits import Index
from newsapi_dentsu.reading.index import CopySession
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine, Session
from newsapi_dentsu.warehouse.engines.opening import open_postgres
from newsapi_dentsu.warehouse.engines.quoting import quoted_text

_MEMORY = "512MB"


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

    def close(self) -> None:
        """Let go of it."""
        ...


class CopyLibrary(Library):
    """The reader's copy: opened once for each publication, and held for those who still read it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._folder = folder
        self.location = str(self._path)
        self._lock = threading.Lock()
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._identity: tuple[int, int] | None = None
        self._index: CopyIndex | None = None

    @override
    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._cursor() as cursor:
            cursor.execute("USE news")
            cursor.execute("SET TimeZone = 'UTC'")
            yield CopySession(cursor, self._opened_index)

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

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            try:
                found = self._path.stat()
                identity = (found.st_ino, found.st_mtime_ns)
                if self._opened is None or identity != self._identity:
                    former, self._opened = self._opened, self._open()
                    self._identity = identity
                    if former is not None:
                        # Its cursors go on with the file of before.
                        former.close()
                return self._opened.cursor()
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


class ServerLibrary(Library):
    """The views on a PostgreSQL server, as the role that the settings name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.location = engine.location

    @override
    def session(self) -> AbstractContextManager[Session]:
        return self._engine.snapshot()

    @override
    def close(self) -> None:
        self._engine.close()


def open_library(settings: Settings) -> Library:
    """The library that the settings name; nothing is opened yet."""
    if settings.use_postgres:
        return ServerLibrary(open_postgres(settings))
    return CopyLibrary(settings.reading_folder)
