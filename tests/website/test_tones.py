"""Programs ask how articles speak about whom, by REST and GraphQL, and get the same answers."""

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from newsapi_dentsu.reading.states import ArticleFilter, read_articles
from newsapi_dentsu.reading.tones import OF_ARTICLES
from newsapi_dentsu.warehouse.tables import final
from newsapi_dentsu.website.graph.endpoint import Asked, Executor
from newsapi_dentsu.website.questions import names_text
from support.articles import body, record
from support.clock import NOON
from support.tones import read_nothing, tell

from .conftest import HOUR, Site
from .test_graphql import _CountingLibrary, data


@pytest.fixture
def told(filled: Site) -> Site:
    """The site, of which two stories speak about Nova."""
    tell(filled.warehouse, "Carried thrice", "negative", of={"Nova": "negative", "Ex": "neutral"})
    tell(filled.warehouse, "Carried twice", "positive", of={"NOVA": "positive"})
    tell(filled.warehouse, "The one alone", "not_scored")
    filled.run()
    return filled


def test_lists_files_searches_and_graphql_find_the_same(told: Site) -> None:
    asked = "brand=nova&tone=negative"
    (listed,) = told.json(f"/api/v1/articles?{asked}")["articles"]
    assert (listed["title"], listed["tone"]) == ("Carried thrice", "negative")
    lines = told.get(f"/api/v1/articles.jsonl?{asked}").text.splitlines()
    assert [json.loads(line)["article_id"] for line in lines] == [listed["article_id"]]
    rows = list(csv.DictReader(io.StringIO(told.get(f"/api/v1/articles.csv?{asked}").text)))
    assert [row["tone"] for row in rows] == ["negative"]
    (hit,) = told.json("/api/v1/search?q=brand:nova+tone:negative")["hits"]
    assert hit["article_id"] == listed["article_id"]
    assert {"target": "Nova", "label": "negative"} in hit["targets"]
    (node,) = data(told, '{ articles(brand: "nova", tone: "negative") { nodes { title tone } } }')[
        "articles"
    ]["nodes"]
    assert node == {"title": "Carried thrice", "tone": "negative"}
    (story,) = told.json("/api/v1/stories?days=2&q=brand:nova+tone:negative")["stories"]
    assert story["title"] == "Carried thrice"
    assert told.json("/api/v1/articles?tone=not_scored")["total"] == 1
    assert told.get("/api/v1/articles?tone=glad").status_code == 400


@pytest.fixture
def praised(site: Site) -> Site:
    """Six articles, one an hour, that praise Nova."""
    site.run(*(record(f"{n}", NOON - n * HOUR) for n in range(6)))
    for n in range(6):
        tell(site.warehouse, f"Story {n}", "positive", of={"Nova": "positive"})
    site.run()
    return site


def one_leaves(site: Site) -> None:
    """A run in which the fourth article leaves as a copy of the fifth, and another one comes."""
    now = NOON + HOUR
    site.run(record("3", NOON - 3 * HOUR, body=body("4")), record("late", now), now=now)
    read_nothing(site.warehouse)
    tell(site.warehouse, "Story late", "positive", of={"Nova": "positive"})
    site.run(now=now)


BY_TONE = (
    *("articles?brand=Nova", "articles?tone=positive", "articles?brand=nova&tone=positive"),
    *("articles?q=brand:nova", "articles?q=tone:positive", "articles?q=story&brand=Nova"),
    *("articles?q=brand:nova&tone=positive", "search?q=brand:nova", "search?q=tone:positive"),
)


@pytest.mark.each_engine
def test_pages_by_tone_have_each_article_once_though_one_leaves_meanwhile(praised: Site) -> None:
    def page(asked: str, cursor: str = "") -> tuple[list[dict[str, Any]], str | None, int]:
        told = praised.json(f"/api/v1/{asked}&limit=2&cursor={cursor}")
        return told["hits" if "hits" in told else "articles"], told["next"], told["total"]

    first = {asked: page(asked) for asked in BY_TONE}
    one_leaves(praised)

    for asked, (seen, cursor, total) in first.items():
        while cursor is not None:
            more, cursor, now = page(asked, cursor)
            assert now == total == 6, asked
            seen += more
        assert [one["title"] for one in seen] == [f"Story {n}" for n in range(6)], asked
        assert {one["tone"] for one in seen} == {"positive"}, asked
        if asked.startswith("search"):
            told = {"target": "Nova", "label": "positive"}
            assert all(one["targets"] == [told] for one in seen), asked
        newest = praised.json(f"/api/v1/{asked}&limit=100")
        assert newest["total"] == 6
        assert "Story 3" not in json.dumps(newest), asked


@pytest.mark.each_engine
def test_pages_of_graphql_by_tone_have_each_article_once_as_well(praised: Site) -> None:
    def page(asked: str, after: str = "") -> Any:
        return data(
            praised,
            f"{{ articles({asked}, first: 2, after: {json.dumps(after)}) {{ totalCount "
            "nodes { title tone targets { target label } } pageInfo { hasNextPage endCursor } } }",
        )["articles"]

    ways = ('brand: "Nova"', 'tone: "positive"', 'q: "brand:nova"', 'q: "tone:positive"')
    first = {asked: page(asked) for asked in ways}
    one_leaves(praised)

    of_nova = {"tone": "positive", "targets": [{"target": "Nova", "label": "positive"}]}
    for asked, told in first.items():
        seen = told["nodes"]
        while told["pageInfo"]["hasNextPage"]:
            told = page(asked, told["pageInfo"]["endCursor"])
            assert told["totalCount"] == 6, asked
            seen += told["nodes"]
        assert seen == [{"title": f"Story {n}", **of_nova} for n in range(6)], asked


def test_commands_list_what_programs_are_given(told: Site) -> None:
    at = list(final.COLUMNS).index("article_id")
    found = set()
    for brand in (None, "Nova", "nova", " NOVA ", "“Nova”", "Ex", "none"):
        for tone in (None, *OF_ARTICLES):
            asked = {"brand": brand, "tone": tone, "limit": "100"}
            given = {name: value for name, value in asked.items() if value is not None}
            answer = told.get("/api/v1/articles", params=given).json()["articles"]
            pages = read_articles(told.warehouse, ArticleFilter(brand=brand, tone=tone))
            listed = [row[at] for page in pages for row in page]

            assert listed == [one["article_id"] for one in answer], given
            found.add(len(listed))
    assert found == {0, 1, 2, 4}


@pytest.mark.parametrize(
    "name", ["Nova", 'The "Nova" Group', "The “Nova” Group", "L’Or «X»", "C++"]
)
def test_pages_lead_to_what_speaks_about_the_same(filled: Site, name: str) -> None:
    tell(filled.warehouse, "Carried thrice", of={name: "neutral"})
    filled.run()
    (story,) = filled.json("/api/v1/stories?days=2&q=thrice")["stories"]

    for page in (f"/story/{story['story_id']}", f"/trends?brands={quote(names_text([name]))}"):
        (path,) = re.findall(r'href="(/search\?[^"]*brand[^"]*)"', filled.get(page).text)
        (hit,) = filled.json(f"/api/v1{unescape(path)}")["hits"]
        assert hit["title"] == "Carried thrice"


def test_the_sentences_behind_a_tone_are_told(told: Site) -> None:
    (listed,) = told.json("/api/v1/articles?brand=Nova&tone=negative")["articles"]
    for path in (f"articles/{listed['article_id']}", f"stories/{listed['story_id']}"):
        answer = told.json(f"/api/v1/{path}/tones")
        assert answer["tone"] == "negative"
        nova = next(one for one in answer["targets"] if one["target"] == "Nova")
        assert (nova["label"], nova["score"]) == ("negative", pytest.approx(-0.7))
        assert [one["sentence"] for one in nova["sentences"]] == ["They speak of Nova."]
    assert told.get("/api/v1/articles/none/tones").status_code == 404
    assert told.get("/api/v1/stories/none/tones").status_code == 404


def test_an_answer_that_was_kept_is_not_given_when_tones_have_changed(told: Site) -> None:
    path = "/api/v1/articles?brand=nova&tone=positive"
    first = told.get(path)
    assert (first.json()["total"], told.get(path).headers["ETag"]) == (1, first.headers["ETag"])

    tell(told.warehouse, "Carried thrice", "positive", of={"Nova": "positive"}, model="m@2")
    told.run()

    again = told.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.json()["total"]) == (200, 2)


def test_trends_and_facets_have_the_tones(told: Site) -> None:
    trends = told.json("/api/v1/trends?brands=Nova,%22none, such%22")
    assert sum(one["stories"] for one in trends["tones"]) == 2
    assert trends["weeks"][-1]["complete"] is False
    assert 1 <= trends["weeks"][-1]["days"] <= 7
    facets = told.json("/api/v1/search/facets?q=brand:nova")
    assert facets["tones"] == [{"value": "negative", "hits": 1}, {"value": "positive", "hits": 1}]
    answer = data(
        told,
        '{ trends(brands: ["Nova"], concepts: []) { weeks { week days complete articles } '
        "tones { week brand stories score complete share } sources { sourceUri } } "
        'searchFacets(q: "brand:nova") { of tones { value articles } brands { value } } }',
    )
    assert [week["complete"] for week in answer["trends"]["weeks"]] == [
        week["complete"] for week in trends["weeks"]
    ]
    assert [one["score"] for one in answer["trends"]["tones"]] == [
        one["score"] for one in trends["tones"]
    ]
    assert answer["searchFacets"]["of"] == 2
    assert [one["articles"] for one in answer["searchFacets"]["tones"]] == [1, 1]


@pytest.mark.each_engine
def test_the_tones_of_many_are_loaded_together(
    told: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if told.warehouse.engine.name != "DuckDB":
        pytest.skip("statements are counted on the reader's copy")
    library = _CountingLibrary(told.folder)
    seen = library.seen = list[str]()
    answered = Executor(library, introspection=False).answer(
        Asked(
            "{ stories(days: 3) { nodes { tone targets { target label sentences { sentence } } } } "
            "articles { nodes { tone targets { score sentences { label } } } } }"
        )
    )
    library.close()
    found: dict[str, Any] = json.loads(answered.body)["data"]
    assert any(one["targets"] for one in found["stories"]["nodes"])
    assert any(one["targets"] for one in found["articles"]["nodes"])
    # The state and its newest day, what is kept, ranks, stories, articles; tones; the articles of
    # stories; and of stories and of articles the targets and the sentences.
    assert len(seen) <= 13, seen


def test_tones_have_their_cost(told: Site) -> None:
    answer = requests.post(
        f"{told.url}/graphql",
        json={
            "query": "{ stories(first: 100, days: 31) { nodes { targets(first: 20) "
            "{ sentences(first: 3) { sentence } } } } }"
        },
        timeout=30,
    ).json()
    assert answer["errors"][0]["extensions"] == {"code": "TOO_MUCH", "limit": "cost"}
    many = " ".join(f"t{number}: trends {{ weeks {{ week }} }}" for number in range(20))
    assert (
        "cost"
        in requests.post(f"{told.url}/graphql", json={"query": f"{{ {many} }}"}, timeout=30).text
    )
