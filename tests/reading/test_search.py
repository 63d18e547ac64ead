"""The language of searches."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.terms import terms
from newsapi_dentsu.reading.search import (
    MOST_CHARACTERS,
    MOST_PARTS,
    Search,
    narrowed,
    parse_search,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Search()),
        ("  Agency   DEAL ", Search((("agency",), ("deal",)))),
        ('"series b" agency', Search((("series", "b"), ("agency",)))),
        ("“series b” «hot air»", Search((("series", "b"), ("hot", "air")))),
        ('-crypto -"hot air" ai', Search((("ai",),), (("crypto",), ("hot", "air")))),
        (
            "Source:adledger.example SINCE:2026-11-01 until:2026-11-30",
            Search(
                sources=(("adledger", "example"),),
                since=date(2026, 11, 1),
                until=date(2026, 11, 30),
            ),
        ),
        (
            'source:"Ad Ledger" -source:x',
            Search(sources=(("ad", "ledger"),), without_sources=(("x",),)),
        ),
        (
            'domain:AdLedger.example domain:"x.example/the news" -domain:y.example',
            Search(
                domains=("adledger.example", "x.example/the news"),
                without_domains=("y.example",),
            ),
        ),
        (
            'topic:"AI & ads" -topic:x lang:de -lang:eng',
            Search(
                topics=(("ai", "ads"),),
                without_topics=(("x",),),
                languages=("deu",),
                without_languages=("eng",),
            ),
        ),
        # Single quotes quote, too, but where they are apostrophes.
        (
            "'series b' source:'Ad Ledger' -‘hot air’",
            Search((("series", "b"),), (("hot", "air"),), sources=(("ad", "ledger"),)),
        ),
        (
            "Let's dance l’Oréal rock 'n' roll",
            Search((("let", "s"), ("dance",), ("l", "oreal"), ("rock",), ("n",), ("roll",))),
        ),
        # What only looks like a part of the language is a word, and what has no letters is none.
        ("https://a.example 100% - & !", Search((("https", "a", "example"), ("100",)))),
        ('said "unfinished', Search((("said",), ("unfinished",)))),
        ("state-of-the-art", Search((("state", "of", "the", "art"),))),
        ("author:smith", Search((("author", "smith"),))),
        ("東京 広告", Search((("東", "京"), ("広", "告")))),
        ("a\0b\x1b[31m", Search((("a", "b", "31m"),))),
    ],
)
def test_what_people_type_is_what_they_mean(typed: str, meant: Search) -> None:
    assert parse_search(typed) == meant


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("since:yesterday", "since:2026-11-28"),
        ("until:9999-12-31", "a day from 1900 to 2999"),
        ("since:20261128", "since:2026-11-28"),
        ("since:2026-W48-6", "since:2026-11-28"),
        ("since:2026-11-02 until:2026-11-01", "must not lie after"),
        ("word " * (MOST_PARTS + 1), "at most 20 words"),
        ("wörd " * 10_000, f"at most {MOST_CHARACTERS:,} characters"),
        ("x" * 1_000_000, f"at most {MOST_CHARACTERS:,} characters"),
        ("東" * 200, "at most 100 words"),
        ("source: ledger", "source: needs a name"),
        ("since:", "since:2026-11-28"),
        ("topic:!!", "topic: needs a name"),
        ('domain:" "', "domain: needs a whole domain"),
        ("domain:a\0b", "domain: needs a whole domain"),
        ("lang:klingonese!", "lang:eng"),
        ('- -- "" "-" !', "no word to look for"),
        ("\0\0", "no word to look for"),
    ],
)
def test_what_cannot_be_meant_is_told(typed: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_search(typed)


@pytest.mark.parametrize(
    ("typed", "operator", "value", "then"),
    [
        ("agency deal", "lang", "eng", "agency deal lang:eng"),
        ("source:ad", "domain", "ad-ledger.example", "source:ad domain:ad-ledger.example"),
        ("", "topic", "AI & ads", 'topic:"AI & ads"'),
        ("deal", "brand", "“Nova” Motors", 'deal brand:" Nova  Motors"'),
        # Of several one must hold: what was asked for makes room.
        ("lang:fr deal LANG:'de'", "lang", "fra", "deal lang:fra"),
        ("tone:negative", "tone", "positive", "tone:positive"),
        ("-lang:fr lang:de -“lang:it”", "lang", "deu", "-lang:fr -“lang:it” lang:deu"),
    ],
)
def test_a_search_is_narrowed_down_to_one_value(
    typed: str, operator: str, value: str, then: str
) -> None:
    assert narrowed(typed, operator, value) == then
    parse_search(then)


@given(st.lists(st.sampled_from(['"', "\u201c", "bar", "-", " ", "brand:", "lang:eng", "'"])))
def test_what_is_typed_beside_a_value_keeps_its_meaning(typed: list[str]) -> None:
    text = "".join(typed)
    try:
        before = parse_search(text)
    except ValueError:
        return
    assert parse_search(narrowed(text, "brand", "Nova Motors")) == replace(
        before, brands=("nova motors",)
    )


@given(st.text())
def test_any_text_is_a_search_or_told_not_to_be_one(typed: str) -> None:
    try:
        meant = parse_search(typed)
    except ValueError as error:
        told = str(error)
        assert len(told) < 200
    else:
        assert (meant == Search()) == (not typed.strip())


@given(st.text())
def test_terms_are_found_by_themselves(text: str) -> None:
    """What is shown of a text can be typed: capitals and accents make no difference."""
    found = terms(text)
    assert terms(" ".join(found)) == found
    assert all(term and len(term) <= 64 and term.isprintable() for term in found)


def test_the_terms_of_texts() -> None:
    assert terms("McDonald's l’Oréal GPT-4o Straße ﬁne") == [
        *("mcdonald", "s", "l", "oreal", "gpt", "4o", "strasse", "fine")
    ]
    assert terms("Cafe\u0301 İstanbul Mar\u00adketing") == ["cafe", "istanbul", "marketing"]
    assert terms("東京でAI広告") == ["東", "京", "で", "ai", "広", "告"]
