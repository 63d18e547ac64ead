"""The pages, as a browser that asks for them gets them."""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
import requests

from newsapi_dentsu.reading.copy import FILE, publish
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.website import pages
from newsapi_dentsu.website.app import POLICY
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store
from support.tables import execute

from .conftest import HOUR, Site, serving, source

TITLE = re.compile(r"<h[23] id=\"s-[^\"]+\"><a [^>]+>([^<]*)</a>")


def titles(html: str) -> list[str]:
    return [unescape(title) for title in TITLE.findall(html)]


def test_the_front_page_has_the_newest_day_most_carried_first(filled: Site) -> None:
    html = filled.get("/").text

    assert titles(html)[:3] == ["Carried thrice", "Carried twice", "The one alone"]
    assert "Also in 2" in html
    assert "Also in 1" in html
    assert "Site 3</a>" in html
    assert "4 h later" in html
    assert "Sandbox data" in html


def test_a_front_page_with_few_stories_goes_on_with_the_days_before(filled: Site) -> None:
    today, before = filled.get("/").text.split("Thursday, 19 November</a></h2>")
    assert titles(today) == ["Carried thrice", "Carried twice", "The one alone"]
    assert titles(before) == ["The day before"]
    assert titles(filled.get("/stories").text) == titles(today)


def test_a_front_page_with_stories_enough_has_one_day(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FULL_FRONT", 3)
    assert titles(filled.get("/").text) == ["Carried thrice", "Carried twice", "The one alone"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("source=site3.example", ["Carried thrice"]),
        ("source=site1.example", ["Carried thrice", "Carried twice"]),
        ("topic=AI", ["Carried thrice", "Carried twice", "The one alone"]),
        ("topic=Nothing", []),
        ("lang=deu", []),
        ("q=THRICE", ["Carried thrice"]),
        ("q=100%25", []),
        ("q=carried+-twice", ["Carried thrice"]),
        ("q=%22told+in+story+three%22", ["Carried thrice"]),
        ("q=%22story+told%22", []),
        ("days=2&q=source:site5", ["The day before"]),
        ("days=2&q=story+since:2026-11-20+-thrice+-alone", ["Carried twice"]),
        ("until=2026-11-19", ["The day before"]),
        ("days=2&q=day", ["The day before"]),
        ("days=2&lang=eng&source=site4.example", ["The one alone"]),
    ],
)
def test_lists_are_filtered(filled: Site, asked: str, expected: list[str]) -> None:
    html = filled.get(f"/stories?{asked}").text

    assert titles(html) == expected
    assert ("No stories match" in html) == (not expected)


@pytest.mark.parametrize(
    "asked",
    [
        {"days": "14", "source": "site1.example", "topic": "AI", "lang": "eng"},
        # Nothing of these days has any of it.
        {"days": "1", "source": "nobody.example", "topic": "R&D", "lang": "jpn"},
        {"days": "1", "source": "", "topic": "", "lang": ""},
    ],
)
def test_the_filter_shows_what_is_asked_for(filled: Site, asked: dict[str, str]) -> None:
    html = filled.get("/stories", params=asked).text

    for name, value in asked.items():
        (shown,) = re.findall(rf'<select [^>]*name="{name}">(.*?)</select>', html, re.DOTALL)
        selected = re.findall(r'<option value="([^"]*)" selected>', shown)
        assert [unescape(one) for one in selected] == ([value] if value else [])
        assert len(re.findall(f'value="{escape(value)}"', shown)) == 1


def test_more_stories_lead_to_each_once(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_STORIES", 1)
    monkeypatch.setattr(pages, "_MUCH", 2)
    seen, path = [], "/stories?days=2"
    while path:
        html = filled.get(path).text
        seen += titles(html)
        found = re.search(r'href="([^"]+)">More stories', html)
        path = unescape(found[1]) if found else ""

    assert seen == ["Carried thrice", "Carried twice", "The one alone", "The day before"]


def test_the_page_of_a_story_tells_where_it_ran_and_why_it_is_here(filled: Site) -> None:
    html = filled.get("/").text
    path = re.search(r'href="(/story/[^"]+)"', html)
    assert path
    story = filled.get(path[1]).text

    assert "3 articles in 3 publications, 2 of them copies" in story
    assert story.count('<span class="role">copy</span>') == 2
    assert "told in story three" in story
    assert re.search(r"AI 0\.\d\d", story)


@pytest.mark.parametrize("named", [None, "The Paper"])
def test_an_article_without_a_domain_leads_to_no_publication(site: Site, named: str | None) -> None:
    site.run(record("a", NOON, source={"title": named}))
    html = site.get("/").text
    path = re.search(r'href="(/story/[^"]+)"', html)
    assert path

    for page in (html, site.get(path[1]).text, site.get("/search?q=story").text):
        assert (named or "Unknown source") in page
        assert "/source/" not in page


@pytest.mark.parametrize("uri", ["site.example/daily news", "Ad&C?o.example"])
def test_a_publication_has_a_page_whatever_its_domain_consists_of(site: Site, uri: str) -> None:
    site.run(record("a", NOON, source={"uri": uri, "title": "The Paper"}))

    for page in ("/", "/search?q=story", "/trends"):
        (path,) = re.findall(r'href="(/source/[^"]+)"', site.get(page).text)
        assert "Story a" in site.get(unescape(path)).text
    assert site.json(f"/api/v1/sources/{quote(uri)}")["source_uri"] == uri


def test_what_articles_say_is_text_whatever_it_is(site: Site) -> None:
    evil = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
    store(site.warehouse, record("evil", NOON))
    process(site.warehouse)
    # Cleaning leaves no markup: this is as if it had.
    execute(
        site.warehouse,
        "UPDATE final.filtered_news SET title = $1, body = $1, source_name = $1, link = $2, "
        "source_uri = $1, text_start = 0, text_end = 999",
        evil,
        "javascript:alert(1)",
    )
    site.run()
    html = site.get("/").text
    path = re.search(r'href="(/story/[^"]+)"', html)
    assert path
    for page in (html, site.get(path[1]).text):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "{{ 7 * 7 }}" in page
        assert "javascript:" not in re.sub(r"<code>.*?</code>", "", page)


def test_pages_ask_nobody_else_for_anything_and_run_no_script(filled: Site) -> None:
    path = re.search(r'href="(/story/[^"]+)"', filled.get("/").text)
    assert path
    for page in ("/", "/stories?days=7", path[1], "/feeds", "/nothing"):
        answer = filled.get(page)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.findall(r"<(?:script|img|iframe|style)\b|\bstyle=|\bon\w+=", answer.text)
        loaded = re.findall(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"', answer.text)
        assert loaded == ["data:,", "/style.css"]


def test_a_full_page_is_small(site: Site) -> None:
    site.run(*(record(f"{n:03}", NOON - n * HOUR / 60, source=source(n % 9)) for n in range(60)))
    html = site.get("/").text

    assert len(titles(html)) == pages.PAGE_STORIES
    assert len(html.encode()) + len(site.get("/style.css").content) <= 50_000


def test_a_run_is_seen_at_the_next_request(filled: Site) -> None:
    filled.run(record("late", NOON, title="Just in"), now=NOON + HOUR)

    assert "Just in" in titles(filled.get("/").text)


def test_a_site_without_articles_says_what_to_do(site: Site) -> None:
    html = site.get("/").text

    assert "No stories on this day" in html
    assert "newsapi run" in html
    for path in ("/stories?days=30", "/feeds", "/feed.atom", "/feed.json", "/api/v1/articles"):
        assert site.get(path).status_code == 200, path


def test_before_the_first_run_every_answer_says_what_to_do(tmp_path: Path) -> None:
    with serving(CopyLibrary(tmp_path)) as url:
        site = Site(url, None, tmp_path)  # type: ignore[arg-type]
        assert site.get("/").status_code == 503
        assert "run `newsapi run` first" in site.get("/").text
        problem = site.get("/api/v1/articles")
    assert problem.status_code == 503
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert "run `newsapi run` first" in problem.json()["detail"]


def test_what_an_earlier_version_has_published_is_not_called_nothing(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    warehouse = duckdb_databases.create().open()
    store(warehouse, record("only", NOON))
    process(warehouse)
    publish(warehouse, tmp_path)
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute("UPDATE final.reading_state SET schema_version = 18")
    with serving(CopyLibrary(tmp_path)) as url:
        answer = requests.get(url, timeout=30)
    assert answer.status_code == 503
    assert "of another version: run `newsapi run` first" in unescape(answer.text)
    assert "Nothing to read" not in answer.text
    assert "Not ready to be read</h1>" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/story/unknown", 404),
        ("/story/%00", 404),
        ("/api/v1/stories/%00", 404),
        ("/api/v1/articles/%ED%A0%80", 404),
        ("/stories?days=0", 400),
        ("/stories?days=99999999999999999999", 400),
        ("/stories?days=%D9%A1", 400),
        ("/stories?until=yesterday", 400),
        ("/stories?until=0001-01-01", 400),
        ("/stories?after=W10", 400),
        ("/stories?after=%F0%9F%98%80", 400),
        ("/stories?q=" + "x" * 401, 400),
        ("/stories?q=%00", 400),
        ("/stories?q=since:never", 400),
        ("/feed.json?q=since:never", 400),
        ("/stories?topic=%00", 400),
        ("/feed.atom?days=x", 400),
    ],
)
def test_what_cannot_be_answered_is_told(filled: Site, path: str, status: int) -> None:
    answer = filled.get(path)

    assert answer.status_code == status
    assert "mistake in this program" not in answer.text


def test_it_cannot_be_changed_by_requests(filled: Site) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert requests.request(method, filled.url + "/", timeout=10).status_code == 405
    assert requests.head(filled.url + "/", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:1234", 200),
        ("[::1]:80", 200),
        ("news.company.example", 200),
        ("NEWS.company.example:443", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("[::1", 421),
        ("10.0.0.5:8060", 200),
        ("", 421),
    ],
)
def test_only_names_that_it_is_known_under_are_answered(
    tmp_path: Path, host: str, status: int
) -> None:
    with serving(CopyLibrary(tmp_path), "news.company.example") as url:
        site = Site(url, None, tmp_path)  # type: ignore[arg-type]
        answer = site.get("/style.css", headers={"Host": host})

    assert answer.status_code == status
    assert (status == 200) or "--allow-host" in answer.text
