"""Keys, paths, malformed requests, and how many at once."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault

from .support import DAY, article, articles_of, error_of, sandbox, search


@pytest.mark.parametrize("key", [{}, {"apiKey": "wrong"}, {"apiKey": ["x"]}, {"apiKey": ""}])
@pytest.mark.parametrize("path", ["article/getArticles", "usage"])
def test_a_missing_or_unknown_key_is_a_401(key: dict[str, object], path: str) -> None:
    with sandbox() as server:
        answer = requests.post(f"{server.url}/api/v1/{path}", json={**DAY, **key}, timeout=10)
    assert answer.status_code == 401
    assert "API key" in answer.json()["error"]


def test_other_keys_can_be_allowed() -> None:
    with sandbox(api_keys=frozenset({"mine"})) as server:
        assert search(server, **DAY, apiKey="mine").status_code == 200
        assert search(server).status_code == 401


def test_a_search_may_come_as_get_or_post_on_two_paths() -> None:
    with sandbox(article("1")) as server:
        params = {**DAY, "apiKey": SANDBOX_KEY, "lang": ["eng", "deu"], "resultType": "articles"}
        action = {**params, "action": "getArticles"}
        answers = [
            requests.get(f"{server.url}/api/v1/article/getArticles", params, timeout=10),
            requests.get(f"{server.url}/api/v1/article", action, timeout=10),
            requests.post(f"{server.url}/api/v1/article/getArticles", json=params, timeout=10),
            requests.post(f"{server.url}/api/v1/article", json=action, timeout=10),
        ]
        assert [articles_of(answer)["totalResults"] for answer in answers] == [1, 1, 1, 1]


def test_every_answer_says_that_it_is_the_sandboxs() -> None:
    with sandbox() as server:
        answers = [
            search(server),
            search(server, apiKey="wrong"),
            requests.get(f"{server.url}/nowhere", timeout=10),
            requests.put(server.url, timeout=10),
        ]
    assert [answer.headers.get("x-newsapi-sandbox") for answer in answers] == ["1"] * 4


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"keyword=AI"])
def test_a_body_that_is_no_json_object_is_a_400(body: bytes) -> None:
    with sandbox() as server:
        url = f"{server.url}/api/v1/article/getArticles?apiKey={SANDBOX_KEY}"
        assert requests.post(url, data=body, timeout=10).status_code == 400


def test_a_line_that_is_no_request_is_a_400() -> None:
    with sandbox() as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(b"NONSENSE?apiKey=secret\r\n\r\n")
            assert b"400" in connection.recv(4096)


def test_an_unknown_path_is_a_404_and_an_unknown_action_a_400() -> None:
    with sandbox() as server:
        body = {"apiKey": SANDBOX_KEY, "action": "getArticle"}
        assert requests.post(f"{server.url}/api/v1/event", json=body, timeout=10).status_code == 404
        assert (
            requests.post(f"{server.url}/api/v1/article", json=body, timeout=10).status_code == 400
        )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"articlesPage": 0}, "articlesPage must be a whole number of at least 1"),
        ({"articlesPage": "two"}, "articlesPage"),
        ({"articlesCount": 0}, "articlesCount"),
        ({"articleBodyLen": "all"}, "articleBodyLen"),
        ({"dataType": "tweets"}, 'dataType "tweets" is not one of news, pr, blog'),
        ({"dataType": {"a": 1}}, "dataType must be a text or a list of texts"),
        ({"conceptLang": 7}, "conceptLang must be a text"),
        ({"lang": 7}, "lang must be a text"),
        ({"lang": ["eng", None]}, "lang must be a text"),
        ({"keyword": "x", "keywordOper": "xor"}, "keywordOper"),
        ({"keyword": "x", "keywordLoc": "foot"}, 'keywordLoc "foot"'),
        ({"keyword": "x", "keywordSearchMode": "fuzzy"}, "keywordSearchMode"),
        ({"isDuplicateFilter": "drop"}, "isDuplicateFilter"),
        ({"startSourceRankPercentile": 15}, "multiple of 10"),
        ({"startSourceRankPercentile": 50, "endSourceRankPercentile": 50}, "must be below"),
        ({"minSentiment": "sad"}, "must be numbers"),
        ({"resultType": "timeAggr"}, "resultType"),
        ({"sourceGroupUri": "x"}, "does not support the condition sourceGroupUri"),
        ({"hasVideosFilter": "skipIfHasVideos"}, "does not support the filter"),
    ],
)
def test_a_query_that_cannot_be_executed_is_a_200_with_an_error(
    params: dict[str, object], message: str
) -> None:
    with sandbox() as server:
        assert message in error_of(search(server, **{**DAY, **params}))


def test_five_requests_may_be_under_way_at_once_and_a_sixth_is_a_429() -> None:
    with sandbox(faults=[Fault("hang", seconds=1, times=5)]) as server:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: search(server), range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429]
        (refused,) = (answer for answer in answers if answer.status_code == 429)
        assert refused.headers["Retry-After"] == "1"
        assert "At most 5 requests" in refused.json()["error"]
        assert search(server).status_code == 200


def test_a_connection_serves_many_requests() -> None:
    with sandbox(article("1")) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        body = json.dumps({"apiKey": SANDBOX_KEY, **DAY})
        for _ in range(3):
            connection.request("POST", "/api/v1/article/getArticles", body)
            answer = connection.getresponse()
            assert len(answer.read()) == int(answer.headers["Content-Length"])
            assert not answer.will_close
        connection.close()
