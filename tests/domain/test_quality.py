"""Who gets into final: each rule with its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.quality import Candidate, first_rejection, flags
from newsapi_dentsu.domain.record import credible_date

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rejection(**changes: Any) -> str | None:
    fields: dict[str, Any] = {
        "title": "T",
        "body": "What it says",
        "published_at": NOON,
        "lang": "eng",
    }
    found = first_rejection(Candidate(**{**fields, **changes}), ["eng", "deu"], 1)
    return found.reason if found else None


def test_a_whole_article_is_taken() -> None:
    assert rejection() is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": ""}, "no_title"),
        ({"title": "[Removed]"}, "removed"),
        ({"title": "[REMOVED]"}, "removed"),
        ({"body": ""}, "no_body"),
        ({"body": "[removed]"}, "removed"),
        ({"published_at": None}, "no_credible_date"),
        ({"lang": "fra"}, "language"),
        ({"lang": None}, "language"),
    ],
)
def test_each_rule_gives_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert rejection(**changes) == reason


def test_the_first_reason_counts() -> None:
    assert rejection(title="", body="", lang="fra") == "no_title"


def test_every_accepted_language_is_taken() -> None:
    assert rejection(lang="deu") is None


def test_a_title_that_only_mentions_removal_is_taken() -> None:
    assert rejection(title="Posts [Removed] by moderators") is None


def test_the_language_rule_tells_what_is_accepted() -> None:
    found = first_rejection(Candidate("T", "What it says", NOON, None), ["eng", "deu"], 1)
    assert found is not None
    assert found.detail == "unknown, accepted: deu, eng"


@pytest.mark.parametrize(
    ("published", "indexed", "chosen"),
    [
        (timedelta(minutes=-10), timedelta(), "publisher"),
        (timedelta(hours=1), timedelta(), "publisher"),
        (timedelta(hours=1, seconds=1), timedelta(), "index"),
        (timedelta(days=-365), timedelta(), "publisher"),
        (timedelta(days=-365, seconds=-1), timedelta(), "index"),
        (None, timedelta(), "index"),
        (None, None, None),
        (timedelta(hours=-3), None, "publisher"),
        (timedelta(days=-3), timedelta(days=3), "publisher"),
        (None, timedelta(hours=1), "index"),
        (None, timedelta(hours=1, seconds=1), None),
        (timedelta(days=3), timedelta(days=3), None),
    ],
)
def test_the_publishers_date_counts_where_it_is_credible_else_the_indexs(
    published: timedelta | None, indexed: timedelta | None, chosen: str | None
) -> None:
    given = {
        "publisher": None if published is None else NOON + published,
        "index": None if indexed is None else NOON + indexed,
        None: None,
    }
    assert credible_date(given["publisher"], given["index"], NOON) == given[chosen]


PROSE = " ".join(f"Sentence {number} tells what the agency did and why." for number in range(20))


def judged(body: str, title: str = "A title that says something else", min_words: int = 25) -> str:
    candidate = Candidate(title, body, NOON, "eng")
    found = first_rejection(candidate, ["eng"], min_words)
    return found.reason if found else "read"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (PROSE, "read"),
        ("Subscribe to continue reading. " + " ".join(["word"] * 30), "paywall_stub"),
        (f"{PROSE} {PROSE} Subscribe to continue reading our other stories.", "read"),
        ("We value your privacy. Accept all cookies. " + " ".join(["word"] * 30), "cookie_notice"),
        ("Please enable JavaScript to go on. " + " ".join(["word"] * 30), "error_page"),
        ("Access to this page has been denied. " + " ".join(["word"] * 30), "error_page"),
        ("Few words.", "too_short"),
        ("人工知能は広告を変える。" * 20, "read"),
        (PROSE.replace("agency", "agenc\ufffd"), "encoding_damage"),
        (f"{PROSE} One broken \ufffd character.", "read"),
        ("\n".join(f"Flat {number}, two rooms" for number in range(12)), "listing"),
        (" ".join(f"a kettle at ${number}.99, cheap" for number in range(12)), "listing"),
        (f"{PROSE} It cost $5 million.", "read"),
    ],
)
def test_what_is_no_article_is_told_apart_from_articles(body: str, verdict: str) -> None:
    assert judged(body) == verdict


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_body_that_repeats_the_title_is_no_article(times: int) -> None:
    title = "Agency opens a studio in Lisbon"
    assert judged("\n".join([f"{title}."] * times), title, min_words=1) == "title_repeated"
    assert judged(f"{title}. {PROSE}", title) == "read"


def test_a_press_release_is_flagged_and_read() -> None:
    release = f"FOR IMMEDIATE RELEASE\n{PROSE}\nMedia contact: press@agency.example"
    assert judged(release) == "read"
    assert flags(Candidate("T", release, NOON, "eng")) == ["press_release"]
    assert flags(Candidate("T", PROSE, NOON, "eng")) == []
