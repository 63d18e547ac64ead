"""The generated articles are as varied as a real feed's, and are well-formed English."""

import html
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from newsapi_dentsu.domain.wrapping import own_span
from newsapi_dentsu.sandbox import GeneratedCorpus, SandboxArticle

FIRST, LAST = date(2026, 10, 24), date(2026, 11, 23)
ECHOES = ("url_variant", "update", "wire_copy", "cut_copy", "rewrite", "own_words", "junk")
BETWEEN_SENTENCES = re.compile(r"(?<=[.?!])[\"”]?\s+|\n+")


@pytest.fixture(scope="module", params=[7, 8])
def month(request: pytest.FixtureRequest) -> Sequence[SandboxArticle]:
    return GeneratedCorpus(seed=request.param).articles(FIRST, LAST)


def _plain(body: str) -> str:
    """Take back what typesetting did to a body."""
    body = html.unescape(body).replace("\u200b", "").replace("\u2028", "\n")
    return body.replace("\N{NO-BREAK SPACE}%", " per cent")


def _sentences(article: SandboxArticle) -> set[str]:
    return set(BETWEEN_SENTENCES.split(_plain(article.record["body"]))) - {""}


def _text(article: SandboxArticle) -> str:
    return f"{article.record['title'] or ''}\n{article.record['body']}"


def _english(articles: Sequence[SandboxArticle]) -> Iterator[str]:
    return (_text(article) for article in articles if article.record["lang"] == "eng")


def test_no_sentence_stands_in_more_than_three_articles_in_a_hundred(
    month: Sequence[SandboxArticle],
) -> None:
    counts = Counter(sentence for article in month for sentence in _sentences(article))
    sentence, count = counts.most_common(1)[0]
    assert count <= 0.03 * len(month), sentence


def test_three_articles_in_a_hundred_at_most_share_a_sentence_without_repeating_another(
    month: Sequence[SandboxArticle],
) -> None:
    """Lines that name their site are left out: they belong to the site, not to the article."""
    articles = [article for article in month if article.kind not in ECHOES]
    told = [
        {
            sentence
            for sentence in _sentences(article)
            if len(sentence.split()) > 4
            and article.record["source"]["title"].removesuffix(" (sandbox)") not in sentence
        }
        for article in articles
    ]
    counts = Counter(sentence for sentences in told for sentence in sentences)
    sharing = [one for one in told if any(counts[sentence] > 1 for sentence in one)]
    assert len(sharing) <= 0.03 * len(articles), [s for s, n in counts.items() if n > 1]


def test_few_titles_begin_alike(month: Sequence[SandboxArticle]) -> None:
    beginnings = Counter(
        " ".join(article.record["title"].split()[:3])
        for article in month
        if article.kind not in ECHOES
    )
    assert beginnings.most_common(1)[0][1] <= 0.0125 * len(month), beginnings.most_common(3)


def test_bodies_are_as_long_as_real_ones(month: Sequence[SandboxArticle]) -> None:
    words = sorted(
        len(article.record["body"].split()) for article in month if article.kind == "story"
    )
    assert 400 < statistics.median(words) < 550
    assert words[0] < 65
    assert words[-1] > 1_400
    assert sum(count > 1_000 for count in words) > 0.05 * len(words)


def test_articles_stand_before_the_sound_that_they_belong_to(
    month: Sequence[SandboxArticle],
) -> None:
    wrong = [
        found.group()
        for text in _english(month)
        for found in re.finditer(
            r"\b[Aa] (?!one\b|uni(?!n)|Uni|eu|Eu|us[aei])[aeiouAEIOU8]\w*"
            r"|\b[Aa]n (?!hour|honest|heir|SMS|MRI)[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]\w*",
            text,
        )
    ]
    assert not wrong


def test_sentences_begin_with_a_capital_and_names_are_in_place(
    month: Sequence[SandboxArticle],
) -> None:
    for text in _english(month):
        assert not re.search(r"[a-z]\. [a-z]", text), text
        assert "the the" not in text.casefold()
        assert "s's" not in text
        assert "  " not in text


def test_few_sources_have_much_and_many_have_little(month: Sequence[SandboxArticle]) -> None:
    counts = Counter(article.record["source"]["uri"] for article in month)
    most = sum(count for _, count in counts.most_common(10))
    assert 0.15 * len(month) < most < 0.4 * len(month)
    assert sum(count == 1 for count in counts.values()) > 0.35 * len(counts)
    assert len(counts) > 150


def test_sites_wrap_their_articles_and_the_pipeline_can_tell(
    month: Sequence[SandboxArticle],
) -> None:
    stories = [article.record for article in month if article.kind == "story"]
    wrapped = [story for story in stories if own_span(story["body"]) != (0, len(story["body"]))]
    assert len(wrapped) > 0.2 * len(stories)
    bodies = [story["body"] for story in stories]
    for note in ("Related stories", "©", "(Reporting by", "Photo:", "newsletter", "Follow "):
        assert any(note in body for body in bodies), note


def test_live_pages_grow_through_the_day(month: Sequence[SandboxArticle]) -> None:
    """An update of a live page has newer entries above those that were there."""
    pages = {article.record["url"]: article for article in month if article.kind == "story"}
    grown = 0
    for update in (article for article in month if article.kind == "update"):
        page = pages.get(update.record["url"])
        if page is None:
            continue
        before, after = (
            re.findall(r"^\d{1,2}:\d\d GMT .*", _plain(article.record["body"]), re.MULTILINE)
            for article in (page, update)
        )
        if len(before) > 2:
            grown += 1
            assert after[-len(before) :] == before
            assert len(after) > len(before)
    assert grown
