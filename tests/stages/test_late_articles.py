"""The index lists articles late: each is found, up to the overlap after the moment it is dated."""

from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import serving
from support.articles import article
from support.clock import Clock
from support.tables import raw_uris

MIDNIGHT = datetime(2026, 11, 10, tzinfo=UTC)


@pytest.mark.parametrize("phase", [timedelta(), timedelta(hours=5, minutes=59)])
def test_an_article_48_hours_late_is_found_at_every_hour_of_the_day(
    warehouse: Warehouse, phase: timedelta
) -> None:
    hours = [MIDNIGHT + timedelta(hours=hour, minutes=59, seconds=59) for hour in range(24)]
    articles = [article(f"{at:%H}", at=at, late=timedelta(hours=48)) for at in hours]
    clock = Clock(MIDNIGHT + phase)
    with serving(articles, clock=clock) as api:
        while clock.now < MIDNIGHT + timedelta(days=3, hours=7):
            api.collect(warehouse, lookback_days=1)
            clock.advance(hours=6)
    assert raw_uris(warehouse) == [f"{hour:02}" for hour in range(24)]


def test_a_wider_overlap_finds_later_articles(warehouse: Warehouse, clock: Clock) -> None:
    late = article("late", at=clock.now, late=timedelta(hours=90))
    with serving([late], clock=clock) as api:
        for _ in range(6):
            api.collect(warehouse, lookback_days=1, overlap=timedelta(hours=96))
            clock.advance(hours=24)
    assert raw_uris(warehouse) == ["late"]


def test_an_article_that_comes_in_on_an_early_page_of_a_long_day_is_found(
    warehouse: Warehouse, clock: Clock
) -> None:
    start = clock.now.replace(hour=1)
    on_time = [article(f"{n:03}", at=start + timedelta(minutes=n)) for n in range(350)]
    late = article("late", at=start + timedelta(minutes=1, seconds=30), late=timedelta(hours=20))
    with serving([*on_time, late], clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        clock.advance(hours=18)
        report = api.collect(warehouse, lookback_days=1)
    assert (report.new, report.tokens) == (1, 6)
    assert "late" in raw_uris(warehouse)


def test_a_settled_day_is_not_read_again(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=5)
        api.searches()
        clock.advance(hours=1)
        api.collect(warehouse, lookback_days=5)
        read_again = {day for day, _ in api.searches()}
    assert min(read_again) == (clock.now - timedelta(hours=48)).date()


def test_what_a_settled_day_listed_is_forgotten(warehouse: Warehouse, clock: Clock) -> None:
    articles = [article("old", at=clock.now - timedelta(days=4)), article("new", at=clock.now)]
    with serving(articles, clock=clock) as api:
        api.collect(warehouse, lookback_days=5)
    days = [article.index_time.date() for article in articles]
    with warehouse.snapshot() as session:
        (query_id,) = session.rows("SELECT query_id FROM raw.queries")[0]
        listings = raw.day_listings(session, query_id, days)
    assert [listings[day].total for day in days] == [1, 1]
    assert [sorted(listings[day].uris) for day in days] == [[], ["new"]]


def test_a_settled_day_is_read_whole_again_when_the_overlap_becomes_wider(
    warehouse: Warehouse, clock: Clock
) -> None:
    day = clock.now - timedelta(days=4)
    on_time = [article(f"{number:03}", at=day) for number in range(120)]
    late = article("late", at=day, late=timedelta(hours=97))
    with serving([*on_time, late], clock=clock) as api:
        api.collect(warehouse, lookback_days=5)
        clock.advance(hours=6)
        report = api.collect(warehouse, lookback_days=5, overlap=timedelta(days=5))
    assert (report.new, report.known) == (1, 120)
    assert "late" in raw_uris(warehouse)
