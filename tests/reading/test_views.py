"""The views for people and their tools: the same on both engines."""

from datetime import date, timedelta
from typing import Any

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema.views import views
from support.articles import body, record
from support.clock import NOON
from support.processing import process, store
from support.tables import execute

LATER = NOON + timedelta(hours=1)


def read(warehouse: Warehouse, view: str, order: str, *columns: str) -> list[tuple[Any, ...]]:
    with warehouse.snapshot() as session:
        return session.rows(f"SELECT {', '.join(columns)} FROM final.{view} ORDER BY {order}")


def concept(uri: str, score: int, label: object = None) -> dict[str, object]:
    return {"uri": uri, "type": "wiki", "score": score, "label": {"eng": label} if label else {}}


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """A story that ran twice, and another one."""
    store(
        warehouse,
        record(
            "first",
            NOON,
            concepts=[concept("ai", 5, 'An "AI" é 😀, [1]'), concept("nameless", 2)],
            categories=[{"uri": "news/Business", "label": "Business", "wgt": 90}],
            authors=[{"name": "Jo\u0000 Weiss"}, {"name": "\ud800"}, {"name": "A, B"}],
        ),
        record(
            "copied",
            LATER,
            body=body("first"),
            source={"uri": "other.example", "title": "Other"},
        ),
        record("alone", NOON - timedelta(days=7), sentiment=None),
    )
    process(warehouse)
    return warehouse


def test_lists_are_lists_whatever_is_in_them(filled: Warehouse) -> None:
    columns = ("title", "concepts", "categories", "authors", "other_sources", "topics", "role")
    lists = read(filled, "articles", "published_at DESC", *columns)

    assert [row[0] for row in lists] == ["Story first", "Story alone"]
    assert lists[0][1] == ['An "AI" é 😀, [1]']
    assert lists[0][2] == ["Business"]
    assert lists[0][3][0] == "Jo Weiss"
    assert lists[0][3][-1] == "A, B"
    assert lists[0][4:] == (["other.example"], ["AI", "Marketing"], "original")
    assert lists[1][1:5] == ([], [], ["Jo Weiss"], [])


def test_a_story_tells_who_had_it_first_and_where_it_ran(filled: Warehouse) -> None:
    columns = ("title", "first_source", "first_published_at", "last_published_at", "sources")
    counts = ("source_count", "article_count", "copies", "rewrites", "updates")
    first, alone = read(filled, "stories", "source_count DESC", *columns, *counts)

    assert first[:4] == ("Story first", "adledger.example", NOON, LATER)
    assert first[4] == ["adledger.example", "other.example"]
    assert first[5:] == (2, 2, 1, 0, 0)
    assert alone[5:] == (1, 1, 0, 0, 0)
    places = read(filled, "story_articles", "published_at", "source_name", "role", "shown")
    assert places == [
        ("Ad Ledger", "original", True),
        ("Ad Ledger", "original", True),
        ("Other", "copy", False),
    ]


def test_a_role_that_is_new_appears_by_itself(filled: Warehouse) -> None:
    execute(filled, "UPDATE processed.assessments SET role = 'update' WHERE role = 'copy'")

    assert read(filled, "stories", "source_count DESC", "updates", "copies")[0] == (1, 0)
    assert read(filled, "story_articles", "published_at", "role")[-1] == ("update",)


def test_what_shows_a_fuller_text_has_not_left(filled: Warehouse) -> None:
    before = read(filled, "article_changes", "change_seq", "change")
    execute(
        filled,
        "INSERT INTO final.changes (seq, article_id, url, reason, replaced_by, changed_at) "
        "SELECT 900 + change_seq, article_id, url, 'fuller_text', 'other', updated_at "
        "FROM final.filtered_news",
    )
    execute(filled, "UPDATE processed.assessments SET role = 'fuller' WHERE role = 'copy'")

    assert read(filled, "article_changes", "change_seq", "change") == before
    assert read(filled, "stories", "source_count DESC", "copies", "article_count")[0] == (1, 2)


def test_concepts_and_topics_are_rows(filled: Warehouse) -> None:
    concepts = read(filled, "article_concepts", "score DESC", "uri", "label", "score")
    topics = read(filled, "article_topics", "published_at, topic", "topic", "relevance > 0.5")

    assert concepts == [("ai", 'An "AI" é 😀, [1]', 5.0), ("nameless", None, 2.0)]
    assert topics == [("AI", True), ("Marketing", True)] * 2


def test_weeks_begin_on_monday(filled: Warehouse) -> None:
    weeks = read(filled, "articles_by_week", "week", "week", "articles", "stories", "sentiment")

    assert weeks == [(date(2026, 11, 9), 1, 1, None), (date(2026, 11, 16), 1, 1, 0.1)]


def test_changes_are_told_by_number(filled: Warehouse) -> None:
    store(filled, record("alone", NOON - timedelta(days=7), body=body("first")), now=LATER)
    process(filled, now=LATER)
    ids = read(filled, "articles", "1", "article_id", "change_seq")
    changes = read(filled, "article_changes", "change_seq", "change", "reason", "changed_at")
    (state,) = read(filled, "reading_state", "1", "change_seq", "past_from", "origin")

    assert sorted(changes) == [("left", "copy", LATER), ("shown", None, LATER)]
    assert state == (4, 0, "sandbox")
    assert [number for _, number in ids] in ([3], [4])
    past = read(filled, "articles_past", "change_seq", "title", "change_seq", "ended_seq > 2")
    assert past == [("Story first", 1, True), ("Story alone", 2, True)]


def test_rows_of_before_stories_were_kept_are_shown_too(filled: Warehouse) -> None:
    execute(
        filled,
        "UPDATE final.filtered_news SET other_sources = NULL, flags = NULL, topic_relevance = NULL",
    )
    execute(filled, "DELETE FROM processed.assessments")

    columns = ("other_sources", "flags", "topics", "role")
    assert read(filled, "articles", "published_at", *columns) == [([], [], [], None)] * 2


def test_a_view_that_was_dropped_comes_back(warehouse: Warehouse) -> None:
    execute(warehouse, "DROP VIEW final.stories")
    assert warehouse.is_behind()

    warehouse.upgrade()

    assert not warehouse.is_behind()
    assert read(warehouse, "stories", "1", "story_id") == []


def test_both_engines_have_the_same_views() -> None:
    assert views("DuckDB").keys() == views("PostgreSQL").keys()
