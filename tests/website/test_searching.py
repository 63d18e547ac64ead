"""Searching, saved searches, trends and publications, as pages and by the REST API."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import jsonschema
import pytest

from newsapi_dentsu.reading.saved import SavedSearches
from newsapi_dentsu.warehouse import Warehouse
from support.articles import TOPICS, body, record
from support.clock import NOON
from support.processing import process, store
from support.searching import published
from support.tones import tell

from .conftest import HOUR, Published, Site, news, site_of, source

DAY = timedelta(days=1)


def concepts(*labels: str) -> list[dict[str, Any]]:
    return [
        {"uri": f"http://c.example/{label}", "type": "wiki", "score": 3, "label": {"eng": label}}
        for label in labels
    ]


@pytest.fixture
def searched(with_records: Published, tmp_path: Path) -> Iterator[Site]:
    """A site with a few stories, some of them about concepts, and a saved search."""
    saved = SavedSearches(tmp_path / "saved.json")
    saved.add("thrice", "carried -twice")
    records = [
        *news(),
        *(record(f"r{n}", NOON - n * HOUR, concepts=concepts("Robots")) for n in range(4)),
        record("old", NOON - 20 * DAY, concepts=concepts("Robots", "Radio")),
        record("other", NOON - 2 * DAY, source=source(9), title="Die Werbung"),
    ]
    with site_of(with_records("searched", records), tmp_path, saved) as site:
        yield site


def titles(site: Site, asked: str) -> list[str]:
    return [hit["title"] for hit in site.json(f"/api/v1/search?{asked}")["hits"]]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("carried", ["Carried twice", "Carried thrice"]),
        ("carried -twice", ["Carried thrice"]),
        ("source:site4", ["The one alone"]),
        ('"the day" since:2026-11-19 until:2026-11-19', ["The day before"]),
        ("radio-silence", []),
    ],
)
def test_page_api_and_feed_have_the_same_hits(searched: Site, q: str, expected: list[str]) -> None:
    assert titles(searched, f"q={quote(q)}") == expected
    html = searched.get(f"/search?q={quote(q)}").text
    assert re.findall(r'<h2 id="h-.*>(.*)</a></h2>', html) == expected
    articles = searched.json(f"/api/v1/articles?q={quote(q)}")
    assert [one["title"] for one in articles["articles"]] == expected
    assert articles["total"] == searched.json(f"/api/v1/search?q={quote(q)}")["total"]
    feed = searched.json(f"/feed.json?q={quote(q)}")
    assert sorted(item["title"] for item in feed["items"]) == sorted(expected)


def test_a_page_shows_where_the_words_stand(searched: Site) -> None:
    told = f"{body('told')}. {body('at length')}. So 1 < 2, said the <i>zeppelin</i>’s captain."
    searched.run(record("told", NOON, body=told))

    html = searched.get("/search?q=zeppelin+captain").text
    (excerpt,) = re.findall(r'<p class="excerpt"[^>]*>(.*)</p>', html)
    assert excerpt == "…So 1 &lt; 2, said the <mark>zeppelin</mark>’s <mark>captain</mark>."


def test_all_pages_of_a_search_are_of_one_state(searched: Site) -> None:
    whole = titles(searched, "q=story&limit=100")
    first = searched.json("/api/v1/search?q=story&limit=3")
    searched.run(record("late", NOON, title="A story just in"), now=NOON + HOUR)

    seen, cursor = [hit["title"] for hit in first["hits"]], first["next"]
    while cursor:
        page = searched.json(f"/api/v1/search?q=story&limit=3&cursor={cursor}")
        assert page["total"] == first["total"] == len(whole)
        seen += [hit["title"] for hit in page["hits"]]
        cursor = page["next"]

    assert seen == whole
    assert "A story just in" in titles(searched, "q=story&limit=100")


def test_facets_narrow_a_search_down(searched: Site) -> None:
    told = searched.json("/api/v1/search/facets?q=marketing")

    assert told["of"] == searched.json("/api/v1/search?q=marketing")["total"]
    assert {"value": "2026-11-18", "hits": 1} in told["days"]
    assert {one["value"]: one["hits"] for one in told["sources"]}["site1.example"] == 2
    html = searched.get("/search?q=marketing").text
    narrowed = "q=marketing+domain%3Asite9.example"
    assert f"/search?{narrowed}" in html
    assert titles(searched, narrowed) == ["Die Werbung"]


@pytest.fixture
def alike(with_records: Published, tmp_path: Path) -> Iterator[Site]:
    """A site with publications of which the words of one are words of another, too."""
    ad, ledger = ("ad.example", "Ad"), ("adledger.example", "Ad Ledger")
    records = [
        record(f"{name}{n}", NOON - n * HOUR, source={"uri": uri, "title": title})
        for name, (uri, title), count in (("a", ad, 2), ("l", ledger, 3))
        for n in range(count)
    ]
    with site_of(with_records("alike", records), tmp_path) as site:
        yield site


def narrowings(html: str) -> list[tuple[str, str, int]]:
    """The ways that a page shows to narrow its search down: of what kind, where to, how many."""
    found: list[tuple[str, str, int]] = []
    title = ""
    for head, path, hits in re.findall(
        r'<h3>(.*)</h3>|<a href="([^"]*)">[^<]*</a> <span class="sub">(\d+)</span>', html
    ):
        title = head or title
        if path:
            found.append((title, unescape(path), int(hits)))
    return found


def total(site: Site, path: str) -> int:
    """How many hits the search of a page has."""
    told: int = site.json(f"/api/v1{path}&limit=1")["total"]
    return told


@pytest.mark.parametrize("q", ["story", "source:ad"])
def test_a_source_narrows_a_search_down_to_its_own_articles(alike: Site, q: str) -> None:
    sources = [
        (path, hits)
        for title, path, hits in narrowings(alike.get(f"/search?q={q}").text)
        if title == "Source"
    ]

    assert sorted(hits for _, hits in sources) == [2, 3]
    for path, hits in sources:
        assert total(alike, path) == hits


@pytest.fixture
def mixed(warehouse: Warehouse, tmp_path: Path) -> Iterator[Site]:
    """A site of which hits can be narrowed down by everything there is."""
    store(
        warehouse,
        record("a", NOON, source=source(1)),
        record("b", NOON - DAY, source=source(2), lang="deu"),
        record("c", NOON - DAY, source=source(2), lang="fra", body="L’annonce. " * 9),
        record("d", NOON - 2 * DAY, source=source(1), body="Artificial intelligence. " * 9),
        record("e", NOON - 3 * DAY, source=source(3), lang="deu"),
    )
    process(warehouse, topics=TOPICS.model_copy(update={"languages": ["eng", "deu", "fra"]}))
    for name, own, of in (
        ("a", "positive", {"Nova": "positive", "Ex": "neutral"}),
        ("b", "negative", {"Nova": "negative", "Ex": "positive"}),
        ("c", "negative", {"Ex": "neutral"}),
        ("d", "neutral", {"Nova": "neutral"}),
        ("e", "positive", {}),
    ):
        tell(warehouse, f"Story {name}", own, of=of)
    published(warehouse, tmp_path)
    with site_of(warehouse, tmp_path) as site:
        yield site


def test_each_way_to_narrow_a_search_down_leads_to_as_many_hits_as_it_says(mixed: Site) -> None:
    offered: Counter[str] = Counter()
    for q in (
        *("story", "source:site1 source:site2", "domain:site1.example domain:site2.example"),
        *("LANG:fr story lang:'de' -lang:eng", "topic:ai", "-tone:negative"),
        *("tone:positive tone:negative", "brand:Nova brand:Ex", "brand:Nova -tone:negative"),
        *("brand:Nova brand:Ex tone:positive", "brand:Nova brand:Ex tone:positive tone:negative"),
    ):
        ways = narrowings(mixed.get(f"/search?q={quote(q)}").text)
        offered.update(kind for kind, _, _ in ways)

        assert [(path, total(mixed, path)) for _, path, _ in ways] == [
            (path, hits) for _, path, hits in ways
        ], q

    assert offered.keys() == {
        *("Day", "Source", "Topic", "Language", "Speaks about"),
        *("Tone", "Tone of what is looked for"),
    }


def test_the_page_of_a_publication_has_its_own_articles(alike: Site) -> None:
    html = alike.get("/source/ad.example").text

    assert re.findall(r">(Story \w+)</a>", html) == ["Story a0", "Story a1"]


def test_the_best_match_has_the_words_in_its_title(searched: Site) -> None:
    searched.run(
        record("in-text", NOON, title="Something else", body=f"{body('t')} carried carried"),
        now=NOON + HOUR,
    )

    assert titles(searched, "q=carried")[0] == "Something else"
    assert titles(searched, "q=carried&sort=relevance")[-1] == "Something else"
    html = searched.get("/search?q=carried&sort=relevance").text
    assert "Best match" in html
    # Other words are looked for in the same order.
    assert '<input type="hidden" name="sort" value="relevance">' in html
    assert 'name="sort"' not in searched.get("/search?q=carried").text


@pytest.mark.parametrize(
    ("q", "told"),
    [
        ("-", "no word to look for"),
        ("since:tomorrow", "since:2026-11-28"),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), "at most 20"),
        ('"" "" -', "no word to look for"),
    ],
)
def test_what_cannot_be_looked_for_is_told(searched: Site, q: str, told: str) -> None:
    page = searched.get(f"/search?q={quote(q)}")
    assert (page.status_code, told in page.text) == (200, True)
    answer = searched.get(f"/api/v1/search?q={quote(q)}")
    assert answer.status_code == 400
    assert told in answer.json()["detail"]


def test_a_search_that_is_too_long_is_refused(searched: Site) -> None:
    assert searched.get("/search?q=" + "w" * 5000).status_code == 400
    assert searched.get("/search?q=%00").status_code == 400


def test_a_saved_search_has_a_page_and_feeds(searched: Site) -> None:
    assert "/saved/thrice.atom" in searched.get("/saved").text
    assert "Carried thrice" in searched.get("/saved/thrice").text
    atom = ElementTree.fromstring(searched.get("/saved/thrice.atom").content)  # noqa: S314
    name = "{http://www.w3.org/2005/Atom}"
    assert [one.text for one in atom.iter(f"{name}title")][1:] == ["Carried thrice"]
    feed = searched.get("/saved/thrice.json")
    assert feed.json()["feed_url"].endswith("/saved/thrice.json")
    again = searched.get("/saved/thrice.json", headers={"If-None-Match": feed.headers["ETag"]})
    assert again.status_code == 304

    SavedSearches(searched.folder / "saved.json").add("thrice", "carried")

    changed = searched.get("/saved/thrice.json", headers={"If-None-Match": feed.headers["ETag"]})
    assert len(changed.json()["items"]) == 2
    assert searched.get("/saved/other").status_code == 404
    assert searched.get("/saved/other.atom").status_code == 404


def test_trends_tell_weeks_sources_and_what_rises(searched: Site) -> None:
    # There is nothing from before the week of October 26.
    told = searched.json("/api/v1/trends?weeks=6&concepts=robots,Radio")

    assert [week["week"] for week in told["weeks"]] == [
        *("2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"),
    ]
    assert told["weeks"][-1]["articles"] == sum(week["articles"] for week in told["weeks"]) - 1
    (rising,) = told["rising"]
    assert (rising["label"], rising["articles"]) == ("Robots", 4)
    # One article in the two weeks before of which there are any.
    assert 0.5 <= rising["before"] < 0.6
    assert {(one["week"], one["label"], one["share"]) for one in told["shares"]} == {
        ("2026-10-26", "robots", 0.5),
        ("2026-10-26", "Radio", 0.5),
        ("2026-11-16", "robots", 1.0),
    }
    html = searched.get("/trends?weeks=4&concepts=robots,Radio").text
    assert "Rising concepts" in html
    assert "50 %" in html
    assert searched.get("/api/v1/trends?concepts=a,b,c,d,e,f,g,h,i").status_code == 400


def test_without_a_week_before_nothing_is_said_to_rise(site: Site) -> None:
    tagged = {"concepts": [{"uri": "a", "label": {"eng": "Robots"}, "score": 5, "type": "wiki"}]}
    site.run(*(record(f"{n}", NOON - n * HOUR, **tagged) for n in range(5)))

    told = site.json("/api/v1/trends?weeks=4")

    assert len(told["weeks"]) == 1
    assert told["rising"] == []


def test_a_publication_tells_how_much_how_fast_and_how_often_copied(searched: Site) -> None:
    told = searched.json("/api/v1/sources/site1.example")

    assert (told["articles"], told["stories"], told["first_in"]) == (2, 2, 2)
    assert (told["copied"], told["copies"], told["median_delay"]) == (2, 3, None)
    html = searched.get("/source/site1.example").text
    assert "Site 1" in html
    assert "Carried twice" in html
    for path in ("/source/nobody.example", "/api/v1/sources/nobody.example", "/source/%00"):
        assert searched.get(path).status_code == 404


def test_related_stories_share_words(searched: Site) -> None:
    (story,) = [
        one
        for one in searched.json("/api/v1/stories?days=2")["stories"]
        if one["title"] == "Carried thrice"
    ]
    told = searched.json(f"/api/v1/stories/{story['story_id']}/related")["related"]

    assert [one["title"] for one in told] == ["Carried twice"]
    assert "Related stories" in searched.get(f"/story/{story['story_id']}").text


def test_answers_are_as_they_are_described(searched: Site) -> None:
    described = searched.json("/api/v1/openapi.json")
    story = searched.json("/api/v1/stories?days=2")["stories"][0]["story_id"]
    for path, name in (
        ("/api/v1/search?q=marketing", "Hits"),
        ("/api/v1/search/facets?q=marketing", "Facets"),
        ("/api/v1/trends?concepts=robots", "Trends"),
        ("/api/v1/sources/site1.example", "Source"),
        (f"/api/v1/stories/{story}/related", "RelatedStories"),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(searched.json(path), schema)


def test_saved_searches_lie_in_a_file_that_people_can_read(tmp_path: Path) -> None:
    saved = SavedSearches(tmp_path / "folder" / "saved.json")
    saved.add("b-two", "agency")
    saved.add("a-one", "deal")

    assert json.loads(saved.path.read_text()) == {
        "searches": [{"name": "a-one", "q": "deal"}, {"name": "b-two", "q": "agency"}]
    }
