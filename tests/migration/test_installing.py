"""A database that was built beside another takes its place only where it is whole."""

from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer.direct import install
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine


def test_a_file_that_there_was_no_room_to_close_replaces_none(tmp_path: Path) -> None:
    there = DuckDBEngine(tmp_path / "news.duckdb", memory_limit="128MB", wait=0)
    Warehouse(there).upgrade()
    before = there.path.read_bytes()
    part = DuckDBEngine(tmp_path / "news.duckdb.part", memory_limit="128MB", wait=0)
    with part.transaction() as session:
        session.execute("CREATE TABLE one AS SELECT 1 AS it")
    with part.transaction() as session:
        session.execute("SET debug_checkpoint_abort = 'before_header'")
        session.execute("CREATE TABLE two AS SELECT 2 AS it")

    with pytest.raises(WarehouseError, match="make room and run again"):
        install(part.path, there)
    assert there.path.read_bytes() == before
