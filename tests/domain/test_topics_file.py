"""The topics file: mistakes are named with their line, and equal files ask the same."""

import pytest

from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.errors import TopicsError
from newsapi_dentsu.source import SHIPPED_TOPICS

GOOD = """\
languages: [eng]
topics:
  - name: AI
    keywords: [AI, machine learning]
  - name: Marketing
    categories: [news/Business]
"""

DESCRIBED = """\
topics:
  - name: AI
    description: Machines that learn.
    keywords: [AI, machine learning]
"""


def test_the_shipped_file_is_sound() -> None:
    shipped = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), "topics.yaml")
    assert [topic.name for topic in shipped.topics] == ["AI", "Marketing"]
    assert all(topic.description for topic in shipped.topics)
    assert shipped.languages == ["eng"]
    assert shipped.data_types == ["news"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD.replace("  - name: AI", "  - nme: AI"), 3, "nme"),
        (GOOD.replace("keywords: [AI, machine learning]", "keywords: []"), 3, "at least one of"),
        (GOOD.replace("keywords: [AI, machine learning]", "keywords: AI"), 4, "list"),
        (GOOD.replace("machine learning", "7"), 4, "must be a text"),
        (GOOD.replace("machine learning", "''"), 4, "must not be empty"),
        (GOOD.replace("[eng]", "[english]"), 1, "three letters"),
        (GOOD.replace("[eng]", "[]"), 1, "at least 1"),
        (GOOD.replace("[eng]", "[eng"), 2, "expected"),
        (GOOD.replace("keywords:", "terms: {}\n    keywords:"), 3, "under `description`"),
        (GOOD.replace("keywords:", "terms: {}\n    keywords:"), 3, "remove `terms`"),
        (DESCRIBED.replace("Machines that learn.", "[Machines]"), 3, "must be a text"),
        (DESCRIBED.replace("Machines that learn.", "x" * 1001), 3, "1000 characters"),
        ("relevance: {title: 1}\n" + GOOD, 1, "title no longer read"),
        ("relevance: {lead: 0.1, body: 1, threshold: 0.4}\n" + GOOD, 1, "body, lead no longer"),
        ("relevance:\n  near: 0.1\n" + GOOD, 2, "known are threshold"),
        ("relevance: {threshold: 1.1}\n" + GOOD, 1, "at most 1"),
        (GOOD.replace("name: Marketing", "name: AI"), 2, "several topics of the name AI"),
        (GOOD + "data_types: [news, tv]\n", 7, "'news', 'pr' or 'blog'"),
        (GOOD + "topic: []\n", 7, "topic"),
        (GOOD + "    concepts: [Marketing]\n", 7, "an address such as"),
        (GOOD + "\tx: 1\n", 7, "spaces, not tabs"),
        ("topics: []\n", 1, "at least 1"),
        ("topics:\n", 1, "list"),
        ("", 1, "mapping"),
        ("- AI\n", 1, "mapping"),
        ("languages: [eng]\n", 1, "topics: is missing"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(TopicsError) as failure:
        parse_topics(text, "topics.yaml")
    message = str(failure.value)
    assert f"topics.yaml, line {line}: " in message
    assert says in message
    assert "\n" not in message


def test_several_mistakes_are_all_named() -> None:
    text = GOOD.replace("[eng]", "[english]").replace("name: Marketing", "nme: Marketing")
    with pytest.raises(TopicsError, match=r"line 5: .*line 1: "):
        parse_topics(text, "topics.yaml")


def test_a_value_twice_in_the_file_is_no_other_search() -> None:
    plain = parse_topics(GOOD, "a")
    assert (
        parse_topics(GOOD.replace("[AI, machine learning]", "[machine learning, AI, AI]"), "b")
    ).query_id == plain.query_id
    assert parse_topics(GOOD.replace("name: AI", "name: KI"), "b").query_id == plain.query_id


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[eng]", "[eng, deu]"),
        ("machine learning", "deep learning"),
        ("keywords", "categories"),
        ("topics:", "ignore_sources: [a.example]\ntopics:"),
        ("topics:", "data_types: [news, blog]\ntopics:"),
    ],
)
def test_another_search_has_another_identity(old: str, new: str) -> None:
    assert parse_topics(GOOD, "a").query_id != parse_topics(GOOD.replace(old, new), "b").query_id


def test_what_only_tells_relevance_is_no_other_search() -> None:
    changed = DESCRIBED.replace("Machines that learn.", "Robots.")
    changed += "relevance: {threshold: 0.9}\nquality: {min_words: 3}\n"
    one, other = parse_topics(DESCRIBED, "a"), parse_topics(changed, "b")
    assert one.topics[0].description != other.topics[0].description
    assert one.query_id == other.query_id
