"""A restore refuses where it would leave something out that is there, or should be."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.recovery.backups import find
from newsapi_dentsu.storage import Folder
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.databases import DuckDBDatabase, DuckDBDatabases, disconnect
from support.tables import raw_uris

from .conftest import Run, archive, back_up

HOUR = timedelta(hours=1)
OLD, NEW = "2026-11-20T12-00-00Z", "2026-11-20T13-00-00Z"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> DuckDBDatabase:
    """A database, empty at first."""
    return DuckDBDatabases(tmp_path_factory.mktemp("lived")).create()


@pytest.fixture(scope="module")
def written(lived: DuckDBDatabase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two backups and a lake; the older backup has 6 records, the others have 9."""
    folder = tmp_path_factory.mktemp("written")
    source = lived.open()
    clock = Clock(NOON)
    later = many(3, at=NOON + HOUR / 2, prefix="later-")
    with serving([*many(6, at=NOON - 2 * HOUR), *later], clock=clock) as api:
        for _ in range(2):
            api.run(source, lookback_days=1)
            back_up(source, Folder(folder / "backups"), folder / "scratch", clock.now)
            clock.now += HOUR
    archive(source, Folder(folder / "lake"), folder / "scratch", clock.now)
    disconnect(source)
    return folder


@pytest.fixture
def backups(written: Path, tmp_path: Path) -> Path:
    """The backups, of the test's own."""
    return shutil.copytree(written / "backups", tmp_path / "backups")


@pytest.fixture
def lake(written: Path, tmp_path: Path) -> Path:
    """The lake, of the test's own."""
    return shutil.copytree(written / "lake", tmp_path / "lake")


@pytest.fixture
def places(backups: Path, lake: Path) -> dict[str, str]:
    """The settings that name both."""
    return {"BACKUP_LOCATION": str(backups), "LAKE_LOCATION": str(lake)}


@pytest.fixture
def target(tmp_path: Path) -> DuckDBDatabase:
    """A place for a new database."""
    return DuckDBDatabase(tmp_path / "data" / "news.duckdb")


def records(target: DuckDBDatabase) -> int:
    """How many records were restored."""
    opened = target.open()
    found = len(raw_uris(opened))
    disconnect(opened)
    return found


@pytest.mark.parametrize("kind", ["without its list", "missing", "a file"])
def test_a_lake_that_is_set_is_left_out_only_when_told(
    run: Run, target: DuckDBDatabase, places: dict[str, str], lake: Path, kind: str
) -> None:
    if kind == "without its list":
        (lake / "lake.json").unlink()
    else:
        shutil.rmtree(lake)
        if kind == "a file":
            lake.write_text("")
    done = run(target, "restore", **places)
    assert (done.code, done.out) == (1, "")
    assert "--no-lake" in done.err
    assert not target.path.exists()
    assert run(target, "restore", "--no-lake", **places).code == 0
    assert records(target) == 9


def cut_short(file: Path) -> None:
    """Keep the first bytes of a file."""
    file.write_bytes(file.read_bytes()[:100])


def replaced_by_link(folder: Path) -> None:
    """Move a folder elsewhere, and leave a link to it."""
    folder.rename(folder.parent.parent / "moved")
    folder.symlink_to(folder.parent.parent / "moved")


def replaced_by_file(folder: Path) -> None:
    """Leave a file of a folder's name."""
    shutil.rmtree(folder)
    folder.write_text("")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "manifest cut short": (lambda new: cut_short(new / "export_manifest.json"), "no manifest"),
    "a link": (replaced_by_link, "no folder"),
    "a file": (replaced_by_file, "no folder"),
    "file missing": (lambda new: (new / "export_raw.parquet").unlink(), "raw.parquet is missing"),
    "file cut short": (lambda new: cut_short(new / "export_raw.parquet"), "has 100 bytes instead"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES.keys())
def test_an_older_backup_is_taken_only_by_its_name(
    run: Run,
    target: DuckDBDatabase,
    backups: Path,
    damage: Callable[[Path], object],
    reason: str,
) -> None:
    damage(backups / NEW)
    there = {"BACKUP_LOCATION": str(backups)}
    for names in ((), (NEW,)):
        done = run(target, "restore", *names, **there)
        assert (done.code, done.out) == (1, "")
        assert NEW in done.err
        assert reason in done.err
        assert OLD in done.err
    assert not target.path.exists()
    assert run(target, "restore", OLD, **there).code == 0
    assert records(target) == 6


def test_a_backup_under_the_name_of_another_is_none(
    run: Run, target: DuckDBDatabase, backups: Path
) -> None:
    (backups / OLD).rename(backups / "aside")
    (backups / NEW).rename(backups / OLD)
    (backups / "aside").rename(backups / NEW)
    done = run(target, "restore", **{"BACKUP_LOCATION": str(backups)})
    assert (done.code, done.out) == (1, "")
    assert f"{NEW} (its manifest is of {OLD})" in done.err


def test_a_folder_that_may_not_be_read_is_told_and_not_in_the_way(
    backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = {str(backups / NEW)}
    scan = os.scandir

    def scandir(path: str | Path) -> object:
        if str(path) in forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    place = Folder(backups)
    assert find(place, OLD).name == OLD
    with pytest.raises(StorageError, match=NEW):
        find(place, None)
    forbidden.add(str(backups))
    with pytest.raises(StorageError, match="Permission denied"):
        find(place, None)


def test_a_newer_backup_under_way_is_no_damaged_one(
    run: Run, target: DuckDBDatabase, backups: Path
) -> None:
    (backups / NEW / "export_manifest.json").unlink()
    assert run(target, "restore", **{"BACKUP_LOCATION": str(backups)}).code == 0
    assert records(target) == 6


def test_the_list_and_the_doctor_tell_what_is_damaged(
    run: Run, target: DuckDBDatabase, backups: Path
) -> None:
    (backups / NEW / "export_raw.parquet").unlink()
    there = {"BACKUP_LOCATION": str(backups)}
    listed = run(target, "backup", "list", **there)
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == [OLD]
    assert f"{NEW} is not whole: export_raw.parquet is missing" in listed.err
    told = json.loads(run(target, "backup", "list", "--json", **there).out)
    assert [one["name"] for one in told["backups"]] == [OLD]
    assert [one["name"] for one in told["damaged"]] == [NEW]
    doctor = json.loads(run(target, "doctor", "--json", **there).out)
    (found,) = (one for one in doctor if one["check"] == "backup")
    assert found["state"] == "problem"
    assert NEW in found["detail"]


def test_a_backup_that_lacks_a_file_is_none_of_those_that_are_kept(
    lived: DuckDBDatabase, backups: Path, scratch_folder: Path
) -> None:
    (backups / NEW / "export_raw.parquet").unlink()
    source = lived.open()
    done = back_up(source, Folder(backups), scratch_folder, NOON + 2 * HOUR, keep=2)
    disconnect(source)
    assert done.deleted == ()
    assert (backups / NEW / "export_manifest.json").exists()


def test_what_a_changed_backup_holds_is_imported_from_a_copy_of_it(
    run: Run, target: DuckDBDatabase, backups: Path, tmp_path: Path
) -> None:
    manifest = backups / NEW / "export_manifest.json"
    told = json.loads(manifest.read_text())
    told["tables"]["raw.ai_marketing_news_raw"]["hash"] = "0" * len(
        told["tables"]["raw.ai_marketing_news_raw"]["hash"]
    )
    manifest.write_text(json.dumps(told))
    done = run(target, "restore", NEW, **{"BACKUP_LOCATION": str(backups)})
    assert (done.code, done.out) == (1, "")
    assert "from a copy of its folder" in done.err
    assert "delete" not in done.err
    copy = tmp_path / "copy"
    shutil.copytree(backups / NEW, copy)
    refused = run(target, "import", str(copy))
    assert "from a copy of the folder" in refused.err
    (copy / "export_manifest.json").unlink()
    assert run(target, "import", str(copy)).code == 0
    assert manifest.exists()
