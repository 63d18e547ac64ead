"""Archiving: what the warehouse has beyond the lake is added to its tables.

A table's log keeps the last number that was added together with its rows. So an archiving that was
killed anywhere is gone on with, and nothing is there twice. The list comes last.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeGuard

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.catching_up import caught_up
from newsapi_dentsu.lake.layout import MONTH, RAW, TABLES, LakeTable
from newsapi_dentsu.lake.listing import (
    Lake,
    LakeFile,
    TableState,
    read_lake,
    sweep,
    write_lake,
)
from newsapi_dentsu.lake.maintenance import compact_months, delete_unused
from newsapi_dentsu.lake.mending import mend
from newsapi_dentsu.lake.taking_over import take_over
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.scratch import scratch_folder
from newsapi_dentsu.storage import ObjectStore
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session
from newsapi_dentsu.warehouse.tables import positions, raw

APPEND_ROWS, APPEND_CHARACTERS = 20_000, 64_000_000
"""From so many rows, or characters in them, on they are added to a table as one entry."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What one archiving did.

    `added` is the number of new records, `merged` that of the files that were compacted into fewer,
    `doubled` that of the rows that were there twice and are no more, `states` the number of rows
    that each of the other tables got, and `lake` the list as it is now.
    """

    added: int
    merged: int
    doubled: int
    states: Mapping[str, int]
    lake: Lake


def archive(
    source: Warehouse,
    store: ObjectStore,
    *,
    scratch: Path,
    anew: bool,
    now: datetime,
    progress: Progress,
) -> Archived:
    """Add what the lake doesn't have yet; the caller holds the run lock.

    A lake of day files is taken over first, and rows that are there twice are dropped.

    Args:
        source: the database.
        store: where the lake is.
        scratch: a folder on the disk with room for the new files.
        anew: write everything, in the place of what is there.
        now: the time.
        progress: is told how many of the new rows are written.

    Raises:
        WarehouseError: the database can't be read.
        StorageError: the store can't be used, or it holds another database's records.
        SettingsError: the extra `lake` is missing.
    """
    with scratch_folder(scratch, "archive") as folder:
        before, states, dropped = (
            (Lake(), {}, Counter[str]()) if anew else _begun(source, store, folder)
        )
        added, states = _add_new(source, store, before, states, folder, progress, anew=anew)
        lake = caught_up(store, before, folder, states[RAW.name])
        merged = compact_months(store, now)
        states, more = mend(store, states, folder)
        if merged or more:
            lake = caught_up(store, lake, folder, states[RAW.name])
        lake = replace(
            lake,
            origin=source.read(raw.stored_origin),
            archived_at=now.astimezone(UTC),
            states={table.name: _dated(source, table, states[table.name]) for table in TABLES},
            searches=_put_searches(source, store, folder),
        )
        write_lake(store, lake, folder)
    sweep(store, lake)
    delete_unused(store)
    return Archived(lake.rows - before.rows, merged, (dropped + more).total(), added, lake)


def _begun(
    source: Warehouse, store: ObjectStore, folder: Path
) -> tuple[Lake, dict[str, TableState], Counter[str]]:
    """What is in the lake, brought up to its tables; an empty one is begun where there is none.

    Beside it are the states of the tables, and how many rows were there twice and are no more.

    Raises:
        StorageError: there are files of a lake, but not the list of them; or it belongs to
            another history.
    """
    lake = read_lake(store)
    if lake is None:
        lake = Lake()
        write_lake(store, lake, folder)
    _refuse_other_history(source, store, lake)
    states, dropped = mend(store, lake.states, folder)
    if lake.of_days:
        lake = take_over(store, lake, folder)
        return lake, {**states, RAW.name: lake.states[RAW.name]}, dropped
    caught = caught_up(store, lake, folder, states.get(RAW.name))
    if caught.through > lake.through:
        # A restore, which the refusal advises, goes by the list.
        write_lake(store, caught, folder)
    _refuse_other_history(source, store, caught)
    return caught, states, dropped


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


def _add_new(
    source: Warehouse,
    store: ObjectStore,
    lake: Lake,
    states: Mapping[str, TableState],
    folder: Path,
    progress: Progress,
    *,
    anew: bool,
) -> tuple[dict[str, int], dict[str, TableState]]:
    """Add each table's new rows; returns how many there were, and the states with them."""
    begins = {}
    numbered = {table.sequence for table in TABLES if _numbered_anew(source, table, lake)}
    for table in TABLES:
        # Tables whose numbers are compared are of one history.
        other = anew or table.sequence in numbered
        there = not other and table.name in states
        begins[table] = (states[table.name] if there else TableState(0, 0, None, 0), other)
    lasts = {
        table: source.read(partial(raw_files.last_number, name=table.source, order=table.order))
        for table in TABLES
    }
    total = sum(max(lasts[table] - state.through, 0) for table, (state, _) in begins.items())
    done, added, now = 0, {}, {}
    for table, (state, other) in begins.items():

        def told(number: int, of: int = done - state.through) -> None:
            progress(of + number, total)

        count, through = _append(source, store, table, state.through, folder, told, anew=other)
        added[table.name] = count
        now[table.name] = TableState(state.version, through, None, (state.rows or 0) + count)
        done += max(lasts[table] - state.through, 0)
    return added, now


def _numbered_anew(source: Warehouse, table: LakeTable, lake: Lake) -> bool:
    """Whether the database gives a table's numbers to other rows than when the list was written.

    It does after a restore, which works everything but the records out anew. Of one history, rows
    up to the list's number are at most as recent as the list says. A table that the list doesn't
    know yet, beside one with the same numbers that it knows, may lack what happened before.
    """
    if table == RAW:
        return False
    state = lake.states.get(table.name)
    if state is None:
        return any(one.sequence == table.sequence and one.name in lake.states for one in TABLES)
    # The row with the last number may have left; the sequence still knows it.
    last = source.read(partial(positions.position, name=table.sequence))
    moment = source.read(
        partial(
            raw_files.newest,
            name=table.source,
            order=table.order,
            moment=table.moment,
            through=state.through,
        )
    )
    return last < state.through or (
        moment is not None and (state.moment is None or moment > state.moment)
    )


def _append(
    source: Warehouse,
    store: ObjectStore,
    table: LakeTable,
    after: int,
    folder: Path,
    progress: Progress,
    *,
    anew: bool,
) -> tuple[int, int]:
    """Add a table's rows with numbers above one, some at a time.

    Returns:
        How many there were, and the number of the last.
    """
    added = 0
    begins = anew or not delta.exists(store, table)
    rows = source.read(partial(_next, table, after))
    while rows or begins:
        with raw_files.gathering(table.table, folder) as gathered:
            count = characters = 0
            while rows and count < APPEND_ROWS and characters < APPEND_CHARACTERS:
                gathered.add(rows)
                after = _number(table, rows[-1])
                count += len(rows)
                characters += sum(len(value) for row in rows for value in row if _is_text(value))
                rows = source.read(partial(_next, table, after))
            stream = gathered.stream(table.order, table.moment, MONTH)
            delta.append(store, table, stream, {delta.APPLICATION: after}, anew=begins)
        begins = False
        added += count
        progress(after, after)
    return added, after


def _next(table: LakeTable, after: int, session: Session) -> list[Row]:
    return raw_files.next_rows(session, table.table, table.order, after)


def _number(table: LakeTable, row: Row) -> int:
    return int(row[list(table.columns).index(table.order)])


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _dated(source: Warehouse, table: LakeTable, state: TableState) -> TableState:
    """A table's state with the latest moment among its rows of this history."""
    newest = partial(
        raw_files.newest,
        name=table.source,
        order=table.order,
        moment=table.moment,
        through=state.through,
    )
    moment = source.read(newest)
    return replace(state, moment=moment and moment.astimezone(UTC))


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
