"""The generated corpus: the same for the same seed, growing with the clock, in known shares."""

import html
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from newsapi_dentsu.sandbox import GeneratedCorpus, Sandbox, SandboxArticle
from newsapi_dentsu.sandbox.corpus import SHARES

from .support import AI, MARKETING, NOW, articles_of, search

MACHINE_LEARNING = "http://en.wikipedia.org/wiki/Machine_learning"
ADVERTISING = "http://en.wikipedia.org/wiki/Advertising"
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 23)
COPIES = ("url_variant", "update", "wire_copy", "cut_copy", "rewrite")


@pytest.fixture(scope="module")
def articles() -> Sequence[SandboxArticle]:
    return GeneratedCorpus().articles(FIRST, LAST)


def _of(articles: Sequence[SandboxArticle], kind: str) -> list[SandboxArticle]:
    return [article for article in articles if article.kind == kind]


def _paragraphs(body: str) -> list[str]:
    """The paragraphs of a body without what typesetting did to them."""
    body = html.unescape(body).replace("\u200b", "").replace("\u2028", "\n")
    return re.split(r"\n+", body.replace("\N{NO-BREAK SPACE}%", " per cent"))


def test_the_same_seed_tells_the_same_news() -> None:
    day = date(2026, 11, 20)
    once = GeneratedCorpus(seed=3).articles(day, day)
    again = GeneratedCorpus(seed=3).articles(day - timedelta(days=9), day)
    assert once == again[-len(once) :]
    assert once != GeneratedCorpus(seed=4).articles(day, day)


def test_an_hour_later_the_same_articles_are_there_and_some_more() -> None:
    now = NOW
    with Sandbox(clock=lambda: now) as server:
        searched = {"dateStart": "2026-11-23", "articlesSortByAsc": True}
        before = articles_of(search(server, **searched))
        now = NOW + timedelta(hours=4)
        after = articles_of(search(server, **searched))
    uris = [result["uri"] for result in before["results"]]
    later = {result["uri"]: result for result in after["results"]}
    assert after["totalResults"] > before["totalResults"]
    assert [later[uri] for uri in uris] == before["results"]


def test_uris_are_unique_and_grow_with_the_index_time(articles: Sequence[SandboxArticle]) -> None:
    numbers = [int(article.uri.removeprefix("b-")) for article in articles]
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    times = [article.index_time for article in articles]
    assert times == sorted(times)


def test_days_have_twenty_articles_on_average_and_bursts(
    articles: Sequence[SandboxArticle],
) -> None:
    days = Counter(article.day for article in articles)
    assert 17 < statistics.mean(days.values()) < 23
    assert max(days.values()) > 36
    assert len(GeneratedCorpus(articles_per_day=0).articles(FIRST, LAST)) == 0


def test_some_articles_arrive_hours_late(articles: Sequence[SandboxArticle]) -> None:
    delays = [article.arrives_at - article.index_time for article in articles]
    late = [delay for delay in delays if delay > timedelta(minutes=10)]
    assert min(delays) > timedelta(0)
    assert timedelta(hours=3) <= min(late) < max(late) <= timedelta(hours=30)
    assert 0.03 < len(late) / len(articles) < 0.09


def test_every_kind_has_about_its_share(articles: Sequence[SandboxArticle]) -> None:
    counts = Counter(article.kind for article in articles)
    assert set(counts) == set(SHARES)
    assert sum(SHARES.values()) == pytest.approx(1)
    for kind, share in SHARES.items():
        assert counts[kind] / len(articles) == pytest.approx(share, abs=0.02 + share * 0.1)
    noise = sum(SHARES[kind] for kind in (*COPIES, "junk", "off_topic"))
    assert noise <= 0.2


def test_everything_says_that_it_is_the_sandboxs(articles: Sequence[SandboxArticle]) -> None:
    for article in articles:
        source = article.record["source"]
        assert source["uri"].endswith(".example")
        assert source["title"].endswith(" (sandbox)")
        assert ".example/" in article.record["url"].casefold()


def test_stories_are_on_both_topics_and_read_differently(
    articles: Sequence[SandboxArticle],
) -> None:
    stories = _of(articles, "story")
    for story in stories:
        assert {AI, MACHINE_LEARNING} & story.concepts
        assert {MARKETING, ADVERTISING} & story.concepts
        assert {"dmoz/Computers/Artificial_Intelligence"} <= story.categories
        assert {"dmoz/Business/Marketing_and_Advertising"} <= story.categories
        assert not set("{}[]<>\x00") & set(story.record["title"] + story.record["body"])
    assert len({story.record["body"] for story in stories}) == len(stories)
    assert len({story.record["title"] for story in stories}) > 0.9 * len(stories)


def test_copies_differ_from_their_original_as_their_kind_says(
    articles: Sequence[SandboxArticle],
) -> None:
    stories = _of(GeneratedCorpus().articles(FIRST - timedelta(days=1), LAST), "story")
    bodies = {story.record["body"] for story in stories}
    paragraphs = {paragraph for body in bodies for paragraph in _paragraphs(body)}
    urls = {story.record["url"] for story in stories}
    for copy in _of(articles, "url_variant"):
        assert copy.record["body"] in bodies
        assert copy.record["url"] not in urls
    for copy in _of(articles, "wire_copy") + _of(articles, "cut_copy"):
        assert max(_paragraphs(copy.record["body"]), key=len) in paragraphs
        assert "/wire/" in copy.record["url"]
    for copy in _of(articles, "cut_copy"):
        assert re.search("full story at|Continue reading|rest of this", copy.record["body"])
    for copy in _of(articles, "update"):
        assert copy.record["url"] in urls
        assert copy.record["body"] not in bodies
    for copy in _of(articles, "rewrite"):
        assert copy.record["body"].startswith("By our staff")
    for copy in _of(articles, "own_words"):
        assert "/wire/" in copy.record["url"]
        assert copy.record["body"] not in bodies
    flags = {copy.record["isDuplicate"] for kind in COPIES for copy in _of(articles, kind)}
    assert flags == {True, False}


def test_junk_comes_in_all_its_forms(articles: Sequence[SandboxArticle]) -> None:
    junk = [article.record for article in _of(articles, "junk")]
    assert any(record["title"] == record["body"] == "[Removed]" for record in junk)
    assert any(record["body"] == "" for record in junk)
    assert any(record["title"] is None for record in junk)
    assert any("cookies" in record["body"] for record in junk)
    published = [record.get("dateTimePub", "2026") for record in junk]
    assert max(published) > "2036"
    assert min(published) < "1998"


def test_records_have_the_gaps_of_real_ones(articles: Sequence[SandboxArticle]) -> None:
    records = [article.record for article in articles]
    for field in ("dateTimePub", "authors", "image", "sentiment", "wgt"):
        assert 0 < sum(field not in record for record in records) < 0.2 * len(records)
    assert any(record["uri"].startswith("b-") for record in records)
    assert any("&amp;" in (record["title"] or "") for record in records)
    assert any("\u200b" in record["body"] for record in records)
    assert any((record.get("image") or "").startswith("/") for record in records)
    assert all(record.get("sentiment") is None for record in records if record["lang"] != "eng")
    assert {record["lang"] for record in records} == {"eng", "deu", "fra", "spa"}
    assert {record["dataType"] for record in records} == {"news", "pr", "blog"}


def test_only_articles_on_both_topics_answer_to_both(articles: Sequence[SandboxArticle]) -> None:
    def topics(kind: str) -> set[tuple[bool, bool]]:
        return {
            (
                "dmoz/Computers/Artificial_Intelligence" in article.categories,
                "dmoz/Business/Marketing_and_Advertising" in article.categories,
            )
            for article in _of(articles, kind)
        }

    assert topics("ai_only") == {(True, False)}
    assert topics("marketing_only") == {(False, True)}
    assert topics("neither") == {(False, False)}
    assert topics("off_topic") == {(True, True)}


def test_a_corpus_can_have_a_first_day() -> None:
    start = date(2026, 11, 20)
    corpus = GeneratedCorpus(start=start)
    assert {one.day for one in corpus.articles(date.min, LAST)} == {
        start + timedelta(days=offset) for offset in range(4)
    }
    assert corpus.articles(LAST, FIRST) == []


def test_without_a_first_day_a_request_reads_a_year_at_most() -> None:
    corpus = GeneratedCorpus(articles_per_day=0.5)
    articles = corpus.articles(date.min, LAST)
    assert articles[0].index_time > datetime(2025, 11, 1, tzinfo=UTC)


def test_a_negative_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="articles_per_day must not be negative"):
        GeneratedCorpus(articles_per_day=-1)
