"""The language of searches."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.reading.search import MOST_TERMS, Search, parse_search


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Search()),
        ("  agency   deal ", Search(("agency", "deal"))),
        ('"series b" agency', Search(("series b", "agency"))),
        ('-crypto -"hot air" ai', Search(("ai",), ("crypto", "hot air"))),
        ("source:adledger since:2026-11-01", Search((), (), "adledger", date(2026, 11, 1))),
        ('source:"Ad Ledger" x', Search(("x",), (), "Ad Ledger")),
        # What only looks like a part of the language is a word.
        ("https://a.example 100% a_b - -", Search(("https://a.example", "100%", "a_b", "-", "-"))),
        ('said "unfinished', Search(("said", '"unfinished'))),
        ('""', Search()),
        ("state-of-the-art", Search(("state-of-the-art",))),
    ],
)
def test_what_people_type_is_what_they_mean(typed: str, meant: Search) -> None:
    assert parse_search(typed) == meant


@pytest.mark.parametrize(
    "typed", ["since:yesterday", "since:0001-01-01", "since:9999-12-31", "word " * (MOST_TERMS + 1)]
)
def test_what_cannot_be_meant_is_told(typed: str) -> None:
    with pytest.raises(ValueError, match=r"since:2026-11-28|at most"):
        parse_search(typed)


@given(st.lists(st.text(alphabet="abcäß0", min_size=1), max_size=MOST_TERMS))
def test_plain_words_are_looked_for_as_they_are(words: list[str]) -> None:
    assert parse_search(" ".join(words)) == Search(tuple(words))
