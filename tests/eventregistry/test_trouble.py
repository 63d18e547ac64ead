"""Each kind of trouble: what is tried again, what is final at once, and what it tells a person."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from newsapi_dentsu.errors import (
    AccessRefusedError,
    AnswerTooLargeError,
    SourceError,
    SourceUnavailableError,
    TokensSpentError,
)
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.eventregistry.source import Page
from newsapi_dentsu.sandbox import Fault
from support.api import Api, page_of, serving
from support.articles import TOPICS, article
from support.clock import NOON, Clock
from support.http import OK, answering, raw_server

DAY = NOON.date()
PASSING = {
    "500": Fault("status", status=500),
    "502": Fault("status", status=502),
    "503": Fault("status", status=503),
    "429": Fault("status", status=429),
    "429 with Retry-After": Fault("status", status=429, retry_after=7),
    "html": Fault("html"),
    "truncated": Fault("truncated"),
    "invalid json": Fault("invalid_json"),
    "dropped": Fault("drop"),
    "an empty body": Fault("status", status=200, body=""),
    "another object": Fault("status", status=200, body='{"events": {}}'),
    "not an object": Fault("status", status=200, body="[]"),
    "a total that is no number": Fault(
        "status", status=200, body='{"articles": {"results": [], "totalResults": "many"}}'
    ),
}
FINAL = {
    "an error in a 200": (Fault("error", message="Invalid concept"), "topics file"),
    "400": (Fault("status", status=400), "topics file"),
    "204": (Fault("status", status=204), "204"),
    "401": (Fault("status", status=401), "NEWSAPI_KEY"),
    "403": (Fault("status", status=403), "NEWSAPI_KEY"),
    "404": (Fault("status", status=404), "NEWSAPI_HOST"),
    "a redirect": (Fault("status", status=302), "NEWSAPI_HOST"),
    "tokens spent": (Fault("tokens", tokens=0), "tokens"),
}


@pytest.fixture
def api() -> Iterator[Api]:
    with serving([article("1", at=NOON)], clock=Clock()) as served:
        yield served


def search(api: Api, **options: Any) -> Page:
    with api.client(**options) as client:
        return client.search(TOPICS, DAY, 1)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_passing_trouble_is_tried_again(api: Api, fault: Fault) -> None:
    api.sandbox.add_fault(fault)
    page = search(api)
    assert [record["uri"] for record in page.records if isinstance(record, dict)] == ["1"]
    assert len(api.sandbox.requests) == 2


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_trouble_that_lasts_ends_after_the_allowed_tries(api: Api, fault: Fault) -> None:
    for _ in range(10):
        api.sandbox.add_fault(fault)
    with pytest.raises(SourceUnavailableError) as failure:
        search(api, attempts=4)
    assert len(api.sandbox.requests) == 4
    assert len(api.pauses) == 3
    assert failure.value.transient
    assert "run again" in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("total", [0, 3_000_000_000, -1])
def test_a_count_that_cannot_be_right_does_not_cost_the_records(api: Api, total: int) -> None:
    api.sandbox.add_fault(page_of([{"uri": "1"}], total=total))
    page = search(api)
    assert (page.records, page.total) == ([{"uri": "1"}], None)
    assert f"counts {total} results" in page.trouble


@pytest.mark.parametrize(("count", "given"), [(10_000, 100), (250, 100), (200, 200)])
def test_a_page_size_beyond_what_may_be_asked_for_is_no_hindrance(
    api: Api, count: int, given: int
) -> None:
    listed = [{"uri": str(number)} for number in range(given)]
    body = json.dumps({"articles": {"results": listed, "totalResults": 300, "count": count}})
    api.sandbox.add_fault(Fault("status", status=200, body=body))
    page = search(api)
    assert page.size == given
    with api.client() as client:
        client.search(TOPICS, DAY, 2, page.size)


@pytest.mark.parametrize(("fault", "advice"), FINAL.values(), ids=FINAL)
def test_final_trouble_is_not_tried_again_and_says_what_to_do(
    api: Api, fault: Fault, advice: str
) -> None:
    api.sandbox.add_fault(fault)
    with pytest.raises(SourceError) as failure:
        search(api)
    assert not failure.value.transient
    assert not isinstance(failure.value, SourceUnavailableError)
    assert advice in str(failure.value)
    assert len(api.sandbox.requests) == 1
    assert api.pauses == []


def test_a_wrong_key_is_final(api: Api) -> None:
    client = NewsApi(api.sandbox.url, "wrong", sleep=api.pauses.append)
    with pytest.raises(SourceError, match=r"refused the key.*NEWSAPI_KEY"):
        client.search(TOPICS, DAY, 1)
    assert api.pauses == []


SPENT = (
    "You have used all available tokens.",
    "This search costs 5 tokens and 3 of your 2000 tokens are left.",
    "Your quota is used up.",
)
REFUSED = ("The API key is not valid.", "Invalid API tokens", "Your account is disabled: 7 tokens")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("text", [*SPENT, *REFUSED])
def test_spent_tokens_are_not_told_as_a_refused_key(api: Api, status: int, text: str) -> None:
    api.sandbox.add_fault(Fault("status", status=status, body=text))
    with pytest.raises(AccessRefusedError) as failure:
        search(api)
    assert isinstance(failure.value, TokensSpentError) == (text in SPENT)
    assert ("are spent" in str(failure.value)) == (text in SPENT)
    assert ("refused the key" in str(failure.value)) == (text in REFUSED)


def test_an_unreachable_host_is_passing_trouble_told_in_one_line() -> None:
    with serving() as api:
        url = api.sandbox.url
    client = NewsApi(url, "key", attempts=2, sleep=lambda _: None)
    with pytest.raises(SourceUnavailableError, match=r"[Cc]onnection refused") as failure:
        client.search(TOPICS, DAY, 1)
    assert "\n" not in str(failure.value)
    assert "0x" not in str(failure.value)


def test_a_page_after_the_last_is_empty_and_no_trouble(api: Api) -> None:
    with api.client() as client:
        assert client.search(TOPICS, DAY, 2) == Page([], 1)


def test_a_day_without_articles_is_no_trouble(api: Api) -> None:
    with api.client() as client:
        assert client.search(TOPICS, date(2026, 11, 1), 1) == Page([], 0)


def test_usage_is_asked_for_once(api: Api) -> None:
    api.sandbox.add_fault(Fault("status", status=503, path="usage"))
    with api.client() as client:
        with pytest.raises(SourceUnavailableError):
            client.usage()
        client.search(TOPICS, DAY, 1)
        usage = client.usage()
    assert (usage.used, usage.left) == (1, 1999)
    assert api.pauses == []


def test_traffic_counts_tries_retries_and_tokens(api: Api) -> None:
    api.sandbox.add_fault(Fault("status", status=503, times=2))
    with api.client() as client:
        client.search(TOPICS, DAY, 1)
        assert client.traffic.requests == 3
        assert client.traffic.retries == 2
        assert client.traffic.tokens == api.sandbox.tokens_used == 1
        assert client.origin == "sandbox"


EMPTY = '{"articles": {"results": [], "totalResults": 0}}'


@pytest.mark.parametrize(
    ("header", "tokens"),
    [
        ("5", 5),
        ("1.000", 1),
        ("1,0", 1),
        (" 1 ", 1),
        ("1.5", 2),
        ("0", 0),
        ("0.0", 0),
        ("", 1),
        ("many", 1),
        ("-1", 1),
        ("1e3", 1),
        ("²", 1),
        ("inf", 1),
        ("9" * 5000, 1),
    ],
)
def test_the_price_is_read_as_it_is_written_and_rubbish_counts_as_one_and_is_told_once(
    header: str, tokens: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"{OK}req-tokens: {header}\r\nContent-Length: {len(EMPTY)}\r\n\r\n"
    with raw_server(answering(head + EMPTY)) as url:
        client = NewsApi(url, "key")
        for _ in range(3):
            client.search(TOPICS, DAY, 1)
    assert client.traffic.tokens == 3 * tokens
    readable = header.strip() in {"5", "1.000", "1,0", "1", "1.5", "0", "0.0"}
    assert len([one for one in caplog.records if "no number" in one.getMessage()]) == (not readable)


def test_an_answer_that_is_too_large_is_told_apart_at_once_and_counted() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    head = f"req-tokens: 1\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    with raw_server(answering(f"{OK}{head}".encode() + bomb)) as url:
        client = NewsApi(url, "key", sleep=lambda _: None)
        with pytest.raises(AnswerTooLargeError, match="16,777,216 bytes"):
            client.search(TOPICS, DAY, 1)
    assert (client.traffic.requests, client.traffic.tokens) == (1, 1)


def test_a_refusal_is_told_by_its_status_however_large_it_is() -> None:
    bomb = gzip.compress(b"x" * (20 << 20))
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    with raw_server(answering(f"HTTP/1.1 503 Busy\r\n{head}".encode() + bomb)) as url:
        client = NewsApi(url, "key", attempts=2, sleep=lambda _: None)
        with pytest.raises(SourceUnavailableError, match="HTTP 503: xxx"):
            client.search(TOPICS, DAY, 1)
    assert client.traffic.requests == 2
