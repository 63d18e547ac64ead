"""Every raw record gets into the lake once, whatever kills the archiving."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import archiving
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import RAW, TABLES, LakeTable
from newsapi_dentsu.lake.listing import read_lake
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import serving
from support.articles import many, record
from support.clock import NOON, Clock
from support.databases import Database, Databases
from support.parts import first_quick
from support.processing import store
from support.tables import execute, raw_uris

from .conftest import Run, archive

TABLE_FOLDERS = tuple(f"{table.name}/" for table in TABLES)


class Mortal(Folder):
    """A folder whose user dies before the step of this number.

    Each thing that is done to a Delta table begins with asking for its address.
    """

    def __init__(self, path: Path, steps: int) -> None:
        super().__init__(path)
        self._steps = steps

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise KeyboardInterrupt

    def upload(self, source: Path, name: str) -> None:
        self._step()
        super().upload(source, name)

    def delete(self, name: str) -> None:
        self._step()
        super().delete(name)

    def delta_address(self, name: str) -> tuple[str, dict[str, str]]:
        self._step()
        return super().delta_address(name)


def rows(place: Folder, table: LakeTable, columns: str) -> list[tuple[Any, ...]]:
    """What a reader finds in a table of the lake."""
    files = list(live_files(place, table).uris)
    return duckdb.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY ALL", [files]).fetchall()


def uris(place: Folder) -> list[str]:
    """Every uri that a reader finds in the lake, sorted."""
    return [uri for (uri,) in rows(place, RAW, "uri")]


def collected(warehouse: Warehouse, at: datetime, count: int, prefix: str) -> None:
    """Have a run store so many records."""
    with serving(many(count, at=at - timedelta(hours=1), prefix=prefix), clock=Clock(at)) as api:
        api.collect(warehouse, lookback_days=1)


def test_each_archiving_adds_what_is_new_and_merges_months_that_are_over(
    warehouse: Warehouse, place: Folder, scratch_folder: Path
) -> None:
    seen = []
    for number, days in enumerate((0, 9, 20)):
        now = NOON + timedelta(days=days)
        collected(warehouse, now, 3 + number, f"{number}-")
        done = archive(warehouse, place, scratch_folder, now)
        assert done.added == 3 + number
        assert uris(place) == raw_uris(warehouse)
        seen.append(sorted(name.split("/")[1] for name in done.lake.records))
    assert seen == [["month=2026-11"], ["month=2026-11"] * 2, ["month=2026-11", "month=2026-12"]]
    assert done.merged == 2
    assert archive(warehouse, place, scratch_folder, now).added == 0
    assert list(scratch_folder.iterdir()) == []


def test_what_came_back_is_in_the_lake_and_one_from_before_that_is_gone_on_with(
    warehouse: Warehouse, place: Folder, scratch_folder: Path
) -> None:
    for hour, title in enumerate("ABA"):
        store(warehouse, record("1", NOON, title=title), now=NOON + timedelta(hours=hour))
    archive(warehouse, place, scratch_folder, NOON + timedelta(hours=3))
    with warehouse.snapshot() as session:
        (kept,) = session.rows("SELECT * FROM raw.returns")
    (name,) = (name for name in place.names() if name.startswith("searches/returns-"))
    assert duckdb.execute(f"SELECT count(*) FROM '{place.location}/{name}'").fetchone() == (1,)
    assert kept[:3] == (1, 3, 1)

    manifest = Path(place.location) / "lake.json"
    value = json.loads(manifest.read_text())
    for part in ("columns", "searches"):
        del value[part]["raw.returns"]
    manifest.write_text(json.dumps(value))
    lake = read_lake(place)
    assert lake is not None
    assert "raw.returns" not in lake.searches
    archived = archive(warehouse, place, scratch_folder, NOON + timedelta(hours=4)).lake
    assert archived.searches["raw.returns"][1].digest.rows == 1


# The steps between which it is killed are the same on either engine.
@pytest.mark.parametrize("seed", first_quick(range(2)))
def test_killed_anywhere_and_run_again_nothing_is_lost_or_there_twice(
    warehouse: Warehouse,
    place: Folder,
    scratch_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(raw_files, "BATCH_ROWS", 4)
    monkeypatch.setattr(archiving, "APPEND_ROWS", 6)
    moment = random.Random(seed)
    for day in range(2):
        now = NOON + timedelta(days=day)
        collected(warehouse, now, 10, f"{day}-")
        for _ in range(3):
            mortal = Mortal(Path(place.location), moment.randrange(66))
            try:
                archive(warehouse, mortal, scratch_folder, now)
            except KeyboardInterrupt:
                # Records come and the day may change before the next attempt.
                collected(warehouse, now, 2, f"{day}-{moment.random()}-")
                now += timedelta(hours=moment.randrange(12))
        archive(warehouse, place, scratch_folder, now)
        assert uris(place) == raw_uris(warehouse)
        lake = read_lake(place)
        assert lake is not None
        assert lake.rows == len(raw_uris(warehouse))
        beside = {name for name in place.names() if not name.startswith(TABLE_FOLDERS)}
        assert beside == {"lake.json", *(name for name, _ in lake.searches.values())}


def test_records_of_another_history_are_refused_until_the_lake_is_written_anew(
    warehouse: Warehouse, place: Folder, scratch_folder: Path
) -> None:
    collected(warehouse, NOON, 9, "a-")
    archive(warehouse, place, scratch_folder, NOON)
    # As after a restore to an earlier time: the numbers are given out again.
    execute(warehouse, f"DELETE FROM {raw.TABLE} WHERE seq > 6")
    execute(warehouse, "UPDATE ops.positions SET value = 6 WHERE name = 'raw.seq'")
    execute(warehouse, "DELETE FROM raw.query_days")
    with pytest.raises(StorageError, match="--anew"):
        archive(warehouse, place, scratch_folder, NOON)
    collected(warehouse, NOON + timedelta(hours=1), 5, "b-")
    with pytest.raises(StorageError, match="--anew"):
        archive(warehouse, place, scratch_folder, NOON)

    archive(warehouse, place, scratch_folder, NOON, anew=True)
    assert uris(place) == raw_uris(warehouse)
    assert archive(warehouse, place, scratch_folder, NOON).added == 0


def test_without_its_list_the_lake_is_left_alone(
    warehouse: Warehouse, place: Folder, scratch_folder: Path
) -> None:
    collected(warehouse, NOON, 4, "")
    archive(warehouse, place, scratch_folder, NOON)
    place.delete("lake.json")
    before = place.names()
    with pytest.raises(StorageError, match=r"lake\.json is missing"):
        archive(warehouse, place, scratch_folder, NOON)
    assert place.names() == before


def test_without_its_list_a_lake_is_not_taken_for_one_that_was_never_made(
    run: Run, warehouse: Warehouse, database: Database, place: Folder, scratch_folder: Path
) -> None:
    collected(warehouse, NOON, 4, "")
    archive(warehouse, place, scratch_folder, NOON)
    place.delete("lake.json")
    there = {"LAKE_LOCATION": place.location}
    for command in (
        ("archive", "status"),
        ("archive", "maintain", "--dry-run"),
        ("restore", "--raw-only"),
    ):
        done = run(database, *command, **there)
        assert (done.code, done.out) == (1, ""), command
        assert "lake.json is missing" in done.err
    doctor = json.loads(run(database, "doctor", "--json", **there).out)
    (found,) = (one for one in doctor if one["check"] == "archive")
    assert found["state"] == "problem"
    assert "lake.json is missing" in found["detail"]


def test_the_command_archives(
    run: Run, databases: Databases, database: Database, tmp_path: Path
) -> None:
    collected(database.open(), NOON, 7, "")
    done = run(database, "archive", "--json", LAKE_LOCATION=str(tmp_path / "place"))
    assert done.code == 0, done.err
    assert json.loads(done.out)["added"] == 7
    again = run(database, "archive", "--to", str(tmp_path / "place"))
    assert "0 records were added" in again.out
    assert "set LAKE_LOCATION" in run(database, "archive").err
