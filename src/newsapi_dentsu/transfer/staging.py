"""Rows of Parquet files in temporary tables of a warehouse: by COPY on PostgreSQL."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import psycopg

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer.loading import copy_rows, wire_value
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.postgres import PostgresSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text


def stage(
    session: Session,
    files: Sequence[Path],
    name: str,
    columns: Mapping[str, str],
    memory: str,
) -> int:
    """Make a temporary table of these files' rows; gives how many there are.

    Args:
        session: the open transaction.
        files: Parquet files.
        name: the table to make.
        columns: its columns with their SQL types; the files may have more.
        memory: how much reading the files may take.

    Raises:
        WarehouseError: a file can't be read, or a row not be stored.
    """
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    session.execute(f"CREATE TEMP TABLE {name} ({typed})")
    listed = ", ".join(quoted_text(path) for path in files)
    relation = f"read_parquet([{listed}], union_by_name = true)"
    chosen = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in columns.items())
    try:
        if isinstance(session, DuckDBSession):
            session.execute(f"INSERT INTO {name} SELECT {chosen} FROM {relation}")
        elif isinstance(session, PostgresSession):
            _copy(session, f"(SELECT {chosen} FROM {relation})", name, columns, memory)
    except duckdb.Error as error:
        raise WarehouseError(
            f"{files[0].parent} can't be read ({str(error).splitlines()[0][:200]}): rebuild anew"
        ) from error
    session.execute(f"ANALYZE {name}")
    return int(one(session, f"SELECT count(*) FROM {name}"))


def _copy(
    session: PostgresSession, relation: str, name: str, columns: Mapping[str, str], memory: str
) -> None:
    values = ", ".join(wire_value(*column) for column in columns.items())
    statement = f"COPY {name} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with (
        duckdb.connect(":memory:", config={"memory_limit": memory}) as reading,
        session.connection.cursor() as cursor,
    ):
        reading.execute("SET TimeZone = 'UTC'")
        rows = reading.execute(f"SELECT {values} FROM {relation} AS rebuilt")
        try:
            copy_rows(rows, cursor, statement, list(columns.values()))
        except psycopg.DataError as error:
            message = error.diag.message_primary or str(error)
            raise WarehouseError(
                f"a row of the rebuild can't be stored in PostgreSQL ({message})"
            ) from error
