"""What searches cost, and what the answers say about it."""

import pytest
import requests

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

from .support import DAY, article, sandbox, search


def _usage(server: Sandbox) -> dict[str, int]:
    answer = requests.get(f"{server.url}/api/v1/usage", {"apiKey": SANDBOX_KEY}, timeout=10)
    assert answer.status_code == 200
    usage: dict[str, int] = answer.json()
    return usage


@pytest.mark.parametrize(
    ("first", "last", "tokens"),
    [
        ("2026-11-24", "2026-11-24", 1),
        ("2026-10-24", "2026-11-24", 1),
        ("2026-10-23", "2026-11-24", 5),
        ("2025-12-31", "2026-01-01", 10),
        ("2025-06-01", "2025-06-30", 5),
        ("2001-01-01", "2014-02-01", 5),
    ],
)
def test_a_search_costs_1_token_or_5_for_each_archive_year(
    first: str, last: str, tokens: int
) -> None:
    with sandbox(tokens=2000) as server:
        answer = search(server, dateStart=first, dateEnd=last)
        assert answer.headers["req-tokens"] == str(tokens)
        assert answer.headers["req-archive"] == ("0" if tokens == 1 else "1")
        assert answer.headers["x-ratelimit-limit"] == "2000"
        assert answer.headers["x-ratelimit-remaining"] == str(2000 - tokens)
        assert (server.tokens_used, server.tokens_left) == (tokens, 2000 - tokens)


def test_days_inside_an_advanced_query_count_too() -> None:
    with sandbox() as server:
        recent = {"$and": [{"lang": "eng"}, {"dateStart": "2026-11-20"}]}
        assert search(server, query={"$query": recent}).headers["req-tokens"] == "1"
        either = {"$or": [{"dateStart": "2025-11-20"}, {"dateStart": "2026-11-20"}]}
        assert search(server, query={"$query": either}).headers["req-tokens"] == "10"
        undated = {"$or": [{"lang": "eng"}, {"dateStart": "2026-11-20"}]}
        assert search(server, query={"$query": undated}).headers["req-archive"] == "1"


def test_usage_is_free() -> None:
    with sandbox(tokens=10) as server:
        search(server)
        assert _usage(server) == _usage(server) == {"availableTokens": 10, "usedTokens": 1}


def test_a_query_that_is_not_executed_is_free() -> None:
    with sandbox() as server:
        search(server, ignoreLang="eng")
        assert server.tokens_used == 0


def test_spent_tokens_are_a_401_that_says_so() -> None:
    with sandbox(article("1"), tokens=2) as server:
        assert [search(server).status_code for _ in range(3)] == [200, 200, 401]
        answer = search(server)
        assert "0 of your 2 tokens are left" in answer.json()["error"]
        assert _usage(server) == {"availableTokens": 2, "usedTokens": 2}


def test_a_search_that_costs_more_than_is_left_takes_nothing() -> None:
    with sandbox(tokens=3) as server:
        assert search(server, lang="eng").status_code == 401
        assert server.tokens_left == 3
        assert search(server).status_code == 200


def test_the_budget_can_run_out_at_a_given_request() -> None:
    with sandbox(faults=[Fault("tokens", tokens=1, on_request=2)]) as server:
        assert [search(server).status_code for _ in range(3)] == [200, 200, 401]


def test_requests_are_logged_without_the_key() -> None:
    with sandbox() as server:
        search(server)
        search(server, ignoreLang="eng")
        first, second = server.requests
        assert first.params == DAY
        assert (first.path, first.status) == ("/api/v1/article/getArticles", 200)
        assert (first.tokens, second.tokens) == (1, 0)
        assert SANDBOX_KEY not in repr(server.requests)
