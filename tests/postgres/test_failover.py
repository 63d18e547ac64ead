"""The server goes away in mid-run: work waits for it, and the tables are as if it had stayed."""

import threading
import time
from datetime import date, timedelta

import pytest

from newsapi_dentsu.domain.listing import PAGE_SIZE
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import WarehouseAwayError, WarehouseBusyError
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.eventregistry.source import Page
from newsapi_dentsu.stages.collect import CollectOptions
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import final, positions, raw
from support.api import run_pipeline, serving
from support.articles import TOPICS, many
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import broken_promises
from support.tables import count, dump

from .conftest import Open
from .server import Proxy, Server

pytestmark = pytest.mark.slow

EARLIER = NOON - timedelta(hours=1)


def set_position(session: Session) -> None:
    positions.set_position(session, "test", 1)


def test_a_transaction_that_lost_its_server_is_done_again(server: Server, opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()
    calls = []

    def work(session: Session) -> None:
        calls.append(1)
        positions.take_numbers(session, "test", 10)
        if len(calls) == 1:
            server.restart()
        positions.take_numbers(session, "test", 10)

    with warehouse.run_lock("me", 1):
        warehouse.write(work)
    warehouse.write(work)

    assert len(calls) == 3
    with warehouse.snapshot() as session:
        assert positions.position(session, "test") == 40


def test_reading_waits_as_well(server: Server, opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()
    server.stop()
    back = threading.Timer(1.5, server.start)
    back.start()
    try:
        assert warehouse.read(raw.stored_origin) is None
    finally:
        back.join()


def test_a_server_that_does_not_come_back_is_an_error_of_one_line(
    server: Server, opened: Open
) -> None:
    warehouse = opened(patience=1)
    warehouse.upgrade()
    server.stop()
    try:
        started = time.monotonic()
        with pytest.raises(WarehouseAwayError) as caught:
            warehouse.write(set_position)
        assert 0.3 < time.monotonic() - started < 10
    finally:
        server.start()
    assert "doesn't answer (Connection refused)" in str(caught.value)
    assert "\n" not in str(caught.value)
    warehouse.write(set_position)


def test_a_server_that_never_was_there_is_not_waited_for(server: Server, opened: Open) -> None:
    warehouse = opened(port=1)
    started = time.monotonic()
    with pytest.raises(WarehouseAwayError):
        warehouse.write(set_position)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_restarts_in_mid_run_leave_no_trace(
    server: Server, opened: Open, duckdb_databases: DuckDBDatabases, mode: str
) -> None:
    undisturbed = duckdb_databases.create().open()
    warehouse = opened()
    warehouse.upgrade()
    stop = threading.Event()

    def disturb() -> None:
        for _ in range(3):
            if not stop.wait(0.5):
                server.restart(mode)

    with serving(many(900, at=EARLIER), tokens=100_000) as api:
        api.run(undisturbed, lookback_days=3)
        disturber = threading.Thread(target=disturb)
        disturber.start()
        try:
            with warehouse.run_lock("run under test", 1):
                api.run(warehouse, lookback_days=3)
        finally:
            stop.set()
            disturber.join()
    assert broken_promises(warehouse) == set()
    assert count(warehouse, final.TABLE) == 900
    assert dump(warehouse) == dump(undisturbed)


class CuttingSource:
    """A source after whose second page the answer to the COMMIT is lost."""

    def __init__(self, client: NewsApi, proxy: Proxy) -> None:
        self._client = client
        self._proxy = proxy
        self.origin = client.origin
        self.traffic = client.traffic
        self.usage = client.usage

    def search(self, topics: Topics, day: date, page: int, size: int = PAGE_SIZE) -> Page:
        found = self._client.search(topics, day, page, size)
        self.origin = self._client.origin
        if page == 2:
            self._proxy.cut_after = b"COMMIT"
        return found


def test_a_commit_whose_answer_is_lost_stores_nothing_twice(opened: Open, proxy: Proxy) -> None:
    warehouse = opened(port=proxy.port)
    warehouse.upgrade()
    with serving(many(250, at=EARLIER)) as api, api.client() as client:
        options = CollectOptions(lookback_days=1)
        with warehouse.run_lock("run under test", 1):
            run_pipeline(CuttingSource(client, proxy), warehouse, TOPICS, api.clock.now, options)
    assert proxy.cut_after is None
    assert count(warehouse, raw.TABLE) == 250
    assert count(warehouse, final.TABLE) == 250
    assert broken_promises(warehouse) == set()


def test_a_run_that_lost_the_lock_takes_it_again(server: Server, opened: Open) -> None:
    run, other = opened(), opened()
    run.upgrade()
    with run.run_lock("run 1", 1):
        server.restart()
        run.write(set_position)
        with pytest.raises(WarehouseBusyError, match="newsapi: run 1"), other.run_lock("run 2", 0):
            pass
    with other.run_lock("run 2", 0):
        pass


def test_a_run_that_lost_the_lock_to_another_stops_before_it_writes(
    server: Server, opened: Open
) -> None:
    run, other = opened(), opened()
    run.upgrade()
    with run.run_lock("run 1", 1):
        with server.admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'newsapi: run 1'"
            )
        with other.run_lock("run 2", 1):
            with pytest.raises(WarehouseBusyError, match=r"run 2.*stops here"):
                run.write(set_position)
            other.write(lambda session: positions.set_position(session, "test", 2))
    with other.snapshot() as session:
        assert positions.position(session, "test") == 2


def test_a_session_of_which_only_the_server_thinks_it_lives_does_not_keep_its_own_run_out(
    opened: Open, proxy: Proxy
) -> None:
    run = opened(port=proxy.port)
    run.upgrade()
    with run.run_lock("run 1", 1):
        run.write(set_position)
        proxy.forget_clients()
        run.write(set_position)


def test_waiting_for_another_run_outlives_a_restart(server: Server, opened: Open) -> None:
    run, other = opened(), opened()
    run.upgrade()
    got = threading.Event()

    def wait_for_it() -> None:
        with other.run_lock("run 2", 20):
            got.set()

    waiter = threading.Thread(target=wait_for_it)
    with run.run_lock("run 1", 1):
        waiter.start()
        time.sleep(0.3)
        server.restart()
    waiter.join(20)
    assert got.is_set()
