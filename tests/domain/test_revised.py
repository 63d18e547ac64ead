"""Of two texts that are nearly the same, the one with the later state of things is read."""

import pytest

from newsapi_dentsu.domain.comparison import Comparison, compare
from newsapi_dentsu.domain.numbers import numbers_of
from newsapi_dentsu.domain.similarity import prepare, words_of
from support.articles import REPORT

TITLE = "Norvane sells its media business"


def found(later: str, title: str = TITLE, earlier: str = REPORT) -> Comparison:
    told = compare(prepare(earlier, TITLE, "one.example"), prepare(later, title, "two.example"))
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("about 640", "about 460"),
        ("$85 million", "$58 million"),
        ("$85 million", "$85 billion"),
        ("three offices", "four offices"),
        ("third quarter", "fourth quarter"),
        ("has agreed to", "hasn't agreed to"),
        ("has agreed to", "has not agreed to"),
        ("her own.", "her own.\n(Corrects the spelling of the name.)"),
        ("her own.", "her own.\nThe deal collapsed on Friday."),
        ("The advertising", "The sale was called off on Friday night.\nThe advertising"),
        ("her own.", "her own.\nPolice arrested the finance chief on Thursday."),
    ],
)
def test_a_later_state_takes_the_place_of_the_earlier_one(before: str, after: str) -> None:
    later = REPORT.replace(before, after)
    assert later != REPORT
    assert (found(later).degree, found(later).rule) == ("fuller", "revised")
    short = REPORT.split("\nAnalysts")[0]
    if before in short:
        assert found(short.replace(before, after), earlier=short).rule == "revised"


def test_a_note_that_corrects_a_figure_takes_the_place_of_the_report_without_it() -> None:
    said = "An earlier version of this article said that Norvane would get $85 million."
    for note in (f"Correction: {said} It is $75 million.", "It is $75 million, not $85 million."):
        assert found(f"{REPORT}\n\n{note}").degree == "fuller"


def test_another_word_counts_where_the_title_tells_of_it() -> None:
    later = REPORT.replace("has agreed to sell", "has refused to sell")
    assert found(later).degree == "copy"
    assert found(later, "Norvane refused to sell").rule == "revised"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("640 people", "640 persons"),
        ("three offices", "3 offices"),
        ("$85 million", "$85m"),
        ("$85 million", "85mn dollars"),
        ("third quarter", "3rd quarter"),
        ("her own.", "her own. (Reporting by Ida Holm)"),
        ("The advertising", "OSLO (NPS) - The advertising"),
        ("Clients had been told", "Clients were told"),
        (".", " 🎉."),
    ],
)
def test_the_same_in_other_spelling_is_a_copy(before: str, after: str) -> None:
    assert found(REPORT.replace(before, after)).degree == "copy"


def test_numbers_are_the_same_in_words_and_in_digits() -> None:
    for text in ("eight of 1.5 million", "8 of 1.5m", "acht von 1.5 Millionen", "huit 1.5 mn"):
        assert numbers_of(words_of(text)) == {"8", "1.5", "million"}, text
    assert numbers_of(words_of("三千")) == {"3", "thousand"}
    assert numbers_of(words_of("once due in sept")) == set()


SPOKEN = REPORT.replace("has agreed to", "hasn't agreed to").replace("640", "74,000")


@pytest.mark.parametrize(
    "mark", ["\u2019", "\u02bc", "\u2032", "`", "''", "\\'", "?", "\ufffd", " ", ""]
)
def test_a_lost_apostrophe_is_no_other_state(mark: str) -> None:
    assert SPOKEN.count("hasn't") == 1
    assert found(SPOKEN.replace("n't", f"n{mark}t"), earlier=SPOKEN).degree == "copy"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("74,000", "74 000"),
        ("74,000", "74\u202f000"),
        ("74,000", "74000"),
        ("$85 million", "$85.0 million"),
        ("offices", "offices at 9 a.m."),
    ],
)
def test_a_number_that_is_written_otherwise_is_no_other_state(before: str, after: str) -> None:
    earlier, later = SPOKEN.replace(before, after), SPOKEN
    if after.endswith("a.m."):
        later = earlier.replace("a.m.", "am")
    assert earlier != later
    for texts in ((earlier, later), (later, earlier)):
        assert found(texts[1], earlier=texts[0]).degree == "copy"


@pytest.mark.parametrize(("before", "after"), [("1.35", "135"), ("1:35", "2:35"), ("2.5", "2.05")])
def test_a_point_that_moves_is_another_figure(before: str, after: str) -> None:
    earlier = REPORT.replace("$85 million", f"${before} million")
    assert found(earlier.replace(before, after), earlier=earlier).rule == "revised"


@pytest.mark.parametrize("broken", ["?", "\ufffd"])
def test_a_text_that_is_whole_again_takes_the_place_of_the_broken_one(broken: str) -> None:
    earlier = SPOKEN.replace("n't", f"n{broken}t")
    assert (found(SPOKEN, earlier=earlier).degree, found(SPOKEN, earlier=earlier).rule) == (
        "fuller",
        "revised",
    )
