"""A lake whose rows two compactions doubled is whole again after the next archiving."""

import json
import random
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from newsapi_dentsu.lake import archiving, delta
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import RAW, TABLES
from newsapi_dentsu.lake.listing import Lake, read_lake
from newsapi_dentsu.lake.maintenance import due, maintain
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.parts import first_quick
from support.tables import raw_uris

from .conftest import Run, archive, silent
from .test_lake import Mortal, collected, rows, uris


def double(place: Folder) -> int:
    """Have two programs compact each table that both saw as it is now; returns the rows more."""
    tables = [f"{place.location}/{table.name}" for table in TABLES if delta.exists(place, table)]
    before = held(place)
    for table in tables:
        for seen in [DeltaTable(table), DeltaTable(table)]:
            seen.optimize.compact()
    return held(place) - before


def held(place: Folder) -> int:
    """How many rows the tables have."""
    return sum(delta.state(place, table).rows for table in TABLES if delta.exists(place, table))


def content(place: Folder) -> list[list[tuple[Any, ...]]]:
    """The rows of each table, whole."""
    # A table without rows has no files.
    return [
        rows(place, table, ", ".join(table.columns)) if live_files(place, table).uris else []
        for table in TABLES
    ]


def listed(place: Folder) -> Lake:
    """The lake's list."""
    lake = read_lake(place)
    assert lake is not None
    return lake


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[DuckDBDatabase, Path]:
    """A database after two runs, and its lake with several files of each table that has rows."""
    folder = tmp_path_factory.mktemp("made")
    database = DuckDBDatabases(folder).create()
    for hours in range(2):
        now = NOON + timedelta(hours=hours)
        news = many(4, at=now - timedelta(hours=1), prefix=f"{hours}-")
        with serving(news, clock=Clock(now)) as api:
            api.run(database.open(), lookback_days=1)
        archive(database.open(), Folder(folder / "lake"), folder / "scratch", now)
    return database, folder / "lake"


@pytest.fixture
def database(made: tuple[DuckDBDatabase, Path], tmp_path: Path) -> DuckDBDatabase:
    """A copy of that database."""
    path = tmp_path / "data" / "news.duckdb"
    path.parent.mkdir()
    shutil.copy(made[0].path, path)
    return DuckDBDatabase(path)


@pytest.fixture
def warehouse(database: DuckDBDatabase) -> Warehouse:
    """It, open."""
    return database.open()


@pytest.fixture
def lake(made: tuple[DuckDBDatabase, Path], place: Folder) -> Folder:
    """A copy of that lake."""
    shutil.copytree(made[1], place.location)
    return place


LATER = NOON + timedelta(hours=5)


def test_the_next_archiving_drops_what_is_there_twice(
    warehouse: Warehouse, lake: Folder, scratch_folder: Path
) -> None:
    before, list_ = content(lake), listed(lake)
    more = double(lake)
    assert more == sum(map(len, before)) > 20
    # A restore goes by the list, whose files stay for a week.
    assert listed(lake) == list_
    files = [str(Path(lake.location, name)) for name in list_.records]
    found = duckdb.execute("SELECT seq FROM read_parquet(?) ORDER BY 1", [files]).fetchall()
    assert found == [row[:1] for row in before[0]]
    collected(warehouse, LATER, 3, "later-")
    done = archive(warehouse, lake, scratch_folder, LATER)
    assert (done.added, done.doubled) == (3, more)
    assert uris(lake) == raw_uris(warehouse)
    assert content(lake)[1:] == before[1:]
    assert listed(lake).rows == len(raw_uris(warehouse))
    assert archive(warehouse, lake, scratch_folder, LATER).doubled == 0
    assert list(scratch_folder.iterdir()) == []


def test_an_archiving_beside_which_another_program_compacts_leaves_no_row_twice(
    warehouse: Warehouse,
    lake: Folder,
    scratch_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = content(lake)

    def compact_months(store: Folder, _: datetime) -> int:
        double(store)
        return 0

    monkeypatch.setattr(archiving, "compact_months", compact_months)
    assert archive(warehouse, lake, scratch_folder, LATER).doubled == sum(map(len, before))
    assert content(lake) == before
    assert listed(lake).rows == len(before[0])


def test_a_list_from_before_rows_were_counted_is_gone_on_with(
    warehouse: Warehouse, lake: Folder, scratch_folder: Path
) -> None:
    path = Path(lake.location) / "lake.json"
    value = json.loads(path.read_text())
    for state in value["tables"].values():
        del state["rows"]
    path.write_text(json.dumps(value))
    assert {state.rows for state in listed(lake).states.values()} == {None}
    before, more = content(lake), double(lake)
    assert archive(warehouse, lake, scratch_folder, LATER).doubled == more
    assert content(lake) == before
    states = listed(lake).states
    assert {name: state.rows for name, state in states.items()} == {
        table.name: len(there) for table, there in zip(TABLES, before, strict=True)
    }


def test_what_is_there_twice_when_the_list_does_not_know_the_rows_yet_is_dropped(
    warehouse: Warehouse,
    lake: Folder,
    scratch_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collected(warehouse, LATER, 5, "later-")

    def killed(*_: object) -> Lake:
        raise KeyboardInterrupt

    monkeypatch.setattr(archiving, "compact_months", killed)
    with pytest.raises(KeyboardInterrupt):
        archive(warehouse, lake, scratch_folder, LATER)
    monkeypatch.undo()
    assert listed(lake).through < delta.state(lake, RAW).through
    more = double(lake)
    done = archive(warehouse, lake, scratch_folder, LATER)
    assert (done.doubled, done.lake.rows) == (more, len(raw_uris(warehouse)))
    assert uris(lake) == raw_uris(warehouse)


@pytest.mark.parametrize("seed", first_quick(range(9)))
def test_killed_anywhere_while_they_are_dropped_nothing_is_lost_or_there_twice(
    made: tuple[DuckDBDatabase, Path],
    warehouse: Warehouse,
    place: Folder,
    scratch_folder: Path,
    seed: int,
) -> None:
    shutil.copytree(made[1], place.location)
    before, more, dropped = content(place), double(place), 0
    mortal = Mortal(Path(place.location), random.Random(seed).randrange(50))
    with suppress(KeyboardInterrupt):
        dropped = archive(warehouse, mortal, scratch_folder, LATER).doubled
    assert [sorted(set(there)) for there in content(place)] == before
    left = held(place) - sum(map(len, before))
    assert archive(warehouse, place, scratch_folder, LATER).doubled == left <= more - dropped
    assert content(place) == before
    assert listed(place).rows == len(before[0])


def test_maintenance_tells_and_drops_what_is_there_twice(
    lake: Folder, scratch_folder: Path
) -> None:
    before = content(lake)
    scratch_folder.mkdir(exist_ok=True)
    assert [one.doubled for one in due(lake, listed(lake), LATER)] == [0] * len(TABLES)
    double(lake)
    expected = {table.name: len(there) for table, there in zip(TABLES, before, strict=True)}
    assert {one.table: one.doubled for one in due(lake, listed(lake), LATER)} == expected
    done = maintain(lake, listed(lake), LATER, scratch_folder, silent)
    assert {one.table: one.doubled for one in done} == expected
    assert content(lake) == before
    done = maintain(lake, listed(lake), LATER, scratch_folder, silent)
    assert [one.doubled for one in done] == [0] * len(TABLES)


def test_the_commands_tell_it(run: Run, database: DuckDBDatabase, lake: Folder) -> None:
    more = double(lake)
    told = f"{more} rows were there twice, as when another program"
    status = run(database, "archive", "status", "--in", lake.location)
    assert told in status.err
    assert "`newsapi archive maintain` drops them" in status.err
    done = run(database, "archive", "--to", lake.location)
    assert (done.code, held(lake)) == (0, more)
    assert told in done.err
    assert "and were dropped" in done.err


@pytest.mark.thorough(
    "tests/recovery/test_doubled_lake.py::test_the_next_archiving_drops_what_is_there_twice"
)
def test_a_restore_goes_by_the_list_and_maintenance_tells_what_it_does(
    run: Run, database: DuckDBDatabase, lake: Folder, tmp_path: Path
) -> None:
    before, more = uris(lake), double(lake)
    target = DuckDBDatabase(tmp_path / "restored" / "news.duckdb")
    done = run(target, "restore", "--raw-only", "--lake", lake.location)
    assert done.code == 0, done.err
    assert raw_uris(target.open()) == before
    dry = run(database, "archive", "maintain", "--in", lake.location, "--dry-run")
    assert "raw_records: 8 rows were there twice" in dry.err
    assert "would be dropped" in dry.err
    assert held(lake) == 2 * more
    done = run(database, "archive", "maintain", "--in", lake.location)
    assert (done.code, held(lake)) == (0, more)
    assert "and were dropped" in done.err
