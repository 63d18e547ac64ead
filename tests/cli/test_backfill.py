"""`newsapi backfill`: days beyond the watermark, at a price that is told first."""

from datetime import UTC, datetime, timedelta

from newsapi_dentsu.sandbox import Sandbox

from .conftest import Workspace


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


def test_an_interrupted_backfill_goes_on_where_it_stopped(connected: Workspace) -> None:
    connected.newsapi("run", LOOKBACK_DAYS="1")
    days = ("--from", days_ago(20), "--to", days_ago(11))
    with Sandbox(tokens=4) as poor:
        stopped = connected.newsapi("backfill", *days, "--yes", NEWSAPI_HOST=poor.url)
    finished = connected.newsapi("backfill", *days, "--yes", "--json")

    assert stopped.code == 1
    assert finished.json["tokens_used"] == 6
