"""A restore refuses where it would leave something out that is there, or should be."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

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
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two backups and a lake; the older backup has 6 records, the others have 9."""
    folder = tmp_path_factory.mktemp("written")
    source = DuckDBDatabases(folder).create().open()
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
