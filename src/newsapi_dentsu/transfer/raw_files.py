"""Raw records, and what the searches listed, as Parquet files: out of any engine, into DuckDB."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer import proof
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.tables import table
from newsapi_dentsu.warehouse.engines.base import Row, Session, insert, one
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import positions, raw, returns, verdicts
from newsapi_dentsu.warehouse.tables.rows import last_within

SEARCHES = ("raw.queries", "raw.query_days", returns.TABLE, verdicts.TABLE)
"""What can't be made of the records again, verdicts of people included."""

BATCH_ROWS, BATCH_CHARACTERS = 2_000, 16_000_000
MEMORY = "256MB"

_OPTIONS = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048"
_IDENTITY = "uri, version, record_hash"


@dataclass(frozen=True, slots=True)
class DayFile:
    """A file of records that were fetched on one day, UTC; `first` and `last` are their `seq`."""

    path: Path
    day: date
    first: int
    last: int
    digest: Digest


def columns() -> dict[str, list[str]]:
    """The columns of the tables that these files hold."""
    return {name: list(table(name).columns) for name in (raw.TABLE, *SEARCHES)}


def last_seq(session: Session) -> int:
    """The number of the newest record; 0 where there is none."""
    return int(one(session, f"SELECT coalesce(max(seq), 0) FROM {raw.TABLE}"))


def identity(session: Session, seq: int) -> str | None:
    """What tells a record from one of the same number in another history; None if there is none."""
    return _joined(session.rows(f"SELECT {_IDENTITY} FROM {raw.TABLE} WHERE seq = $1", seq))


def identity_in(paths: Sequence[Path], seq: int) -> str | None:
    """The same of a record in files."""
    if not paths:
        return None
    with _workshop(paths[0].parent) as session:
        rows = session.rows(f"SELECT {_IDENTITY} FROM {_reading(paths)} WHERE seq = $1", seq)
    return _joined(rows)


def next_records(session: Session, after: int) -> list[Row]:
    """The next records after a number, as many as memory has room for; none at the end."""
    sizes = session.rows(
        f"SELECT seq, length(record) FROM {raw.TABLE} WHERE seq > $1 ORDER BY seq LIMIT $2",
        after,
        BATCH_ROWS,
    )
    last = last_within(sizes, BATCH_CHARACTERS)
    if last is None:
        return []
    return session.rows(
        f"SELECT {', '.join(raw.COLUMNS)} FROM {raw.TABLE} WHERE seq > $1 AND seq <= $2 "
        "ORDER BY seq",
        after,
        last,
    )


def write_by_day(rows: Sequence[Row], folder: Path) -> list[DayFile]:
    """Write records into a file for each day on which some of them were fetched."""
    with _workshop(folder) as session:
        insert(session, raw.TABLE, raw.COLUMNS, rows)
        days = {
            folder / f"{day}-{first}.parquet": (day, first, last)
            for day, first, last in session.rows(
                f"SELECT CAST(fetched_at AS date), min(seq), max(seq) FROM {raw.TABLE} "
                "GROUP BY 1 ORDER BY 1"
            )
        }
        for path, (day, *_) in days.items():
            of_day = f"{raw.TABLE} WHERE CAST(fetched_at AS date) = '{day}'"
            _write(session, raw.TABLE, of_day, path)
        found = _digests(session, list(days), raw.TABLE)
        return [DayFile(path, *of, found[path]) for path, of in days.items()]


def merge(paths: Sequence[Path], target: Path, day: date) -> DayFile:
    """Make one file of a day's several."""
    with _workshop(target.parent) as session:
        ((first, last),) = session.rows(f"SELECT min(seq), max(seq) FROM {_reading(paths)}")
        _write(session, raw.TABLE, _reading(paths), target)
        return DayFile(target, day, first, last, _digest(session, raw.TABLE, target))


def write_searches(session: Session, folder: Path) -> dict[str, tuple[Path, Digest]]:
    """Write how far each search is, what it listed and what came back: a file for each table."""
    written = {}
    with _workshop(folder) as workshop:
        for name in SEARCHES:
            of = table(name)
            insert(workshop, name, of.columns, session.rows(f"SELECT {of.names} FROM {name}"))
            path = folder / f"{name.partition('.')[2]}.parquet"
            _write(workshop, name, name, path)
            written[name] = (path, _digest(workshop, name, path))
    return written


def digests(paths: Sequence[Path], name: str) -> dict[Path, Digest]:
    """What files of a table's rows hold; those that can't be read are left out."""
    if not paths:
        return {}
    with _workshop(paths[0].parent) as session:
        try:
            return _digests(session, paths, name)
        except duckdb.Error:
            # At least one file can't be read: find out which.
            return {path: digest for path in paths if (digest := _readable(session, name, path))}


def count(session: Session) -> int:
    """How many records there are."""
    return int(one(session, f"SELECT count(*) FROM {raw.TABLE}"))


def load_records(session: Session, paths: Sequence[Path], after: int) -> None:
    """Add the records with numbers above `after` from files to a warehouse on DuckDB."""
    names = table(raw.TABLE).names
    session.execute(
        f"INSERT INTO {raw.TABLE} ({names}) SELECT {names} FROM {_reading(paths)} WHERE seq > $1",
        after,
    )
    positions.set_position(session, raw.SEQUENCE, last_seq(session))


def load_searches(session: Session, paths: Mapping[str, Path]) -> None:
    """Let these files, by table, say what the searches of a warehouse on DuckDB have listed."""
    for name, path in paths.items():
        names = table(name).names
        session.execute(f"DELETE FROM {name}")
        session.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM {_reading([path])}")


@contextmanager
def _workshop(folder: Path) -> Iterator[DuckDBSession]:
    """A DuckDB in memory with empty tables, through which rows get into files."""
    config: dict[str, Any] = {
        "temp_directory": str(folder / "spill"),
        "memory_limit": MEMORY,
        "threads": 1,
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name in (raw.TABLE, *SEARCHES):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table(name).schema}")
                described = (f"{column} {kind}" for column, kind in table(name).columns.items())
                connection.execute(f"CREATE TABLE {name} ({', '.join(described)})")
            yield DuckDBSession(connection)
    except duckdb.Error as error:
        raise WarehouseError(str(error).splitlines()[0][:300]) from error


def _write(session: Session, name: str, relation: str, path: Path) -> None:
    of = table(name)
    session.execute(
        f"COPY (SELECT {of.names} FROM {relation} ORDER BY {', '.join(of.key)}) "
        f"TO {quoted_text(path)} ({_OPTIONS})"
    )


def _digests(session: Session, paths: Sequence[Path], name: str) -> dict[Path, Digest]:
    relation = f"read_parquet([{_listed(paths)}], filename = true)"
    found = session.rows(proof.duckdb_statement_by_file(table(name), relation))
    # A file without rows is not among those that are found.
    empty = proof.of_row((0, None, None))
    return dict.fromkeys(paths, empty) | {Path(row[0]): proof.of_row(row[1:]) for row in found}


def _digest(session: Session, name: str, path: Path) -> Digest:
    return proof.of_row(session.rows(proof.duckdb_statement(table(name), _reading([path])))[0])


def _readable(session: Session, name: str, path: Path) -> Digest | None:
    try:
        return _digest(session, name, path)
    except duckdb.Error:
        return None


def _reading(paths: Sequence[Path]) -> str:
    return f"read_parquet([{_listed(paths)}])"


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(quoted_text, paths))


def _joined(rows: list[Row]) -> str | None:
    return " ".join(str(value) for value in rows[0]) if rows else None
