"""The lake: every raw record as Parquet, in a folder for each day on which it was fetched.

`lake.json` lists the files that belong to it. New files come first, then the list, then what it no
longer names is deleted: killed at any moment and run again, nothing is lost and nothing is there
twice. Beside the records lies what the searches have listed, with the watermark of that moment.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from importlib.metadata import version as program_version
from pathlib import Path
from typing import Any

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.storage import ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.raw_files import DayFile
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw

MANIFEST = "lake.json"
FULL_BYTES = 64_000_000
"""Size from which a day's file is left as it is when the day's files are merged."""

_OURS = re.compile(r"(day=\d{4}-\d\d-\d\d|searches)/\.?[\w.-]+\.parquet(\.part)?")


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of the lake: its size, and what it holds."""

    bytes: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Lake:
    """What the lake says of itself.

    `through` is the `seq` up to which all records are in it, `identity` tells that record from
    another history's of the same number. `records` and `searches` are the files by name, those of
    searches with their table.
    """

    through: int = 0
    identity: str | None = None
    origin: str | None = None
    archived_at: datetime | None = None
    records: Mapping[str, LakeFile] = field(default_factory=dict)
    searches: Mapping[str, tuple[str, LakeFile]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many records it holds."""
        return sum(file.digest.rows for file in self.records.values())


@dataclass(frozen=True, slots=True)
class Archived:
    """What one archiving added, how many files of ended days it merged, and what there is now."""

    added: int
    merged: int
    lake: Lake


def read_lake(store: ObjectStore) -> Lake | None:
    """What is in the lake; None where there is none yet.

    Raises:
        StorageError: the store can't be used, or the lake was made with other columns.
    """
    text = store.read(MANIFEST)
    if text is None:
        return None
    try:
        value = json.loads(text)
        # A table that the lake doesn't have yet comes with the next archiving.
        if raw_files.columns() | value["columns"] != raw_files.columns():
            raise StorageError(
                f"{store.location} was written by version {value['program']}, whose tables have "
                "other columns: restore it with that version and upgrade the database then, or "
                "write it anew from the database with `newsapi archive --anew`"
            )
        return Lake(
            through=value["through"],
            identity=value["identity"],
            origin=value["origin"],
            archived_at=_time(value["archived_at"]),
            records={name: _file(of) for name, of in value["records"].items()},
            searches={name: (of["file"], _file(of)) for name, of in value["searches"].items()},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{store.location}/{MANIFEST} is damaged: bring an earlier version of it back, or "
            "write the lake anew from the database with `newsapi archive --anew`"
        ) from error


def last_in(name: str) -> int:
    """The last `seq` in a file of records, which its name tells."""
    return int(name.rpartition("/")[2].split("-")[1])


def archive(
    source: Warehouse,
    store: ObjectStore,
    *,
    scratch: Path,
    anew: bool,
    now: datetime,
    progress: Progress,
) -> Archived:
    """Add the records that the lake doesn't have yet; the caller holds the run lock.

    Args:
        source: the database.
        store: where the lake is.
        scratch: a folder on the disk with room for the new files.
        anew: write everything, in the place of what is there.
        now: the time.
        progress: is told how many of the new records are written.

    Raises:
        WarehouseError: the database can't be read.
        StorageError: the store can't be used, or it holds another database's records.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".archive-", dir=scratch) as temporary:
        folder = Path(temporary)
        before = Lake() if anew else _begun(store, folder)
        last = source.read(raw_files.last_seq)
        _refuse_other_history(source, store, before)
        if not anew:
            _sweep(store, before)
        records = dict(before.records)
        after = before.through
        while after < last:
            rows = source.read(partial(raw_files.next_records, after=after))
            after = rows[-1][0]
            for file in raw_files.write_by_day(rows, folder):
                _put(store, file, records)
            progress(after - before.through, last - before.through)
        merged = _merge_days(store, folder, records, now.astimezone(UTC).date())
        lake = Lake(
            through=after,
            identity=source.read(partial(raw_files.identity, seq=after)),
            origin=source.read(raw.stored_origin),
            archived_at=now.astimezone(UTC),
            records=records,
            searches=_put_searches(source, store, folder),
        )
        _commit(store, lake, folder)
    _sweep(store, lake)
    return Archived(lake.rows - before.rows, merged, lake)


def _begun(store: ObjectStore, folder: Path) -> Lake:
    """What is in the lake; an empty one is begun where there is none.

    Raises:
        StorageError: there are files of a lake, but not the list of them.
    """
    lake = read_lake(store)
    if lake is not None:
        return lake
    if any(_OURS.fullmatch(name) for name in store.names()):
        raise StorageError(
            f"{MANIFEST} is missing in {store.location}, but not the files that it listed: bring "
            "it back, or write the lake anew from the database with `newsapi archive --anew`"
        )
    _commit(store, Lake(), folder)
    return Lake()


def _refuse_other_history(source: Warehouse, store: ObjectStore, lake: Lake) -> None:
    """Numbers tell what is new only as long as the lake holds the beginning of this history."""
    found = source.read(partial(raw_files.identity, seq=lake.through))
    if found != lake.identity:
        raise StorageError(
            f"{store.location} holds records that {source.location} does not have, or others under "
            f"the same numbers (up to {lake.through}), as after a restore to an earlier time: "
            "`newsapi restore --raw-only --merge` brings in what is only there; then "
            "`newsapi archive --anew` writes the lake as the database is"
        )


def _put(store: ObjectStore, file: DayFile, records: dict[str, LakeFile]) -> None:
    """Upload a file under a name that no other content ever has, and list it."""
    name = f"day={file.day}/{file.first:012}-{file.last:012}-{file.digest.hash[:8]}.parquet"
    records[name] = LakeFile(file.path.stat().st_size, file.digest)
    store.upload(file.path, name)
    file.path.unlink()


def _merge_days(store: ObjectStore, folder: Path, records: dict[str, LakeFile], today: date) -> int:
    """Make one file of the small ones of each day that is over; returns how many went into it."""
    of_day: dict[str, list[str]] = {}
    for name, file in sorted(records.items()):
        day = name.partition("/")[0]
        if day < f"day={today}" and file.bytes < FULL_BYTES:
            of_day.setdefault(day, []).append(name)
    merged = 0
    for day, names in of_day.items():
        if len(names) < 2:
            continue
        paths = [fetch(store, name, records[name].bytes, folder) for name in names]
        whole = raw_files.merge(paths, folder / "merged.parquet", date.fromisoformat(day[4:]))
        expected = sum(records.pop(name).digest.rows for name in names)
        if whole.digest.rows != expected:
            raise StorageError(f"{store.location}/{day} doesn't hold what {MANIFEST} says")
        _put(store, whole, records)
        for path in paths:
            path.unlink()
        merged += len(names)
    return merged


def _put_searches(
    source: Warehouse, store: ObjectStore, folder: Path
) -> dict[str, tuple[str, LakeFile]]:
    searches = {}
    written = source.read(partial(raw_files.write_searches, folder=folder))
    for table, (path, digest) in written.items():
        name = f"searches/{path.stem}-{digest.hash[:8]}.parquet"
        searches[table] = (name, LakeFile(path.stat().st_size, digest))
        store.upload(path, name)
    return searches


def _commit(store: ObjectStore, lake: Lake, folder: Path) -> None:
    value = {
        "through": lake.through,
        "identity": lake.identity,
        "origin": lake.origin,
        "archived_at": lake.archived_at.isoformat() if lake.archived_at else None,
        "program": program_version("newsapi-dentsu"),
        "columns": raw_files.columns(),
        "searches": {
            table: {"file": name, **_entry(file)} for table, (name, file) in lake.searches.items()
        },
        "records": {name: _entry(file) for name, file in lake.records.items()},
    }
    path = folder / MANIFEST
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    store.upload(path, MANIFEST)


def _entry(file: LakeFile) -> dict[str, Any]:
    return {"bytes": file.bytes, "rows": file.digest.rows, "hash": file.digest.hash}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _file(entry: Mapping[str, Any]) -> LakeFile:
    return LakeFile(entry["bytes"], Digest(entry["rows"], entry["hash"]))


def _sweep(store: ObjectStore, lake: Lake) -> None:
    """Delete the files of this module's naming that the lake doesn't list."""
    listed = {*lake.records, *(name for name, _ in lake.searches.values())}
    for name in store.names():
        if _OURS.fullmatch(name) and name not in listed:
            store.delete(name)
