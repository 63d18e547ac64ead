"""The vendor's own client against the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest
from eventregistry import (
    ArticleInfoFlags,
    BaseQuery,
    CombinedQuery,
    ComplexArticleQuery,
    EventRegistry,
    QueryArticles,
    QueryArticlesIter,
    QueryItems,
    RequestArticlesInfo,
    ReturnInfo,
)
from eventregistry.Exceptions import QueryError, UnauthorizedError

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

from .support import AI, MARKETING, NOW


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: NOW, seed=11) as running:
        yield running


def _client(server: Sandbox, key: str = SANDBOX_KEY) -> EventRegistry:
    return EventRegistry(
        apiKey=key,
        host=server.url,
        minDelayBetweenRequests=0,
        repeatFailedRequestCount=0,
        allowUseOfArchive=False,
    )


def _both_topics() -> ComplexArticleQuery:
    ai = CombinedQuery.OR(
        [BaseQuery(keyword=QueryItems.OR(["AI", "machine learning"])), BaseQuery(conceptUri=AI)]
    )
    marketing = CombinedQuery.OR(
        [
            BaseQuery(keyword="marketing", keywordLoc="body,title"),
            BaseQuery(conceptUri=QueryItems.OR([MARKETING])),
        ]
    )
    recent = BaseQuery(dateStart="2026-11-10", lang="eng")
    return ComplexArticleQuery(CombinedQuery.AND([ai, marketing, recent]), dataType=["news", "pr"])


def test_a_complex_query_finds_articles_with_the_fields_asked_for(server: Sandbox) -> None:
    client = _client(server)
    flags = ArticleInfoFlags(concepts=True, categories=True, bodyLen=40, image=False)
    query = QueryArticles.initWithComplexQuery(_both_topics())
    query.setRequestedResult(
        RequestArticlesInfo(count=20, returnInfo=ReturnInfo(articleInfo=flags))
    )
    articles: dict[str, Any] = client.execQuery(query)["articles"]
    assert articles["totalResults"] > 100
    for result in articles["results"]:
        assert result["concepts"]
        assert result["categories"]
        assert "image" not in result
        assert len(result["body"]) <= 40
    assert client.getLastHeader("req-tokens") == "1"
    assert client.getLastReqArchiveUse() is False
    assert client.getRemainingAvailableRequests() == 1999


def test_the_iterator_reads_every_page(server: Sandbox) -> None:
    client = _client(server)
    query = QueryArticlesIter.initWithComplexQuery(_both_topics())
    count = query.count(client)
    found = list(query.execQuery(client, sortBy="date", sortByAsc=True))
    assert len({article["uri"] for article in found}) == len(found) == count
    assert [article["dateTime"] for article in found] == sorted(a["dateTime"] for a in found)


def test_plain_conditions_work_too(server: Sandbox) -> None:
    query = QueryArticlesIter(
        keywords=QueryItems.OR(["marketing", "advertising"]),
        ignoreKeywords="survey",
        lang=QueryItems.OR(["eng", "deu"]),
        dateStart="2026-11-20",
        isDuplicateFilter="skipDuplicates",
    )
    found = list(query.execQuery(_client(server)))
    assert found
    assert not any("survey" in article["body"].split() for article in found)


def test_usage_answers(server: Sandbox) -> None:
    assert _client(server).getUsageInfo() == {"availableTokens": 2000, "usedTokens": 0}


def test_a_wrong_key_and_a_refused_query_are_the_sdks_errors(server: Sandbox) -> None:
    query = QueryArticlesIter(lang="eng")
    with pytest.raises(UnauthorizedError):
        list(query.execQuery(_client(server, "wrong")))
    server.add_fault(Fault("error", message="Invalid concept"))
    with pytest.raises(QueryError, match="Invalid concept"):
        list(query.execQuery(_client(server)))
