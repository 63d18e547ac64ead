"""A reader's copy that can't be read says what helps."""

from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading.copy import FILE, publish
from newsapi_dentsu.reading.library import CopyLibrary, open_library
from newsapi_dentsu.settings import Settings
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store


def test_what_a_reader_cant_read_within_the_copy_is_made_anew(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    warehouse = duckdb_databases.create().open()
    store(warehouse, *(record(f"{n:05}", NOON) for n in range(5)))
    process(warehouse)
    publish(warehouse, tmp_path)
    path = tmp_path / FILE
    with path.open("r+b") as file:
        # After the head, and up to what lists the tables.
        file.seek(3 * 4096)
        file.write(bytes(path.stat().st_size - 4 * 262_144))

    library = CopyLibrary(tmp_path)
    texts = "SELECT count(title), max(body) FROM final.articles"
    for _ in range(2):
        with pytest.raises(WarehouseError, match="makes it anew"), library.session() as session:
            session.rows(texts)
    publish(warehouse, tmp_path)

    with library.session() as session:
        assert session.rows(texts)[0][0] == 5
    inode = path.stat().st_ino
    publish(warehouse, tmp_path)
    assert path.stat().st_ino == inode


def test_a_damaged_copy_is_told_with_its_remedy(tmp_path: Path) -> None:
    settings = Settings(duckdb_path=tmp_path / "news.duckdb")
    settings.reading_folder.mkdir(parents=True)
    (settings.reading_folder / "news.duckdb").write_bytes(b"garbage" * 1000)

    with (
        pytest.raises(WarehouseError, match=r"the next `newsapi run` makes it anew \(.*[^.!]\)$"),
        open_library(settings).session(),
    ):
        pass
