"""A lake of day files becomes one of Delta tables, proven, whatever kills it on the way."""

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import taking_over
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import RAW
from newsapi_dentsu.lake.listing import Lake, read_lake
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.transfer.proof import combined
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.parts import first_quick
from support.tables import final_urls, raw_uris

from .conftest import Run, archive
from .day_files import of_days
from .test_lake import Mortal, collected, uris
from .test_names_in_lists import NAMES, rewrite

ARTICLES, FILES = 30, 10


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DuckDBDatabase:
    """A database with some articles, over two months."""
    database = DuckDBDatabases(tmp_path_factory.mktemp("filled")).create()
    with serving(many(ARTICLES - 9, at=NOON - timedelta(hours=2))) as api:
        api.run(database.open(), lookback_days=1)
    collected(database.open(), NOON + timedelta(days=20), 9, "later-")
    return database


@pytest.fixture
def source(filled: DuckDBDatabase) -> Warehouse:
    """That database, to read from."""
    return filled.open()


@pytest.fixture(scope="module")
def pattern(filled: DuckDBDatabase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of day files, to copy."""
    folder = tmp_path_factory.mktemp("pattern")
    source = filled.open()
    new = archive(source, Folder(folder / "other"), folder / "scratch", NOON).lake
    of_days(source, Folder(folder / "lake"), new, folder / "scratch", ARTICLES // FILES)
    return folder / "lake"


@pytest.fixture
def old(pattern: Path, place: Folder) -> Lake:
    """A lake of day files in the place."""
    shutil.copytree(pattern, place.location)
    lake = read_lake(place)
    assert lake is not None
    assert lake.of_days
    return lake


def test_it_is_restored_as_it_is(
    run: Run, source: Warehouse, old: Lake, place: Folder, tmp_path: Path
) -> None:
    target = DuckDBDatabase(tmp_path / "data" / "news.duckdb")
    done = run(target, "restore", "--raw-only", "--lake", place.location)
    assert done.code == 0, done.err
    assert raw_uris(target.open()) == raw_uris(source)


@pytest.mark.thorough("tests/recovery/test_taking_over.py::test_archiving_takes_it_over_first")
def test_the_command_takes_it_over_and_a_restore_finds_the_same(
    run: Run, filled: DuckDBDatabase, source: Warehouse, old: Lake, place: Folder, tmp_path: Path
) -> None:
    dry = run(filled, "archive", "take-over", "--in", place.location, "--dry-run")
    assert f"{ARTICLES} records in {FILES} day files" in dry.out, dry.err
    assert read_lake(place) == old
    done = run(filled, "archive", "take-over", "--in", place.location)
    assert done.code == 0, done.err
    lake = read_lake(place)
    assert lake is not None
    assert not lake.of_days
    assert combined(file.digest for file in lake.records.values()) == combined(
        file.digest for file in old.records.values()
    )
    assert not [name for name in place.names() if name.startswith("day=")]
    assert lake.searches == old.searches
    assert (lake.through, lake.identity) == (old.through, old.identity)
    target = DuckDBDatabase(tmp_path / "data" / "news.duckdb")
    restored = run(target, "restore", "--raw-only", "--lake", place.location)
    assert restored.code == 0, restored.err
    assert raw_uris(target.open()) == raw_uris(source)
    assert len(final_urls(target.open())) == ARTICLES


def test_archiving_takes_it_over_first(
    source: Warehouse, old: Lake, place: Folder, scratch_folder: Path
) -> None:
    done = archive(source, place, scratch_folder, NOON)
    assert (done.added, done.lake.rows) == (0, ARTICLES)
    assert uris(place) == raw_uris(source)


@pytest.mark.parametrize("seed", first_quick(range(3)))
def test_killed_anywhere_and_run_again_nothing_is_lost_or_there_twice(
    source: Warehouse,
    old: Lake,
    place: Folder,
    scratch_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(taking_over, "_BATCH_BYTES", 1)
    moment = random.Random(seed)
    killed = 0
    for _ in range(6):
        try:
            archive(
                source, Mortal(Path(place.location), moment.randrange(40)), scratch_folder, NOON
            )
        except KeyboardInterrupt:
            killed += 1
            found = read_lake(place)
            assert found is not None
            assert found.rows == ARTICLES
    assert killed
    archive(source, place, scratch_folder, NOON)
    assert uris(place) == raw_uris(source)


def test_a_damaged_day_file_stops_it_and_nothing_is_deleted(
    source: Warehouse, old: Lake, place: Folder, scratch_folder: Path
) -> None:
    names = place.names()
    file = Path(place.location) / min(old.records)
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[: middle - 2_000] + bytes(2_000) + whole[middle:])
    with pytest.raises(StorageError, match="doesn't hold what the lake's list says"):
        archive(source, place, scratch_folder, NOON)
    assert [name for name in place.names() if not name.startswith(RAW.name)] == names
    file.write_bytes(whole)
    archive(source, place, scratch_folder, NOON)
    assert uris(place) == raw_uris(source)


def add_again(place: Folder, change: str) -> None:
    """Add a record of a lake once more, perhaps with a change."""
    from deltalake import write_deltalake

    files = live_files(place, RAW).uris
    again = duckdb.sql(
        f"SELECT * REPLACE ({change}) FROM read_parquet({list(files)}) ORDER BY seq LIMIT 1"
    )
    assert again is not None
    write_deltalake(f"{place.location}/{RAW.name}", again, mode="append", schema_mode="merge")


@pytest.mark.parametrize(
    ("change", "found"),
    first_quick(
        [
            ("'other' AS title", r"1 rows of .* twice, .* \(rows of the number 1 differ\)"),
            ("0::bigint AS seq", "doesn't hold the records that the list says"),
        ]
    ),
    ids=["another text", "another number"],
)
def test_rows_that_somebody_added_meanwhile_are_found_out(
    source: Warehouse, old: Lake, place: Folder, scratch_folder: Path, change: str, found: str
) -> None:
    archive(source, place, scratch_folder, NOON)
    add_again(place, change)
    before = read_lake(place)
    with pytest.raises(StorageError, match=found):
        archive(source, place, scratch_folder, NOON)
    assert read_lake(place) == before
    archive(source, place, scratch_folder, NOON, anew=True)
    assert uris(place) == raw_uris(source)


def test_a_row_that_somebody_added_again_as_it_is_is_dropped(
    source: Warehouse, old: Lake, place: Folder, scratch_folder: Path
) -> None:
    archive(source, place, scratch_folder, NOON)
    add_again(place, "title AS title")
    assert archive(source, place, scratch_folder, NOON).doubled == 1
    assert uris(place) == raw_uris(source)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_an_old_list_that_names_other_files_is_refused(old: Lake, place: Folder, name: str) -> None:
    before = place.names()

    def of_records(value: dict[str, Any]) -> None:
        value["records"][name] = value["records"].popitem()[1]

    rewrite(Path(place.location) / "lake.json", of_records)
    with pytest.raises(StorageError, match="is damaged"):
        read_lake(place)
    assert place.names() == before
