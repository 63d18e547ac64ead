"""Feeds: one entry a story, the same one when the story is updated."""

import json
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import feedparser

from support.articles import body, record
from support.clock import NOON

from .conftest import HOUR, Site, source

ATOM = "{http://www.w3.org/2005/Atom}"


def entries(site: Site, path: str = "/feed.atom") -> list[dict[str, str]]:
    root = ElementTree.fromstring(site.get(path).content)  # noqa: S314
    return [
        {
            "id": entry.findtext(f"{ATOM}id") or "",
            "title": entry.findtext(f"{ATOM}title") or "",
            "updated": entry.findtext(f"{ATOM}updated") or "",
        }
        for entry in root.iter(f"{ATOM}entry")
    ]


def test_there_is_one_entry_a_story(filled: Site) -> None:
    told = entries(filled)

    assert sorted(entry["title"] for entry in told) == [
        *("Carried thrice", "Carried twice", "The day before", "The one alone"),
    ]
    assert len({entry["id"] for entry in told}) == 4
    assert {entry["updated"] for entry in told} == {"2026-11-20T12:00:00Z"}


def test_a_story_that_is_updated_is_the_same_entry_and_comes_first(filled: Site) -> None:
    before = {entry["title"]: entry for entry in entries(filled)}
    filled.run(record("alone-b", NOON, body=body("alone"), source=source(7)), now=NOON + HOUR)
    first = entries(filled)[0]

    assert first["title"] == "The one alone"
    assert first["id"] == before["The one alone"]["id"]
    assert first["updated"] == "2026-11-20T13:00:00Z"


def test_feeds_are_filtered_as_pages_are(filled: Site) -> None:
    for path in ("/feed.atom?source=site3.example", "/feed.atom?q=thrice"):
        assert [entry["title"] for entry in entries(filled, path)] == ["Carried thrice"]
    assert entries(filled, "/feed.atom?topic=Nothing") == []


def test_whoever_has_the_newest_state_is_told_so_and_no_more(filled: Site) -> None:
    for path in ("/feed.atom", "/feed.json", "/api/v1/articles"):
        first = filled.get(path)
        known = {"If-None-Match": first.headers["ETag"]}
        again = filled.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert parsedate_to_datetime(first.headers["Last-Modified"]) == NOON

    filled.run(record("late", NOON, title="Just in"), now=NOON + HOUR)

    assert filled.get("/api/v1/articles", headers=known).status_code == 200


def test_the_json_feed_tells_the_same(filled: Site) -> None:
    feed = filled.json("/feed.json")

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{filled.url}/feed.json"
    assert [item["id"] for item in feed["items"]] == [entry["id"] for entry in entries(filled)]
    assert {"id", "url", "title", "content_text", "date_published"} <= feed["items"][0].keys()


def test_a_parser_of_feeds_has_nothing_to_complain_of(filled: Site) -> None:
    for path in ("/feed.atom", "/feed.atom?topic=AI", "/feed.atom?q=carried"):
        parsed = feedparser.parse(filled.get(path).content)
        assert not parsed.bozo, parsed.get("bozo_exception")
        assert parsed.version == "atom10"
        feed = parsed.feed
        assert feed.title
        assert feed.updated_parsed
        assert feed.author
        (own,) = [link.href for link in feed.links if link.rel == "self"]
        assert own == filled.url + path
        for entry in parsed.entries:
            # What RFC 4287 demands of each, and times that it takes for times.
            assert entry.id.startswith("urn:")
            assert entry.title
            assert entry.updated_parsed
            assert entry.published_parsed
            assert entry.author
            assert [link.rel for link in entry.links] == ["alternate", "related"]
        assert len({entry.id for entry in parsed.entries}) == len(parsed.entries) > 0


def test_any_text_makes_a_sound_feed(site: Site) -> None:
    odd = "]]> <b>&amp; \u0007\u001b \ufffe \U0001f600 \ud800"
    site.run(
        record(
            "odd",
            NOON,
            title=f"Odd {odd}",
            body=f"{odd} {body('odd')} {odd}",
            source={"uri": "odd.example", "title": odd},
        )
    )

    (entry,) = entries(site)
    assert entry["title"].startswith("Odd ]]>")
    assert json.loads(site.get("/feed.json").content)["items"][0]["title"].startswith("Odd ]]>")
