"""`inserts`: storing records in DuckDB as arrays in one statement, and row by row."""

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.articles import article
from benchmarks.measuring import alternate, ratio
from benchmarks.report import Figure, print_medians
from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import insert
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession
from newsapi_dentsu.warehouse.tables import raw

RECORDS = 100
ROUNDS, ROUNDS_QUICKLY = 9, 5

Rows = list[tuple[Any, ...]]


def inserts(quick: bool) -> list[Figure]:
    """Compare on the table of raw records, its indexes included; for information."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "news.duckdb"
        Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5)).upgrade()
        with duckdb.connect(path) as connection:
            session = DuckDBSession(connection)
            stored = 0

            def measure(store: Callable[[Rows], object]) -> float:
                nonlocal stored
                rows = _rows(stored)
                stored += RECORDS
                started = time.perf_counter()
                connection.execute("BEGIN")
                store(rows)
                connection.execute("COMMIT")
                return time.perf_counter() - started

            by_row = (
                f"INSERT INTO {raw.TABLE} ({', '.join(raw.COLUMNS)}) "
                f"VALUES ({', '.join('?' * len(raw.COLUMNS))})"
            )
            measured = alternate(
                {
                    "one statement": lambda: measure(
                        lambda rows: insert(session, raw.TABLE, raw.COLUMNS, rows)
                    ),
                    "executemany": lambda: measure(
                        lambda rows: connection.executemany(by_row, rows)
                    ),
                },
                ROUNDS_QUICKLY if quick else ROUNDS,
            )
    print_medians(
        f"  medians for {RECORDS} records, in seconds:",
        {name: [{"transaction": value} for value in values] for name, values in measured.items()},
    )
    one, many = measured.values()
    return [Figure("inserts", "executemany to one statement", ratio(many, one))]


def _rows(first: int) -> Rows:
    now = datetime.now(UTC)
    rows: Rows = []
    for number in range(first, first + RECORDS):
        record = read_record(article(number, now).record, now)
        values: dict[str, Any] = {
            **{name: getattr(record, name) for name in raw.COLUMNS if hasattr(record, name)},
            "seq": number,
            "version": 1,
            "publishedAt": record.published_at,
            "problems": json.dumps(record.problems) if record.problems else None,
            "origin": raw.SANDBOX,
            "query_id": "benchmark",
            "fetched_at": now,
        }
        rows.append(tuple(values[name] for name in raw.COLUMNS))
    return rows
