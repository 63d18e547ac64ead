"""The Delta tables hold what was added, whatever faults of Delta's writers others have reported."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from newsapi_dentsu.errors import PipelineError, StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.layout import CHANGES, RAW, RETENTION
from newsapi_dentsu.storage import Folder
from support.forking import server

MOMENT = datetime(2026, 11, 2, 3, 4, 5, 678901, UTC)
"""Has microseconds, which the log doesn't keep."""

VALUES = {
    "bigint": "{number}::bigint",
    "integer": "1::integer",
    "text": "'a' || chr(0) || 'é😀' || chr(10)",
    "boolean": "true",
    "timestamptz": "TIMESTAMPTZ '2026-11-02 03:04:05.678901+00'",
}


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """A DuckDB without a file: making one takes longer than most of what is asked of it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def add(
    place: Folder, *numbers: int, more: str = "", month: str = "2026-11", anew: bool = False
) -> None:
    """Add records of these numbers, with the last one as position."""
    rows = " UNION ALL ".join(
        "SELECT "
        + ", ".join(
            f"{VALUES[kind].format(number=number)} AS {name}" for name, kind in RAW.columns.items()
        )
        + f"{more}, '{month}' AS month"
        for number in numbers
    )
    position = {delta.APPLICATION: numbers[-1]}
    delta.append(place, RAW, _memory().sql(rows), position, anew=anew)


def numbers(place: Folder) -> list[int]:
    """The numbers of all records that a reader finds."""
    files = list(delta.live_files(place, RAW).uris)
    found = _memory().execute("SELECT seq FROM read_parquet(?) ORDER BY 1", [files])
    return [number for (number,) in found.fetchall()]


@pytest.mark.parametrize("name", ["a b", "é", "a#1", "{a}", "a?b", "100%"])
def test_a_lake_may_lie_in_a_folder_of_nearly_any_name(tmp_path: Path, name: str) -> None:
    place = Folder(tmp_path / name)
    add(place, 1)
    add(place, 2)
    assert numbers(place) == [1, 2]
    assert (tmp_path / name / RAW.name / "_delta_log").is_dir()


def test_files_of_duckdb_become_a_table_without_a_word(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'a' AS title) TO '{tmp_path / 'one.parquet'}'")
    lines = (
        "import sys",
        "from pathlib import Path",
        "from newsapi_dentsu.lake import delta",
        "delta.declare(Path(sys.argv[1]))",
    )
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path)]
    quiet = {name: value for name, value in os.environ.items() if name != "RUST_LOG"}
    done = subprocess.run(
        command, env=quiet, capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "_delta_log").is_dir()


@pytest.mark.parametrize("name", ["[a]", "a|b", "a^b", "a\\b", "a%20b"])
def test_a_folder_that_delta_cannot_use_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match=r"can't lie in .*: name a folder without "):
        add(Folder(tmp_path / name), 1)
    assert list(tmp_path.iterdir()) == []


def table(place: Folder) -> DeltaTable:
    """The records as delta-rs opens them."""
    return DeltaTable(f"{place.location}/{RAW.name}")


def test_texts_and_moments_come_back_as_they_went(place: Folder) -> None:
    add(place, 1)
    (row,) = table(place).to_pyarrow_dataset().to_table().to_pylist()
    assert (row["title"], row["fetched_at"]) == ("a\0é😀\n", MOMENT)
    assert row["month"] == "2026-11"


def test_a_filter_finds_all_rows_from_before_a_checkpoint_too(place: Folder) -> None:
    for number in range(1, 53):
        add(place, number)
    assert any(Path(place.location, RAW.name, "_delta_log").glob("*.checkpoint.parquet"))
    found = table(place).to_pyarrow_dataset()
    field = pyarrow.compute.field
    # A column of which the log tells nothing, and a moment that it rounds.
    assert found.count_rows(filter=field("version") == 1) == 52
    just_before = MOMENT - timedelta(microseconds=1)
    assert found.count_rows(filter=field("publishedAt") > just_before) == 52
    import polars

    lazily = polars.scan_delta(f"{place.location}/{RAW.name}")
    assert lazily.filter(polars.col("publishedAt") > just_before).collect().height == 52
    state = delta.state(place, RAW)
    assert (state.through, state.rows) == (52, 52)


def test_compacting_again_and_again_after_checkpoints_keeps_each_row_once(place: Folder) -> None:
    for number in range(1, 9):
        add(place, number)
        table(place).create_checkpoint()
        delta.compact(place, RAW, "2026-11")
    assert numbers(place) == list(range(1, 9))
    assert len(delta.state(place, RAW).files) == 1


def test_columns_may_come_and_programs_that_do_not_know_them_go_on(place: Folder) -> None:
    add(place, 1)
    add(place, 2, more=", 'new' AS later")
    add(place, 3)
    delta.compact(place, RAW, "2026-11")
    found = table(place).to_pyarrow_dataset().to_table(columns=["seq", "later"]).to_pylist()
    assert sorted((row["seq"], row["later"]) for row in found) == [(1, None), (2, "new"), (3, None)]


def test_a_column_of_another_type_is_refused_and_nothing_is_changed(place: Folder) -> None:
    add(place, 1)
    other = duckdb.sql("SELECT 'text' AS seq, '2026-11' AS month")
    with pytest.raises(StorageError, match=r"raw_records in .* can't be used"):
        delta.append(place, RAW, other, {delta.APPLICATION: 2})
    assert delta.state(place, RAW).through == 1
    assert numbers(place) == [1]


def test_the_log_stays_small_whatever_the_texts_are(place: Folder) -> None:
    add(place, 1)
    long = duckdb.sql(
        "SELECT 2::bigint AS seq, repeat('ü', 30_000_000) AS record, '2026-11' AS month"
    )
    delta.append(place, RAW, long, {delta.APPLICATION: 2})
    assert numbers(place) == [1, 2]
    log = Path(place.location, RAW.name, "_delta_log")
    assert sum(path.stat().st_size for path in log.iterdir()) < 20_000


def test_a_table_without_rows_is_one(place: Folder) -> None:
    nothing = duckdb.sql("SELECT 1::bigint AS seq, '2026-11' AS month WHERE false")
    delta.append(place, CHANGES, nothing, {delta.APPLICATION: 0})
    assert (delta.state(place, CHANGES).rows, delta.live_files(place, CHANGES).uris) == (0, ())


def _try_to_add(location: str, number: int) -> bool:
    try:
        add(Folder(Path(location)), number)
    except PipelineError:
        return False
    return True


def _compact(location: str, _: int) -> bool:
    try:
        delta.compact(Folder(Path(location)), RAW, "2026-11")
    except PipelineError:
        return False
    return True


def test_writers_at_the_same_time_lose_nothing_and_double_nothing(place: Folder) -> None:
    add(place, 1)
    # One compacts at a time: whoever does has the run lock, for delta-rs takes two at once.
    with server.Pool(3) as adding, server.Pool(1) as compacting:
        jobs = [
            pool.apply_async(work, (place.location, number))
            for number in range(2, 14)
            for pool, work in ((adding, _try_to_add), (compacting, _compact))
            if pool is adding or number % 3 == 0
        ]
        done = [job.get(60) for job in jobs]
    assert any(done)
    stored = numbers(place)
    assert len(stored) == len(set(stored))
    assert delta.state(place, RAW).rows == len(stored)
    assert stored[0] == 1


def test_of_two_that_saw_the_same_number_one_is_refused(
    place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(place, 1)
    seen = table(place)
    add(place, 2)
    monkeypatch.setattr(delta, "_opened", lambda *_: seen)
    with pytest.raises(StorageError, match="somebody else changed raw_records"):
        add(place, 2)
    monkeypatch.undo()
    assert numbers(place) == [1, 2]


def test_what_was_added_while_files_were_compacted_stays_and_so_does_the_compacted(
    place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        add(place, number)
    seen = table(place)
    add(place, 3)
    monkeypatch.setattr(delta, "_opened", lambda *_: seen)
    delta.compact(place, RAW, "2026-11")
    monkeypatch.undo()
    assert numbers(place) == [1, 2, 3]
    assert len(delta.live_files(place, RAW).uris) == 2


def test_a_store_that_lists_from_another_place_than_it_was_asked_is_named(place: Folder) -> None:
    with (
        pytest.raises(StorageError, match=r"`startFrom`.*Azurite before 3\.37"),
        delta.errors_explained(place, RAW),
    ):
        raise DeltaError("Invalid table version: 1")


def test_a_reader_that_began_before_compaction_reads_on_for_a_week(place: Folder) -> None:
    for number in range(1, 5):
        add(place, number)
    began = delta.live_files(place, RAW)
    delta.compact(place, RAW, "2026-11")
    assert delta.vacuum(place, RAW, dry_run=False) == []
    found = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [list(began.uris)]).fetchall()
    assert found == [(4,)]
    assert delta.live_files(place, RAW, began.version).uris == began.uris


def _age(place: Folder, by: timedelta) -> None:
    """Make everything in the place older, in the log and on the disk."""
    then = time.time() - by.total_seconds()
    for path in Path(place.location, RAW.name).rglob("*"):
        if path.suffix == ".json":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                if "remove" in line:
                    line["remove"]["deletionTimestamp"] = int(then * 1000)
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        if path.is_file():
            os.utime(path, (then, then))


def test_after_a_week_what_was_replaced_or_never_finished_goes(place: Folder) -> None:
    for number in range(1, 5):
        add(place, number)
    left = Path(place.location, RAW.name, "month=2026-11", "part-00000-left-c000.zstd.parquet")
    left.write_bytes(b"left by a writer that was killed")
    delta.compact(place, RAW, "2026-11")
    _age(place, RETENTION + timedelta(hours=1))
    assert len(delta.vacuum(place, RAW, dry_run=True)) == 5
    assert left.exists()
    assert len(delta.vacuum(place, RAW, dry_run=False)) == 5
    assert not left.exists()
    assert numbers(place) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "path",
    [
        "../../victim.txt",
        "%2E%2E/%2E%2E/victim.txt",
        "/etc/hostname",
        "file:///etc/hostname",
        "month=2026-11/a%2Fb.parquet",
        "month=2026-13/a.parquet",
        "victim.txt",
    ],
)
@pytest.mark.parametrize("kind", ["add", "remove"])
def test_a_log_that_names_other_files_touches_nothing(
    place: Folder, tmp_path: Path, kind: str, path: str
) -> None:
    add(place, 1)
    victims = [tmp_path / "victim.txt", Path(place.location, RAW.name, "victim.txt")]
    for victim in victims:
        victim.write_text("mine")
        os.utime(victim, (1, 1))
    forged: dict[str, Any] = {
        "path": path,
        "partitionValues": {"month": "2026-11"},
        "size": 4,
        "modificationTime": 1,
        "deletionTimestamp": 1,
        "dataChange": True,
    }
    log = Path(place.location, RAW.name, "_delta_log")
    (log / "00000000000000000001.json").write_text(json.dumps({kind: forged}) + "\n")
    assert delta.vacuum(place, RAW, dry_run=False) == []
    if kind == "add":
        with pytest.raises(StorageError, match="which no archiving wrote"):
            delta.state(place, RAW)
    assert [victim.read_text() for victim in victims] == ["mine", "mine"]


def test_a_table_that_is_a_link_out_of_the_place_is_left_alone(
    place: Folder, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    Path(place.location, RAW.name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out of"):
        add(place, 1)
    Path(place.location, RAW.name).unlink()
    add(place, 1)
    Path(place.location, RAW.name, "month=2026-12").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out of"):
        delta.vacuum(place, RAW, dry_run=False)
    assert list((tmp_path / "elsewhere").iterdir()) == []
