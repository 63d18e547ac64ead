"""Paging and sorting."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.sandbox import Corpus, Sandbox, SandboxArticle

from .support import NOW, article, articles_of, sandbox, search


def _articles(count: int) -> list[SandboxArticle]:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    return [
        article(
            f"{index:03}",
            (start + timedelta(minutes=7 * index)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            relevance=index * 37 % 101,
        )
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with sandbox(*_articles(130)) as running:
        yield running


def _uris(server: Sandbox, **params: Any) -> list[str]:
    page = articles_of(search(server, lang="eng", **params))
    return [result["uri"] for result in page["results"]]


def test_a_page_says_how_many_there_are(server: Sandbox) -> None:
    page = articles_of(search(server, lang="eng", articlesPage=2, articlesCount=50))
    assert len(page.pop("results")) == 50
    assert page == {"totalResults": 130, "page": 2, "count": 50, "pages": 3}


def test_a_count_above_100_is_cut_to_100(server: Sandbox) -> None:
    page = articles_of(search(server, lang="eng", articlesCount=500))
    assert (len(page["results"]), page["count"], page["pages"]) == (100, 100, 2)


def test_pages_beyond_the_last_are_empty_and_keep_the_totals(server: Sandbox) -> None:
    page = articles_of(search(server, lang="eng", articlesPage=9))
    assert page == {"results": [], "totalResults": 130, "page": 9, "count": 100, "pages": 2}


def test_nothing_found_has_no_pages(server: Sandbox) -> None:
    page = articles_of(search(server, lang="fra"))
    assert page == {"results": [], "totalResults": 0, "page": 1, "count": 100, "pages": 0}


def test_the_newest_come_first_unless_ascending_is_asked_for(server: Sandbox) -> None:
    assert _uris(server, articlesCount=2) == ["129", "128"]
    assert _uris(server, articlesCount=2, articlesSortByAsc=True) == ["000", "001"]
    assert _uris(server, articlesCount=2, articlesSortBy="id") == ["129", "128"]


def test_results_can_be_sorted_by_relevance(server: Sandbox) -> None:
    page = articles_of(search(server, lang="eng", articlesSortBy="rel"))
    relevances = [result["relevance"] for result in page["results"]]
    assert relevances == sorted(relevances, reverse=True)


def test_results_can_be_sorted_by_the_importance_of_their_source() -> None:
    articles = article("small"), article("big"), article("none")
    articles[0].record["source"]["ranking"] = {"importanceRank": 900_000}
    articles[1].record["source"]["ranking"] = {"importanceRank": 100}
    with sandbox(*articles) as server:
        assert _uris(server, articlesSortBy="sourceImportance") == ["big", "small", "none"]


@pytest.mark.parametrize("order", ["socialScore", "relevance", "nonsense"])
def test_other_orders_are_accepted_and_ignored(server: Sandbox, order: str) -> None:
    uris = _uris(server, articlesSortBy=order)
    assert uris == _uris(server, articlesSortBy=order)
    assert uris != sorted(uris)
    assert uris != sorted(uris, reverse=True)


@given(
    minutes=st.lists(st.integers(0, 40), max_size=30),
    late=st.sets(st.integers(0, 29)),
    size=st.integers(1, 12),
)
def test_ascending_pages_show_each_visible_article_exactly_once(
    minutes: list[int], late: set[int], size: int
) -> None:
    articles = [
        article(
            f"{index}",
            f"2026-11-20T09:{minute:02}:00Z",
            arrives_at=NOW + timedelta(hours=1) if index in late else None,
        )
        for index, minute in enumerate(minutes)
    ]
    seen: list[str] = []
    with sandbox(*articles) as server:
        page, pages = 1, 1
        while page <= pages:
            answer = articles_of(
                search(
                    server,
                    lang="eng",
                    articlesPage=page,
                    articlesCount=size,
                    articlesSortBy="date",
                    articlesSortByAsc=True,
                )
            )
            seen += [result["uri"] for result in answer["results"]]
            page, pages = page + 1, answer["pages"]
    expected = [one for index, one in enumerate(articles) if index not in late]
    assert seen == [one.uri for one in sorted(expected, key=lambda a: (a.index_time, a.uri))]


def test_a_day_in_a_large_corpus_is_found_quickly() -> None:
    class OneDayOnly:
        """Fails when more than the asked day is read."""

        def articles(self, first: Any, last: Any) -> list[SandboxArticle]:
            assert (str(first), str(last)) == ("2026-11-20", "2026-11-20")
            return [article("1")]

    corpus: Corpus = OneDayOnly()
    with Sandbox(corpus, clock=lambda: NOW) as server:
        assert articles_of(search(server))["totalResults"] == 1
