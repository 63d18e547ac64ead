"""The index of searches that belongs to what is read, and bringing it up after a run."""

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import duckdb
from typing_extensions import override

from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.reading.hits import Index, NoIndexError, Reach
from newsapi_dentsu.reading.server_index import ServerIndex, publish_entries
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.wording import counted, utc_text

_LOCKED_SECONDS: Final = 30.0
"""How long a run that comes meanwhile waits at most, and for what is under way then."""


class IndexedSession(Session):
    """A session that has the index of searches with it."""

    @property
    def index(self) -> Index:
        """The index.

        Raises:
            NoIndexError: there is none yet, or none that can be read.
        """
        raise NotImplementedError


class CopySession(IndexedSession, DuckDBSession):
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
    @override
    def index(self) -> Index:
        return self._open_index()


def index_of(session: Session) -> Index:
    """The index of what a session reads.

    Raises:
        NoIndexError: there is none yet, or none that can be read.
    """
    return session.index if isinstance(session, IndexedSession) else ServerIndex(session)


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


def searchable(warehouse: Warehouse, folder: Path) -> Reach:
    """What can be searched.

    Args:
        warehouse: the warehouse.
        folder: where the reader's copy lies, where DuckDB stores.

    Raises:
        NoIndexError: nothing can.
    """
    if warehouse.engine.name != "PostgreSQL":
        from newsapi_dentsu.reading.copy_index import stamp_to_read

        return stamp_to_read(folder).reach
    with warehouse.snapshot() as session:
        return Reach(index_of(session).state, None, 0)


def publish_search(
    warehouse: Warehouse,
    folder: Path,
    model: str,
    *,
    seconds: float | None = None,
    progress: Progress = no_progress,
) -> Reach | None:
    """Bring the index of searches up to what people read; the caller holds the run lock.

    Where there is much to take, it may be ended at any moment, and the next call goes on.

    Args:
        warehouse: the warehouse; where it is DuckDB, the reader's copy was brought up before.
        folder: where the reader's copy lies.
        model: the sentence model whose vectors tell what articles mean.
        seconds: after which nothing further is begun.
        progress: told how much is taken.

    Returns:
        What can be searched now; None where that is nothing yet.

    Raises:
        StorageError: the folder can't be written.
    """
    if warehouse.engine.name == "PostgreSQL":
        return publish_entries(warehouse, model, seconds=seconds, progress=progress)
    from newsapi_dentsu.reading.making import publish_index

    return publish_index(warehouse, folder, model, seconds=seconds, progress=progress)


def complete_search(
    warehouse: Warehouse,
    folder: Path,
    model: str,
    *,
    holder: str,
    wait: float,
    progress: Progress = no_progress,
) -> None:
    """Bring the index of searches up to what is stored, to its end.

    Takes the run lock for some seconds at a time: a run that waits has its turn in between.

    Args:
        warehouse: the warehouse.
        folder: where the reader's copy lies, where DuckDB stores.
        model: the sentence model whose vectors tell what articles mean.
        holder: who holds the lock, for others.
        wait: for how many seconds another holder is waited for.
        progress: told how much is taken.

    Raises:
        WarehouseError: there are no tables yet, or another run holds the lock for longer.
        StorageError: the folder can't be written.
    """
    complete = False
    while not complete:
        with warehouse.run_lock(holder, wait):
            if warehouse.engine.name != "PostgreSQL":
                from newsapi_dentsu.reading.copy import publish

                publish(warehouse, folder)
            reach = publish_search(
                warehouse, folder, model, seconds=_LOCKED_SECONDS, progress=progress
            )
        complete = reach is not None and not reach.missing


def reach_told(reach: Reach | None) -> str:
    """What can't be searched yet, for people."""
    if reach is None:
        return "Nothing can be searched before the index is complete"
    articles = counted(reach.missing, "article")
    if reach.since is None:
        return f"The index is behind by {articles}"
    return (
        f"Searches find nothing from before {utc_text(reach.since)} yet: the index lacks {articles}"
    )
