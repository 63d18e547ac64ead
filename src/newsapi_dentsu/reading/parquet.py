"""Articles in a Parquet file."""

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import duckdb

from newsapi_dentsu.reading.states import Pages
from newsapi_dentsu.warehouse.engines.base import insert
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import final

_SQL_TYPES: Final = {
    "text": "varchar",
    "integer": "bigint",
    "number": "double",
    "time": "timestamptz",
    "list": "varchar[]",
}
_ROW_GROUP: Final = 2048
_MEMORY: Final = "512MB"
_LARGEST_ROW: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536


def parquet_stream(lines: Iterable[str], types: Mapping[str, str]) -> Iterator[bytes]:
    """Turn JSON lines into a Parquet file, piece by piece and in bounded memory.

    All lines are on the disk, in a temporary file, before the first piece is given. Where making
    the Parquet file fails, the end that makes it whole is never given.

    Args:
        lines: one object or more a string, each with its line end.
        types: the columns, each with what kind of value it has.

    Raises:
        OSError: the disk is full.
        whatever `lines` raises.
    """
    # Of a pipe, DuckDB would keep in memory all that it has read.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace") as rows:
        rows.writelines(lines)
        rows.flush()
        yield from _converted(rows.name, types)


def _converted(rows: str, types: Mapping[str, str]) -> Iterator[bytes]:
    """A file of JSON lines as Parquet; the last piece only if nothing failed."""
    # DuckDB writes a pipe, as fast as the reader takes what comes out.
    file_out, file_in = os.pipe()
    failures: list[duckdb.Error] = []
    connection = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY})

    def convert() -> None:
        columns = ", ".join(f"{name}: '{_SQL_TYPES[kind]}'" for name, kind in types.items())
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (SELECT * FROM read_json({quoted_text(rows)}, "
                f"format = 'newline_delimited', columns = {{{columns}}}, "
                f"maximum_object_size = {_LARGEST_ROW})) TO '/dev/fd/{file_in}' "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
            )
        except duckdb.Error as error:
            failures.append(error)
        finally:
            os.close(file_in)

    worker = threading.Thread(target=convert, daemon=True)
    with closing(connection):
        worker.start()
        try:
            with open(file_out, "rb", buffering=0) as pipe:  # noqa: PTH123
                last = b""
                while chunk := pipe.read(_CHUNK):
                    if last:
                        yield last
                    last = chunk
        finally:
            with suppress(duckdb.Error):
                connection.interrupt()
            worker.join()
        if failures:
            raise failures[0]
        yield last


def write_parquet(pages: Pages, target: Path, scratch: Path) -> int:
    """Write articles to a Parquet file in their order, and return how many they are.

    Args:
        pages: the articles.
        target: the file.
        scratch: where a DuckDB file may lie meanwhile, so that memory stays small.
    """
    count = 0
    with duckdb.connect(str(scratch), config={"memory_limit": _MEMORY}) as connection:
        columns = ", ".join(f"{name} {type_}" for name, type_ in final.COLUMNS.items())
        connection.execute(f"CREATE TABLE articles ({columns})")
        for page in pages:
            insert(DuckDBSession(connection), "articles", final.COLUMNS, page)
            count += len(page)
        DuckDBSession(connection).write_file(
            "SELECT * FROM articles", target, f"FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP}"
        )
    return count
