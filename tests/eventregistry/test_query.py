"""What a search sends, built with the SDK's own query classes."""

import json
from datetime import date
from typing import Any

import pytest

from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.eventregistry.query import search_parameters
from newsapi_dentsu.source import SHIPPED_TOPICS

DAY = date(2026, 11, 20)


def topics(text: str) -> Topics:
    return parse_topics(text, "topics.yaml")


def query(parsed: Topics, page: int = 1) -> dict[str, Any]:
    sent = search_parameters(parsed, DAY, page)["query"]
    assert isinstance(sent, str)
    built: dict[str, Any] = json.loads(sent)
    return built


@pytest.fixture
def shipped() -> Topics:
    return topics(SHIPPED_TOPICS.read_text("utf-8"))


def test_a_page_is_asked_for_in_ascending_order_of_date_and_as_long_as_the_api_allows(
    shipped: Topics,
) -> None:
    sent = search_parameters(shipped, DAY, 7)
    assert sent["action"] == "getArticles"
    assert sent["resultType"] in ("articles", ["articles"])
    assert sent["articlesPage"] == 7
    assert sent["articlesCount"] == 100
    assert sent["articlesSortBy"] == "date"
    assert sent["articlesSortByAsc"] is True


def test_the_whole_record_is_asked_for(shipped: Topics) -> None:
    sent = search_parameters(shipped, DAY, 1)
    for switch in ("Concepts", "Categories", "Location", "OriginalArticle"):
        assert sent[f"includeArticle{switch}"] is True
    assert sent.get("articleBodyLen", -1) == -1


def test_an_article_must_match_every_shipped_topic_by_any_of_its_conditions(
    shipped: Topics,
) -> None:
    ai, marketing, rest = query(shipped)["$query"]["$and"]
    for sent, topic in ((ai, shipped.topics[0]), (marketing, shipped.topics[1])):
        keywords, concepts, categories = sent["$or"]
        assert keywords == {"keyword": {"$or": topic.keywords}, "keywordLoc": "body,title"}
        assert concepts == {"conceptUri": {"$or": topic.concepts}}
        assert categories == {"categoryUri": {"$or": topic.categories}} or categories == {
            "categoryUri": topic.categories[0]
        }
    assert rest["dateStart"] == rest["dateEnd"] == "2026-11-20"
    assert rest["lang"] in ("eng", {"$or": ["eng"]})


def test_flagged_duplicates_are_asked_for_as_well(shipped: Topics) -> None:
    built = query(shipped)
    assert built.get("$filter", {}).get("isDuplicate", "keepAll") == "keepAll"


def test_sources_to_ignore_are_excluded() -> None:
    built = query(
        topics("{topics: [{name: a, keywords: [x]}], ignore_sources: [a.example, b.example]}")
    )
    assert built["$query"]["$not"] == {"sourceUri": {"$or": ["a.example", "b.example"]}}


def test_without_sources_to_ignore_nothing_is_excluded(shipped: Topics) -> None:
    assert "$not" not in query(shipped)["$query"]


def test_languages_and_data_types_are_sent() -> None:
    built = query(
        topics(
            "{topics: [{name: a, keywords: [x]}], languages: [eng, deu], data_types: [news, blog]}"
        )
    )
    assert built["$query"]["$and"][-1]["lang"] == {"$or": ["eng", "deu"]}
    assert built["$filter"]["dataType"] == ["news", "blog"]


@pytest.mark.parametrize(
    ("condition", "sent"),
    [
        (
            "keywords: [x, y z]",
            {"keyword": {"$or": ["x", "y z"]}, "keywordLoc": "body,title"},
        ),
        ("concepts: ['http://en.wikipedia.org/wiki/X']", {"conceptUri": None}),
        ("categories: [news/Business]", {"categoryUri": None}),
    ],
)
def test_a_topic_may_have_conditions_of_one_kind_only(condition: str, sent: dict[str, Any]) -> None:
    first = query(topics(f"topics: [{{name: a, {condition}}}]"))["$query"]["$and"][0]
    assert first.keys() == sent.keys()
    if "keyword" in sent:
        assert first == sent
