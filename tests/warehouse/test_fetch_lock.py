"""Several may fetch at once, each its own month; a run keeps them out and needn't wait for all."""

import os
import threading
import time
from multiprocessing.synchronize import Event

import pytest

from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.errors import WarehouseBusyError
from newsapi_dentsu.warehouse.tables import raw
from support.articles import record
from support.clock import NOON
from support.databases import Database
from support.processes import event, process

pytestmark = pytest.mark.each_engine

JANUARY, FEBRUARY, MARCH = 202601, 202602, 202603


def hold(database: Database, part: int, held: Event) -> None:
    """Fetch a month until killed."""
    with database.open().fetch_lock("a month", part, 4, wait=5):
        held.set()
        time.sleep(60)


def test_months_are_fetched_side_by_side_and_each_by_one(database: Database) -> None:
    first, second, third = (database.open() for _ in range(3))
    with first.fetch_lock("one", JANUARY, 4, 0), second.fetch_lock("two", FEBRUARY, 4, 0):
        with (
            pytest.raises(WarehouseBusyError, match="another process is fetching the same"),
            third.fetch_lock("three", JANUARY, 4, 0),
        ):
            pass
        with third.transaction() as session:
            session.execute("INSERT INTO ops.positions (name, value) VALUES ('there', 1)")
    with third.fetch_lock("three", JANUARY, 4, 0):
        pass


def test_no_more_fetch_at_once_than_there_are_places(database: Database) -> None:
    first, second, third = (database.open() for _ in range(3))
    with (
        first.fetch_lock("one", JANUARY, 2, 0),
        second.fetch_lock("two", FEBRUARY, 2, 0),
        pytest.raises(WarehouseBusyError, match="2 others are fetching already"),
        third.fetch_lock("three", MARCH, 2, 0),
    ):
        pass
    with third.fetch_lock("three", MARCH, 2, 0):
        pass


def test_a_run_and_those_who_fetch_keep_each_other_out(database: Database) -> None:
    fetching, running = database.open(), database.open()
    with (
        fetching.fetch_lock("a month", JANUARY, 4, 0),
        pytest.raises(WarehouseBusyError, match="another run is under way"),
        running.run_lock("a run", 0.2),
    ):
        pass
    with (
        running.run_lock("a run", 0),
        pytest.raises(WarehouseBusyError, match="another run is under way"),
        fetching.fetch_lock("a month", JANUARY, 4, 0.2),
    ):
        pass
    with running.run_lock("a run", 0), running.snapshot() as session:
        assert running.engine.run_under_way(session)


def test_a_run_that_waits_gets_in_between_two_who_never_stop_together(database: Database) -> None:
    """Each of two months gives way now and then, while the other one holds on."""
    ran, stop = threading.Event(), threading.Event()
    given_up: list[BaseException] = []

    def fetch(part: int) -> None:
        try:
            with database.open().fetch_lock("a month", part, 4, 20) as give_way:
                while not stop.wait(0.1):
                    give_way()
        except BaseException as error:
            given_up.append(error)

    months = [threading.Thread(target=fetch, args=(part,)) for part in (JANUARY, FEBRUARY)]
    for one in months:
        one.start()
    time.sleep(0.3)
    with database.open().run_lock("a run", 20):
        ran.set()
        time.sleep(0.3)
    stop.set()
    for one in months:
        one.join(20)
    assert ran.is_set()
    assert given_up == []


def test_whoever_is_killed_loses_its_month_its_place_and_the_lock(database: Database) -> None:
    held = event()
    with process(hold, database, JANUARY, held) as child:
        assert held.wait(30)
        assert child.pid is not None
        os.kill(child.pid, 9)
        child.join()
        with database.open().fetch_lock("after it", JANUARY, 1, 5):
            pass
        with database.open().run_lock("a run", 5):
            pass


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_a_lost_connection_is_taken_up_again_with_all_that_it_held(database: Database) -> None:
    fetching, other = database.open(), database.open()
    with fetching.fetch_lock("one", JANUARY, 1, 5) as give_way:
        with other.transaction() as session:
            session.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'newsapi: one'"
            )
        fetching.write(lambda session: session.execute("INSERT INTO ops.positions VALUES ('x', 1)"))
        give_way()
        with pytest.raises(WarehouseBusyError), other.fetch_lock("two", FEBRUARY, 1, 0):
            pass
        with pytest.raises(WarehouseBusyError), other.run_lock("a run", 0):
            pass


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_what_two_find_at_the_same_moment_is_stored_once(database: Database) -> None:
    both = threading.Barrier(2)
    stored: list[raw.Stored] = []

    def find() -> None:
        records = [read_record(record("same", NOON), NOON)]
        with database.open().transaction() as session:
            both.wait(10)
            stored.append(
                raw.store_records(session, records, query_id="q", origin="sandbox", fetched_at=NOON)
            )

    finders = [threading.Thread(target=find) for _ in range(2)]
    for one in finders:
        one.start()
    for one in finders:
        one.join(20)
    assert sorted((one.new, one.known) for one in stored) == [(0, 1), (1, 0)]
