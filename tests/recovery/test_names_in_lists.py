"""A list of files decides nothing outside its place, whatever names and links are in it."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.lake.listing import read_lake
from newsapi_dentsu.recovery import backups
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.transfer.files import parse_manifest
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.parts import first_quick

from .conftest import Run, archive, back_up

NAMES = {
    "above": "../victim.txt",
    "far above": "../../../../../../../../victim.txt",
    "absolute": "/etc/hostname",
    "inside and out again": "x/../../victim.txt",
    "of Windows": "..\\victim.txt",
    "on a drive": "C:\\victim.txt",
    "device of Windows": "NUL",
    "with a newline": "export_raw.parquet\n",
    "with an escape": "export_raw\x1b[2J.parquet",
    "with a zero": "export_raw\0.parquet",
    "letters that look alike": "ехроrt_raw.parquet",
    "letters of full width": "../\uff45xport_raw.parquet",
    "hidden": ".export_raw.parquet.part",
    "nothing": "",
    "the list itself": "export_manifest.json",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DuckDBDatabase:
    """A database with a few articles."""
    database = DuckDBDatabases(tmp_path_factory.mktemp("filled")).create()
    with serving(many(6, at=NOON - timedelta(hours=2))) as api:
        api.run(database.open(), lookback_days=1)
    return database


@pytest.fixture
def source(filled: DuckDBDatabase) -> Warehouse:
    """The database with a few articles, to read from."""
    return filled.open()


@pytest.fixture(scope="module")
def written(filled: DuckDBDatabase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup and a lake of that database."""
    folder = tmp_path_factory.mktemp("written")
    back_up(filled.open(), Folder(folder / "backups"), folder / "scratch", NOON)
    archive(filled.open(), Folder(folder / "lake"), folder / "scratch", NOON)
    return folder


@pytest.fixture
def backed_up(written: Path, place: Folder, tmp_path: Path) -> str:
    """The name of a backup in the place, of the test's own."""
    shutil.copytree(written / "backups", tmp_path / "place")
    (made,) = backups.backups(place)
    return made.name


@pytest.fixture
def archived(written: Path, tmp_path: Path) -> Path:
    """The list of a lake in the place, of the test's own."""
    shutil.copytree(written / "lake", tmp_path / "place")
    return tmp_path / "place" / "lake.json"


@pytest.fixture
def target(tmp_path: Path) -> DuckDBDatabase:
    """A place for a new database."""
    return DuckDBDatabase(tmp_path / "data" / "news.duckdb")


@pytest.fixture
def outside(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Files around the places that nothing may touch; called, it reads them."""
    (tmp_path / "elsewhere").mkdir()
    for name in ("victim.txt", "elsewhere/victim.txt", "elsewhere/export_raw.parquet"):
        (tmp_path / name).write_text("mine")
    return lambda: {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in (*tmp_path.glob("*.txt"), *(tmp_path / "elsewhere").rglob("*"))
        if path.is_file()
    }


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a list that is kept as JSON."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_backup_whose_manifest_names_other_files_is_none(
    place: Folder, tmp_path: Path, backed_up: str, name: str
) -> None:
    manifest = tmp_path / "place" / backed_up / "export_manifest.json"
    rewrite(manifest, lambda value: value["tables"]["raw.queries"].update(file=name))
    with pytest.raises(WarehouseError, match=r"tables\.raw\.queries\.file"):
        parse_manifest(manifest.read_bytes(), "it")
    assert backups.backups(place) == []


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_lake_whose_list_names_other_files_is_refused(
    source: Warehouse, place: Folder, scratch_folder: Path, archived: Path, name: str
) -> None:
    before = place.names()

    def of_records(value: dict[str, Any]) -> None:
        value["records"][name] = value["records"].popitem()[1]

    def of_searches(value: dict[str, Any]) -> None:
        value["searches"]["raw.queries"]["file"] = name

    whole = archived.read_text()
    for change in (of_records, of_searches):
        archived.write_text(whole)
        rewrite(archived, change)
        with pytest.raises(StorageError, match="is damaged"):
            read_lake(place)
        with pytest.raises(StorageError, match="is damaged"):
            archive(source, place, scratch_folder, NOON)
        assert place.names() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["records"].update({"day=2026-02-31/" + "0" * 12: {}}),
        lambda value: value["searches"].update({"raw.queries; DROP TABLE x": {}}),
        lambda value: value.update(searches={"final.filtered_news": {}}),
        lambda value: value.update(archived_at="2026-11-20T12:00:00"),
        lambda value: value.update(through=-1),
        lambda value: value.update(records=[]),
        lambda value: next(iter(value["records"].values())).update(bytes="1"),
        lambda value: next(iter(value["records"].values())).update(hash="../../../victim"),
    ],
)
def test_a_lake_whose_list_has_another_form_is_refused(
    place: Folder, archived: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(archived, change)
    with pytest.raises(StorageError, match="is damaged"):
        read_lake(place)


@pytest.mark.parametrize("options", first_quick([[], ["--dry-run"]]), ids=["restore", "dry run"])
def test_the_commands_touch_nothing_outside(
    run: Run,
    source: Warehouse,
    target: DuckDBDatabase,
    scratch_folder: Path,
    tmp_path: Path,
    outside: Callable[[], dict[str, bytes]],
    options: tuple[str, ...],
) -> None:
    kept = outside()
    backup = back_up(source, Folder(tmp_path / "backups"), scratch_folder, NOON).backup
    archive(source, Folder(tmp_path / "lake"), scratch_folder, NOON)
    manifest = tmp_path / "backups" / backup.name / "export_manifest.json"
    for name in ("../../victim.txt", str(tmp_path / "victim.txt")):

        def of_table(value: dict[str, Any], name: str = name) -> None:
            value["tables"]["raw.queries"].update(file=name, bytes=1)

        def of_records(value: dict[str, Any], name: str = name) -> None:
            value["records"][name] = value["records"].popitem()[1] | {"bytes": 1}

        rewrite(manifest, of_table)
        rewrite(tmp_path / "lake" / "lake.json", of_records)
        commands = (
            ("restore", "--from", str(tmp_path / "backups"), *options),
            ("restore", "--raw-only", "--lake", str(tmp_path / "lake"), *options),
            ("import", str(manifest.parent), *options),
        )
        for command in commands:
            done = run(target, *command)
            assert (done.code, done.out) == (1, ""), command
            assert "Traceback" not in done.err
            assert outside() == kept


def test_a_link_in_a_place_leads_nowhere(
    run: Run,
    source: Warehouse,
    target: DuckDBDatabase,
    scratch_folder: Path,
    tmp_path: Path,
    outside: Callable[[], dict[str, bytes]],
) -> None:
    store = Folder(tmp_path / "backups")
    made = back_up(source, store, scratch_folder, NOON).backup
    file = tmp_path / "backups" / made.name / "export_raw.parquet"
    file.rename(tmp_path / "elsewhere" / "export_raw.parquet")
    file.symlink_to(tmp_path / "elsewhere" / "export_raw.parquet")
    kept = outside()
    done = run(target, "restore", "--from", str(tmp_path / "backups"))
    assert done.code == 1
    assert "leads out of" in done.err

    # A folder that is a link would be written to, emptied, and removed.
    (tmp_path / "backups" / "2026-11-20T13-00-00Z").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out of"):
        back_up(source, store, scratch_folder, NOON + timedelta(hours=1))
    (tmp_path / "backups" / "2026-11-20T14-00-00Z").mkdir()
    part = tmp_path / "backups" / "2026-11-20T14-00-00Z" / ".export_raw.parquet.part"
    part.symlink_to(tmp_path / "victim.txt")
    back_up(source, store, scratch_folder, NOON + timedelta(hours=2), keep=1)
    assert outside() == kept


def test_a_place_that_is_a_link_itself_is_a_place(
    source: Warehouse, scratch_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "backups").symlink_to(tmp_path / "disk")
    store = Folder(tmp_path / "backups")
    made = back_up(source, store, scratch_folder, NOON).backup
    assert backups.find(store, made.name) == made


def test_damaged_files_stay_in_their_place(
    run: Run, source: Warehouse, target: DuckDBDatabase, scratch_folder: Path, tmp_path: Path
) -> None:
    archive(source, Folder(tmp_path / "lake"), scratch_folder, NOON)
    file = next((tmp_path / "lake").glob("raw_records/month=*/*.parquet"))
    whole = file.read_bytes()
    middle = len(whole) // 2
    # One byte may be one that nobody reads, as of a value that is told twice.
    zeroed = whole[: middle - 2_000] + bytes(2_000) + whole[middle:]
    for damaged in (whole[:middle], zeroed):
        file.write_bytes(damaged)
        for options in (("--dry-run",), ()):
            done = run(target, "restore", "--raw-only", "--lake", str(tmp_path / "lake"), *options)
            assert done.code == 1
            assert file.read_bytes() == damaged


def test_a_backup_that_cannot_be_read_is_none_of_those_that_are_kept(
    source: Warehouse, place: Folder, scratch_folder: Path, tmp_path: Path
) -> None:
    made = [
        back_up(source, place, scratch_folder, NOON + timedelta(hours=hour), keep=9).backup.name
        for hour in range(3)
    ]
    damaged = tmp_path / "place" / made[2] / "export_manifest.json"
    damaged.write_text("{")
    done = back_up(source, place, scratch_folder, NOON + timedelta(hours=3), keep=2)
    assert done.deleted == (made[0],)
    assert [one.name for one in backups.backups(place)] == [done.backup.name, made[1]]
    assert damaged.read_text() == "{"


def test_an_earlier_list_does_not_cost_what_only_the_lake_has(
    source: Warehouse, place: Folder, scratch_folder: Path, tmp_path: Path, target: DuckDBDatabase
) -> None:
    archive(source, place, scratch_folder, NOON)
    listed = tmp_path / "place" / "lake.json"
    files = place.names()
    records = read_lake(place)
    empty = target.open()
    target.path.parent.mkdir()
    empty.upgrade()
    rewrite(
        listed,
        lambda value: value.update(through=0, identity=None, records={}, searches={}),
    )
    with pytest.raises(StorageError, match=r"holds records that .* does not have"):
        archive(empty, place, scratch_folder, NOON)
    assert place.names() == files
    # The tables know what they hold, so a restore finds it again.
    found = read_lake(place)
    assert found is not None
    assert records is not None
    assert found.records == records.records
