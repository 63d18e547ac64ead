"""A run may be capped: it keeps what it has, and the next runs go on where it stopped."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.stages.report import CollectReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import Api, serving
from support.articles import article, many
from support.clock import Clock
from support.parts import first_quick
from support.tables import count, raw_uris

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.mark.parametrize("cap", first_quick([1, 2, 5]))
def test_a_capped_first_load_finishes_over_several_runs_and_reads_no_page_more_than_twice(
    warehouse: Warehouse, clock: Clock, cap: int
) -> None:
    articles = [
        one
        for age, total in enumerate([5, 200, 730], start=3)
        for one in many(total, at=MORNING - timedelta(days=age), prefix=f"{age}-")
    ]
    with serving(articles, clock=clock) as api:
        runs = _until_stored(api, warehouse, cap, len(articles))
        searches = Counter(api.searches())
    assert all(report.requests <= cap and report.capped for report in runs[:-1])
    # Twice, to see that nothing moved in between.
    assert max(searches.values()) == 2


def test_a_capped_run_moves_the_watermark_to_the_last_whole_day_only(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(many(300, at=MORNING - timedelta(days=1)), clock=clock) as api:
        report = api.collect(warehouse, lookback_days=3, max_requests=5)
    assert report.capped
    assert report.new == 200
    assert report.complete_through == datetime(2026, 11, 19, tzinfo=UTC)


def test_a_run_that_needs_exactly_its_cap_is_not_capped(warehouse: Warehouse, clock: Clock) -> None:
    with serving(many(150, at=MORNING), clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1, max_requests=3)
    assert not report.capped
    assert report.complete_through == clock.now


@pytest.mark.parametrize("cap", first_quick([2, 5]))
def test_late_articles_on_early_pages_of_a_long_day_are_found_by_capped_runs(
    warehouse: Warehouse, clock: Clock, cap: int
) -> None:
    start = MORNING - timedelta(days=3)
    articles = many(750, at=start)
    late = article("late", at=start + timedelta(seconds=5.5), arrives=clock.now)
    with serving([*articles, late], clock=clock) as api:
        clock.now = MORNING - timedelta(days=1)
        api.collect(warehouse, lookback_days=2)
        clock.now = MORNING + timedelta(days=1)
        _until_stored(api, warehouse, cap, len(articles) + 1)
    assert "late" in raw_uris(warehouse)


def test_capped_runs_get_over_a_long_day_from_which_an_article_has_left(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = many(750, at=MORNING - timedelta(days=3))
    clock.now = MORNING - timedelta(days=1)
    with serving(articles, clock=clock) as api:
        api.collect(warehouse, lookback_days=2)
    clock.now = MORNING + timedelta(days=1)
    fresh = article("fresh", at=clock.now)
    with serving([*articles[:7], *articles[8:], fresh], clock=clock) as api:
        _until_stored(api, warehouse, 4, len(articles) + 1)
    assert "fresh" in raw_uris(warehouse)


def _until_stored(api: Api, warehouse: Warehouse, cap: int, articles: int) -> list[CollectReport]:
    runs: list[CollectReport] = []
    while count(warehouse, raw.TABLE) < articles:
        runs.append(api.collect(warehouse, lookback_days=5, max_requests=cap))
        api.clock.advance(hours=1)
        assert len(runs) < 40, "the capped runs don't get on"
    return runs
