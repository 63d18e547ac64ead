"""Proving that two tables hold the same: row counts and hashes that each side computes itself.

A row is written as text in one way that both engines share: text with its length in bytes before
it (a long one as its MD5 sum, which spares copies of it), times as microseconds, floats as their 64
bits, NULL apart from everything else. The hash of a table is the sum of its rows' MD5 sums, so the
order of rows doesn't matter and memory stays flat.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from newsapi_dentsu.transfer.tables import Table, tables
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession

_HALF = 1 << 64
_LONG = 64
"""Bytes above which a text is hashed by itself."""


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows a table has, and what they hash to."""

    rows: int
    hash: str


_DUCKDB_SUMS = (
    "count(*), sum(CAST('0x' || left(md5, 16) AS ubigint)), "
    "sum(CAST('0x' || right(md5, 16) AS ubigint))"
)


def of_row(row: Row) -> Digest:
    """Read the answer to a statement of this module."""
    count, upper, lower = row
    return Digest(int(count), f"{_half(upper)}{_half(lower)}")


def combined(digests: Iterable[Digest]) -> Digest:
    """The digest of the rows of several parts together."""
    parts = list(digests)
    halves = (sum(int(part.hash[of], 16) for part in parts) for of in (slice(16), slice(16, 32)))
    return of_row((sum(part.rows for part in parts), *halves))


def _half(total: Any) -> str:
    return f"{int(total or 0) % _HALF:016x}"


def duckdb_statement(table: Table, relation: str | None = None) -> str:
    """The statement that makes DuckDB compute the digest of a table, or of a relation like it."""
    return f"SELECT {_DUCKDB_SUMS} FROM ({_duckdb_rows(table, relation or table.name)}) AS sums"


def duckdb_statement_by_file(table: Table, relation: str) -> str:
    """The same for each file of a relation that has a column `filename`, which comes first."""
    rows = _duckdb_rows(table, relation, "filename, ")
    return f"SELECT filename, {_DUCKDB_SUMS} FROM ({rows}) AS sums GROUP BY filename"


def _duckdb_rows(table: Table, relation: str, more: str = "") -> str:
    row = ", ".join(_duckdb_text(*column) for column in table.columns.items())
    return f"SELECT {more}md5(concat_ws(',', {row})) AS md5 FROM {relation}"


def postgres_statement(table: Table) -> str:
    """The statement that makes PostgreSQL compute a table's digest."""
    row = ", ".join(_postgres_text(*column) for column in table.columns.items())
    # OFFSET 0 keeps the planner from computing every MD5 sum twice.
    return (
        "SELECT count(*), sum(('x' || left(md5, 16))::bit(64)::bigint), "
        "sum(('x' || right(md5, 16))::bit(64)::bigint) "
        f"FROM (SELECT md5(concat_ws(',', {row})) AS md5 FROM {table.name} OFFSET 0) AS sums"
    )


def duckdb_digests(session: DuckDBSession) -> dict[str, Digest]:
    """Let DuckDB compute the digests of all tables."""
    return {table.name: of_row(session.rows(duckdb_statement(table))[0]) for table in tables()}


def _text(bytes_: str, column: str) -> str:
    return (
        f"CASE WHEN {column} IS NULL THEN '-' WHEN {bytes_} > {_LONG} THEN 'md5:' || md5({column}) "
        f"ELSE {bytes_} || ':' || {column} END"
    )


def _duckdb_text(column: str, kind: str) -> str:
    if kind == "text":
        return _text(f"strlen({column})", column)
    if kind == "timestamptz":
        value = (
            f"CASE WHEN isfinite({column}) THEN CAST(epoch_us({column}) AS text) "
            f"ELSE CAST({column} AS text) END"
        )
    elif kind == "float8":
        value = f"CASE WHEN isnan({column}) THEN 'nan' ELSE CAST(CAST({column} AS BIT) AS text) END"
    elif kind == "date":
        value = f"CAST({column} - DATE '1970-01-01' AS text)"
    else:
        value = f"CAST({column} AS text)"
    return f"coalesce({value}, '-')"


def _postgres_text(column: str, kind: str) -> str:
    if kind == "text":
        return _text(f"octet_length({column})", column)
    if kind == "timestamptz":
        value = (
            f"CASE WHEN isfinite({column}) "
            f"THEN CAST(CAST(extract(epoch FROM {column}) * 1000000 AS bigint) AS text) "
            f"ELSE CAST({column} AS text) END"
        )
    elif kind == "float8":
        value = (
            f"CASE WHEN {column} = 'NaN' THEN 'nan' "
            f"ELSE CAST(('x' || encode(float8send({column}), 'hex'))::bit(64) AS text) END"
        )
    elif kind == "date":
        value = f"CAST({column} - DATE '1970-01-01' AS text)"
    else:
        value = f"CAST({column} AS text)"
    return f"coalesce({value}, '-')"
