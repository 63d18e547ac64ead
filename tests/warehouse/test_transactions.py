"""A transaction is kept whole or not at all, and readers see one state."""

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.tables import positions
from support.databases import Database, disconnect
from support.processes import finish, process, write_one_after_another

pytestmark = pytest.mark.each_engine


def test_what_a_failing_transaction_wrote_is_gone(warehouse: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.transaction() as session:
        _write_and_fail(session)
    with warehouse.snapshot() as session:
        assert positions.position(session, "x") == 0


def test_a_warehouse_goes_on_after_a_failure(warehouse: Warehouse) -> None:
    with pytest.raises(Exception, match="nowhere"), warehouse.transaction() as session:
        session.execute("SELECT * FROM nowhere")
    with warehouse.transaction() as session:
        positions.set_position(session, "x", 1)
    with warehouse.snapshot() as session:
        assert positions.position(session, "x") == 1


def test_a_snapshot_can_not_write(warehouse: Warehouse) -> None:
    with (
        pytest.raises(Exception, match=r"(?i)read.?only|can't be written"),
        warehouse.snapshot() as session,
    ):
        positions.set_position(session, "x", 1)


def test_rows_are_streamed_one_by_one(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        for number in range(2500):
            if number % 500 == 0:
                positions.take_numbers(session, f"n{number}", 500)
    with warehouse.snapshot() as session:
        stream = session.stream("SELECT name FROM ops.positions WHERE value = $1", 500)
        assert next(stream)
        assert len(list(stream)) == 4


def test_numbers_grow_without_gaps_even_after_a_rollback(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        assert list(positions.take_numbers(session, "s", 3)) == [1, 2, 3]
    with pytest.raises(ZeroDivisionError), warehouse.transaction() as session:
        _write_and_fail(session)
    with warehouse.transaction() as session:
        assert list(positions.take_numbers(session, "s", 2)) == [4, 5]


def test_writers_in_two_processes_lose_nothing(database: Database) -> None:
    with (
        process(write_one_after_another, database, "x", 15) as first,
        process(write_one_after_another, database, "x", 15) as second,
    ):
        finish(first)
        finish(second)
    warehouse = database.open()
    with warehouse.snapshot() as session:
        assert one(session, "SELECT value FROM ops.positions WHERE name = 'x'") == 30
    disconnect(warehouse)


def _write_and_fail(session: Session) -> None:
    positions.set_position(session, "x", 7)
    positions.take_numbers(session, "s", 5)
    raise ZeroDivisionError
