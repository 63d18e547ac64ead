"""The index of searches that belongs to what is read, and bringing it up after a run."""

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path

import duckdb

from newsapi_dentsu.reading.hits import Index, NoIndexError
from newsapi_dentsu.reading.server_index import ServerIndex, publish_entries
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession


class CopySession(DuckDBSession):
    """The reader's copy, with the index of searches beside it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        open_index: Callable[[], Index],
        published: str = "",
    ) -> None:
        super().__init__(connection)
        self._open_index = open_index
        self.published = published
        """Which file it reads."""

    @cached_property
    def index(self) -> Index:
        """The index.

        Raises:
            NoIndexError: there is none yet, or none that can be read.
        """
        return self._open_index()


def index_of(session: Session) -> Index:
    """The index of what a session reads.

    Raises:
        NoIndexError: there is none yet, or none that can be read.
    """
    return session.index if isinstance(session, CopySession) else ServerIndex(session)


def searched_state(session: Session) -> int | None:
    """The state that searches answer from; None where there is no index."""
    try:
        return index_of(session).state
    except NoIndexError:
        return None


def searched_revision(session: Session) -> str | None:
    """What names all that searches answer from; None where there is no index."""
    try:
        return index_of(session).revision
    except NoIndexError:
        return None


@cache
def open_copy_index(folder: Path) -> Index:
    """The newest index beside the reader's copy in a folder, the same one for good.

    Raises:
        NoIndexError: there is none yet, or none that can be read.
    """
    from newsapi_dentsu.reading.copy_index import CopyIndex

    return CopyIndex(folder)


def searchable_state(warehouse: Warehouse, folder: Path) -> int | None:
    """The state that can be searched; None where nothing can.

    Args:
        warehouse: the warehouse.
        folder: where the reader's copy lies, where DuckDB stores.
    """
    if warehouse.engine.name != "PostgreSQL":
        from newsapi_dentsu.reading.copy_index import CopyIndex

        try:
            return CopyIndex(folder).state
        except NoIndexError:
            return None
    with warehouse.snapshot() as session:
        return searched_state(session)


def publish_search(warehouse: Warehouse, folder: Path, model: str) -> int:
    """Bring the index of searches up to what people read; the caller holds the run lock.

    Args:
        warehouse: the warehouse; where it is DuckDB, the reader's copy was brought up before.
        folder: where the reader's copy lies.
        model: the sentence model whose vectors tell what articles mean.

    Returns:
        The state that can be searched now.

    Raises:
        StorageError: the folder can't be written.
    """
    if warehouse.engine.name == "PostgreSQL":
        return publish_entries(warehouse, model)
    from newsapi_dentsu.reading.copy_index import publish_index

    return publish_index(warehouse, folder, model)
