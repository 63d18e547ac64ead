"""A backfill reads its days beside the regular runs, which it doesn't disturb."""

from datetime import UTC, date, datetime, timedelta

import pytest

from newsapi_dentsu.errors import SourceError
from newsapi_dentsu.sandbox import Fault
from newsapi_dentsu.stages.collect import (
    BackfillEstimate,
    CollectOptions,
    DayRange,
    estimate_backfill,
)
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, raw
from support.api import serving
from support.articles import OTHER_TOPICS, TOPICS, article, many
from support.clock import Clock
from support.tables import count, raw_uris, watermark

OLD = datetime(2026, 11, 1, 1, tzinfo=UTC)
DAYS = DayRange(date(2026, 11, 1), date(2026, 11, 3))


def test_only_its_days_are_read(warehouse: Warehouse, clock: Clock) -> None:
    articles = [article(f"{n:02}", at=OLD + timedelta(days=n - 1)) for n in range(1, 20)]
    with serving(articles, clock=clock) as api:
        report = api.run(warehouse, backfill=DAYS).collect
        assert [day.day for day, _ in api.searches()] == [1, 2, 3]
    assert report.new == 3
    assert raw_uris(warehouse) == ["01", "02", "03"]
    assert count(warehouse, final.TABLE) == 3


def test_the_watermark_is_left_alone(warehouse: Warehouse, clock: Clock) -> None:
    with serving([article("1", at=OLD)], clock=clock) as api:
        api.collect(warehouse, backfill=DAYS)
        assert watermark(warehouse) is None
        api.collect(warehouse, lookback_days=2)
        before = watermark(warehouse)
        clock.advance(hours=6)
        report = api.collect(warehouse, backfill=DayRange(date(2026, 10, 30), clock.now.date()))
        assert watermark(warehouse) == before
        assert report.complete_through == before
        api.searches()
        api.collect(warehouse)
        assert [day.day for day, _ in api.searches()] == [18, 19, 20]


def test_an_interrupted_backfill_continues_without_spending_tokens_twice(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = many(950, at=OLD + timedelta(days=1))
    with serving(articles, clock=clock, faults=[Fault("drop", on_request=6, times=None)]) as api:
        with pytest.raises(SourceError):
            api.collect(warehouse, backfill=DAYS)
        spent = api.sandbox.tokens_used
    with serving(articles, clock=clock) as api:
        api.collect(warehouse, backfill=DAYS)
        again = api.sandbox.tokens_used
        api.collect(warehouse, backfill=DAYS)
        assert api.sandbox.tokens_used == again
    # The ten pages are read forwards and, from the last but one, backwards.
    assert spent + again == 1 + 10 + 9 + 1
    assert count(warehouse, raw.TABLE) == 950


def test_days_that_regular_runs_have_settled_are_not_read_again(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=18)
        api.searches()
        api.collect(warehouse, backfill=DayRange(date(2026, 10, 31), date(2026, 11, 5)))
        assert [day for day, _ in api.searches()] == [date(2026, 10, 31), date(2026, 11, 1)]


def test_days_to_come_are_not_read(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        report = api.collect(warehouse, backfill=DayRange(date(2026, 11, 20), date(2027, 1, 1)))
    assert report.days == 1


def test_other_topics_can_be_backfilled_before_they_are_in_use(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving([article("m", at=OLD, body="Marketing.")], clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        api.collect(warehouse, OTHER_TOPICS, backfill=DAYS)
        assert not api.collect(warehouse, TOPICS).query_changed
    assert raw_uris(warehouse) == ["m"]


def test_a_capped_backfill_continues(warehouse: Warehouse, clock: Clock) -> None:
    with serving(many(250, at=OLD), clock=clock) as api:
        reports = [api.collect(warehouse, backfill=DAYS, max_requests=2) for _ in range(4)]
    assert [report.capped for report in reports] == [True, True, True, False]
    assert sum(report.tokens for report in reports) == 3 + 2 + 1 + 1
    assert count(warehouse, raw.TABLE) == 250


def test_a_backfill_that_gives_way_reads_a_day_at_least_and_continues(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        reports = [api.collect(warehouse, backfill=DAYS, seconds=0.0) for _ in range(3)]
        assert len(api.searches()) == 3
    assert [(report.days, report.capped) for report in reports] == [
        *((1, True), (1, True), (1, False))
    ]


def test_what_was_read_again_since_the_backfill_began_is_not_read_a_third_time(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, backfill=DAYS)
        clock.advance(hours=1)
        began = clock.now
        api.searches()
        api.collect(warehouse, backfill=DAYS, reread=True, reread_since=began)
        assert len(api.searches()) == 3
        api.collect(warehouse, backfill=DAYS, reread=True, reread_since=began)
        assert api.searches() == []


def test_the_estimate_is_what_a_backfill_of_average_days_costs(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = [
        one
        for age in range(14)
        for one in many(110, at=clock.now - timedelta(days=age, hours=5), prefix=f"{age}-")
    ]
    options = CollectOptions(backfill=DayRange(date(2026, 11, 8), date(2026, 11, 17)))
    with serving(articles, clock=clock) as api:
        api.collect(warehouse, lookback_days=4)
        estimate = estimate_backfill(warehouse, TOPICS, clock.now, options)
        spent = api.collect(warehouse, backfill=options.backfill).tokens
    assert estimate == BackfillEstimate(days=8, tokens=spent, guessed=False)


def test_an_estimate_says_when_no_day_is_known_to_go_by(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, OTHER_TOPICS, lookback_days=1)
    estimate = estimate_backfill(warehouse, TOPICS, clock.now, CollectOptions(backfill=DAYS))
    assert estimate == BackfillEstimate(days=3, tokens=3, guessed=True)


def test_settled_days_are_read_again_where_that_is_asked_for(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving([article("1", at=OLD)], clock=clock) as api:
        api.collect(warehouse, backfill=DAYS)
        api.add(article("years late", at=OLD + timedelta(hours=1)))
        assert api.collect(warehouse, backfill=DAYS).requests <= 1
        assert api.collect(warehouse, backfill=DAYS, reread=True).new == 1
    assert raw_uris(warehouse) == ["1", "years late"]


def test_a_finished_backfill_is_estimated_at_nothing(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, backfill=DAYS)
    estimate = estimate_backfill(warehouse, TOPICS, clock.now, CollectOptions(backfill=DAYS))
    assert (estimate.days, estimate.tokens) == (0, 0)
