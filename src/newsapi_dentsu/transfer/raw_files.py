"""Rows of the warehouse on their way into the lake and back: as Arrow, and as Parquet files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer import proof
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.tables import Table, table
from newsapi_dentsu.warehouse.engines.base import Row, Session, insert, one
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import positions, raw, returns, verdicts
from newsapi_dentsu.warehouse.tables.rows import last_within

SEARCHES = ("raw.queries", "raw.query_days", returns.TABLE, verdicts.TABLE)
"""What can't be made of the records again, verdicts of people included."""

BATCH_ROWS, BATCH_CHARACTERS = 2_000, 16_000_000
MEMORY = "256MB"

OPTIONS = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048"
"""How DuckDB writes Parquet files, each row group of which is put together in memory."""

_IDENTITY = "uri, version, record_hash"
_LONG_TEXTS = ("record", "body")


@dataclass(frozen=True, slots=True)
class Held:
    """What a file of records holds.

    `first` and `last` are their least and greatest `seq`, `whole` proves all of them, `before`
    those up to the number that was asked for, `identity` tells which record has it.
    """

    first: int
    last: int
    whole: Digest
    before: Digest
    identity: str | None


class Gathered:
    """Rows of one table, gathered in memory and on the disk."""

    def __init__(self, session: DuckDBSession, of: Table) -> None:
        self._session = session
        self._of = of

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows in all columns of the table."""
        insert(self._session, self._of.name, self._of.columns, rows)

    def add_files(self, paths: Sequence[Path]) -> None:
        """Add the rows of Parquet files."""
        names = self._of.names
        self._session.execute(
            f"INSERT INTO {self._of.name} ({names}) SELECT {names} "
            f"FROM {_relation(paths, self._of)}"
        )

    def digest(self) -> Digest:
        """What proves the rows."""
        return proof.of_row(self._session.rows(proof.duckdb_statement(self._of))[0])

    def stream(self, order: str, moment: str, month: str) -> Any:
        """The rows in the order of a column, as an Arrow stream with the month of a moment."""
        return self._session.connection.sql(
            f"SELECT {self._of.names}, strftime({moment} AT TIME ZONE 'UTC', '%Y-%m') AS {month} "
            f"FROM {self._of.name} ORDER BY {order}"
        )


def columns() -> dict[str, list[str]]:
    """The columns of the tables from which everything else can be made."""
    return {name: list(table(name).columns) for name in (raw.TABLE, *SEARCHES)}


def last_seq(session: Session) -> int:
    """The number of the newest record; 0 where there is none."""
    return last_number(session, raw.TABLE, "seq")


def last_number(session: Session, name: str, order: str) -> int:
    """The greatest number in a table; 0 where there is none."""
    return int(one(session, f"SELECT coalesce(max({order}), 0) FROM {name}"))


def newest(session: Session, name: str, order: str, moment: str, through: int) -> Any:
    """The latest moment among a table's rows up to a number; None where there are none."""
    return one(session, f"SELECT max({moment}) FROM {name} WHERE {order} <= $1", through)


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


def next_rows(session: Session, of: Table, order: str, after: int) -> list[Row]:
    """A table's next rows after a number, as many as memory has room for; none at the end."""
    numbers = session.rows(
        f"SELECT {order} FROM {of.name} WHERE {order} > $1 ORDER BY {order} LIMIT $2",
        after,
        BATCH_ROWS,
    )
    if not numbers:
        return []
    # In a query of its own, which reads no other texts to find the first ones.
    size = " + ".join(f"length({name})" for name in _LONG_TEXTS if name in of.columns) or "0"
    sizes = session.rows(
        f"SELECT {order}, coalesce({size}, 0) FROM {of.name} "
        f"WHERE {order} > $1 AND {order} <= $2 ORDER BY {order}",
        after,
        numbers[-1][0],
    )
    last = last_within(sizes, BATCH_CHARACTERS)
    return session.rows(
        f"SELECT {of.names} FROM {of.name} WHERE {order} > $1 AND {order} <= $2 ORDER BY {order}",
        after,
        last,
    )


@contextmanager
def gathering(of: Table, folder: Path) -> Iterator[Gathered]:
    """A place for rows of a table; what memory has no room for lies in a folder."""
    with _workshop(folder, of) as session:
        yield Gathered(session, of)


def held(path: Path, through: int, identified: int, before: Sequence[str]) -> Held:
    """Look into a file of records.

    Args:
        path: the file.
        through: the number up to which `Held.before` proves.
        identified: the number whose record is told apart.
        before: the columns of that proof; the other one has all columns of the table.

    Raises:
        WarehouseError: it can't be read.
    """
    of = table(raw.TABLE)
    relation = _relation([path], of)
    with _workshop(path.parent, of) as session:
        ((first, last),) = session.rows(
            f"SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM {relation}"
        )
        whole = proof.of_row(session.rows(proof.duckdb_statement(of, relation))[0])
        known = f"(SELECT * FROM {relation} WHERE seq <= {through})"
        rows = session.rows(proof.duckdb_statement(_part(of, before), known))
        found = session.rows(f"SELECT {_IDENTITY} FROM {relation} WHERE seq = $1", identified)
    return Held(first, last, whole, proof.of_row(rows[0]), _joined(found))


@contextmanager
def each_once(paths: Sequence[Path], order: str, month: tuple[str, str]) -> Iterator[Iterator[Any]]:
    """The rows of files in the order of a number, those that are there twice once.

    Args:
        paths: Parquet files of one table, which may lack some of its columns.
        order: the column of the number.
        month: the name and value of one more column.

    Returns:
        Arrow streams, of so many rows each that memory has room for; at least one.

    Raises:
        WarehouseError: the files can't be read, or rows of the same number differ.
    """
    files = (
        f"read_parquet([{_listed(paths)}], union_by_name = true, hive_partitioning = false, "
        "filename = true, file_row_number = true)"
    )
    place = "filename, file_row_number"
    with _workshop(paths[0].parent) as session:
        # Otherwise each stream begins with reading the end of every file.
        session.execute("SET parquet_metadata_cache = true")
        session.execute(
            f"CREATE TABLE found AS SELECT {order} AS number, {place}, "
            f"hash(*COLUMNS(* EXCLUDE ({place}))) AS content FROM {files}"
        )
        differing = session.rows(
            "SELECT number FROM found GROUP BY number HAVING min(content) <> max(content) "
            "ORDER BY number LIMIT 1"
        )
        if differing:
            raise WarehouseError(f"rows of the number {differing[0][0]} differ")
        session.execute(
            f"CREATE TABLE kept AS SELECT number, {place} FROM found "
            f"QUALIFY row_number() OVER (PARTITION BY number ORDER BY {place}) = 1"
        )
        parts = session.rows(
            "SELECT min(number), max(number) FROM (SELECT number, "
            f"(row_number() OVER (ORDER BY number) - 1) // {BATCH_ROWS} AS part FROM kept) "
            "GROUP BY part ORDER BY 1"
        )
        name, value = month
        yield (
            session.connection.sql(
                f"SELECT rows.* EXCLUDE ({place}), {quoted_text(value)} AS {name} "
                f"FROM {files} AS rows SEMI JOIN "
                f"(SELECT {place} FROM kept WHERE number BETWEEN {first} AND {last}) AS places "
                f"USING ({place}) WHERE {order} BETWEEN {first} AND {last} ORDER BY {order}"
            )
            for first, last in parts
        )


def write_searches(session: Session, folder: Path) -> dict[str, tuple[Path, Digest]]:
    """Write how far each search is, what it listed and what came back: a file for each table."""
    written = {}
    with _workshop(folder) as workshop:
        for name in SEARCHES:
            of = table(name)
            insert(workshop, name, of.columns, session.rows(f"SELECT {of.names} FROM {name}"))
            path = folder / f"{name.partition('.')[2]}.parquet"
            _write(workshop, name, name, path)
            written[name] = (path, _digest(workshop, of, path))
    return written


def digests(
    paths: Sequence[Path], name: str, columns: Sequence[str] | None = None
) -> dict[Path, Digest]:
    """What files of a table's rows hold, in some of its columns; unreadable ones are left out."""
    if not paths:
        return {}
    of = table(name) if columns is None else _part(table(name), columns)
    with _workshop(paths[0].parent) as session:
        try:
            return _digests(session, paths, of)
        except duckdb.Error:
            # At least one file can't be read: find out which.
            return {path: digest for path in paths if (digest := _readable(session, of, path))}


def count(session: Session) -> int:
    """How many records there are."""
    return int(one(session, f"SELECT count(*) FROM {raw.TABLE}"))


def load_records(
    session: Session, paths: Sequence[Path], after: int, columns: Sequence[str]
) -> None:
    """Add the records with numbers above `after` from files to a warehouse on DuckDB."""
    names = ", ".join(columns)
    session.execute(
        f"INSERT INTO {raw.TABLE} ({names}) SELECT {names} "
        f"FROM {_relation(paths, _part(table(raw.TABLE), columns))} WHERE seq > $1",
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
def _workshop(folder: Path, *tables: Table) -> Iterator[DuckDBSession]:
    """A DuckDB in memory with empty tables, through which rows get into files."""
    config: dict[str, Any] = {
        "temp_directory": str(folder / "spill"),
        "memory_limit": MEMORY,
        "threads": 1,
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for of in (*tables, *map(table, SEARCHES)):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {of.schema}")
                described = (f"{column} {kind}" for column, kind in of.columns.items())
                connection.execute(f"CREATE TABLE {of.name} ({', '.join(described)})")
            yield DuckDBSession(connection)
    except duckdb.Error as error:
        raise WarehouseError(str(error).splitlines()[0][:300]) from error


def _write(session: Session, name: str, relation: str, path: Path) -> None:
    of = table(name)
    session.execute(
        f"COPY (SELECT {of.names} FROM {relation} ORDER BY {', '.join(of.key)}) "
        f"TO {quoted_text(path)} ({OPTIONS})"
    )


def _digests(session: Session, paths: Sequence[Path], of: Table) -> dict[Path, Digest]:
    found = session.rows(proof.duckdb_statement_by_file(of, _relation(paths, of, "filename")))
    # A file without rows is not among those that are found.
    empty = proof.of_row((0, None, None))
    return dict.fromkeys(paths, empty) | {Path(row[0]): proof.of_row(row[1:]) for row in found}


def _digest(session: Session, of: Table, path: Path) -> Digest:
    return proof.of_row(session.rows(proof.duckdb_statement(of, _reading([path])))[0])


def _readable(session: Session, of: Table, path: Path) -> Digest | None:
    try:
        return _digests(session, [path], of)[path]
    except duckdb.Error:
        return None


def _part(of: Table, columns: Sequence[str]) -> Table:
    return Table(of.name, {name: of.columns[name] for name in columns}, of.key)


def _relation(paths: Sequence[Path], of: Table, filename: str = "") -> str:
    """Files as a relation of all the columns of a table; those that they lack are empty.

    `filename` names one more column, of each row's file.
    """
    columns = {**of.columns, **({filename: "text"} if filename else {})}
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
    named = f", filename = {quoted_text(filename)}" if filename else ""
    return (
        f"(SELECT {nulls} WHERE false UNION ALL BY NAME "
        f"SELECT * FROM read_parquet([{_listed(paths)}], union_by_name = true{named}))"
    )


def _reading(paths: Sequence[Path]) -> str:
    return f"read_parquet([{_listed(paths)}])"


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(quoted_text, paths))


def _joined(rows: list[Row]) -> str | None:
    return " ".join(str(value) for value in rows[0]) if rows else None
