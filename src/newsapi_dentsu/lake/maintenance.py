"""Keeping the lake's tables quick to read: many small files become few, unused ones go.

Both leave every state readable that a reader may have begun with within `RETENTION`, and both may
be killed anywhere.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.catching_up import caught_up
from newsapi_dentsu.lake.layout import RAW, TABLES, LakeTable
from newsapi_dentsu.lake.listing import Lake, write_lake
from newsapi_dentsu.lake.mending import doubled, mend
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.storage import ObjectStore

MANY_FILES = 24
"""So many small files of the month under way are compacted: those of six days with four runs."""


@dataclass(frozen=True, slots=True)
class Due:
    """What maintenance has to do for a table.

    `doubled` is how many rows are there twice; `months` are those with small files to compact, with
    how many there are; `unused` are the files that may go.
    """

    table: str
    doubled: int
    months: dict[str, int]
    unused: tuple[str, ...]


def due(store: ObjectStore, lake: Lake, now: datetime, *, at_once: bool = False) -> list[Due]:
    """What there is to do, table by table; nothing is changed.

    `lake` is the list; `at_once` compacts the month under way, too, however few files it has.
    """
    return [
        Due(
            table.name,
            sum(doubled(store, table, lake.states.get(table.name)).values()),
            _crowded(store, table, now, at_once=at_once),
            tuple(delta.vacuum(store, table, dry_run=True)),
        )
        for table in TABLES
        if delta.exists(store, table)
    ]


def maintain(
    store: ObjectStore, lake: Lake, now: datetime, folder: Path, progress: Progress
) -> list[Due]:
    """Compact all that can be, prove the records, and delete what is unused; tells what was done.

    What is there twice goes first.

    Args:
        store: where the lake is.
        lake: its list.
        now: the time.
        folder: room on the disk for one file of the table of records at a time, and for the files
            of a month that has rows twice.
        progress: is told how many of the tables are done.

    Raises:
        StorageError: the store can't be used, or records are missing: nothing is deleted then.
    """
    states, dropped = mend(store, lake.states, folder)
    lake = caught_up(store, lake, folder, states.get(RAW.name))
    done = due(store, replace(lake, states=states), now, at_once=True)
    for number, one in enumerate(done, start=1):
        table = next(table for table in TABLES if table.name == one.table)
        for month in one.months:
            delta.compact(store, table, month)
        progress(number, len(done))
    states, more = mend(store, states, folder)
    write_lake(store, caught_up(store, lake, folder, states.get(RAW.name)), folder)
    delete_unused(store)
    return [replace(one, doubled=(dropped + more)[one.table]) for one in done]


def compact_months(store: ObjectStore, now: datetime) -> int:
    """Compact the months that are over, and the one under way where its files are many.

    Returns how many files were replaced by fewer.
    """
    merged = 0
    for table in TABLES:
        for month in _crowded(store, table, now):
            try:
                merged += delta.compact(store, table, month)
            except StorageError:
                # Somebody else is at it, or the store won't: the rows are there all the same, and
                # the next archiving looks again.
                continue
    return merged


def delete_unused(store: ObjectStore) -> None:
    """Delete the files that no state of the last days has."""
    for table in TABLES:
        if delta.exists(store, table):
            delta.vacuum(store, table, dry_run=False)


def _crowded(
    store: ObjectStore, table: LakeTable, now: datetime, *, at_once: bool = False
) -> dict[str, int]:
    """The months whose files can become fewer, with how many small ones there are."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for path, (size, _) in delta.state(store, table).files.items():
        if size < delta.FULL_BYTES:
            sizes[path.partition("/")[0].partition("=")[2]].append(size)
    present = f"{now.astimezone(UTC):%Y-%m}"
    return {
        month: len(small)
        for month, small in sorted(sizes.items())
        # Two that don't fit together would be looked at for ever.
        if len(small) > 1
        and sum(sorted(small)[:2]) <= delta.FULL_BYTES
        and (at_once or month < present or len(small) >= MANY_FILES)
    }
