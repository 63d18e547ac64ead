"""Which fields an answer carries."""

from typing import Any

import pytest

from newsapi_dentsu.sandbox import Sandbox

from .support import AI, DAY, NOW, article, articles_of, sandbox, search

DEFAULT_FIELDS = {
    *("uri", "lang", "isDuplicate", "date", "time", "dateTime", "dateTimePub", "dataType"),
    *("sim", "url", "title", "body", "source", "authors", "image", "eventUri", "sentiment"),
    *("wgt", "relevance"),
}


def _first(server: Sandbox, **params: Any) -> dict[str, Any]:
    result: dict[str, Any] = articles_of(search(server, **{**DAY, **params}))["results"][0]
    return result


def test_an_article_has_the_documented_fields() -> None:
    with sandbox(article("1", concepts=[AI], categories=["news/Business"])) as server:
        result = _first(server)
    assert set(result) == DEFAULT_FIELDS
    assert set(result["source"]) == {"uri", "dataType", "title"}


def test_a_generated_article_has_no_other_fields() -> None:
    with Sandbox(clock=lambda: NOW) as server:
        for result in articles_of(search(server))["results"]:
            assert set(result) <= DEFAULT_FIELDS
            assert set(result["source"]) == {"uri", "dataType", "title"}


@pytest.mark.parametrize(
    ("switch", "field"),
    [
        ("includeArticleConcepts", "concepts"),
        ("includeArticleCategories", "categories"),
        ("includeArticleLocation", "location"),
        ("includeArticleOriginalArticle", "originalArticle"),
    ],
)
@pytest.mark.parametrize("on", [True, "true", 1])
def test_a_switch_adds_its_field(switch: str, field: str, on: Any) -> None:
    with sandbox(article("1")) as server:
        assert field in _first(server, **{switch: on})
        assert field not in _first(server, **{switch: False})


@pytest.mark.parametrize(
    ("switch", "field"),
    [
        ("includeArticleTitle", "title"),
        ("includeArticleBody", "body"),
        ("includeArticleUrl", "url"),
        ("includeArticleEventUri", "eventUri"),
        ("includeArticleAuthors", "authors"),
        ("includeArticleImage", "image"),
        ("includeArticleSentiment", "sentiment"),
        ("includeArticleBasicInfo", "dateTime"),
    ],
)
def test_a_switch_takes_its_field_away(switch: str, field: str) -> None:
    with sandbox(article("1")) as server:
        result = _first(server, **{switch: False})
    assert field not in result
    assert result["uri"] == "1"


def test_the_body_can_be_cut() -> None:
    with sandbox(article("1", body="A long body")) as server:
        assert _first(server, articleBodyLen=6)["body"] == "A long"
        assert _first(server, articleBodyLen=0)["body"] == ""
        assert _first(server, articleBodyLen=-1)["body"] == "A long body"


def test_concepts_come_with_labels_in_the_languages_asked_for() -> None:
    with sandbox(article("1", concepts=[AI])) as server:
        switched = {"includeArticleConcepts": True}
        assert _first(server, **switched)["concepts"] == [
            {"uri": AI, "type": "wiki", "score": 3, "label": {"eng": AI}}
        ]
        both = _first(server, **switched, conceptLang=["eng", "deu"])["concepts"][0]
        assert set(both["label"]) == {"eng", "deu"}


def test_source_details_have_switches_of_their_own() -> None:
    one = article("1")
    one.record["source"] |= {"location": {"uri": "x"}, "ranking": {"importanceRank": 1}}
    with sandbox(one) as server:
        source = _first(server, includeSourceLocation=True, includeSourceRanking=True)["source"]
    assert set(source) == {"uri", "dataType", "title", "location", "ranking"}


def test_fields_that_nobody_announced_are_served() -> None:
    with sandbox(article("1", newField={"a": 1})) as server:
        assert _first(server)["newField"] == {"a": 1}


def test_what_a_record_lacks_stays_absent() -> None:
    one = article("1")
    del one.record["sentiment"], one.record["authors"]
    with sandbox(one) as server:
        assert not {"sentiment", "authors"} & set(_first(server))
