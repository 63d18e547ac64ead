"""A backup holds every table and proves it; an interrupted one is none; old ones go."""

import json
import time
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from newsapi_dentsu.errors import SettingsError, StorageError
from newsapi_dentsu.recovery import backups
from newsapi_dentsu.storage import Folder, open_store
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import Database
from support.parts import first_quick
from support.processes import event, process

from .conftest import Run, archive, back_up


class Stubborn(Folder):
    """A folder that refuses to take more than so many files."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self._most = most

    def upload(self, source: Path, name: str) -> None:
        if len(self.names()) >= self._most:
            raise StorageError("the power is gone")
        super().upload(source, name)


def test_it_holds_every_table_and_says_what_is_in_it(
    warehouse: Warehouse, place: Folder, scratch_folder: Path
) -> None:
    with serving(many(12, at=NOON - timedelta(hours=2))) as api:
        api.run(warehouse, lookback_days=1)
    made = back_up(warehouse, place, scratch_folder, NOON)

    (found,) = backups.backups(place)
    assert found == made.backup
    manifest = found.manifest
    assert (found.name, manifest.exported_at, manifest.origin) == (
        "2026-11-20T12-00-00Z",
        NOON,
        "sandbox",
    )
    assert manifest.digests.keys() == {table.name for table in tables()}
    assert manifest.digests["final.filtered_news"].rows == 12
    assert {f"{found.name}/{file}" for file in manifest.files} | {
        f"{found.name}/export_manifest.json"
    } == set(place.names())
    assert list(scratch_folder.iterdir()) == []


@pytest.mark.parametrize("most", first_quick([1, len(tables())]))
def test_an_interrupted_backup_is_none_and_the_next_one_clears_it_away(
    warehouse: Warehouse, place: Folder, scratch_folder: Path, tmp_path: Path, most: int
) -> None:
    broken = Stubborn(tmp_path / "place", most)
    with pytest.raises(StorageError, match="power"):
        back_up(warehouse, broken, scratch_folder, NOON)
    assert len(place.names()) == most
    assert backups.backups(place) == []
    with pytest.raises(StorageError, match="no whole backup; whole ones there: none"):
        backups.find(place, None)

    made = back_up(warehouse, place, scratch_folder, NOON + timedelta(hours=1))
    assert [one.name for one in backups.backups(place)] == [made.backup.name]
    assert {name.partition("/")[0] for name in place.names()} == {made.backup.name}


def test_the_newest_are_kept_and_nothing_of_anybody_else_is_touched(
    warehouse: Warehouse, place: Folder, scratch_folder: Path, tmp_path: Path
) -> None:
    foreign = ["notes.txt", "2026-11-20T12-00-00Z/notes.txt", "older/export_manifest.json"]
    for name in foreign:
        path = tmp_path / "place" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    made = [
        back_up(warehouse, place, scratch_folder, NOON + timedelta(weeks=week), keep=2)
        for week in range(3)
    ]

    names = [one.backup.name for one in made]
    assert [one.deleted for one in made] == [(), (), (names[0],)]
    assert [one.name for one in backups.backups(place)] == [names[2], names[1]]
    assert set(foreign) <= set(place.names())


def test_what_killed_backups_and_archivings_left_on_the_disk_goes_with_the_next_one(
    database: Database, place: Folder, scratch_folder: Path, tmp_path: Path
) -> None:
    warehouse = database.open()
    for work in (_back_up_until_killed, _archive_until_killed):
        begun = event()
        with process(work, database, tmp_path / "other place", scratch_folder, begun):
            assert begun.wait(60)
        (left,) = scratch_folder.iterdir()
        assert any(left.iterdir())
        back_up(warehouse, place, scratch_folder, NOON)
        assert list(scratch_folder.iterdir()) == []


def _back_up_until_killed(database: Database, place: Path, scratch: Path, begun: Event) -> None:
    back_up(database.open(), _Hanging(place, begun), scratch, NOON)


def _archive_until_killed(database: Database, place: Path, scratch: Path, begun: Event) -> None:
    archive(database.open(), _Hanging(place, begun), scratch, NOON)


class _Hanging(Folder):
    """A folder that takes for ever."""

    def __init__(self, path: Path, begun: Event) -> None:
        super().__init__(path)
        self._begun = begun

    def upload(self, source: Path, name: str) -> None:
        self._begun.set()
        time.sleep(60)


def test_a_damaged_manifest_is_not_in_the_way_of_other_backups(
    warehouse: Warehouse, place: Folder, scratch_folder: Path, tmp_path: Path
) -> None:
    older, newer = (
        back_up(warehouse, place, scratch_folder, NOON + timedelta(hours=hour)).backup
        for hour in range(2)
    )
    (tmp_path / "place" / newer.name / "export_manifest.json").write_text("{")
    assert backups.find(place, older.name) == older
    with pytest.raises(StorageError, match=f"newer than the newest whole one.*{newer.name}"):
        backups.find(place, None)
    with pytest.raises(StorageError, match=f"no whole backup {newer.name}; whole ones there"):
        backups.find(place, newer.name)


def test_the_command_makes_one_and_lists_them(run: Run, database: Database, tmp_path: Path) -> None:
    settings = {"BACKUP_LOCATION": str(tmp_path / "place")}
    made = run(database, "backup", "--json", **settings)
    assert made.code == 0, made.err
    listed = run(database, "backup", "list", "--json", **settings)
    assert json.loads(listed.out)["backups"][0]["name"] == json.loads(made.out)["name"]
    assert json.loads(made.out)["name"] in run(database, "backup", "list", **settings).out


def test_the_command_says_what_is_missing(run: Run, database: Database) -> None:
    done = run(database, "backup")
    assert (done.code, done.out) == (1, "")
    assert "set BACKUP_LOCATION" in done.err


@pytest.mark.parametrize(
    "location",
    [
        "http://account.blob.core.windows.net/exports",
        "https://account.blob.core.windows.net/exports?sig=secret",
        "s3://bucket",
        "https://account",
    ],
)
def test_a_store_is_a_folder_or_a_container_without_a_key(location: str) -> None:
    with pytest.raises(SettingsError, match="is no object store") as caught:
        open_store(location)
    assert "secret" not in str(caught.value)
