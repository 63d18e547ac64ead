"""Each rule's condition, on figures at both sides of its limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.alerts.rules_file import SHIPPED_RULES
from newsapi_dentsu.domain.alerts.conditions import brand_tones, judge, most_attempts
from newsapi_dentsu.domain.alerts.facts import (
    BrandStories,
    DaemonSigns,
    Facts,
    Fetch,
    Months,
    RunHistory,
    Tables,
)
from newsapi_dentsu.domain.alerts.limits import GB
from newsapi_dentsu.domain.alerts.rules import RuleName, parse_rules

NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = parse_rules(SHIPPED_RULES.read_text(), "alerts.yaml")
WELL = Fetch(NOW - HOUR, new=5, requests=4, api_seconds=4.0, tokens=4, tokens_left=2000)


def fetch(hours_ago: float = 1, **changes: Any) -> Fetch:
    return Fetch(
        **{
            **{name: getattr(WELL, name) for name in WELL.__slots__},
            "ended_at": NOW - hours_ago * HOUR,
            **changes,
        }
    )


def history(**changes: Any) -> RunHistory:
    calm: dict[str, Any] = {
        "failures": (),
        "retried": (),
        "last_evaluation_at": NOW - HOUR,
        "scanned_until": NOW,
        "attempts_at": (),
        "finished_runs": 4,
        "failed_runs": 0,
        "last_success_at": {"news_pipeline": NOW - HOUR},
        "signs": DaemonSigns(NOW, ()),
    }
    return RunHistory(**{**calm, **changes})


def tables(*fetches: Fetch, free_gb: float | None = 100) -> Tables:
    free = None if free_gb is None else int(free_gb * GB)
    return Tables(fetches or (WELL,), NOW - HOUR, free)


def judged(
    rule: RuleName,
    history: RunHistory | None = history(),  # noqa: B008
    tables: Tables | None = tables(),  # noqa: B008
    since: datetime = NOW - 30 * DAY,
    now: datetime = NOW,
) -> bool | None:
    facts = Facts(now, "news_pipeline", 6 * HOUR, history, tables, "the server is away")
    return judge(RULES.rules, facts, since)[rule].firing


def test_a_calm_day_alerts_of_nothing() -> None:
    facts = Facts(NOW, "news_pipeline", 6 * HOUR, history(), tables())
    assert not any(one.firing for one in judge(RULES.rules, facts, NOW - 30 * DAY).values())


@pytest.mark.parametrize(("attempts", "fires"), [(3, False), (4, True)])
def test_more_than_three_failed_attempts_in_an_hour(attempts: int, fires: bool) -> None:
    times = tuple(NOW - number * HOUR / 4 for number in range(attempts))
    assert judged("pipeline_failure", history(attempts_at=times)) is fires


@given(st.lists(st.integers(0, 300), max_size=30), st.integers(1, 100), st.integers(0, 300))
def test_attempts_count_in_every_window_that_ends_with_a_new_one_and_in_the_last(
    minutes: list[int], width: int, last_look: int
) -> None:
    minute = timedelta(minutes=1)
    start = NOW - 300 * minute
    seen = history(
        attempts_at=tuple(start + at * minute for at in minutes),
        last_evaluation_at=start + last_look * minute,
    )
    ends = [300, *(at for at in minutes if at > last_look)]
    most = max(sum(end - width < at <= end for at in minutes) for end in ends)

    assert most_attempts(seen, width * minute, NOW) == most


@pytest.mark.parametrize(
    ("failed", "runs", "fires"),
    [
        (2, 19, True),
        (2, 20, False),  # 10 % and not more
        (1, 4, False),  # told as a failure already
        (2, 3, False),  # too few runs to speak of a rate
        (2, 4, True),
        (0, 0, False),
    ],
)
def test_more_than_a_tenth_of_the_runs_failed(failed: int, runs: int, fires: bool) -> None:
    assert judged("high_error_rate", history(finished_runs=runs, failed_runs=failed)) is fires


@pytest.mark.parametrize(
    ("new", "fires"),
    [
        ((0, 0, 0), True),
        ((0, 0, 1), False),
        ((0, 0), False),
        ((0, 0, 0, 9), True),
        ((1, 0, 0), False),
    ],
)
def test_three_runs_without_anything_new(new: tuple[int, ...], fires: bool) -> None:
    fetches = [fetch(6 * number + 1, new=count) for number, count in enumerate(new)]
    assert judged("no_data", tables=tables(*fetches)) is fires


def test_runs_by_hand_minutes_apart_say_nothing_of_new_articles() -> None:
    by_hand = [fetch(number / 10, new=0) for number in range(60)]
    assert judged("no_data", tables=tables(*by_hand)) is False
    # Beside those of the schedule they neither hide nor hasten it.
    assert judged("no_data", tables=tables(*by_hand, fetch(9.9, new=0))) is False
    assert judged("no_data", tables=tables(*by_hand, fetch(10, new=0))) is True


@pytest.mark.parametrize(
    ("requests", "seconds", "fires"), [(4, 20.0, False), (4, 20.1, True), (0, 0.0, False)]
)
def test_a_mean_response_over_five_seconds(requests: int, seconds: float, fires: bool) -> None:
    slow = fetch(requests=requests, api_seconds=seconds)
    assert judged("api_latency", tables=tables(slow, fetch(7))) is fires


@pytest.mark.parametrize(("free", "fires"), [(9.99, True), (10, False), (None, None)])
def test_less_than_ten_gigabytes_free(free: float | None, fires: bool | None) -> None:
    assert judged("database_full", tables=tables(free_gb=free)) is fires


@pytest.mark.parametrize(("hours", "fires"), [(12, False), (12.01, True)])
def test_no_good_run_for_two_intervals(hours: float, fires: bool) -> None:
    old = {"news_pipeline": NOW - hours * HOUR}
    assert judged("stale_final", history(last_success_at=old), tables=None) is fires


def test_a_table_that_was_never_filled_is_stale_two_intervals_after_the_first_look() -> None:
    never = history(last_success_at={})
    assert judged("stale_final", never, None, since=NOW - 11 * HOUR) is False
    assert judged("stale_final", never, None, since=NOW - 13 * HOUR) is True


def test_a_stage_that_was_executed_alone_freshens_the_table_too() -> None:
    old = history(last_success_at={"news_pipeline": NOW - 20 * HOUR})
    assert judged("stale_final", old) is False


@pytest.mark.parametrize(("left", "fires"), [(149, True), (150, False), (None, None)])
def test_few_tokens_are_left(left: int | None, fires: bool | None) -> None:
    assert judged("tokens", tables=tables(fetch(tokens_left=left))) is fires


@pytest.mark.parametrize(("left", "fires"), [(610, True), (630, False)])
def test_the_tokens_end_before_the_month_does(left: int, fires: bool) -> None:
    # 40 a day, and 15.5 days of November are left: 619 tokens.
    week = [fetch(6 * number + 1, tokens=10, tokens_left=left) for number in range(29)]
    assert judged("tokens", tables=tables(*week)) is fires


def test_the_first_run_which_reads_a_month_foretells_nothing() -> None:
    assert judged("tokens", tables=tables(fetch(1, tokens=400, tokens_left=200))) is False


def test_what_was_left_last_month_says_nothing_of_this() -> None:
    first = datetime(2026, 12, 1, 0, 20, tzinfo=UTC)
    last = fetch(tokens_left=20, ended_at=first - HOUR)
    assert judged("tokens", tables=tables(last), now=first) is None


@pytest.mark.parametrize(
    ("days_ago", "spent", "fires"), [(1, 420, True), (1, 410, False), (8, 420, False)]
)
def test_what_months_of_backfills_have_spent_counts_for_the_pace(
    days_ago: int, spent: int, fires: bool
) -> None:
    # 40 a day by runs, and 60 by months: 15.5 days of November are left.
    week = [fetch(6 * number + 1, tokens=10, tokens_left=1545) for number in range(29)]
    seen = replace(tables(*week), months=Months(((NOW - days_ago * DAY, spent),)))
    assert judged("tokens", tables=seen) is fires


@pytest.mark.parametrize(("minutes_ago", "fires"), [(30, True), (90, False)])
def test_what_is_left_is_what_was_said_last_by_a_run_or_a_month(
    minutes_ago: int, fires: bool
) -> None:
    asked_at = NOW - timedelta(minutes=minutes_ago)
    seen = replace(tables(WELL), months=Months(tokens_left=20, asked_at=asked_at))
    assert judged("tokens", tables=seen) is fires


@pytest.mark.parametrize(
    ("signs", "fires"),
    [
        (DaemonSigns(NOW - timedelta(minutes=15), ()), False),
        (DaemonSigns(NOW - timedelta(minutes=16), ()), True),
        (DaemonSigns(None, ()), None),
        (DaemonSigns(NOW, ("schedule news_every_six_hours",)), True),
    ],
)
def test_no_sign_of_life_or_something_is_switched_off(
    signs: DaemonSigns, fires: bool | None
) -> None:
    assert judged("stopped", history(signs=signs)) is fires


def test_records_that_cannot_be_reached_are_no_sign_of_life() -> None:
    assert judged("stopped", None) is True


def test_nobody_judges_what_cannot_be_seen() -> None:
    about_tables: list[RuleName] = ["no_data", "api_latency", "database_full", "tokens"]
    assert [judged(rule, tables=None) for rule in about_tables] == [None] * 4
    about_runs: list[RuleName] = ["pipeline_failure", "high_error_rate"]
    assert [judged(rule, None) for rule in about_runs] == [None] * 2
    assert judged("stale_final", None, None) is None


@pytest.mark.parametrize(
    ("brand", "firing"),
    [
        (BrandStories("Nova", 5, -0.3, 5, 0.0), True),
        (BrandStories("Nova", 5, -0.29, 5, 0.0), None),
        (BrandStories("Nova", 5, -0.14, 5, 0.0), False),
        (BrandStories("Nova", 4, -0.9, 50, 0.9), None),
        (BrandStories("Nova", 50, -0.9, 4, 0.9), None),
        (BrandStories("Nova", 2, -0.9, 2, 0.9), False),
        (BrandStories("Nova", 2, -0.9, 2, 0.9, reading=True), None),
        (BrandStories("Nova", 5, 0.3, 5, 0.0), False),
        (BrandStories("Nova", 9, None, 9, 0.5), None),
    ],
)
def test_a_brand_of_whom_enough_stories_speak_worse(
    brand: BrandStories, firing: bool | None
) -> None:
    rule = RULES.rules.brand_tone
    facts = Facts(NOW, "news_pipeline", 6 * HOUR, history(), replace(tables(), brands=(brand,)))

    found = brand_tones(rule, facts)

    assert found is not None
    assert found["Nova"].firing is firing
    assert "Nova" in found["Nova"].summary
