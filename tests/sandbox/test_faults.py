"""Scripted trouble, over real sockets."""

import re
import time
from contextlib import suppress
from datetime import timedelta

import pytest
import requests

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault

from .support import DAY, NOW, article, articles_of, error_of, found, sandbox, search


def test_a_status_comes_with_its_body_and_retry_after() -> None:
    faults = [Fault("status", status=429, retry_after=2), Fault("status", status=503, body="busy")]
    with sandbox(article("1"), faults=faults) as server:
        first, second, third = (search(server) for _ in range(3))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "2")
    assert (second.status_code, second.text) == (503, "busy")
    assert articles_of(third)["totalResults"] == 1


def test_a_204_has_no_body() -> None:
    with sandbox(faults=[Fault("status", status=204)]) as server, requests.Session() as session:
        url, body = f"{server.url}/api/v1/article/getArticles", {"apiKey": SANDBOX_KEY, **DAY}
        assert session.post(url, json=body, timeout=5).content == b""
        assert session.post(url, json=body, timeout=5).status_code == 200


def test_an_error_is_a_200_with_a_message() -> None:
    with sandbox(faults=[Fault("error", message="Invalid concept")]) as server:
        assert error_of(search(server)) == "Invalid concept"


def test_a_truncated_answer_breaks_off_before_its_length() -> None:
    with sandbox(article("1"), faults=[Fault("truncated")]) as server:
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            search(server)
        assert found(server) == ["1"]


def test_html_comes_with_200() -> None:
    with sandbox(faults=[Fault("html")]) as server:
        answer = search(server)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_invalid_json_is_complete_and_unreadable() -> None:
    with sandbox(article("1"), faults=[Fault("invalid_json")]) as server:
        answer = search(server)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_dropped_connection_has_no_answer() -> None:
    with sandbox(faults=[Fault("drop")]) as server:
        with pytest.raises(requests.exceptions.ConnectionError):
            search(server)
        assert search(server).status_code == 200
        assert [entry.status for entry in server.requests] == [0, 200]


def test_a_hang_answers_late() -> None:
    with sandbox(article("1"), faults=[Fault("hang", seconds=0.2)]) as server:
        started = time.monotonic()
        assert found(server) == ["1"]
        assert time.monotonic() - started >= 0.2


def test_the_server_stops_promptly_while_a_request_hangs() -> None:
    with sandbox(faults=[Fault("hang", seconds=60)]) as server:
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.post(
                f"{server.url}/api/v1/article/getArticles",
                json={"apiKey": SANDBOX_KEY, **DAY},
                timeout=0.1,
            )
        started = time.monotonic()
    assert time.monotonic() - started < 1


def test_a_fault_waits_for_its_request_and_lasts_for_its_times() -> None:
    with sandbox(faults=[Fault("status", status=500, on_request=2, times=2)]) as server:
        assert [search(server).status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_a_fault_can_last_until_it_is_cleared() -> None:
    with sandbox() as server:
        server.add_fault(Fault("status", status=502, times=None))
        assert [search(server).status_code for _ in range(3)] == [502, 502, 502]
        server.clear_faults()
        assert search(server).status_code == 200


def test_faults_on_the_same_request_happen_one_after_the_other() -> None:
    faults = [Fault("status", status=500, on_request=1), Fault("status", status=502, on_request=1)]
    with sandbox(faults=faults) as server:
        assert [search(server).status_code for _ in range(3)] == [500, 502, 200]


@pytest.mark.parametrize("kind", ["status", "error", "truncated", "html", "drop", "invalid_json"])
@pytest.mark.parametrize("charge", [False, True])
def test_a_failed_answer_costs_nothing_unless_charged(kind: str, charge: bool) -> None:
    fault = Fault(kind, charge=charge)  # type: ignore[arg-type]
    with sandbox(faults=[fault]) as server:
        with suppress(requests.exceptions.RequestException):
            search(server)
        assert server.tokens_used == (1 if charge else 0)


def test_usage_fails_only_when_the_fault_says_so() -> None:
    with sandbox(faults=[Fault("status", times=None)]) as server:
        url, key = f"{server.url}/api/v1/usage", {"apiKey": SANDBOX_KEY}
        assert requests.get(url, key, timeout=10).status_code == 200
        server.add_fault(Fault("status", status=500, path="usage"))
        assert requests.get(url, key, timeout=10).status_code == 500
        assert requests.get(url, key, timeout=10).status_code == 200


def test_articles_can_arrive_between_two_pages() -> None:
    early = article("early", "2026-11-20T01:00:00Z", arrives_at=NOW + timedelta(days=1))
    with sandbox(
        article("a", "2026-11-20T02:00:00Z"),
        article("b", "2026-11-20T03:00:00Z"),
        faults=[Fault("arrive", articles=(early,), on_request=1)],
    ) as server:
        pages = [
            articles_of(
                search(server, **DAY, articlesPage=page, articlesCount=1, articlesSortByAsc=True)
            )
            for page in (1, 2, 3)
        ]
    assert [page["results"][0]["uri"] for page in pages] == ["a", "a", "b"]
    assert [page["totalResults"] for page in pages] == [2, 3, 3]


def test_articles_can_arrive_just_before_a_request() -> None:
    with sandbox(
        faults=[Fault("arrive", articles=(article("1"),), when="before", on_request=2)]
    ) as server:
        assert [found(server), found(server)] == [[], ["1"]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("status=503 on=3 times=2", Fault("status", status=503, on_request=3, times=2)),
        ("status=429 retry_after=1.5", Fault("status", status=429, retry_after=1.5)),
        ("status=500 body='so sorry'", Fault("status", body="so sorry")),
        ('error="Invalid concept"', Fault("error", message="Invalid concept")),
        ("hang=30 times=always", Fault("hang", seconds=30, times=None)),
        ("drop on=2 charge=yes", Fault("drop", on_request=2, charge=True)),
        ("html path=usage", Fault("html", path="usage")),
        ("tokens=2 on=5", Fault("tokens", tokens=2, on_request=5)),
        ("truncated", Fault("truncated")),
        ("invalid_json", Fault("invalid_json")),
    ],
)
def test_faults_have_a_text_form(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty fault: start with one of status, error, truncated"),
        ("boom", "unknown fault 'boom': start with one of status,"),
        ("on=3 status=500", "unknown fault 'on': start with one of"),
        ("status", "status needs a value, as in status=503"),
        ("status=abc", "status must be a whole number, got 'abc'"),
        ("status=5", "status must be from 100 to 599, got 5"),
        ("hang=soon", "hang must be a number of seconds, got 'soon'"),
        ("drop=1", "drop takes no value, got '1'"),
        ("drop when=2", "unknown option 'when=2': use on=…, times=…, retry_after=…"),
        ("drop on=", "unknown option 'on='"),
        ("drop on=0", "on_request must be at least 1, got 0"),
        ("drop times=never", "times must be a whole number or always, got 'never'"),
        ("drop charge=maybe", "charge must be yes or no, got 'maybe'"),
        ("drop path=events", "path must be one of search, usage, got 'events'"),
        ("error='x", "cannot read the fault"),
    ],
)
def test_a_wrong_text_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Fault.parse(text)
