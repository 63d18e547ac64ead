"""`newsapi backfill`: days beyond the watermark, at a price that is told first."""

from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.sandbox import Sandbox

from .conftest import FEW, Workspace


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


def test_the_cost_is_told_and_nothing_is_spent_without_a_yes(
    connected: Workspace, api: Sandbox
) -> None:
    before = api.tokens_used
    finished = connected.newsapi("backfill", "--from", days_ago(40), "--to", days_ago(38))

    assert finished.code == 1
    assert "3 days to read" in finished.err
    assert "at least 15 tokens" in finished.err
    assert "no day of this search is known yet" in finished.err
    assert api.tokens_used == before


def test_the_command_reads_the_days_that_it_names(connected: Workspace) -> None:
    days = ("--from", days_ago(35), "--to", days_ago(33))
    done = connected.newsapi("backfill", *days, "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["tokens_used"] == 15
    assert done.json["new"] > 0


@pytest.mark.thorough("tests/stages/test_backfill.py::test_only_its_days_are_read")
def test_only_the_days_are_read_and_the_watermark_stays(connected: Workspace) -> None:
    connected.newsapi("run")
    before = connected.newsapi("status", "--json").json
    days = ("--from", days_ago(35), "--to", days_ago(33))
    first = connected.newsapi("backfill", *days, "--yes", "--json")
    again = connected.newsapi("backfill", *days, "--yes", "--json")
    after = connected.newsapi("status", "--json").json

    assert first.code == 0, first.err
    assert first.json["tokens_used"] == 15
    assert first.json["new"] > 0
    assert again.json["tokens_used"] == 0
    assert "0 days to read" in again.err
    assert after["complete_through"] == before["complete_through"]
    assert after["read_from"] == before["read_from"]


@pytest.mark.slow
def test_an_interrupted_backfill_goes_on_where_it_stopped(connected: Workspace) -> None:
    connected.newsapi("run", LOOKBACK_DAYS="1")
    days = ("--from", days_ago(20), "--to", days_ago(11))
    with Sandbox(tokens=4, articles_per_day=FEW) as poor:
        stopped = connected.newsapi("backfill", *days, "--yes", NEWSAPI_HOST=poor.url)
    finished = connected.newsapi("backfill", *days, "--yes", "--json")

    assert stopped.code == 1
    assert finished.json["tokens_used"] == 6


def test_a_plan_tells_each_month_and_spends_nothing(connected: Workspace, api: Sandbox) -> None:
    before = api.tokens_used
    days = ("--from", "2026-01-30", "--to", "2026-03-01", "--by-month", "--plan")
    told = connected.newsapi("backfill", *days)
    as_json = connected.newsapi("backfill", *days, "--json").json

    assert "2026-02  28 days, at least 140 tokens" in told.out
    assert [month["month"] for month in as_json["months"]] == ["2026-01", "2026-02", "2026-03"]
    assert (as_json["days"], as_json["tokens"], as_json["guessed"]) == (31, 155, True)
    assert api.tokens_used == before


@pytest.mark.thorough(
    "tests/runs/test_months.py::test_all_months_are_read_and_every_article_is_stored_once"
)
def test_months_are_read_at_once_and_one_run_takes_them_on(connected: Workspace) -> None:
    days = ("--from", "2026-01-31", "--to", "2026-02-02", "--by-month", "--yes", "--json")
    fast = {"BACKFILL_REQUESTS_PER_MINUTE": "6000"}
    poor = connected.newsapi("backfill", *days, "--tokens", "10", "--jobs", "1", **fast)
    rest = connected.newsapi("backfill", *days, **fast)

    assert poor.code == 1
    assert not poor.json["succeeded"]
    assert poor.json["tokens_used"] == 10
    assert [month["month"] for month in poor.json["months"] if month["error"]] == ["2026-02"]
    assert "1 of 2 months could not be read whole: 2026-02" in poor.err
    assert "newsapi backfill --from 2026-02-01 --to 2026-02-02 --by-month" in poor.err
    assert rest.code == 0, rest.err
    assert rest.json["tokens_used"] == 5
    assert rest.json["run"]["stages"] == [
        *("deduplicate", "understand", "group", "curate", "sentiment")
    ]
    assert rest.json["run"]["rows"]["final.filtered_news"] > 5


def test_what_goes_with_months_alone_is_said(connected: Workspace) -> None:
    for more in (("--jobs", "2"), ("--tokens", "5")):
        refused = connected.newsapi("backfill", "--from", "2026-01-01", *more)
        assert refused.code == 2
        assert "go with --by-month" in refused.err
    to_come = connected.newsapi("backfill", "--from", "2150-01-01", "--by-month")
    assert to_come.code == 2
    assert "there are no days" in to_come.err
