"""An index that moves, counts wrongly or differs from itself loses no article."""

import logging
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from newsapi_dentsu.errors import SourceError, SourceUnavailableError
from newsapi_dentsu.stages.collect import DayRange
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.moving_index import Entry, MovingIndex
from support.parts import first_quick
from support.tables import count, raw_uris, watermark

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
TODAY = MORNING.date()
DAY = timedelta(days=1)


def _settled(warehouse: Warehouse) -> set[date]:
    with warehouse.snapshot() as session:
        found = session.rows("SELECT day FROM raw.query_days WHERE settled_at IS NOT NULL")
    return {day for (day,) in found}


@pytest.fixture
def index() -> MovingIndex:
    return MovingIndex(MORNING + timedelta(hours=11))


@pytest.mark.parametrize("total", first_quick([150, 101, 250, 420]))
def test_a_removal_and_a_late_arrival_that_leave_the_count_as_it_was_hide_nothing(
    warehouse: Warehouse, index: MovingIndex, total: int
) -> None:
    index.add_many(total, MORNING)
    index.collect(warehouse, lookback_days=1)
    index.remove("0003")
    index.add(Entry(MORNING + timedelta(seconds=0.5), "late"))
    index.pass_time(warehouse, 72)
    assert "late" in raw_uris(warehouse)


def test_a_removal_and_an_arrival_between_two_pages_of_one_reading_hide_nothing(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(149, MORNING)

    def move(_day: date) -> None:
        if index.requests and index.requests[-1] == (TODAY, 1):
            index.before_request = lambda _: None
            index.remove("0003")
            index.add(Entry(MORNING + timedelta(hours=1), "new"))

    index.before_request = move
    index.collect(warehouse, lookback_days=1)
    index.pass_time(warehouse, 72)
    assert set(raw_uris(warehouse)) == {*index.standing(TODAY), "0003"}


def test_the_same_during_the_settling_reading_hides_nothing(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    day = TODAY - 5 * DAY
    index.add_many(149, MORNING - 5 * DAY)
    moves = iter(range(3))

    def move(_day: date) -> None:
        # Each time page 1 has just been read, an article behind it slips onto it.
        if index.requests and index.requests[-1] == (day, 1):
            number = next(moves, None)
            if number is not None:
                index.remove(f"{number:04}")
                index.add(Entry(MORNING - 5 * DAY + timedelta(hours=1), f"new {number}"))

    index.before_request = move
    index.collect(warehouse, lookback_days=6)
    assert set(raw_uris(warehouse)) >= index.standing(day)


def test_articles_that_are_counted_before_they_are_listed_are_found_when_they_are(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(145, MORNING)
    index.count_offset = lambda day: 5 if day == TODAY else 0
    report = index.collect(warehouse, lookback_days=1)
    assert report.disagreements == {"2026-11-20": "counts 150 articles and lists 145"}
    index.count_offset = lambda _: 0
    for number in range(5):
        index.add(Entry(MORNING + timedelta(seconds=7 + number / 10), f"late {number}"))
    index.pass_time(warehouse, 66)
    assert count(warehouse, raw.TABLE) == 150


def test_two_records_of_one_uri_fill_two_positions(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(58, MORNING)
    for number in range(2):
        url = f"https://adledger.example/twin/{number}"
        index.add(Entry(MORNING + timedelta(seconds=7.5 + 20 * number), "twin", url))
    reports = [index.collect(warehouse, lookback_days=1), *index.pass_time(warehouse, 78)]
    assert not any(report.disagreements or report.missing_days for report in reports)
    assert count(warehouse, raw.TABLE) == 60
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
        assert query is not None
        assert raw.days_settled_at(session, query.query_id, TODAY, TODAY)[TODAY] is not None


@pytest.mark.parametrize("total", first_quick([110, 60, 240]))
def test_of_two_replicas_that_differ_in_ten_articles_both_are_read(
    warehouse: Warehouse, total: int
) -> None:
    index = MovingIndex(MORNING + timedelta(hours=11), replicas=2)
    index.add_many(total, MORNING)
    for number in range(10):
        at = MORNING + timedelta(seconds=number * total / 10 + 0.5)
        index.add(Entry(at, f"first {number}"), only=0)
        index.add(Entry(at, f"second {number}"), only=1)
    index.collect(warehouse, lookback_days=1)
    reports = index.pass_time(warehouse, 96)
    assert set(raw_uris(warehouse)) == index.standing(TODAY)
    told = [report.disagreements["2026-11-20"] for report in reports if report.disagreements]
    assert "lists other articles at each reading" in told[-1]
    # The day is settled all the same, and costs no more.
    assert TODAY not in {day for day, _ in index.requests[-8:]}


@pytest.mark.parametrize(
    ("first", "cap"), first_quick([(0, None), (0, 5), (1, None), (1, 5), (0, 8)], 2)
)
def test_the_pages_that_only_the_fuller_of_two_replicas_counts_are_read_from_it(
    warehouse: Warehouse, first: int, cap: int | None
) -> None:
    index = MovingIndex(MORNING + timedelta(hours=11), replicas=2)
    index.turn = lambda: len(index.requests) + first
    day = TODAY - 4 * DAY
    for number in range(260):
        entry = Entry(MORNING - 4 * DAY + timedelta(seconds=number), f"{number:04}")
        for replica in (0, 1) if number < 40 else (0,):
            index.add(entry, only=replica)
    while day not in _settled(warehouse):
        index.collect(warehouse, lookback_days=4, max_requests=cap)
        assert len(index.requests) < 30
    assert set(raw_uris(warehouse)) == index.standing(day)


def test_pages_of_two_replicas_that_count_differently_are_no_one_list(
    warehouse: Warehouse,
) -> None:
    index = MovingIndex(MORNING + timedelta(hours=11), replicas=2)
    day = TODAY - 4 * DAY
    index.add_many(150, MORNING - 4 * DAY)
    for number in range(2):
        index.add(Entry(MORNING - 4 * DAY, f"on the first page {number}"), only=0)
    # Twice each page comes from the same replica: the first from the one that lacks two articles.
    index.turn = lambda: len(index.requests) if index.requests[4:] else index.requests[-1][1]
    index.collect(warehouse, backfill=DayRange(day, day))
    assert day in _settled(warehouse)
    assert set(raw_uris(warehouse)) == index.standing(day)
    assert len(index.requests) <= 5 * 2


@pytest.mark.parametrize(
    ("total", "offset", "cap"),
    first_quick([(201, -1, None), (201, -1, 4), (101, -1, None), (250, -150, None)]),
)
def test_a_count_that_is_too_low_hides_no_article_behind_a_full_page(
    warehouse: Warehouse, index: MovingIndex, total: int, offset: int, cap: int | None
) -> None:
    index.add_many(total, MORNING)
    index.count_offset = lambda day: offset if day == TODAY else 0
    index.collect(warehouse, lookback_days=1)
    reports = index.pass_time(warehouse, 84, max_requests=cap)
    assert count(warehouse, raw.TABLE) == total
    told = [report.disagreements["2026-11-20"] for report in reports if report.disagreements]
    assert told[-1] == f"counts {total + offset} articles and lists {total}"
    assert TODAY in _settled(warehouse)
    assert max(report.requests for report in reports) < 20


def test_a_count_that_is_far_too_high_on_the_way_back_costs_a_few_requests(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(130, MORNING - 4 * DAY)
    index.count_offset = lambda _day: 90_000 if len(index.requests) > 2 else 0
    report = index.collect(warehouse, backfill=DayRange(TODAY - 4 * DAY, TODAY - 4 * DAY))
    assert count(warehouse, raw.TABLE) == 130
    assert report.requests < 25


def test_a_page_that_comes_to_light_on_the_way_back_is_read_twice_and_so_are_the_others(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(100, MORNING)
    index.collect(warehouse, lookback_days=1)
    index.remove("0000")
    index.now += 10 * DAY

    def move(_day: date) -> None:
        if len(index.requests) == before + 1:
            for number in range(3):
                index.add(Entry(MORNING + timedelta(hours=1, seconds=number), f"late {number}"))
        elif len(index.requests) == before + 2:
            # The first article of page 2 slips onto page 1, which has just been read.
            index.remove("0003")
            index.add(Entry(MORNING + timedelta(hours=2), "new"))

    before = len(index.requests)
    index.before_request = move
    index.collect(warehouse, backfill=DayRange(TODAY, TODAY))
    assert TODAY in _settled(warehouse)
    assert set(raw_uris(warehouse)) == {*index.standing(TODAY), "0000", "0003"}


def test_a_disagreement_is_warned_of_once(
    warehouse: Warehouse, index: MovingIndex, caplog: pytest.LogCaptureFixture
) -> None:
    index.add_many(100, MORNING)
    index.count_offset = lambda day: int(day == TODAY)
    with caplog.at_level(logging.WARNING):
        index.collect(warehouse, lookback_days=1)
        reports = index.pass_time(warehouse, 72)
    assert caplog.text.count("counts 101 articles and lists 100") == 1
    assert any(report.disagreements for report in reports)
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
        assert query is not None
        (day,) = raw.troubled_days(session, query.query_id)
    assert (day.day, day.disagreement) == (TODAY, "counts 101 articles and lists 100")


def test_one_count_too_many_stops_neither_its_day_nor_the_others(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    first = TODAY
    index.count_offset = lambda day: int(day == first)
    index.add_many(100, MORNING)
    index.collect(warehouse, lookback_days=1)
    for age in range(1, 6):
        index.add_many(40, MORNING + age * DAY, prefix=f"{age}-")
        reports = index.pass_time(warehouse, 24)
        assert not any(report.missing_days for report in reports)
        assert watermark(warehouse) == index.now
    assert count(warehouse, raw.TABLE) == 100 + 5 * 40


@pytest.mark.parametrize("offset", [3_000_000_000, -50])
def test_a_count_that_cannot_be_right_stops_neither_its_day_nor_the_others(
    warehouse: Warehouse, index: MovingIndex, offset: int
) -> None:
    index.add_many(60, MORNING)
    index.add_many(30, MORNING - DAY, prefix="before ")
    index.count_offset = lambda day: offset if day == TODAY else 0
    report = index.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 90
    assert report.fetched == index.given
    assert not report.missing_days
    assert "counts wrongly" in report.disagreements[TODAY.isoformat()]
    assert watermark(warehouse) == index.now
    # What is known is not asked for three times again, and does not keep the day open for ever.
    index.add(Entry(MORNING + timedelta(hours=5), "later"))
    reports = index.pass_time(warehouse, 96)
    assert "later" in raw_uris(warehouse)
    assert index.runs[1].count((TODAY, 1)) <= 3
    assert not reports[-1].disagreements


def test_a_count_that_grows_with_every_answer_stops_neither_its_day_nor_the_others(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(100, MORNING)
    index.add_many(7, MORNING + DAY, prefix="next ")
    index.count_offset = lambda day: len(index.requests) % 90 if day == TODAY else 0
    index.collect(warehouse, lookback_days=1)
    reports = index.pass_time(warehouse, 96)
    assert count(warehouse, raw.TABLE) == 107
    assert not any(report.missing_days for report in reports)
    assert max(report.requests for report in reports) < 30


@pytest.mark.parametrize(
    "failure", first_quick([SourceUnavailableError("rubbish"), SourceError("refused")])
)
def test_a_day_that_fails_holds_up_no_other_and_is_tried_again_at_growing_distance(
    warehouse: Warehouse, index: MovingIndex, failure: SourceError
) -> None:
    bad = TODAY - 4 * DAY
    for age in range(6):
        index.add_many(30, MORNING - age * DAY, prefix=f"{age}-")
    index.failures[bad] = failure
    report = index.collect(warehouse, lookback_days=5)
    assert list(report.missing_days) == [bad.isoformat()]
    assert str(failure) in report.missing_days[bad.isoformat()]
    assert count(warehouse, raw.TABLE) == 5 * 30
    assert watermark(warehouse) == datetime(2026, 11, 16, tzinfo=UTC)

    reports = index.pass_time(warehouse, 12 * 24)
    assert all(list(report.missing_days) == [bad.isoformat()] for report in reports)
    tries = [number for number, run in enumerate(index.runs) if (bad, 1) in run]
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses == [1, 1, 2, 4, 7, 14, 16]

    index.failures.clear()
    index.pass_time(warehouse, 4 * 24)
    assert count(warehouse, raw.TABLE) == 6 * 30
    assert watermark(warehouse) == index.now


def test_refused_days_hold_up_no_other_wherever_they_lie(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    for age in range(6):
        index.add_many(3, MORNING - age * DAY, prefix=f"{age} ")
    for age in (3, 4, 5):
        index.failures[TODAY - age * DAY] = SourceError("refused")
    report = index.collect(warehouse, lookback_days=5)
    assert len(report.missing_days) == 3
    assert count(warehouse, raw.TABLE) == 9


def test_refused_days_at_both_ends_are_passed_by_the_next_run(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    for age in range(6):
        index.add_many(3, MORNING - age * DAY, prefix=f"{age} ")
    for age in (0, 4, 5):
        index.failures[TODAY - age * DAY] = SourceError("refused")
    index.collect(warehouse, lookback_days=5)
    report = index.collect(warehouse, lookback_days=5)
    assert len(report.missing_days) == 3
    assert count(warehouse, raw.TABLE) == 9


def test_a_backfill_tries_a_day_at_once_that_was_set_aside(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    bad = TODAY - 4 * DAY
    index.add_many(30, MORNING - 4 * DAY)
    index.failures[bad] = SourceUnavailableError("rubbish")
    index.collect(warehouse, lookback_days=5)
    index.pass_time(warehouse, 48)
    index.failures.clear()
    index.collect(warehouse, backfill=DayRange(bad, bad))
    assert count(warehouse, raw.TABLE) == 30
    report = index.collect(warehouse)
    assert not report.missing_days
    assert watermark(warehouse) == index.now


def test_an_api_that_is_away_altogether_is_no_fault_of_the_days(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.collect(warehouse, lookback_days=3)
    index.away = True
    reports = index.pass_time(warehouse, 48)
    # One search tells that nothing will be had.
    assert [len(run) for run in index.runs[1:]] == [1] * 8
    assert all("no answer" in "".join(report.missing_days.values()) for report in reports)
    index.away = False
    assert not index.collect(warehouse).missing_days


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(230, MORNING)
    index.too_large = {"0057"}
    report = index.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 230
    assert not report.missing_days
    assert report.requests < 25


def test_a_server_that_cuts_pages_is_read_to_the_end(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.most_on_a_page = 50
    index.add_many(130, MORNING)
    index.add_many(260, MORNING - 5 * DAY, prefix="old ")
    report = index.collect(warehouse, lookback_days=6)
    assert count(warehouse, raw.TABLE) == 390
    assert not report.disagreements


@pytest.mark.parametrize(("cut", "total"), first_quick([(50, 130), (50, 60), (10, 130), (50, 420)]))
def test_a_server_that_cuts_pages_and_does_not_say_so_is_read_to_the_end(
    warehouse: Warehouse, index: MovingIndex, cut: int, total: int
) -> None:
    index.most_on_a_page, index.admits_page_size = cut, False
    index.add_many(total, MORNING)
    index.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == total
    index.add(Entry(MORNING + timedelta(hours=2), "late"))
    reports = index.pass_time(warehouse, 66)
    assert count(warehouse, raw.TABLE) == total + 1
    assert not any(report.missing_days or report.disagreements for report in reports)


def test_a_count_that_is_far_too_high_costs_a_few_requests_and_no_other_day(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.add_many(130, MORNING - DAY, prefix="before ")
    index.add_many(30, MORNING)
    index.count_offset = lambda day: 900_000 if day < TODAY else 0
    report = index.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 160
    assert list(report.missing_days) == [(TODAY - DAY).isoformat()]
    assert report.requests < 20
    # Once the day can settle, its contradiction is told and stops nothing.
    reports = index.pass_time(warehouse, 72)
    assert not reports[-1].missing_days
    assert max(report.requests for report in reports) < 40


def test_steady_days_of_less_than_a_page_cost_one_token_more_to_settle(
    warehouse: Warehouse, index: MovingIndex
) -> None:
    index.collect(warehouse, lookback_days=1)
    tokens = []
    for age in range(1, 6):
        index.add_many(60, MORNING + age * DAY, prefix=f"{age}-")
        tokens.append(sum(report.tokens for report in index.pass_time(warehouse, 24)))
    # A look at each of three days four times, and four at the one that ends its overlap.
    looks = 4 * 3
    assert tokens[-1] <= looks + 1 + 1


@pytest.mark.parametrize("ahead", first_quick(timedelta(days=days) for days in (5, 40, 400)))
@pytest.mark.parametrize("outage", first_quick([timedelta(), timedelta(days=45)]))
def test_a_first_run_under_a_clock_that_was_ahead_costs_no_article(
    warehouse: Warehouse, index: MovingIndex, ahead: timedelta, outage: timedelta
) -> None:
    right = index.now
    for age in range(30):
        index.add_many(4, MORNING - age * DAY, prefix=f"{age} ")
    index.now = right + ahead
    index.collect(warehouse, lookback_days=30)
    index.now = right
    index.collect(warehouse, lookback_days=30)
    index.now += outage
    index.pass_time(warehouse, 6 * 24, lookback_days=30)
    assert set(raw_uris(warehouse)) == {
        entry.uri for entries in index.replicas[0].values() for entry in entries
    }
    assert watermark(warehouse) == index.now


def test_a_clock_from_before_the_index_is_refused(warehouse: Warehouse, index: MovingIndex) -> None:
    index.now = datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(SourceError, match="clock says 1970-01-01"):
        index.collect(warehouse, lookback_days=1)
    assert index.requests == []
