"""Every form of a digest shows what it was given, whatever that is, and nothing acts."""

import json
import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from newsapi_dentsu.digest import forms
from newsapi_dentsu.digest.slack import as_slack
from newsapi_dentsu.digest.words import days, web_link, words
from newsapi_dentsu.reading.digest import Digest, Figures, Period, Told

from .digests import HOSTILE, digest, story

ALL: dict[str, Callable[[Digest], str]] = {
    "text": forms.as_text,
    "markdown": forms.as_markdown,
    "html": forms.as_html,
    "json": forms.as_json,
    "slack": lambda found: json.dumps(as_slack(found), ensure_ascii=False),
}


class _Page(HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "background") for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("form", ALL)
def test_a_story_is_told_with_link_first_source_and_where_else_it_ran(form: str) -> None:
    shown = " ".join(ALL[form](digest()).split())

    assert "A deal" in shown
    assert "https://adledger.example/deal" in shown
    assert "Robots" in shown
    assert "New Paper" in shown
    if form != "json":
        assert "First in Ad Ledger" in shown
        assert "also in 1 (Other)" in shown
        assert "+24 %, 1,000 the week before" in shown
        assert "as many as the week before" in shown
        assert "none the week before" in shown


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("title", HOSTILE)
def test_nothing_in_a_title_acts(form: str, title: str) -> None:
    found = digest(story(title), story("The next one"))
    shown = ALL[form](found)

    shown.encode()
    assert "The next one" in shown
    if form != "json":
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u202a-\u202e]", shown)
    if form == "html":
        page = _Page(shown)
        assert page.tags.isdisjoint({"script", "img", "iframe", "style", "b"})
        assert page.links == ["https://adledger.example/deal"] * 2
        assert words(found).stories[0].title in " ".join(page.text.split())
    elif form == "text":
        widths = [cell_len(line) for line in shown.splitlines() if "https://" not in line]
        assert max(widths) <= forms.MAIL_WIDTH
        assert not re.search("^(Bcc|MAIL FROM|\\.$)", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "", "https://", "//x", "http://[", "mailto:a@b.c"],
)
def test_what_is_no_web_address_is_no_link(link: str) -> None:
    assert web_link(link) is None
    for form in ALL.values():
        shown = form(digest(story(link=link)))
        assert "A deal" in shown
        assert not link or f'"{link}"' not in shown


def test_a_link_ends_where_it_ends() -> None:
    assert web_link("https://a.example/x>y \"'\n|z") == "https://a.example/x%3Ey%20%22'%0A%7Cz"
    link = "https://a.example/?a=1&b=%20%C3%A9#part"
    assert web_link(link) == link


def test_a_title_in_markdown_is_shown_as_it_is() -> None:
    import markdown_it

    for title in HOSTILE[:-1]:
        html = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(
            forms.as_markdown(digest(story(title)))
        )
        page = _Page(html)
        assert page.links == ["https://adledger.example/deal"]
        assert "img" not in page.tags
        assert words(digest(story(title))).stories[0].title in page.text


def test_slack_takes_no_more_than_its_limits_and_shows_no_previews() -> None:
    many = [story(title) for title in (HOSTILE * 5)[:50]]
    message = as_slack(digest(*many, story(link=f"https://a.example/{'x' * 4000}")))

    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
    assert len(message["blocks"]) <= 50
    assert all(block["type"] in ("header", "rich_text") for block in message["blocks"])
    assert all(
        len(block["text"]["text"]) <= 150
        for block in message["blocks"]
        if block["type"] == "header"
    )
    links = re.findall(r'"url": "([^"]*)"', json.dumps(message))
    assert max(map(len, links)) < 3000
    texts = re.findall(r'"(?:text|url)": "([^"]*)"', json.dumps(message, ensure_ascii=False))
    assert max(map(len, texts)) <= 3000
    assert sum(map(len, texts)) < 11_000
    told = len(links)
    assert 5 < told < 51
    assert f"Of 51 stories, {told} find room here." in json.dumps(message)


@pytest.mark.parametrize("title", ["word" * 400, "長い" * 300, "<&\"'>" * 100])
def test_mail_stays_below_what_mail_programs_cut(title: str) -> None:
    long = story(title, link=f"https://a.example/{'x' * 1900}?a=1&b=2")
    html = forms.as_html(digest(*[long] * 50))

    assert 50_000 < len(html.encode()) < 102_000
    told = len(_Page(html).links)
    assert 20 < told < 50
    assert f"Of 50 stories, {told} find room here." in html


def test_a_title_that_begins_like_a_list_is_none() -> None:
    import markdown_it

    for title in ("- item", "1. one", "+ plus", "# head", "> quoted", "--- ", "    code", "~~~"):
        shown = forms.as_markdown(digest(story(title, link=""), story(title)))
        html = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(shown)
        page = html.partition("Top stories")[2].partition("Rising")[0]
        assert re.findall("<(ul|ol|h1|hr|blockquote|pre)", page) == ["ol"]
        assert page.count("<li>") == 2


@pytest.mark.parametrize("width", [1, 40, 80, 100])
def test_text_keeps_to_a_terminal(width: int) -> None:
    shown = forms.as_text(digest(*map(story, HOSTILE)), width)

    lines = [line for line in shown.splitlines() if "https://" not in line]
    assert max(map(cell_len, lines)) <= max(width, 30)


@pytest.mark.parametrize("form", ALL)
def test_an_empty_week_says_so(form: str) -> None:
    none = Figures(0, 0, 0)
    empty = digest(
        figures=none, before=none, stories=[], rising=[], new_sources=[], new_source_count=0,
        tones=[], newest=date(2026, 11, 20), origin="sandbox",
    )  # fmt: skip
    shown = ALL[form](empty)

    assert "Top stories" not in shown
    assert "TOP STORIES" not in shown
    if form != "json":
        for note in ("no news in these days", "of 20 November 2026", "invented"):
            assert note in " ".join(shown.split())


@pytest.mark.parametrize("form", ALL)
def test_a_first_week_is_compared_with_nothing(form: str) -> None:
    shown = " ".join(
        ALL[form](digest(before=None, rising=[], new_sources=[], new_source_count=0)).split()
    )

    if form == "json":
        assert json.loads(shown)["before"] is None
    else:
        assert "Not all of the week before is stored" in shown
        assert not re.search("Rising|New sources|none the week|%,", shown, re.IGNORECASE)


@pytest.mark.parametrize("form", ALL)
def test_tones_of_watched_brands_stand_beside_those_before_or_are_left_out(form: str) -> None:
    shown = " ".join(ALL[form](digest()).split())

    if form == "json":
        (nova,) = json.loads(shown)["tones"]
        assert (nova["brand"], nova["score"], nova["before"]["score"]) == ("Nova", 0.125, -0.25)
        return
    assert "watched brands, 23 to 29 november 2026" in shown.lower()
    shown = shown.replace("\\", "").replace("&#43;", "+")
    assert "12 stories, 3 negative, 5 positive; tone +0.12 (-0.25 in 4 before)" in re.sub(
        "<[^>]*>", "", shown
    )
    assert "watched brands" not in ALL[form](digest(tones=[])).lower()


@pytest.mark.parametrize("form", ["text", "markdown", "html", "slack"])
def test_a_public_page_is_linked_beside_each_story_and_below(form: str) -> None:
    site = "https://news.example"
    forming: dict[str, Callable[..., str]] = {
        "text": lambda found, page: forms.as_text(found, page=page),
        "markdown": forms.as_markdown,
        "html": forms.as_html,
        "slack": lambda found, page: json.dumps(as_slack(found, page)),
    }
    shown = forming[form](digest(story(story_id="a/b c")), site)

    assert shown.count(f"{site}/story/a%2Fb%20c") == 1
    assert shown.count(site) == 2
    assert "https://adledger.example/deal" in shown


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-11-29", "2026-11-29", "29 November 2026"),
        ("2026-11-23", "2026-11-29", "23 to 29 November 2026"),
        ("2026-11-30", "2026-12-06", "30 November to 6 December 2026"),
        ("2026-12-28", "2027-01-03", "28 December 2026 to 3 January 2027"),
    ],
)
def test_days_are_told_without_repeating(first: str, last: str, expected: str) -> None:
    assert days(Period(date.fromisoformat(first), date.fromisoformat(last))) == expected


def test_very_many_sources_are_counted() -> None:
    wide = Told(story(source_count=240), "Ad Ledger", [f"Site {n}" for n in range(200)])

    (shown,) = words(digest(stories=[wide])).stories
    assert "also in 239 (Site 0, Site 1, Site 2 and 236 more)" in shown.about
