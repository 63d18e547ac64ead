"""Each run reads what is new, and an index that stands still costs next to nothing."""

from datetime import UTC, datetime, timedelta

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import serving
from support.articles import article, many
from support.clock import NOON, Clock
from support.tables import count, dump, raw_uris


def test_the_first_run_looks_back_as_many_days_as_it_is_told(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = [article(f"{age}", at=NOON - timedelta(days=age)) for age in range(40)]
    with serving(articles, clock=clock) as api:
        report = api.collect(warehouse, lookback_days=30)
        days = [day for day, _ in api.searches()]
    assert sorted(raw_uris(warehouse)) == sorted(str(age) for age in range(31))
    assert (report.new, report.days) == (31, 31)
    assert sorted(set(days), reverse=True) == [
        NOON.date() - timedelta(days=age) for age in range(31)
    ]
    # Days that ended within the last week are settled by two readings.
    assert len(days) == 31 + 5


def test_the_watermark_of_a_whole_run_is_its_time(warehouse: Warehouse, clock: Clock) -> None:
    with serving([article("1", at=NOON)], clock=clock) as api:
        report = api.collect(warehouse, lookback_days=3)
    assert report.complete_through == NOON
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
    assert query is not None
    assert query.complete_through == NOON


def test_a_second_run_of_an_unchanged_index_costs_one_request_a_day_of_the_overlap(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = [a for age in range(10) for a in many(30, at=_day(age), prefix=f"{age}-")]
    with serving(articles, clock=clock) as api:
        api.run(warehouse, lookback_days=9)
        before = dump(warehouse, times=False)
        api.searches()
        clock.advance(hours=6)
        reports = api.run(warehouse, lookback_days=9)
        searches = api.searches()
    assert searches == [(_day(age).date(), 1) for age in (2, 1, 0)]
    assert (reports.collect.new, reports.collect.changed, reports.collect.tokens) == (0, 0, 3)
    assert reports.deduplicate.records == 0
    assert reports.curate.articles == 0
    assert dump(warehouse) == before


def test_an_empty_index_is_a_success_that_stores_nothing(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        reports = api.run(warehouse, lookback_days=2)
    assert reports.collect.fetched == 0
    assert reports.collect.complete_through == NOON
    assert count(warehouse, raw.TABLE) == 0


def test_a_run_after_a_pause_of_days_reads_everything_since(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        for hours in range(0, 9 * 24, 5):
            moment = NOON + timedelta(hours=hours)
            api.add(article(f"h{hours}", at=moment, late=timedelta(hours=hours % 48)))
        clock.advance(days=11)
        report = api.collect(warehouse)
    assert report.new == count(warehouse, raw.TABLE) == len(range(0, 9 * 24, 5))


def test_raw_keeps_the_whole_record_as_it_came(warehouse: Warehouse, clock: Clock) -> None:
    with serving([article("1", at=NOON, extra={"unheard": ["of", 1]})], clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
    (stored,) = dump(warehouse, raw.TABLE)[raw.TABLE]
    assert '"extra":{"unheard":["of",1]}' in stored["record"]
    assert '"sim":0.5' in stored["record"]
    assert stored["origin"] == "sandbox"


def test_the_report_counts_what_the_server_counted(warehouse: Warehouse, clock: Clock) -> None:
    with serving(many(250, at=_day(0)), clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1)
        assert report.tokens == api.sandbox.tokens_used == 4
        assert report.requests == len(api.searches()) == 4
    assert report.fetched == report.new == 250


def _day(age: int) -> datetime:
    return datetime(2026, 11, 20, 1, tzinfo=UTC) - timedelta(days=age)
