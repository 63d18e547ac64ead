"""Bringing the list up to what the table of records holds, with proof that no record was lost.

Rows get into the table before the list names their files. Between the two, a program may be
killed, and other engines may compact the table. What the list doesn't know is read back: rows with
numbers up to that of the list must be those of the files that are gone, by count and hash.
"""

from dataclasses import replace
from pathlib import Path

from newsapi_dentsu.errors import StorageError, StorageUnavailableError, WarehouseError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.layout import RAW
from newsapi_dentsu.lake.listing import Lake, LakeFile, TableState
from newsapi_dentsu.storage import ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.proof import combined


def caught_up(
    store: ObjectStore, lake: Lake, folder: Path, counted: TableState | None = None
) -> Lake:
    """The list with the files that the table of records has now; nothing is written.

    Args:
        store: where the lake is.
        lake: the list as it was.
        folder: room on the disk for one file of the table at a time.
        counted: a state of the table, with as many rows as it must have.

    Raises:
        StorageUnavailableError: records are there twice; `mend` drops them.
        StorageError: records of the list are missing, or others are there; a file can't be read.
    """
    if not delta.exists(store, RAW):
        if lake.rows:
            raise StorageError(
                f"{RAW.name} is missing in {store.location}, but not the list of what was in it: "
                "bring it back, or write the lake anew from the database with "
                "`newsapi archive --anew`"
            )
        return lake
    state = delta.state(store, RAW)
    if state.through < lake.through:
        # Somebody began to write it anew and hasn't come to the end.
        lake = Lake(searches=lake.searches, archived_at=lake.archived_at, states=lake.states)
    columns = tuple(RAW.columns)
    known = lake.records if lake.columns == columns else {}
    names = {f"{RAW.name}/{path}": size for path, (size, _) in state.files.items()}
    records = {name: known[name] for name in names if name in known}
    gone = [file.digest for name, file in lake.records.items() if name not in records]
    found, identity = [], lake.identity
    for name, size in names.items():
        if name in records:
            continue
        path = fetch(store, name, size, folder)
        try:
            held = raw_files.held(path, lake.through, state.through, lake.columns or columns)
        except WarehouseError as error:
            raise StorageError(
                f"{name} in {store.location} is damaged ({error}): bring an earlier version of "
                "it back, or write the lake anew from the database with `newsapi archive --anew`"
            ) from error
        finally:
            path.unlink()
        records[name] = LakeFile(size, held.whole, held.first, held.last)
        found.append(held.before)
        identity = held.identity or identity
    rows = sum(listed.digest.rows for listed in records.values())
    if combined(found) != combined(gone) or (counted is not None and counted.rows != rows):
        counts = delta.counted(store, RAW, state.version).values()
        if doubled := sum(held - numbers for held, numbers in counts):
            raise StorageUnavailableError(
                f"{RAW.name} in {store.location} holds {doubled:,} records twice, for another "
                "program compacts it at this time: nothing is lost; have it stop, and run this "
                "again, which drops them"
            )
        raise StorageError(
            f"{RAW.name} in {store.location} doesn't hold the records that the list says "
            f"({combined(found).rows:,} instead of {combined(gone).rows:,} were rewritten): "
            "bring an earlier version of it back, or write the lake anew from the database with "
            "`newsapi archive --anew`"
        )
    moment = lake.states[RAW.name].moment if RAW.name in lake.states else None
    return replace(
        lake,
        through=state.through,
        identity=identity,
        records=records,
        columns=columns,
        states={**lake.states, RAW.name: TableState(state.version, state.through, moment, rows)},
    )
