"""The DuckDB file is held only while writing; who finds it held waits, then says by whom."""

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from newsapi_dentsu.errors import WarehouseBusyError
from newsapi_dentsu.warehouse import Warehouse
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.processes import event, finish, hold_transaction, process
from support.tables import column

pytestmark = pytest.mark.each_engine


@pytest.fixture
def database(duckdb_databases: DuckDBDatabases) -> DuckDBDatabase:
    return duckdb_databases.create()


@pytest.fixture
def warehouse(database: DuckDBDatabase) -> Warehouse:
    return database.open()


def test_a_reader_waits_for_a_writer_and_then_reads(database: DuckDBDatabase) -> None:
    held = event()
    with process(hold_transaction, database, held, 0.7) as child:
        assert held.wait(30)
        assert column(database.open(wait=30), "ops.positions", "name") == ["held"]
        finish(child)


@pytest.mark.parametrize("writing", [False, True])
def test_who_has_waited_long_enough_names_the_holder(
    database: DuckDBDatabase, writing: bool
) -> None:
    held = event()
    waiting = database.open(wait=0.3)
    with process(hold_transaction, database, held, 60) as child:
        assert held.wait(30)
        started = time.monotonic()
        opened = waiting.transaction() if writing else waiting.snapshot()
        with pytest.raises(WarehouseBusyError) as failure, opened:
            pass
        assert 0.3 <= time.monotonic() - started < 10
    message = str(failure.value)
    assert f"PID {child.pid}" in message
    assert str(database.path) in message
    assert "DATABASE_WAIT_SECONDS" in message
    assert "\n" not in message


def test_a_file_whose_holder_was_killed_is_free_and_holds_nothing_of_it(
    database: DuckDBDatabase,
) -> None:
    held = event()
    with process(hold_transaction, database, held, 60) as child:
        assert held.wait(30)
        child.kill()
        child.join()
    assert column(database.open(), "ops.positions", "name") == []


def test_the_file_is_free_between_transactions(
    database: DuckDBDatabase, warehouse: Warehouse
) -> None:
    with warehouse.transaction() as session:
        session.execute("INSERT INTO ops.positions (name, value) VALUES ('x', 1)")
    with warehouse.snapshot() as session:
        session.rows("SELECT 1")
    script = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE t (a int)')"
    subprocess.run([sys.executable, "-c", script, str(database.path)], check=True, timeout=60)


def test_a_failing_transaction_frees_the_file(
    database: DuckDBDatabase, warehouse: Warehouse
) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.transaction() as session:
        _break_off(next(session.stream("SELECT * FROM range(5000)")))
    duckdb.connect(str(database.path)).close()


def test_readers_do_not_shut_each_other_out(database: DuckDBDatabase, warehouse: Warehouse) -> None:
    script = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print('open', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(database.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        assert column(warehouse, "ops.positions", "name") == []
        reader.kill()


@pytest.mark.parametrize("name", ["raw.duckdb", "final", "it's.db", "ünï code.duckdb", "memory"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    warehouse = DuckDBDatabase(tmp_path / name).open()
    warehouse.upgrade()
    assert column(warehouse, "raw.queries", "query_id") == []
    assert warehouse.upgrade() == []


def _break_off(_row: object) -> None:
    raise ZeroDivisionError


READER = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1], read_only=True):
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "more", [[], ["--dsn", "postgres://me:hunter2@db"], ["--password=hunter2"]]
)
def test_a_program_that_only_reads_is_named_with_its_command(
    database: DuckDBDatabase, more: list[str]
) -> None:
    command = [sys.executable, "-c", READER, str(database.path), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        with (
            pytest.raises(WarehouseBusyError) as failure,
            database.open(wait=0.3).transaction(),
        ):
            pass
        reader.kill()
    message = str(failure.value)
    assert f"(PID {reader.pid}): {sys.executable} -c import sys, time, duckdb" in message
    assert "even if it only reads" in message
    # DuckDB advises to read meanwhile, which is no help to who must write.
    assert "read-only mode" not in message
    assert "-readonly" not in message
    assert "http" not in message
    assert "hunter2" not in message
