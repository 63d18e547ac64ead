"""The list of what belongs to the lake: `lake.json`, replaced in one step when all else is there.

It names each file of records with its size and a hash of what it holds. So a restore needs nothing
else of the lake than the list and these files, and believes no file that holds something else.
Lakes from before there were Delta tables have a list of their own form, which is read, too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version as program_version
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
)

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.layout import LIST, RAW, TABLES
from newsapi_dentsu.storage import ObjectStore
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.file_lists import FileList, ListedFile, first_mistake
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.warehouse.tables import raw

_FORM: Final = 2

_DAY_FILE = re.compile(
    r"day=([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{12,18})-([0-9]{12,18})-[0-9a-f]{8}\.parquet"
)
_RECORDS = re.compile(rf"{RAW.name}/{delta.PATH.pattern}")
_SEARCHES = re.compile(r"searches/[a-z_]+-[0-9a-f]{8}\.parquet")
_LOG = re.compile(rf"(?:{'|'.join(table.name for table in TABLES)})/_delta_log/.+")


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of the lake: its size, what it holds, and the least and greatest `seq` in it."""

    bytes: int
    digest: Digest
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class TableState:
    """A table when the list was written: its version, its last number and its latest moment.

    `rows` is how many it had, each number once; older versions of the program don't tell.
    """

    version: int
    through: int
    moment: datetime | None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Lake:
    """What the lake says of itself.

    `through` is the `seq` up to which all records are in it, `identity` tells that record from
    another history's of the same number. `records` and `searches` are the files by name, those of
    searches with their table. `columns` are those of the records that are proven. `of_days` is
    whether it is a lake of day files, from before there were Delta tables.
    """

    through: int = 0
    identity: str | None = None
    origin: str | None = None
    archived_at: datetime | None = None
    records: Mapping[str, LakeFile] = field(default_factory=dict)
    searches: Mapping[str, tuple[str, LakeFile]] = field(default_factory=dict)
    states: Mapping[str, TableState] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    of_days: bool = False

    @property
    def rows(self) -> int:
        """How many records it holds."""
        return sum(file.digest.rows for file in self.records.values())


def _of_day(name: str) -> str:
    found = _DAY_FILE.fullmatch(name)
    if found is None or int(found[2]) > int(found[3]):
        raise ValueError("not the name of a file of records")
    date.fromisoformat(found[1])
    return name


def _of_records(name: str) -> str:
    if not _RECORDS.fullmatch(name):
        raise ValueError("not the name of a file of records")
    return name


def _of_searches(table: str) -> str:
    if table not in raw_files.SEARCHES:
        raise ValueError("not a table of what the searches have listed")
    return table


class _ListedSearches(ListedFile):
    file: Annotated[str, StringConstraints(pattern=f"^{_SEARCHES.pattern}$")]


class _ListedRecords(ListedFile):
    first: NonNegativeInt
    last: NonNegativeInt


class _ListedState(FileList):
    version: NonNegativeInt
    through: NonNegativeInt
    moment: AwareDatetime | None
    rows: NonNegativeInt | None = None


class _Form(FileList):
    format: int = 1


class _AnyLake(FileList):
    through: NonNegativeInt
    identity: str | None
    origin: str | None
    archived_at: AwareDatetime | None
    program: str
    columns: dict[str, list[str]]
    searches: dict[Annotated[str, AfterValidator(_of_searches)], _ListedSearches]


class _LakeOfDays(_AnyLake):
    records: dict[Annotated[str, AfterValidator(_of_day)], ListedFile]


class _LakeOfTables(_AnyLake):
    records: dict[Annotated[str, AfterValidator(_of_records)], _ListedRecords]
    tables: dict[str, _ListedState]


def read_lake(store: ObjectStore) -> Lake | None:
    """What is in the lake; None where there is none yet.

    Raises:
        StorageError: the store can't be used, there are files of a lake without their list, or the
            lake was made with other columns.
    """
    text = store.read(LIST)
    if text is None:
        if any(_is_swept(name) or _LOG.fullmatch(name) for name in store.names()):
            raise StorageError(
                f"{LIST} is missing in {store.location}, but not the files that it listed: bring "
                "it back, or write the lake anew from a database that has all of it, with "
                "`newsapi archive --anew`"
            )
        return None
    try:
        form = _Form.model_validate_json(text).format
        value = (_LakeOfDays if form == 1 else _LakeOfTables).model_validate_json(text)
    except ValidationError as error:
        raise StorageError(
            f"{store.location}/{LIST} is damaged ({first_mistake(error)}): bring an earlier "
            "version of it back, or write the lake anew from the database with "
            "`newsapi archive --anew`"
        ) from error
    if form > _FORM:
        raise _other_program(store, value.program, "another form")
    ours = raw_files.columns()
    columns = value.columns.get(raw.TABLE, ours[raw.TABLE])
    # A table or column that the lake doesn't have yet comes with the next archiving.
    others = {name: listed for name, listed in value.columns.items() if name != raw.TABLE}
    if ours | others != ours or not set(columns) <= set(ours[raw.TABLE]):
        raise _other_program(store, value.program, "other columns")
    if isinstance(value, _LakeOfTables):
        records = {
            name: LakeFile(of.bytes, of.digest, of.first, of.last)
            for name, of in value.records.items()
        }
        states = {
            name: TableState(of.version, of.through, of.moment, of.rows)
            for name, of in value.tables.items()
        }
    else:
        records = {
            name: LakeFile(of.bytes, of.digest, *_numbers(name))
            for name, of in value.records.items()
        }
        states = {}
    return Lake(
        through=value.through,
        identity=value.identity,
        origin=value.origin,
        archived_at=value.archived_at,
        records=records,
        searches={
            table: (of.file, LakeFile(of.bytes, of.digest)) for table, of in value.searches.items()
        },
        states=states,
        columns=tuple(columns),
        of_days=form == 1,
    )


def _other_program(store: ObjectStore, program: str, what: str) -> StorageError:
    return StorageError(
        f"{store.location} was written by version {program[:50]}, whose tables have {what}: "
        "restore it with that version and upgrade the database then, or write it "
        "anew from the database with `newsapi archive --anew`"
    )


def _numbers(name: str) -> tuple[int, int]:
    """The first and last `seq` in a file of a day, which its name tells."""
    first, last, _ = name.rpartition("/")[2].split("-")
    return int(first), int(last)


def write_lake(store: ObjectStore, lake: Lake, folder: Path) -> None:
    """Replace the list; `folder` has room for it on the disk."""
    value = {
        "format": _FORM,
        "through": lake.through,
        "identity": lake.identity,
        "origin": lake.origin,
        "archived_at": lake.archived_at.isoformat() if lake.archived_at else None,
        "program": program_version("newsapi-dentsu"),
        "columns": raw_files.columns(),
        "tables": {
            name: {
                "version": state.version,
                "through": state.through,
                "moment": state.moment.isoformat() if state.moment else None,
                "rows": state.rows,
            }
            for name, state in lake.states.items()
        },
        "searches": {
            table: {"file": name, **_entry(file)} for table, (name, file) in lake.searches.items()
        },
        "records": {
            name: {**_entry(file), "first": file.first, "last": file.last}
            for name, file in lake.records.items()
        },
    }
    path = folder / LIST
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    store.upload(path, LIST)


def _entry(file: LakeFile) -> dict[str, Any]:
    return {"bytes": file.bytes, "rows": file.digest.rows, "hash": file.digest.hash}


def sweep(store: ObjectStore, lake: Lake) -> None:
    """Delete what the list doesn't name: earlier files of searches, and files of days.

    The files of Delta tables stay until these are vacuumed.
    """
    listed = {*lake.records, *(name for name, _ in lake.searches.values())}
    for name in store.names():
        if _is_swept(name) and name not in listed:
            store.delete(name)


def _is_swept(name: str) -> bool:
    """Whether a name is one that the archive gives to files, those being written included."""
    folder, _, file = name.rpartition("/")
    if file.startswith(".") and file.endswith(".part"):
        name = f"{folder}/{file[1:].removesuffix('.part')}"
    return bool(_DAY_FILE.fullmatch(name) or _SEARCHES.fullmatch(name))
