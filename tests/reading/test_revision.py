"""What names all that is read, told without opening anything as long as nothing was published."""

from datetime import timedelta
from pathlib import Path

from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.index import publish_search
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.warehouse import Warehouse
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store
from support.searching import MODEL


def publish_index(warehouse: Warehouse, folder: Path) -> None:
    publish_search(warehouse, folder, MODEL)


def test_the_revision_of_a_copy_is_at_hand_until_something_is_published(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    warehouse = duckdb_databases.create().open()
    library = CopyLibrary(tmp_path)
    assert library.revision_at_hand() is None
    told: list[str | None] = []
    for number in range(2):
        store(warehouse, record(f"{number:05}", NOON - timedelta(hours=number)))
        process(warehouse)
        for bring in (publish, publish_index):
            bring(warehouse, tmp_path)
            assert library.revision_at_hand() is None
            told.append(library.revision())
            assert library.revision_at_hand() == told[-1]
    assert len({*told}) == 4
    assert None not in told
    (tmp_path / "news.duckdb").unlink()
    assert library.revision_at_hand() is None
    library.close()
    warehouse.close()
