"""Taking over a lake of day files: its records become a Delta table, proven by counts and hashes.

The old list stays in force until all is there. How many of its files were taken over is kept in
the table's log with their rows, so an attempt that was killed is gone on with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.catching_up import caught_up
from newsapi_dentsu.lake.layout import MONTH, RAW
from newsapi_dentsu.lake.listing import Lake, LakeFile, sweep, write_lake
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.storage import ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files

TAKE_OVER = "newsapi-take-over"
"""Under this name the log of records keeps how many day files were taken over."""

_BATCH_BYTES = 8_000_000
"""Size of the day files, compressed, that are added as one entry."""


def take_over(
    store: ObjectStore, old: Lake, folder: Path, progress: Progress = no_progress
) -> Lake:
    """Make a lake of Delta tables of one of day files.

    Args:
        store: where the lake is.
        old: its list.
        folder: room on the disk for some of its files at a time.
        progress: is told how many of the files are done.

    Raises:
        StorageError: a file, or the table in the end, doesn't hold what the list says, or the
            store can't be used; the day files are as they were then.
    """
    names = sorted(old.records, key=lambda name: (old.records[name].first, name))
    done = delta.taken(store, RAW, TAKE_OVER) if delta.exists(store, RAW) else 0
    for batch in _batches(old, names[done:]):
        paths = [_proven(store, name, old.records[name], old, folder) for name in batch]
        done += len(batch)
        with raw_files.gathering(RAW.table, folder) as gathered:
            gathered.add_files(paths)
            whole = done == len(names)
            numbers = {TAKE_OVER: done} | ({delta.APPLICATION: old.through} if whole else {})
            delta.append(store, RAW, gathered.stream(RAW.order, RAW.moment, MONTH), numbers)
        for path in paths:
            path.unlink()
        progress(done, len(names))
    lake = replace(caught_up(store, old, folder), of_days=False)
    write_lake(store, lake, folder)
    sweep(store, lake)
    return lake


def _batches(old: Lake, names: Sequence[str]) -> Iterator[list[str]]:
    """The files in groups that memory has room for."""
    batch: list[str] = []
    size = 0
    for name in names:
        if batch and size + old.records[name].bytes > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += old.records[name].bytes
    if batch:
        yield batch


def _proven(store: ObjectStore, name: str, file: LakeFile, old: Lake, folder: Path) -> Path:
    path = fetch(store, name, file.bytes, folder)
    if raw_files.digests([path], RAW.source, old.columns).get(path) != file.digest:
        raise StorageError(
            f"{name} in {store.location} doesn't hold what the lake's list says: bring an earlier "
            "version of it back, or write the lake anew from the database with "
            "`newsapi archive --anew`"
        )
    return path
