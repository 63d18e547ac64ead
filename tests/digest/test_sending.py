"""A digest reaches each receiver once, whatever happens in between."""

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from alerts.servers import Reply, html_of, text_of
from newsapi_dentsu.alerts import delivery
from newsapi_dentsu.digest import sending
from newsapi_dentsu.digest.sending import send_digest
from newsapi_dentsu.errors import SettingsError, WarehouseError
from newsapi_dentsu.reading.digest import Period
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.tables.alerts import last_deliveries
from support.articles import body, record
from support.clock import NOON
from support.processes import process as process_of_its_own
from support.processing import process, store

from .conftest import WEBHOOK, Newsroom

DAY = timedelta(days=1)
WEEK = Period(NOON.date() - 6 * DAY, NOON.date())
HOSTILE = (
    '"Größe" & 5 < 6 <b>bold</b> *x* <!channel>\r\nBcc: all@example.com\r\n.\r\n'
    "\u202eevil\u202c \x1b[31m"
)


@pytest.fixture
def newsroom(set_up: Callable[..., Newsroom]) -> Newsroom:
    """With a story that two carried, whose title means harm, and one of the week before."""
    made = set_up(reading_url="https://news.example.com/")
    store(
        made.warehouse,
        record("wide", NOON - DAY, title=HOSTILE),
        record(
            "wide2",
            NOON,
            title=HOSTILE,
            body=body("wide"),
            source={"uri": "other.example", "dataType": "news", "title": "Other"},
        ),
        record("before", NOON - 13 * DAY),
    )
    process(made.warehouse)
    made.publish()
    return made


def deliveries(newsroom: Newsroom) -> dict[str, tuple[str, int]]:
    with newsroom.warehouse.snapshot() as session:
        return {
            one.channel: (one.status, one.attempts)
            for one in last_deliveries(session, 10)
            if one.notice_id == "digest, 2026-11-14 to 2026-11-20"
        }


def test_mail_and_slack_tell_the_same_with_links_to_article_and_page(newsroom: Newsroom) -> None:
    sent = send_digest(newsroom.settings, WEEK, NOON)

    assert (len(sent.tried), sent.before, sent.failed) == (2, (), ())
    (mail,) = newsroom.mail.received
    assert mail["Subject"] == "The news, 14 to 20 November 2026"
    assert mail["To"] == "analyst@example.com, chief@example.com"
    assert mail["From"] == "Nachrichten Größe <news@example.com>"
    assert mail.get_content_type() == "multipart/alternative"
    (message,) = newsroom.slack.taken
    for told in (text_of(mail), html_of(mail), json.dumps(message, ensure_ascii=False)):
        assert "https://adledger.example/wide" in told
        assert "https://news.example.com/story/" in told
        assert "Größe" in told
        assert "invented" in told
        assert "as many as the week before" in " ".join(told.split())
    assert deliveries(newsroom) == {"email": ("delivered", 1), "slack": ("delivered", 1)}


def test_a_title_that_means_harm_reaches_nobody_as_more_than_text(newsroom: Newsroom) -> None:
    send_digest(newsroom.settings, WEEK, NOON)

    (mail,) = newsroom.mail.received
    assert mail["Bcc"] is None
    assert [part.get_content_type() for part in mail.walk()] == [
        *("multipart/alternative", "text/plain", "text/html")
    ]
    assert "chief@example.com" not in html_of(mail)
    assert "<b>" not in html_of(mail)
    assert "&#34;Größe&#34; &amp; 5 &lt; 6" in html_of(mail)
    for told in (text_of(mail), html_of(mail)):
        assert not {"\x1b", "\u202e", "\u202c"} & set(told)
        assert "Other" in told
    (message,) = newsroom.slack.taken
    assert all(block["type"] in ("header", "rich_text") for block in message["blocks"])
    assert not {"\x1b", "\u202e"} & set(json.dumps(message, ensure_ascii=False))


def test_nobody_gets_a_digest_twice(newsroom: Newsroom) -> None:
    send_digest(newsroom.settings, WEEK, NOON)
    again = send_digest(newsroom.settings, WEEK, NOON + DAY)
    other = send_digest(newsroom.settings, Period(WEEK.since, WEEK.since), NOON)

    assert (again.tried, [one.channel for one in again.before]) == ((), ["email", "slack"])
    assert len(other.tried) == 2
    assert len(newsroom.mail.received) == len(newsroom.slack.taken) == 2


def test_two_that_send_at_once_send_it_once(newsroom: Newsroom) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(send_digest, newsroom.settings, WEEK, NOON) for _ in range(2)]
        tried = sorted(len(one.result().tried) for one in both)

    assert sum(tried) == 2
    assert (len(newsroom.mail.received), len(newsroom.slack.taken)) == (1, 1)


def test_a_channel_that_refuses_keeps_no_other_and_is_tried_again(newsroom: Newsroom) -> None:
    newsroom.mail.refuse = "451 later"
    failed = send_digest(newsroom.settings, WEEK, NOON)
    newsroom.mail.refuse = None
    newsroom.slack.default = Reply(500)
    again = send_digest(newsroom.settings, WEEK, NOON)

    assert [(one.channel, one.answer) for one in failed.failed] == [("email", "answered 451 later")]
    assert [one.channel for one in again.tried] == ["email"]
    assert (len(newsroom.mail.received), len(newsroom.slack.asked)) == (1, 1)
    assert deliveries(newsroom) == {"email": ("delivered", 2), "slack": ("delivered", 1)}


def test_an_answer_is_noted_without_the_secret_of_the_webhook(newsroom: Newsroom) -> None:
    newsroom.slack.default = Reply(404, f"no_team at {WEBHOOK}")
    failed = send_digest(newsroom.settings, WEEK, NOON)

    assert [one.channel for one in failed.failed] == ["slack"]
    assert "404" in failed.failed[0].answer
    assert WEBHOOK not in failed.failed[0].answer


def send_and_be_killed(settings: Settings) -> None:
    def killed(*given: object) -> tuple[bool, str]:
        delivery.attempt(*given)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    sending.attempt = killed  # type: ignore[assignment, attr-defined]
    send_digest(settings, WEEK, NOON)


def test_who_is_killed_between_sending_and_noting_sends_the_same_again(
    newsroom: Newsroom,
) -> None:
    with process_of_its_own(send_and_be_killed, newsroom.settings) as child:
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
    assert deliveries(newsroom) == {"email": ("sending", 1)}
    send_digest(newsroom.settings, WEEK, NOON + DAY)

    first, second = newsroom.mail.received
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)
    assert len(newsroom.slack.taken) == 1
    assert deliveries(newsroom) == {"email": ("delivered", 2), "slack": ("delivered", 1)}


def test_a_topic_beyond_ascii_stands_in_the_subject(newsroom: Newsroom) -> None:
    send_digest(newsroom.settings, WEEK, NOON, topic="Größe\r\nBcc: x@example.com 長い")

    (mail,) = newsroom.mail.received
    assert mail["Subject"] == (
        "The news about Größe Bcc: x@example.com 長い, 14 to 20 November 2026"
    )
    assert mail["Bcc"] is None


def test_mail_alone_and_slack_alone_are_enough(set_up: Callable[..., Newsroom]) -> None:
    made = set_up(digest_email_to=None, smtp_host=None, alert_email_from=None)
    with pytest.raises(SettingsError, match="DIGEST_EMAIL_TO"):
        send_digest(made.settings.model_copy(update={"digest_slack_webhook_url": None}), WEEK, NOON)
    if not made.settings.use_postgres:
        with pytest.raises(WarehouseError, match="run `newsapi run` first"):
            send_digest(made.settings, WEEK, NOON)
    made.publish()
    send_digest(made.settings, WEEK, NOON)

    (message,) = made.slack.taken
    assert "There was no news in these days." in json.dumps(message)
    assert made.mail.received == []
