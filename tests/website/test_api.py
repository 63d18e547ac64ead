"""The REST API: pages of one state, changes by cursor, bulk, and its own description."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from newsapi_dentsu.warehouse.tables import final
from newsapi_dentsu.website.questions import encoded
from support.articles import body, record
from support.clock import NOON
from support.tables import column

from .conftest import HOUR, Site


def walk(site: Site, path: str) -> list[dict[str, Any]]:
    """All articles, page by page."""
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = site.json(f"{path}&cursor={cursor}")
        seen += page["articles"]
        cursor = page["next"]
        if cursor is None:
            return seen


def test_articles_come_newest_first_with_their_total(filled: Site) -> None:
    page = filled.json("/api/v1/articles?limit=2")

    assert page["total"] == 4
    assert [article["title"] for article in page["articles"]] == ["The one alone", "Carried twice"]
    first = page["articles"][0]
    assert first["published_at"] == "2026-11-20T11:00:00Z"
    assert first["authors"] == ["Jo Weiss"]
    assert filled.json(f"/api/v1/articles/{first['article_id']}") == first


def test_a_walk_returns_one_state_while_runs_go_on(filled: Site) -> None:
    filled.run(*(record(f"{n:03}", NOON - n * HOUR) for n in range(20)))
    before = walk(filled, "/api/v1/articles?limit=500")
    page = filled.json("/api/v1/articles?limit=6")
    seen, total, turn = page["articles"], page["total"], 0
    while page["next"]:
        turn += 1
        now = NOON + turn * timedelta(minutes=5)
        filled.run(
            record(f"new-{turn}", now),
            record(f"{turn:03}", NOON - (30 - turn) * HOUR, title="Moved", body=body(f"t{turn}")),
            record(f"{turn + 8:03}", NOON - (turn + 8) * HOUR, body=body("019")),
            now=now,
        )
        page = filled.json(f"/api/v1/articles?limit=6&cursor={page['next']}")
        assert page["total"] == total
        seen += page["articles"]

    assert [article["article_id"] for article in seen] == [one["article_id"] for one in before]
    assert [article["title"] for article in seen] == [one["title"] for one in before]
    assert len(seen) == total == 24


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("source=SITE1", 2),
        ("since=2026-11-20", 3),
        ("until=2026-11-19", 1),
        ("since=2026-11-20&q=alone", 1),
        ("topic=AI&lang=eng", 4),
        ("q=source:site1", 2),
        ("q=carried+-twice+since:2026-11-20", 1),
        ("topic=Nothing", 0),
    ],
)
def test_articles_are_filtered(filled: Site, asked: str, expected: int) -> None:
    page = filled.json(f"/api/v1/articles?{asked}")

    assert page["total"] == len(page["articles"]) == expected


def test_all_articles_in_bulk_are_those_of_the_pages(filled: Site) -> None:
    pages = walk(filled, "/api/v1/articles?limit=3")
    lines = filled.get("/api/v1/articles.jsonl").text.splitlines()
    table = list(csv.DictReader(io.StringIO(filled.get("/api/v1/articles.csv").text)))

    assert [json.loads(line) for line in lines] == pages
    assert [row["article_id"] for row in table] == [one["article_id"] for one in pages]
    assert json.loads(table[0]["authors"]) == ["Jo Weiss"]
    assert len(filled.get("/api/v1/articles.jsonl?source=site1").text.splitlines()) == 2


def test_who_follows_the_changes_has_what_is_there(filled: Site) -> None:
    kept: dict[str, int] = {}
    cursor = ""

    def follow() -> None:
        nonlocal cursor
        more = True
        while more:
            answer = filled.json(f"/api/v1/changes?limit=3&cursor={cursor}")
            for change in answer["changes"]:
                if change["change"] == "left":
                    kept.pop(change["article_id"], None)
                else:
                    kept[change["article_id"]] = change["change_seq"]
            cursor, more = answer["next"], answer["more"]

    follow()
    assert len(kept) == 4
    for turn in range(1, 4):
        now = NOON + turn * HOUR
        filled.run(
            record(f"new-{turn}", now),
            record("alone", NOON - HOUR, body=body("two" if turn % 2 else "alone")),
            now=now,
        )
        follow()
        assert sorted(kept) == column(filled.warehouse, final.TABLE, "article_id")
    follow()


def test_stories_have_their_places(filled: Site) -> None:
    page = filled.json("/api/v1/stories?days=2&limit=3")
    rest = filled.json(f"/api/v1/stories?days=2&limit=3&cursor={page['next']}")

    assert [story["title"] for story in page["stories"] + rest["stories"]] == [
        *("Carried thrice", "Carried twice", "The one alone", "The day before"),
    ]
    assert rest["next"] is None
    story = filled.json(f"/api/v1/stories/{page['stories'][0]['story_id']}")
    assert [place["role"] for place in story["places"]] == ["original", "copy", "copy"]


def test_every_answer_is_as_described(filled: Site) -> None:
    described = filled.json("/api/v1/openapi.json")
    article = filled.json("/api/v1/articles")["articles"][0]
    story = filled.json("/api/v1/stories")["stories"][0]
    ids = {"article_id": article["article_id"], "story_id": story["story_id"]}
    ids["source_uri"] = article["source_uri"]

    assert described["openapi"] == "3.1.0"
    for path, operations in described["paths"].items():
        answer = filled.get(path.format(**ids))
        assert answer.status_code == 200, path
        kind = answer.headers["Content-Type"].partition(";")[0]
        content = operations["get"]["responses"]["200"]["content"]
        assert list(content) == [kind]
        if kind == "application/json":
            schema = content[kind]["schema"] | {"components": described["components"]}
            jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize(
    "asked",
    [
        *("limit=0", "limit=501", "limit=x", "limit=-1", "since=tomorrow", "since=2026-13-01"),
        *("since=2026-11-20&until=2026-11-19", "q=-", "q=" + "w" * 1001),
        *("cursor=x", "cursor=%00", "cursor=" + encoded(1), "cursor=" + encoded("a", "b", "c")),
        "cursor=" + encoded(1, "2026-11-20T12:00:00", "a"),
        "cursor=" + encoded(2**70, NOON, "a"),
        "cursor=" + encoded(True, NOON, "a"),
        *("q=since:9999-12-31", "q=" + "+".join("abcdefghijklmnopqrstu")),
    ],
)
def test_a_malformed_question_is_a_problem_that_says_why(filled: Site, asked: str) -> None:
    answer = filled.get(f"/api/v1/articles?{asked}")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert len(problem["detail"]) > 20


def test_a_cursor_of_a_state_that_is_forgotten_says_to_begin_again(filled: Site) -> None:
    cursor = filled.json("/api/v1/articles?limit=1")["next"]
    filled.run(record("alone", NOON - HOUR, title="Anew"), now=NOON + HOUR)
    assert filled.get(f"/api/v1/articles?cursor={cursor}").status_code == 200

    later = NOON + HOUR + final.PAST_KEPT + timedelta(minutes=1)
    filled.run(record("late", later), now=later)

    answer = filled.get(f"/api/v1/articles?cursor={cursor}")
    assert answer.status_code == 410
    assert "begin again" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/articles/x", "/api/v1/stories/x", "/api/v1/x"])
def test_what_is_not_there_is_a_problem(filled: Site, path: str) -> None:
    answer = filled.get(path)

    assert answer.status_code == 404
    assert answer.json()["status"] == 404
