"""Months of a backfill, fetched at once: every article once, each day once, no month in another's
way."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from newsapi_dentsu import runs
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.runs.months import MonthReport, fetch_month
from newsapi_dentsu.sandbox import Fault, Sandbox
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw
from support.articles import TOPICS
from support.databases import Database
from support.processes import event, process
from support.tables import raw_uris, watermark

from .conftest import ARTICLES, COST, FIRST, LAST, PRICE, Backfilling

UNHURT = sorted(one.record["uri"] for one in ARTICLES)


def test_all_months_are_read_and_every_article_is_stored_once(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    spent = backfilling.run()

    assert backfilling.failed() == {}
    assert raw_uris(warehouse) == UNHURT
    assert spent.tokens == backfilling.api.sandbox.tokens_used == COST
    assert (spent.reserved, spent.unanswered) == (0, 0)
    assert watermark(warehouse) is None
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    asked = Counter(backfilling.days_asked())
    assert sorted(asked) == days
    assert {day: times for day, times in asked.items() if times > 1} == {date(2025, 3, 1): 5}


def test_a_backfill_that_is_done_asks_for_nothing_again(backfilling: Backfilling) -> None:
    backfilling.run()
    backfilling.days_asked()
    spent = backfilling.run()
    assert (spent.tokens, backfilling.days_asked()) == (0, [])


def test_settled_days_are_read_again_once_where_that_is_asked_for(
    backfilling: Backfilling,
) -> None:
    backfilling.run()
    backfilling.days_asked()
    spent = backfilling.run(reread=True, ends=False)
    assert spent.tokens == COST
    # Its command was killed before its end: what it had read again is not read a third time.
    backfilling.days_asked()
    assert backfilling.run(reread=True) == spent
    assert backfilling.days_asked() == []


def test_a_month_that_cannot_be_read_stops_no_other(
    backfilling: Backfilling, warehouse: Warehouse, database: Database
) -> None:
    held = event()
    with process(_hold, database, 202503, held):
        assert held.wait(30)
        backfilling.run()
    assert list(backfilling.failed()) == ["2025-03"]
    assert "another process is fetching the same" in backfilling.failed()["2025-03"]
    assert raw_uris(warehouse) == ["first-of-april", "last-of-january"]
    backfilling.run()
    assert backfilling.failed() == {}
    assert raw_uris(warehouse) == UNHURT


def test_a_killed_month_is_told_and_goes_on_where_it_was(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    api = backfilling.api.sandbox
    api.add_fault(Fault("hang", seconds=60, on_request=20))
    killer = threading.Thread(target=_kill_the_last_one_left, args=(api,))
    killer.start()
    spent = backfilling.run(ends=False)
    killer.join()

    ((month, why),) = backfilling.failed().items()
    assert month in ("2025-02", "2025-03")
    assert "was killed" in why
    # Nobody knows whether the request that was under way was paid for.
    assert spent.tokens <= api.tokens_used <= spent.at_most
    asked = Counter(backfilling.days_asked())
    api.clear_faults()
    total = backfilling.run()
    assert backfilling.failed() == {}
    assert raw_uris(warehouse) == UNHURT
    assert total.tokens <= api.tokens_used <= total.at_most
    twice = Counter(backfilling.days_asked()) & asked
    # The day that was under way, of whose pages none is read twice but the one that hung.
    assert len(twice) <= 1


def test_an_api_that_is_away_fails_all_months_after_a_day_each_and_costs_nothing(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    backfilling.settings = backfilling.settings.model_copy(update={"request_attempts": 1})
    for path in ("search", "usage"):
        backfilling.api.sandbox.add_fault(Fault("status", status=500, times=None, path=path))
    spent = backfilling.run()
    assert len(backfilling.failed()) == len(backfilling.months)
    assert all(one.transient for one in backfilling.reports)
    assert (spent.requests, spent.at_most) == (len(backfilling.months), 0)
    backfilling.api.sandbox.clear_faults()
    backfilling.run()
    assert raw_uris(warehouse) == UNHURT


def test_while_too_many_ask_all_months_stand_back_and_none_fails(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    busy = Fault("status", status=429, retry_after=0.2, on_request=3, times=4)
    backfilling.api.sandbox.add_fault(busy)
    backfilling.run()
    assert backfilling.failed() == {}
    assert sum(one.retries for one in backfilling.reports) == 4
    assert raw_uris(warehouse) == UNHURT


def test_a_run_gets_in_between_the_days_of_a_month(
    backfilling: Backfilling,
    warehouse: Warehouse,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs.months, "SLICE_SECONDS", 0.0)
    slow = backfilling.settings.model_copy(update={"backfill_requests_per_minute": 300})
    march, begun = backfilling.months[2], backfilling.begin(warehouse)
    found: list[MonthReport] = []
    fetching = threading.Thread(
        target=lambda: found.append(fetch_month(slow, TOPICS, march, begun))
    )
    fetching.start()
    while not backfilling.api.searches():
        time.sleep(0.02)
    with database.open().run_lock("a run", 20):
        assert fetching.is_alive()
    fetching.join()
    assert (found[0].error, found[0].days) == (None, 31)


def test_a_month_that_takes_too_long_ends_in_time_and_is_gone_on_with(
    backfilling: Backfilling, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    january, begun = backfilling.months[0], backfilling.begin(warehouse)
    with monkeypatch.context() as patched:
        patched.setattr(runs.months, "MOST_SECONDS", 0.0)
        first = fetch_month(backfilling.settings, TOPICS, january, begun)
    assert first.days == 1
    assert "its time was over" in str(first.error)
    second = fetch_month(backfilling.settings, TOPICS, january, begun)
    assert (second.days, second.error) == (1, None)
    assert second.spent.tokens == 2 * PRICE


def test_a_day_that_takes_long_and_fails_holds_up_no_other_day(
    backfilling: Backfilling, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.months, "SLICE_SECONDS", 0.0)
    march, begun = backfilling.months[2], backfilling.begin(warehouse)
    # The first two days, and the first one once more when the others are done.
    backfilling.api.sandbox.add_fault(Fault("error", times=2))
    report = fetch_month(backfilling.settings, TOPICS, march, begun)
    assert (report.days, report.error) == (31, None)
    backfilling.days_asked()
    april, only = backfilling.months[3], Fault("error", times=None)
    backfilling.api.sandbox.add_fault(only)
    report = fetch_month(backfilling.settings, TOPICS, april, begun)
    assert report.days == 0
    assert report.error is not None
    assert len(backfilling.days_asked()) <= 4


@pytest.mark.each_engine
def test_a_month_waits_for_a_file_that_others_hold_for_longer_than_runs_do(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    if backfilling.settings.use_postgres:
        pytest.skip("nobody holds PostgreSQL")
    hasty = backfilling.settings.model_copy(update={"database_wait_seconds": 0.2})
    begun = backfilling.begin(warehouse)
    warehouse.close()
    held = event()
    with process(_hold_file, str(hasty.duckdb_path), held):
        assert held.wait(30)
        report = fetch_month(hasty, TOPICS, backfilling.months[0], begun)
    assert (report.days, report.error) == (2, None)


def test_what_a_month_has_spent_is_told_where_it_fails_midway(
    backfilling: Backfilling, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.months, "SLICE_SECONDS", 0.0)
    begun, stored = backfilling.begin(warehouse), Warehouse.write
    april = backfilling.months[3]

    def give_out(self: Warehouse, work: Callable[[Session], object]) -> object:
        if backfilling.api.sandbox.tokens_used == 2 * PRICE and "_store" in work.__qualname__:
            raise WarehouseError("the disk is full")
        return stored(self, work)

    monkeypatch.setattr(Warehouse, "write", give_out)
    report = fetch_month(backfilling.settings, TOPICS, april, begun)
    assert report.error == "the disk is full"
    assert (report.days, report.tokens) == (1, PRICE)
    assert (report.spent.requests, report.spent.tokens) == (2, 2 * PRICE)


def test_nothing_is_paid_for_where_what_is_stored_comes_from_elsewhere(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    backfilling.run()
    warehouse.write(
        lambda session: session.execute(f"UPDATE {raw.TABLE} SET origin = 'newsapi.ai'")
    )
    before = backfilling.api.sandbox.tokens_used
    backfilling.run(reread=True)
    assert len(backfilling.failed()) == len(backfilling.months)
    assert all("must not be mixed" in why for why in backfilling.failed().values())
    assert backfilling.api.sandbox.tokens_used == before


def _hold_file(path: str, held: object) -> None:
    import duckdb

    with duckdb.connect(path):
        held.set()  # type: ignore[attr-defined]
        time.sleep(1.5)


def _hold(database: Database, part: int, held: object) -> None:
    with database.open().fetch_lock("somebody", part, 5, wait=5):
        held.set()  # type: ignore[attr-defined]
        time.sleep(60)


def _kill_the_last_one_left(api: Sandbox) -> None:
    """Wait until one month hangs and the others are done; then kill its process."""
    from multiprocessing import active_children

    deadline = time.monotonic() + 60
    # Each month has asked for the usage once: so of these the twentieth search is under way.
    while len(api.requests) < 24 and time.monotonic() < deadline:
        time.sleep(0.1)
    while time.monotonic() < deadline:
        left = [one for one in active_children() if one.name.startswith("2025-")]
        if len(left) == 1:
            time.sleep(0.5)
            assert left[0].pid is not None
            os.kill(left[0].pid, 9)
            return
        time.sleep(0.1)
