"""`newsapi digest`: what mattered in some days."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.servers import Reply, web_server

from .conftest import Workspace

DAY = timedelta(days=1)


def test_the_last_seven_days_are_told_in_lines_of_a_terminal(filled: Workspace) -> None:
    shown = filled.newsapi("digest").out

    assert "invented" in shown
    assert "the week before" in shown
    assert "TOP STORIES" in shown
    assert max(len(line) for line in shown.splitlines() if "https://" not in line) <= 80


def test_days_can_be_counted_and_named(filled: Workspace) -> None:
    until = datetime.now(UTC).date() - DAY
    first = until - 6 * DAY
    counted = filled.newsapi("digest", "--until", f"{until}", "--format", "json").json
    named = filled.newsapi(
        "digest", "--since", f"{first}", "--until", f"{until}", "--format", "json"
    ).json

    assert counted == named
    assert (counted["since"], counted["until"]) == (f"{first}", f"{until}")
    assert counted["figures"]["articles"] > 0


def test_a_topic_is_known_by_its_name_in_any_case(filled: Workspace) -> None:
    narrowed = filled.newsapi("digest", "--topic", "marketing", "--format", "json").json

    assert narrowed["topic"] == "Marketing"
    assert narrowed["stories"]
    assert all("Marketing" in story["topics"] for story in narrowed["stories"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--since", "7"], "such as 7d or 2w"),
        (["--since", "0d"], "such as 7d or 2w"),
        (["--since", "9999w"], "at most 366 days"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "must not lie after"),
        (["--topic", "Gardening"], "there are AI, Marketing"),
        (["--stories", "0"], "--stories"),
    ],
)
def test_what_makes_no_sense_is_told(filled: Workspace, options: list[str], told: str) -> None:
    refused = filled.newsapi("digest", *options)

    assert refused.code == 2
    assert told in refused.err


def test_a_file_is_written_whole(filled: Workspace) -> None:
    filled.newsapi("digest", "--format", "slack", "--out", "digest.json")

    assert json.loads((filled.folder / "digest.json").read_text("utf-8"))["blocks"]


def test_a_digest_is_sent_once_and_what_was_refused_again(filled: Workspace) -> None:
    with web_server() as slack:
        settings = {"DIGEST_SLACK_WEBHOOK_URL": f"{slack.url}/services/secret"}
        slack.default = Reply(403, "invalid_token")
        refused = filled.newsapi("digest", "--send", **settings)
        slack.default = Reply(200, "ok")
        sent = filled.newsapi("digest", "--send", **settings)
        again = filled.newsapi("digest", "--send", **settings)

    assert (refused.code, sent.code, again.code) == (1, 0, 0)
    assert "slack: failed (answered 403 invalid_token)" in refused.out
    assert "tries these again" in refused.err
    assert "slack: delivered (200 ok)" in sent.out
    assert "slack: had it already" in again.out
    assert len(slack.taken) == 1
    assert "secret" not in refused.out + refused.err


def test_sending_needs_receivers_and_no_form(filled: Workspace) -> None:
    nobody = filled.newsapi("digest", "--send")
    assert nobody.code == 1
    assert "set DIGEST_EMAIL_TO or DIGEST_SLACK_WEBHOOK_URL" in nobody.err
    assert filled.newsapi("digest", "--send", "--format", "json").code == 2
    mail = filled.newsapi("digest", DIGEST_EMAIL_TO="one@example.com")
    assert "DIGEST_EMAIL_TO needs SMTP_HOST" in mail.err


def test_a_first_week_says_that_there_is_nothing_to_compare_with(connected: Workspace) -> None:
    connected.newsapi("run")
    told = connected.newsapi("digest", "--format", "json").json
    assert told["before"] is None
    assert (told["rising"], told["new_sources"], told["tones"]) == ([], [], [])
    assert told["change_seq"] > 0
    assert "nothing to compare with" in connected.newsapi("digest").out
