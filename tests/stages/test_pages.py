"""All pages are read, also while articles arrive between them or leave the index."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.errors import SourceUnavailableError
from newsapi_dentsu.sandbox import Fault, SandboxArticle
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import page_of, serving
from support.articles import article, many, record
from support.clock import Clock
from support.parts import first_quick
from support.tables import count, raw_uris, watermark

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
TODAY = MORNING.date()


def test_all_pages_are_read_however_many(warehouse: Warehouse, clock: Clock) -> None:
    with serving(many(1234, at=MORNING), clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1)
        assert api.pages(TODAY) == list(range(1, 14))
    assert report.new == count(warehouse, raw.TABLE) == 1234


@pytest.mark.parametrize("total", [1, 99, 100, 101, 200])
def test_the_last_page_may_be_of_any_length(warehouse: Warehouse, clock: Clock, total: int) -> None:
    with serving(many(total, at=MORNING), clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1)
    assert report.new == count(warehouse, raw.TABLE) == total
    assert report.complete_through == clock.now


@pytest.mark.parametrize(
    "second",
    [-10, 50, 150, 1000],
    ids=["before", "on the first page", "on the second page", "after"],
)
@pytest.mark.parametrize("between", first_quick([2, 1, 3]))
def test_articles_arriving_between_two_pages_are_neither_lost_nor_doubled(
    warehouse: Warehouse, clock: Clock, second: int, between: int
) -> None:
    arriving = tuple(
        article(f"x{n}", at=MORNING + timedelta(seconds=second, milliseconds=n)) for n in range(7)
    )
    fault = Fault("arrive", articles=arriving, on_request=1 + between)
    with serving(many(250, at=MORNING), clock=clock, faults=[fault]) as api:
        api.collect(warehouse, lookback_days=1)
        clock.advance(hours=6)
        report = api.collect(warehouse, lookback_days=1)
    uris = raw_uris(warehouse)
    assert len(uris) == len(set(uris)) == 257
    assert report.complete_through == clock.now


def test_articles_that_keep_arriving_during_a_run_are_all_read(
    warehouse: Warehouse, clock: Clock
) -> None:
    faults = [
        Fault("arrive", articles=(_at(second),), on_request=number)
        for number, second in enumerate([3, 1, 120, 2, 119], start=2)
    ]
    with serving(many(250, at=MORNING), clock=clock, faults=faults) as api:
        api.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 255


def test_a_day_that_never_stands_still_fails_and_keeps_what_was_read(
    warehouse: Warehouse, clock: Clock
) -> None:
    faults = [page_of([record(f"{n}", MORNING)], total=50 + n % 2) for n in range(100)]
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        clock.advance(hours=6)
        for fault in faults:
            api.sandbox.add_fault(fault)
        before = watermark(warehouse)
        with pytest.raises(SourceUnavailableError, match="kept changing"):
            api.collect(warehouse, lookback_days=1)
        assert len(api.searches()) < 40
    assert count(warehouse, raw.TABLE) > 1
    assert watermark(warehouse) == before


def test_articles_that_leave_the_index_stay_in_raw_and_cost_no_more_than_one_reading(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = many(250, at=MORNING)
    with serving(articles, clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
    clock.advance(hours=6)
    left = articles[:40] + articles[43:]
    with serving(left, clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1)
        assert sorted(api.pages(TODAY)) == [1, 2, 3]
        assert report.complete_through == clock.now
        clock.advance(hours=1)
        api.collect(warehouse, lookback_days=1)
        assert api.pages(TODAY) == [3]
        api.add(_at(3))
        clock.advance(hours=1)
        api.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 251


def test_articles_that_come_back_to_the_index_are_known(warehouse: Warehouse, clock: Clock) -> None:
    articles = many(50, at=MORNING)
    for shown in (articles, articles[:-1], articles):
        with serving(shown, clock=clock) as api:
            report = api.collect(warehouse, lookback_days=1)
        clock.advance(hours=1)
    assert (report.new, report.changed) == (0, 0)
    assert count(warehouse, raw.TABLE) == 50


@pytest.mark.parametrize("pages", [1, 3])
def test_a_day_that_counts_one_more_than_it_lists_ends_whole_and_is_reported(
    warehouse: Warehouse, clock: Clock, pages: int, caplog: pytest.LogCaptureFixture
) -> None:
    records = [one.record for one in many(pages * 100 - 50, at=MORNING)]
    chunks = [records[n : n + 100] for n in range(0, len(records), 100)]
    if pages == 1:
        # Whether the server cuts its pages short is seen on the next one.
        chunks.append([])
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        clock.now += timedelta(days=1)
        api.searches()
        api.sandbox.add_fault(page_of([]))  # yesterday but one
        for chunk in [*chunks, *chunks, *chunks]:
            api.sandbox.add_fault(page_of(chunk, total=len(records) + 1))
        with caplog.at_level(logging.WARNING):
            report = api.collect(warehouse, lookback_days=1)
    counted = f"counts {len(records) + 1} articles and lists {len(records)}"
    assert report.disagreements == {"2026-11-20": counted}
    assert counted in caplog.text
    assert count(warehouse, raw.TABLE) == len(records)


def _at(second: float) -> SandboxArticle:
    return article(f"x{second}", at=MORNING + timedelta(seconds=second, milliseconds=500))
