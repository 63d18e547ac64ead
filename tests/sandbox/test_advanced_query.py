"""The advanced query language."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from newsapi_dentsu.sandbox import Sandbox

from .support import AI, MARKETING, article, error_of, found, sandbox, search


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with sandbox(
        article("ai", body="artificial intelligence", concepts=[AI]),
        article("marketing", body="marketing only", concepts=[MARKETING]),
        article("both", body="AI in marketing", concepts=[AI, MARKETING], isDuplicate=True),
        article("german", body="KI", concepts=[AI, MARKETING], lang="deu"),
        article("release", body="AI in marketing", concepts=[AI, MARKETING], dataType="pr"),
        article("older", "2026-11-18T08:00:00Z", body="AI in marketing"),
    ) as running:
        yield running


@pytest.mark.parametrize(
    ("query", "uris"),
    [
        ({"conceptUri": AI}, ["ai", "both", "german"]),
        ({"conceptUri": [AI, MARKETING]}, ["both", "german"]),
        ({"conceptUri": {"$and": [AI, MARKETING]}}, ["both", "german"]),
        ({"conceptUri": {"$or": [AI, MARKETING]}}, ["ai", "both", "german", "marketing"]),
        ({"$or": [{"keyword": "KI"}, {"keyword": "only"}]}, ["german", "marketing"]),
        ({"$and": [{"conceptUri": AI}, {"conceptUri": MARKETING}]}, ["both", "german"]),
        ({"conceptUri": AI, "$not": {"lang": "deu"}}, ["ai", "both"]),
        ({"$and": [{"conceptUri": AI, "lang": "eng"}], "$not": {"keyword": "AI"}}, ["ai"]),
        (
            {
                "$and": [
                    {"$or": [{"keyword": "AI", "keywordLoc": "body,title"}, {"lang": "deu"}]},
                    {"$or": [{"keyword": "marketing"}, {"conceptUri": MARKETING}]},
                ],
                "$not": {"dateEnd": "2026-11-19"},
            },
            ["both", "german"],
        ),
        ({"keyword": "AI", "dateStart": "2026-11-20"}, ["both"]),
        ({"keyword": "AI", "dateEnd": "2026-11-19"}, ["older"]),
    ],
)
def test_conditions_nest(server: Sandbox, query: dict[str, Any], uris: list[str]) -> None:
    assert found(server, query={"$query": query}) == uris


def test_a_query_may_be_an_object_or_its_json_text(server: Sandbox) -> None:
    query = {"$query": {"keyword": "KI"}}
    assert found(server, query=query) == found(server, query=json.dumps(query)) == ["german"]


@pytest.mark.parametrize(
    ("filters", "uris"),
    [
        ({}, ["both", "older"]),
        ({"dataType": ["news", "pr"]}, ["both", "older", "release"]),
        ({"dataType": "pr"}, ["release"]),
        ({"isDuplicate": "skipDuplicates"}, ["older"]),
        ({"isDuplicate": "keepOnlyDuplicates"}, ["both"]),
    ],
)
def test_filters_narrow_the_query(
    server: Sandbox, filters: dict[str, Any], uris: list[str]
) -> None:
    query = {"$query": {"keyword": "AI"}, "$filter": filters}
    assert found(server, query=query) == uris


def test_a_query_replaces_the_plain_conditions(server: Sandbox) -> None:
    query = {"$query": {"keyword": "KI"}}
    assert found(server, query=query, lang="eng", dataType="pr", dateEnd="2020-01-01") == ["german"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{", "not valid JSON"),
        ([], "query"),
        ({"keyword": "AI"}, '"$query"'),
        ({"$query": {}}, "non-empty object"),
        ({"$query": {"keywords": "AI"}}, "Unknown name in a condition: keywords"),
        ({"$query": {"keyword": "AI"}, "filter": {}}, "Unknown name in the query: filter"),
        ({"$query": {"$or": []}}, '"$or" must be a non-empty list'),
        ({"$query": {"keyword": {"$any": ["AI"]}}}, "keyword must be"),
        ({"$query": {"keyword": 3}}, "keyword must be a text"),
        ({"$query": {"$not": {"keyword": "AI"}}}, "no positive condition"),
        ({"$query": {"$or": [{"lang": "eng"}, {"$not": {"lang": "deu"}}]}}, "no positive"),
        ({"$query": {"sourceGroupUri": "x"}}, "does not support the condition sourceGroupUri"),
        ({"$query": {"lang": "eng"}, "$filter": {"hasEvent": "x"}}, "filter hasEvent"),
    ],
)
def test_a_malformed_query_is_not_executed(server: Sandbox, query: Any, message: str) -> None:
    if query == []:
        query = "[]"
    assert message in error_of(search(server, query=query))
