"""What was read under other topics doesn't count as known; reading goes on at the old watermark."""

from datetime import timedelta

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, raw
from support.api import serving
from support.articles import OTHER_TOPICS, TOPICS, article
from support.clock import NOON, Clock
from support.tables import column, count, raw_uris, watermark


def test_a_change_is_told(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        changes = [
            api.collect(warehouse, topics, lookback_days=1).query_changed
            for topics in (TOPICS, TOPICS, OTHER_TOPICS, OTHER_TOPICS, TOPICS)
        ]
    assert changes == [False, False, True, False, True]


def test_reading_goes_on_at_the_old_watermark_less_the_overlap(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=30)
        api.searches()
        clock.advance(days=5)
        api.collect(warehouse, OTHER_TOPICS, lookback_days=30)
        days = [day for day, _ in api.searches()]
    assert days[0] == (NOON - timedelta(hours=48)).date()
    assert days[-1] == clock.now.date()


def test_totals_of_other_topics_are_not_compared(warehouse: Warehouse, clock: Clock) -> None:
    marketing = [
        article(f"m{n}", at=NOON - timedelta(hours=n), body="All about marketing.") for n in (1, 2)
    ]
    both = [article(f"b{n}", at=NOON - timedelta(hours=n)) for n in (1, 2)]
    with serving([*marketing, *both], clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        assert raw_uris(warehouse) == ["b1", "b2"]
        report = api.collect(warehouse, OTHER_TOPICS, lookback_days=1)
    assert (report.new, report.known) == (2, 2)
    assert raw_uris(warehouse) == ["b1", "b2", "m1", "m2"]


def test_raw_says_which_topics_found_a_record(warehouse: Warehouse, clock: Clock) -> None:
    with serving(
        [article("b", at=NOON), article("m", at=NOON, body="Marketing.")], clock=clock
    ) as api:
        api.collect(warehouse, lookback_days=1)
        api.collect(warehouse, OTHER_TOPICS, lookback_days=1)
    assert column(warehouse, raw.TABLE, "query_id", "uri = 'b'") == [TOPICS.query_id]
    assert column(warehouse, raw.TABLE, "query_id", "uri = 'm'") == [OTHER_TOPICS.query_id]


def test_going_to_other_topics_and_back_loses_nothing_since(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = [article(f"{hours:03}", at=NOON + timedelta(hours=hours)) for hours in range(0, 96)]
    with serving(articles, clock=clock) as api:
        for number in range(9):
            api.run(warehouse, (TOPICS, OTHER_TOPICS)[number // 2 % 2], lookback_days=1)
            clock.advance(hours=12)
    assert count(warehouse, final.TABLE) == 96
    assert watermark(warehouse) == NOON + timedelta(hours=96)


def test_a_change_under_a_clock_that_stands_still_or_goes_back_is_told_once(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        clock.advance(days=10)
        api.collect(warehouse, TOPICS, lookback_days=1)
        clock.advance(days=-10)
        changes = [
            api.collect(warehouse, OTHER_TOPICS, lookback_days=1).query_changed for _ in range(3)
        ]
    assert changes == [True, False, False]
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
    assert query is not None
    assert query.query_id == OTHER_TOPICS.query_id


def test_a_change_during_an_outage_misses_nothing(warehouse: Warehouse, clock: Clock) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        api.add(*(article(f"{n}", at=NOON + timedelta(hours=n)) for n in range(100)))
        clock.advance(hours=110)
        report = api.collect(warehouse, OTHER_TOPICS, lookback_days=1)
    assert report.new == 100
