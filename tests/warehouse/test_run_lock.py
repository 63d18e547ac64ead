"""Two runs never interleave: the second waits, then says who is in the way."""

import time
from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseBusyError
from newsapi_dentsu.warehouse import Warehouse
from support.databases import Database, DuckDBDatabase, DuckDBDatabases, disconnect
from support.processes import event, finish, hold_run_lock, process

pytestmark = pytest.mark.each_engine


def test_a_second_run_that_has_waited_long_enough_names_the_first(
    database: Database, warehouse: Warehouse
) -> None:
    held = event()
    with process(hold_run_lock, database, held, 60) as child:
        assert held.wait(30)
        started = time.monotonic()
        with (
            pytest.raises(WarehouseBusyError) as failure,
            warehouse.run_lock("run of the test", wait=0.3),
        ):
            pass
        assert time.monotonic() - started >= 0.3
    assert f"run of process {child.pid}" in str(failure.value)
    assert "RUN_WAIT_SECONDS" in str(failure.value)
    assert "\n" not in str(failure.value)
    assert failure.value.transient


def test_a_second_run_gets_the_lock_as_soon_as_the_first_ends(
    database: Database, warehouse: Warehouse
) -> None:
    held = event()
    with process(hold_run_lock, database, held, 0.5) as child:
        assert held.wait(30)
        with warehouse.run_lock("run of the test", wait=30):
            finish(child)


def test_a_run_that_was_killed_is_in_nobodys_way(database: Database, warehouse: Warehouse) -> None:
    held = event()
    with process(hold_run_lock, database, held, 60) as child:
        assert held.wait(30)
        child.kill()
        child.join()
        with warehouse.run_lock("run of the test", wait=10):
            pass


def test_the_tables_can_be_used_while_the_lock_is_held(
    database: Database, warehouse: Warehouse
) -> None:
    held = event()
    with process(hold_run_lock, database, held, 60):
        assert held.wait(30)
        with warehouse.transaction() as session:
            session.execute("INSERT INTO ops.positions (name, value) VALUES ('x', 1)")
        with warehouse.snapshot() as session:
            assert session.rows("SELECT value FROM ops.positions") == [(1,)]


def test_without_waiting_the_answer_comes_at_once(database: Database, warehouse: Warehouse) -> None:
    other = database.open()
    with other.run_lock("run 1", wait=5):
        started = time.monotonic()
        with pytest.raises(WarehouseBusyError, match="run 1"), warehouse.run_lock("run 2", wait=0):
            pass
        assert time.monotonic() - started < 2
    disconnect(other)


def test_runs_on_other_databases_are_not_in_the_way(
    warehouse: Warehouse, other_warehouse: Warehouse
) -> None:
    with warehouse.run_lock("run 1", wait=0), other_warehouse.run_lock("run 2", wait=0):
        pass


def test_the_holder_named_is_the_one_of_this_database(
    database: Database, warehouse: Warehouse, other_warehouse: Warehouse
) -> None:
    other = database.open()
    with (
        other_warehouse.run_lock("far away", wait=0),
        other.run_lock("right here", wait=0),
        pytest.raises(WarehouseBusyError, match="right here"),
        warehouse.run_lock("run 2", wait=0),
    ):
        pass
    disconnect(other)


def test_the_lock_is_free_after_an_error(warehouse: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.run_lock("run 1", wait=0):
        raise ZeroDivisionError
    with warehouse.run_lock("run 2", wait=0):
        pass


def test_a_link_to_a_file_has_the_lock_of_the_file(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    file = duckdb_databases.create()
    link = tmp_path / "link.duckdb"
    link.symlink_to(file.path)
    with (
        DuckDBDatabase(link).open().run_lock("run by the link", wait=0),
        pytest.raises(WarehouseBusyError, match="run by the link"),
        file.open().run_lock("run of the test", wait=0),
    ):
        pass
