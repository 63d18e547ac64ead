"""The plain conditions of a search."""

from collections.abc import Iterator
from typing import Any

import pytest

from newsapi_dentsu.sandbox import Sandbox

from .support import AI, MARKETING, article, error_of, found, sandbox, search


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    place = {"uri": "wiki/London", "country": {"uri": "wiki/United_Kingdom"}}
    with sandbox(
        article(
            "1",
            title="Generative AI for ads",
            body="An artificial intelligence writes the ads, marketing says.",
            concepts=[AI, MARKETING],
            categories=["dmoz/Computers/Artificial_Intelligence/Machine_Learning"],
        ),
        article(
            "2",
            title="Marketing budgets",
            body="Intelligence, artificial or not. Aiming high.",
            concepts=[MARKETING],
            categories=["dmoz/Business/Marketing_and_Advertising", "news/Business"],
            source="campaignpost.example",
            lang="deu",
            sentiment=None,
        ),
        article(
            "3",
            title="A press release",
            body="Nothing to see",
            concepts=[AI],
            categories=["news/Business"],
            dataType="pr",
            source="pressfeed.example",
            location=place,
        ),
        article(
            "4",
            title="Copied",
            body="Copied: artificial intelligence in London",
            isDuplicate=True,
            authors=[{"uri": "jo@x", "name": "Jo"}],
        ),
        article("5", body="Ranked marketing", source="ranked.example"),
    ) as running:
        yield running


ALL_TYPES = {"dataType": ["news", "pr", "blog"]}


@pytest.mark.parametrize(
    ("params", "uris"),
    [
        ({"keyword": "artificial intelligence"}, ["1", "4"]),
        ({"keyword": "ARTIFICIAL INTELLIGENCE"}, ["1", "4"]),
        ({"keyword": "AI"}, []),
        ({"keyword": "AI", "keywordLoc": "title"}, ["1"]),
        ({"keyword": "marketing", "keywordLoc": "body,title"}, ["1", "2", "5"]),
        ({"keyword": ["artificial intelligence", "london"]}, ["4"]),
        ({"keyword": ["ads", "london"], "keywordOper": "or"}, ["1", "4"]),
        ({"keyword": "artificial intelligence", "keywordSearchMode": "simple"}, ["1", "2", "4"]),
        ({"keyword": "ads OR copied", "keywordSearchMode": "exact"}, ["1", "4"]),
        (
            {
                "keyword": '(copied OR "the ads") AND artificial intelligence NOT london',
                "keywordSearchMode": "exact",
            },
            ["1"],
        ),
        ({"conceptUri": MARKETING}, ["1", "2"]),
        ({"conceptUri": [AI, MARKETING]}, ["1"]),
        ({"conceptUri": [AI, MARKETING], "conceptOper": "or"}, ["1", "2"]),
        ({"categoryUri": "dmoz/Computers/Artificial_Intelligence"}, ["1"]),
        ({"categoryUri": "dmoz/Computers"}, ["1"]),
        ({"categoryUri": "dmoz/Comp"}, []),
        ({"categoryUri": ["dmoz/Computers", "news/Business"]}, ["1", "2"]),
        ({"categoryUri": ["dmoz", "news/Business"], "categoryOper": "and"}, ["2"]),
        ({"sourceUri": ["campaignpost.example", "ranked.example"]}, ["2", "5"]),
        ({"lang": "deu"}, ["2"]),
        ({"lang": ["deu", "eng"]}, ["1", "2", "4", "5"]),
        ({"authorUri": "jo@x"}, ["4"]),
        ({"locationUri": "wiki/United_Kingdom", **ALL_TYPES}, ["3"]),
        ({"lang": "eng", "dataType": "pr"}, ["3"]),
        ({"lang": "eng", **ALL_TYPES}, ["1", "3", "4", "5"]),
        ({"lang": "eng", "isDuplicateFilter": "skipDuplicates"}, ["1", "5"]),
        ({"lang": "eng", "isDuplicateFilter": "keepOnlyDuplicates"}, ["4"]),
        ({"lang": ["eng", "deu"], "minSentiment": 0}, ["1", "4", "5"]),
        ({"lang": "eng", "ignoreKeyword": ["london", "ranked"]}, ["1"]),
        ({"lang": "eng", "ignoreKeyword": "copied", "ignoreKeywordLoc": "title"}, ["1", "5"]),
        ({"lang": "eng", "ignoreConceptUri": [AI, "other"]}, ["4", "5"]),
        ({"lang": "eng", "ignoreCategoryUri": "dmoz"}, ["4", "5"]),
        ({"lang": "eng", "ignoreSourceUri": "ranked.example"}, ["1", "4"]),
        ({"lang": "eng", "ignoreAuthorUri": "jo@x"}, ["1", "5"]),
        ({"conceptUri": MARKETING, "ignoreLang": "deu"}, ["1"]),
        ({"keyword": "london", "lang": "eng", "conceptUri": []}, ["4"]),
    ],
)
def test_a_search_finds_what_meets_every_condition(
    server: Sandbox, params: dict[str, Any], uris: list[str]
) -> None:
    assert found(server, **params) == uris


def test_news_is_the_only_data_type_unless_another_is_asked_for(server: Sandbox) -> None:
    assert "3" not in found(server, lang="eng")


def test_sources_are_chosen_by_place_and_rank() -> None:
    london = {"uri": "wiki/London", "country": {"uri": "wiki/United_Kingdom"}}
    top = {"uri": "top.example", "location": london, "ranking": {"importanceRank": 50_000}}
    low = {"uri": "low.example", "ranking": {"importanceRank": 700_000}}
    articles = article("top"), article("low"), article("unranked")
    articles[0].record["source"], articles[1].record["source"] = top, low
    with sandbox(*articles) as server:
        assert found(server, sourceLocationUri="wiki/United_Kingdom") == ["top"]
        assert found(server, lang="eng", ignoreSourceLocationUri="wiki/London") == [
            "low",
            "unranked",
        ]
        assert found(server, lang="eng", endSourceRankPercentile=20) == ["top"]
        assert found(server, lang="eng", startSourceRankPercentile=60) == ["low", "unranked"]


@pytest.mark.parametrize(
    "params",
    [
        {"ignoreKeyword": "x"},
        {"articlesPage": 1},
        {"dataType": "news", "isDuplicateFilter": "keepAll"},
        {"ignoreLang": "eng", "keyword": ""},
    ],
)
def test_a_search_without_a_positive_condition_is_not_executed(
    server: Sandbox, params: dict[str, Any]
) -> None:
    assert "no positive condition" in error_of(search(server, **params))
