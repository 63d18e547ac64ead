"""Two compactions at the same time double rows: these are noticed, and dropped without a loss."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from newsapi_dentsu.errors import PipelineError, StorageError, StorageUnavailableError
from newsapi_dentsu.lake import delta, mending
from newsapi_dentsu.lake.catching_up import caught_up
from newsapi_dentsu.lake.layout import RAW
from newsapi_dentsu.lake.listing import Lake
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.transfer import raw_files
from support.parts import first_quick

from .test_delta_tables import add, numbers, table

MONTH = "2026-11"


def compact(table: DeltaTable, **options: Any) -> None:
    """Compact a table as another program does."""
    table.optimize.compact(**options)


def double(place: Folder) -> None:
    """Have two programs compact the table that both saw as it is now."""
    both = [table(place), table(place)]
    for one in both:
        compact(one)


def doubled(place: Folder) -> dict[str, int]:
    """How many rows of records are there twice, by month."""
    return mending.doubled(place, RAW, None)


def mend(place: Folder, folder: Path) -> int:
    """Drop what is there twice; returns how many rows."""
    states, dropped = mending.mend(place, {}, folder)
    (state,), now = states.values(), delta.state(place, RAW)
    assert (state.version, state.through, state.rows) == (now.version, now.through, now.rows)
    assert set(dropped) <= {RAW.name}
    return dropped.total()


def _same(place: Folder) -> None:
    double(place)


def _others_too(place: Folder) -> None:
    seen = table(place)
    add(place, 5)
    later = table(place)
    compact(seen)
    compact(later)


def _some_each(place: Folder) -> None:
    seen = table(place)
    add(place, 5, 6)
    add(place, 7)
    # Neither has all that the other has.
    later = table(place)
    compact(seen)
    size = max(size for size, _ in delta.state(place, RAW).files.values())
    compact(later, target_size=2 * size)


def _then_together(place: Folder) -> None:
    double(place)
    compact(table(place))


def _thrice(place: Folder) -> None:
    for seen in [table(place) for _ in range(3)]:
        compact(seen)


def _sorted(place: Folder) -> None:
    seen = table(place)
    compact(table(place))
    seen.optimize.z_order(["seq"])


def _before_a_checkpoint(place: Folder) -> None:
    double(place)
    table(place).create_checkpoint()
    add(place, 5)


def _of_new_columns(place: Folder) -> None:
    add(place, 5, more=", 'new' AS later")
    double(place)
    add(place, 6)


def _rows(place: Folder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table(place).to_pyarrow_dataset().to_table().to_pylist()
    return sorted(found, key=lambda row: int(row["seq"]))


@pytest.mark.parametrize(
    "doubling",
    first_quick(
        [
            *(_some_each, _before_a_checkpoint, _of_new_columns),
            *(_same, _others_too, _then_together, _thrice, _sorted),
        ],
        3,
    ),
)
def test_what_compactions_doubled_is_there_once_again(
    place: Folder, tmp_path: Path, doubling: Callable[[Folder], None]
) -> None:
    for number in range(1, 5):
        add(place, number)
    doubling(place)
    before, began = _rows(place), delta.live_files(place, RAW)
    more = len(numbers(place)) - len(set(numbers(place)))
    through = delta.state(place, RAW).through
    assert more >= 4
    assert doubled(place) == {MONTH: more}

    assert mend(place, tmp_path) == more
    assert _rows(place) == [row for at, row in enumerate(before) if row not in before[:at]]
    assert numbers(place) == list(range(1, through + 1))
    assert delta.state(place, RAW).through == through
    (found,) = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [list(began.uris)]).fetchall()
    assert found == (len(before),)

    version = delta.state(place, RAW).version
    assert mend(place, tmp_path) == 0
    assert delta.state(place, RAW).version == version
    add(place, through + 1)
    delta.compact(place, RAW, MONTH)
    assert numbers(place) == list(range(1, through + 2))
    assert [path for path in tmp_path.rglob("*.parquet") if "place" not in path.parts] == []


def test_months_without_such_rows_are_left_as_they_are(place: Folder, tmp_path: Path) -> None:
    for number in (1, 2):
        add(place, number, month="2026-10")
    both = [table(place), table(place)]
    for number in (3, 4):
        add(place, number)
    for one in both:
        compact(one)
    there = {path for path in delta.state(place, RAW).files if MONTH in path}
    assert mend(place, tmp_path) == 2
    assert {path for path in delta.state(place, RAW).files if MONTH in path} == there
    assert numbers(place) == [1, 2, 3, 4]


def test_a_table_with_as_many_rows_as_the_last_archiving_left_is_not_read(
    place: Folder, tmp_path: Path
) -> None:
    for number in range(1, 5):
        add(place, number, month="2026-10" if number < 3 else MONTH)
    states, _ = mending.mend(place, {}, tmp_path)
    delta.compact(place, RAW, "2026-10")
    files = list(Path(place.location).rglob("*.parquet"))
    for path in files:
        path.rename(path.with_suffix(".away"))
    assert mending.doubled(place, RAW, states[RAW.name]) == {}
    assert mending.mend(place, states, tmp_path)[1].total() == 0
    with pytest.raises(StorageError, match=r"can't be used \(2026-10: .*--anew"):
        doubled(place)
    for path in files:
        path.with_suffix(".away").rename(path)
    double(place)
    assert mending.doubled(place, RAW, states[RAW.name]) == {MONTH: 2}


def test_rows_are_counted_where_the_log_does_not_tell_how_many(
    place: Folder, tmp_path: Path
) -> None:
    add(place, 1)
    add(place, 2)
    double(place)
    for path in Path(place.location, RAW.name, "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            line.get("add", {}).pop("stats", None)
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert delta.state(place, RAW).rows == 0
    assert doubled(place) == {MONTH: 2}
    states, _ = mending.mend(place, {}, tmp_path)
    assert states[RAW.name].rows == 2


def test_numbers_of_rows_that_differ_are_refused_with_the_way_out(
    place: Folder, tmp_path: Path
) -> None:
    add(place, 1, 2)
    add(place, 2, 3, more=", 'other' AS later")
    version = delta.state(place, RAW).version
    with pytest.raises(StorageError, match=r"1 rows .* twice, .* number 2 differ.*--anew"):
        mend(place, tmp_path)
    assert delta.state(place, RAW).version == version


def _add(place: Folder) -> None:
    add(place, 3)


def _compact(place: Folder) -> None:
    compact(table(place))


def _add_elsewhere(place: Folder) -> None:
    add(place, 3, month="2026-12")


@pytest.mark.parametrize("meanwhile", [_add, _compact, _add_elsewhere])
def test_what_changed_since_it_was_read_is_not_replaced(
    place: Folder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Folder], None],
) -> None:
    add(place, 1)
    add(place, 2)
    double(place)
    replace = delta.replace

    def late(*arguments: Any) -> None:
        meanwhile(place)
        replace(*arguments)

    monkeypatch.setattr(delta, "replace", late)
    with pytest.raises(StorageUnavailableError, match="somebody else changed raw_records"):
        mend(place, tmp_path)
    monkeypatch.undo()
    assert len(numbers(place)) >= 4
    assert mend(place, tmp_path) == 2
    assert numbers(place) == list(range(1, delta.state(place, RAW).through + 1))


def test_rows_that_stop_coming_change_nothing(
    place: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(place, 1)
    add(place, 2)
    double(place)
    version, replace = delta.state(place, RAW).version, delta.replace

    def broken(store: Folder, of: Any, month: str, version: int, rows: Iterable[Any]) -> None:
        def streams() -> Iterable[Any]:
            yield next(iter(rows))
            raise duckdb.Error("out of disk")

        replace(store, of, month, version, streams())

    monkeypatch.setattr(delta, "replace", broken)
    monkeypatch.setattr(raw_files, "BATCH_ROWS", 1)
    with pytest.raises(StorageError):
        mend(place, tmp_path)
    monkeypatch.undo()
    assert delta.state(place, RAW).version == version
    assert mend(place, tmp_path) == 2
    assert numbers(place) == [1, 2]


def test_the_list_takes_nothing_in_that_is_there_twice(place: Folder, tmp_path: Path) -> None:
    add(place, 1)
    add(place, 2)
    states, _ = mending.mend(place, {}, tmp_path)
    double(place)
    with pytest.raises(StorageUnavailableError, match=r"2 records twice.*run this again"):
        caught_up(place, Lake(), tmp_path, states[RAW.name])
    mend(place, tmp_path)
    assert caught_up(place, Lake(), tmp_path, states[RAW.name]).rows == 2


def test_writing_anew_beside_a_compaction_is_refused(
    place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(place, 1)
    add(place, 2)
    seen = table(place)
    compact(table(place))
    monkeypatch.setattr(delta, "_opened", lambda *_: seen)
    with pytest.raises(StorageUnavailableError, match="somebody else changed raw_records"):
        add(place, 1, 2, 3, anew=True)
    monkeypatch.undo()
    assert numbers(place) == [1, 2]
    add(place, 1, 2, 3, anew=True)
    assert numbers(place) == [1, 2, 3]


def _append(location: str, first: int, until: float) -> int:
    """Add records until a moment; returns the number of the last that is there."""
    number = first
    while time.time() < until:
        try:
            add(Folder(Path(location)), number)
        except PipelineError:
            continue
        number += 1
        time.sleep(0.3)
    return number - 1


def _compact_beside(location: str, ours: bool, moments: Sequence[float]) -> int:
    """Compact at moments, by the lake's way or another program's; returns how often it did."""
    place, done = Folder(Path(location)), 0
    for moment in moments:
        time.sleep(max(moment - time.time(), 0))
        with suppress(PipelineError, DeltaError):
            if ours:
                delta.compact(place, RAW, MONTH)
            else:
                compact(table(place))
            done += 1
    return done


def _mend_beside(location: str, scratch: str, until: float) -> int:
    """Drop what is there twice, until a moment; returns how many rows."""
    place, dropped = Folder(Path(location)), 0
    while time.time() < until:
        with suppress(PipelineError):
            dropped += mending.mend(place, {}, Path(scratch))[1].total()
    return dropped


@pytest.mark.slow
@pytest.mark.parametrize("mended", [False, True], ids=["afterwards", "meanwhile, too"])
def test_programs_that_compact_beside_each_other_and_the_archive_leave_each_row_once(
    place: Folder, tmp_path: Path, mended: bool
) -> None:
    add(place, 1)
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(5) as pool:
        moments = [time.time() + 4 + 3 * number for number in range(6)]
        compacting = [
            pool.apply_async(_compact_beside, (place.location, ours, moments))
            for ours in (True, False, False)
        ]
        adding = pool.apply_async(_append, (place.location, 2, moments[-1]))
        dropping = pool.apply_async(
            _mend_beside, (place.location, str(tmp_path), moments[-1] if mended else 0)
        )
        assert all(job.get(120) for job in compacting)
        last, dropped = adding.get(120), dropping.get(120)
    found = numbers(place)
    more = len(found) - last
    assert set(found) == set(range(1, last + 1))
    assert delta.state(place, RAW).through == last > 10
    assert sum(doubled(place).values()) == more
    assert (dropped > 0) if mended else (more > 0)
    assert mend(place, tmp_path) == more
    assert numbers(place) == list(range(1, last + 1))
