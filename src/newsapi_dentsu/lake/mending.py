"""Dropping rows that are in the lake twice, as two compactions at the same time leave them.

delta-rs takes two of them for compatible, so whoever compacts a table beside this program, or two
others beside each other, double it: see `delta`. Nothing but an archiving changes how many rows a
table has, so a table with as many as the last archiving left has none twice. Of any other one the
numbers are read, each of which it has once. A month of which this is not so is written once again,
each number once, in one entry of the log, and only if nobody has changed the table since it was
read. So it may be killed anywhere, and readers who began before read on.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.layout import MONTH, TABLES, LakeTable
from newsapi_dentsu.lake.listing import TableState
from newsapi_dentsu.storage import ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files


def doubled(store: ObjectStore, table: LakeTable, known: TableState | None) -> dict[str, int]:
    """By month, how many rows a table has beside others of the same number; most often none.

    Args:
        store: where the lake is.
        table: which table; it exists.
        known: the last state that is known to have each number once.

    Raises:
        StorageError: the store can't be used.
    """
    state = delta.state(store, table)
    return {} if _as_known(state, known) else _more(delta.counted(store, table, state.version))


def mend(
    store: ObjectStore, known: Mapping[str, TableState], folder: Path
) -> tuple[dict[str, TableState], Counter[str]]:
    """Drop what is in the tables twice.

    Args:
        store: where the lake is.
        known: by table, the last state that is known to have each number once.
        folder: room on the disk for the files of a month that has such rows.

    Returns:
        Such a state of each table that exists, and how many rows of each were dropped.

    Raises:
        StorageUnavailableError: somebody changes the table meanwhile.
        StorageError: rows of the same number differ, or the store can't be used.
    """
    states, dropped = {}, Counter[str]()
    for table in TABLES:
        if not delta.exists(store, table):
            continue
        state = delta.state(store, table)
        rows = state.rows
        if not _as_known(state, known.get(table.name)):
            while more := _more(counts := delta.counted(store, table, state.version)):
                month = min(more)
                _write_once(store, table, month, more[month], state, folder)
                dropped[table.name] += more[month]
                state = delta.state(store, table)
            rows = sum(count for count, _ in counts.values())
        states[table.name] = TableState(state.version, state.through, None, rows)
    return states, dropped


def _as_known(state: delta.State, known: TableState | None) -> bool:
    return known is not None and (known.through, known.rows) == (state.through, state.rows)


def _more(counts: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    return {month: rows - numbers for month, (rows, numbers) in counts.items() if rows > numbers}


def _write_once(
    store: ObjectStore, table: LakeTable, month: str, more: int, state: delta.State, folder: Path
) -> None:
    paths: list[Path] = []
    try:
        for path, (size, _) in state.files.items():
            if delta.month_of(path) == month:
                paths.append(fetch(store, f"{table.name}/{path}", size, folder))
        with raw_files.each_once(paths, table.order, (MONTH, month)) as rows:
            delta.replace(store, table, month, state.version, rows)
    except WarehouseError as error:
        raise StorageError(
            f"{table.name} in {store.location} holds {more:,} rows of {month} twice, which can't "
            f"be dropped ({error}): write the lake anew from the database with "
            "`newsapi archive --anew`"
        ) from error
    finally:
        for file in paths:
            file.unlink()
