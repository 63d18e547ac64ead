"""Searching what a warehouse holds, as readers do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.hits import Index
from newsapi_dentsu.reading.index import index_of, publish_search
from newsapi_dentsu.reading.library import CopyLibrary, Library, ServerLibrary
from newsapi_dentsu.warehouse import Warehouse

MODEL = "tests@1"


def published(warehouse: Warehouse, folder: Path) -> Library:
    """Publish what is stored, as each run does at its end, and open it as readers do."""
    if warehouse.engine.name == "DuckDB":
        publish(warehouse, folder)
    publish_search(warehouse, folder, MODEL)
    if warehouse.engine.name == "DuckDB":
        return CopyLibrary(folder)
    return ServerLibrary(warehouse.engine)


@contextmanager
def searching(library: Library) -> Iterator[Index]:
    """The index of a library, open for a while."""
    with library.session() as session:
        yield index_of(session)
