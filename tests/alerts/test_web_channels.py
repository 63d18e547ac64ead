"""Slack and PagerDuty get what they understand, and trouble on their side costs bounded time."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from newsapi_dentsu.alerts.channel import Channel, DeliveryError
from newsapi_dentsu.alerts.pagerduty import PagerDutyChannel
from newsapi_dentsu.alerts.slack import SlackChannel
from newsapi_dentsu.deadline import Deadline
from support.http import WITHOUT_END, Behaviour, raw_server

from .messages import LATENCY, MESSAGE, RUN, STALE, UI
from .servers import Reply, WebServer, web_server

KEY = "R0123456789ABCDEF0123456789ABCDEF"
PATH = "/services/T0/B0/secret-of-the-webhook"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as made:
        yield made


@pytest.fixture(params=["slack", "pagerduty"])
def channel(request: pytest.FixtureRequest, server: WebServer) -> Channel:
    return at(request.param, server.url)


def at(name: str, url: str) -> Channel:
    return SlackChannel(url + PATH) if name == "slack" else PagerDutyChannel(url, KEY)


def send(channel: Channel, seconds: float = 10) -> str:
    return channel.send(MESSAGE, Deadline.after(seconds))


def test_slack_gets_blocks_within_its_limits(server: WebServer) -> None:
    server.default = Reply(200, "ok")
    assert send(at("slack", server.url)) == "200 ok"

    (body,) = server.taken
    kinds = [block["type"] for block in body["blocks"]]
    shown = json.dumps(body, ensure_ascii=False)
    assert kinds[0] == "header"
    assert {"section", "divider", "context"} <= set(kinds)
    assert len(kinds) <= 50
    assert body["text"].startswith("🔴 HIGH: Stale final table; 3 failed runs")
    assert f"<{UI}/runs/{RUN}|{RUN}>" in shown
    assert "refused the key &lt;none&gt;: Größe &amp; mehr" in shown
    assert "and 2 more" in shown
    assert "Recovered: High API latency" in shown
    assert "Recovered by retry" in shown
    assert "12 h 26 min ago" in shown


@pytest.mark.parametrize("text", ["<!channel>", "<https://x.example|y>", "&&", "<<>>", "``` *b*"])
def test_a_long_text_full_of_signs_leaves_the_message_whole(server: WebServer, text: str) -> None:
    server.default = Reply(200, "ok")
    failure = replace(MESSAGE.failures[0], error=text * 1000)
    incident = replace(STALE, title=text * 100, summary=text * 1000)
    message = replace(MESSAGE, failures=(failure,), opened=(incident,))
    at("slack", server.url).send(message, Deadline.after(10))

    (body,) = server.taken
    texts = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    (failed,) = [shown for shown in texts if shown.startswith("*Run ")]
    assert failed.count("```") == 2
    assert f"what to do: {failure.runbook}" in failed
    for shown in texts:
        assert len(shown) <= 3000
        assert "<!" not in shown
        assert "<https://x" not in shown
        # Every & begins an entity that ends.
        assert re.sub("&(amp|lt|gt);", "", shown).count("&") == 0


def test_pagerduty_gets_a_trigger_and_later_the_end_under_the_same_key(server: WebServer) -> None:
    send(at("pagerduty", server.url))

    trigger, resolve = server.taken
    assert trigger["routing_key"] == KEY
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == f"newsapi-{STALE.incident_id}"
    assert trigger["payload"]["severity"] == "error"
    assert trigger["payload"]["class"] == "Stale final table"
    assert trigger["client_url"] == UI
    assert trigger["links"] == [{"href": f"{UI}/runs/{RUN}", "text": f"Run {RUN[:8]}"}]
    details = trigger["payload"]["custom_details"]
    assert details["affected"] == MESSAGE.affected
    assert details["failed runs"][0]["error"] == MESSAGE.failures[0].error
    assert details["more failed runs"] == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_trouble_is_tried_again(channel: Channel, server: WebServer, status: int) -> None:
    server.replies = [Reply(status, "later", {"Retry-After": "0"})]
    send(channel)

    assert len(server.asked) - len(server.taken) == 1


def test_the_other_side_says_how_long_to_wait(channel: Channel, server: WebServer) -> None:
    server.replies = [Reply(429, "slow down", {"Retry-After": "1"})]
    started = time.monotonic()
    send(channel)

    assert 1 <= time.monotonic() - started < 5


def test_a_wait_beyond_the_deadline_is_not_begun(channel: Channel, server: WebServer) -> None:
    server.replies = [Reply(429, "slow down", {"Retry-After": "3600"})]
    started = time.monotonic()
    with pytest.raises(DeliveryError, match="answered 429 slow down"):
        send(channel)

    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "header",
    ["soon", "²", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 +99999999999999"],
)
def test_any_retry_after_is_understood(channel: Channel, server: WebServer, header: str) -> None:
    server.replies = [Reply(503, "", {"Retry-After": header})]
    send(channel)

    assert len(server.taken) >= 1


def test_lasting_trouble_ends_after_three_tries(channel: Channel, server: WebServer) -> None:
    server.default = Reply(500, "broken", {"Retry-After": "0"})
    with pytest.raises(DeliveryError, match="answered 500 broken"):
        send(channel)

    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 302])
def test_a_refusal_is_not_tried_again(channel: Channel, server: WebServer, status: int) -> None:
    server.default = Reply(status, "invalid_payload", {"Location": "/elsewhere"})
    with pytest.raises(DeliveryError, match=f"answered {status}"):
        send(channel)

    assert len(server.asked) == 1


def test_a_server_that_hangs_is_left_when_the_time_is_over(
    channel: Channel, server: WebServer
) -> None:
    server.default = Reply(wait=30)
    started = time.monotonic()
    with pytest.raises(DeliveryError, match="no answer in time"):
        send(channel, seconds=0.5)

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("name", ["slack", "pagerduty"])
def test_an_answer_without_end_is_left_when_the_time_is_over(name: str) -> None:
    def took(behave: Behaviour) -> float:
        with raw_server(behave) as url:
            started = time.monotonic()
            with suppress(DeliveryError):
                send(at(name, url), seconds=0.6)
            return time.monotonic() - started

    with ThreadPoolExecutor(len(WITHOUT_END)) as pool:
        times = dict(zip(WITHOUT_END, pool.map(took, WITHOUT_END.values()), strict=True))
    assert {kind: seconds for kind, seconds in times.items() if seconds > 0.6 + 2} == {}


@pytest.mark.parametrize("name", ["slack", "pagerduty"])
def test_a_message_whose_answer_drips_was_not_delivered(name: str) -> None:
    with (
        raw_server(WITHOUT_END["a dripped body"]) as url,
        pytest.raises(DeliveryError, match="no answer in time"),
    ):
        send(at(name, url), seconds=0.6)


def test_a_long_answer_counts_by_its_status(channel: Channel, server: WebServer) -> None:
    server.default = Reply(200, "x" * 1_000_000)
    assert send(channel).startswith("200 xxx")
    server.default = Reply(400, "x" * 1_000_000)
    with pytest.raises(DeliveryError, match="answered 400 xxx"):
        send(channel)


@pytest.mark.parametrize("name", ["slack", "pagerduty"])
def test_a_server_that_is_gone_is_told_without_the_secret(name: str) -> None:
    with web_server() as gone:
        url = gone.url
    with pytest.raises(DeliveryError, match="no connection") as raised:
        send(at(name, url))

    assert "secret" not in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_test_of_pagerduty_ends_itself(server: WebServer) -> None:
    answer = at("pagerduty", server.url).test("here", Deadline.after(10))

    assert answer.startswith("202 ")
    assert [event["event_action"] for event in server.taken] == ["trigger", "resolve"]
    assert server.taken[0]["payload"]["severity"] == "info"


def test_a_test_of_slack_says_that_nothing_is_wrong(server: WebServer) -> None:
    server.default = Reply(200, "ok")
    assert at("slack", server.url).test("here", Deadline.after(10)) == "200 ok"
    assert "nothing is wrong" in server.taken[0]["text"]


def test_only_a_recovery_pages_nobody(server: WebServer) -> None:
    over = replace(MESSAGE, failures=(), failure_count=0, opened=(), incidents=(LATENCY,))
    at("pagerduty", server.url).send(over, Deadline.after(10))

    assert [event["event_action"] for event in server.taken] == ["resolve"]
    assert server.taken[0]["dedup_key"] == f"newsapi-{LATENCY.incident_id}"
