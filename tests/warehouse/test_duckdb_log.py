"""A killed process leaves its last transactions in DuckDB's log: the next one merges them."""

import multiprocessing
import os
from pathlib import Path

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine


def opened(path: Path) -> Warehouse:
    return Warehouse(DuckDBEngine(path, memory_limit="128MB", wait=5))


def _die_after_commit(path: Path) -> None:
    connection = opened(path).engine._open(read_only=False)  # type: ignore[attr-defined]
    connection.execute("BEGIN")
    connection.execute("INSERT INTO ops.positions VALUES ('mark', 7)")
    connection.execute("COMMIT")
    os._exit(1)


def test_what_was_committed_is_merged_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "news.duckdb"
    log = tmp_path / "news.duckdb.wal"
    opened(path).upgrade()
    process = multiprocessing.get_context("spawn").Process(target=_die_after_commit, args=(path,))
    process.start()
    process.join(60)
    assert log.exists()

    with opened(path).snapshot() as session:
        assert session.rows("SELECT value FROM ops.positions WHERE name = 'mark'") == [(7,)]
    assert log.exists()

    with opened(path).transaction() as session:
        assert session.rows("SELECT value FROM ops.positions WHERE name = 'mark'") == [(7,)]
    assert not log.exists()
