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
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
)

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.storage import ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.file_lists import FileList, ListedFile, first_mistake
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.raw_files import DayFile
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw

MANIFEST = "lake.json"
FULL_BYTES = 64_000_000
"""Size from which a day's file is left as it is when the day's files are merged."""

_RECORDS = re.compile(
    r"day=([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{12,18})-([0-9]{12,18})-[0-9a-f]{8}\.parquet"
)
_SEARCHES = re.compile(r"searches/[a-z_]+-[0-9a-f]{8}\.parquet")


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


def _of_records(name: str) -> str:
    found = _RECORDS.fullmatch(name)
    if found is None or int(found[2]) > int(found[3]):
        raise ValueError("not the name of a file of records")
    date.fromisoformat(found[1])
    return name


def _of_searches(table: str) -> str:
    if table not in raw_files.SEARCHES:
        raise ValueError("not a table of what the searches have listed")
    return table


class _ListedSearches(ListedFile):
    file: Annotated[str, StringConstraints(pattern=f"^{_SEARCHES.pattern}$")]


class _LakeText(FileList):
    through: NonNegativeInt
    identity: str | None
    origin: str | None
    archived_at: AwareDatetime | None
    program: str
    columns: dict[str, list[str]]
    records: dict[Annotated[str, AfterValidator(_of_records)], ListedFile]
    searches: dict[Annotated[str, AfterValidator(_of_searches)], _ListedSearches]


def read_lake(store: ObjectStore) -> Lake | None:
    """What is in the lake; None where there is none yet.

    Raises:
        StorageError: the store can't be used, or the lake was made with other columns.
    """
    text = store.read(MANIFEST)
    if text is None:
        return None
    try:
        value = _LakeText.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(
            f"{store.location}/{MANIFEST} is damaged ({first_mistake(error)}): bring an earlier "
            "version of it back, or write the lake anew from the database with "
            "`newsapi archive --anew`"
        ) from error
    # A table that the lake doesn't have yet comes with the next archiving.
    if raw_files.columns() | value.columns != raw_files.columns():
        raise StorageError(
            f"{store.location} was written by version {value.program}, whose tables have other "
            "columns: restore it with that version and upgrade the database then, or write it "
            "anew from the database with `newsapi archive --anew`"
        )
    return Lake(
        through=value.through,
        identity=value.identity,
        origin=value.origin,
        archived_at=value.archived_at,
        records={name: LakeFile(of.bytes, of.digest) for name, of in value.records.items()},
        searches={
            table: (of.file, LakeFile(of.bytes, of.digest)) for table, of in value.searches.items()
        },
    )


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
            _refuse_to_forget(store, before, last)
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
    if any(_is_ours(name) for name in store.names()):
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


def _refuse_to_forget(store: ObjectStore, lake: Lake, last: int) -> None:
    """Files that the list doesn't name go only if the database still has what is in them."""
    for name in _unlisted(store, lake):
        if _RECORDS.fullmatch(name) and last_in(name) > last:
            raise StorageError(
                f"{name} in {store.location} holds records that neither {MANIFEST} names nor the "
                f"database has, as after an earlier {MANIFEST} was brought back: bring the newest "
                "one back, or write the lake anew from the database with `newsapi archive --anew`"
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


def _sweep(store: ObjectStore, lake: Lake) -> None:
    """Delete the files of this module's naming that the lake doesn't list."""
    for name in _unlisted(store, lake):
        store.delete(name)


def _unlisted(store: ObjectStore, lake: Lake) -> list[str]:
    listed = {*lake.records, *(name for name, _ in lake.searches.values())}
    return [name for name in store.names() if _is_ours(name) and name not in listed]


def _is_ours(name: str) -> bool:
    """Whether this module names files so, also one that is being written."""
    folder, _, file = name.rpartition("/")
    if file.startswith(".") and file.endswith(".part"):
        name = f"{folder}/{file[1:].removesuffix('.part')}"
    return bool(_RECORDS.fullmatch(name) or _SEARCHES.fullmatch(name))
