"""Normal forms cost linear time: rows of marks are cut as the Stream-Safe Text Format cuts them."""

import time
import unicodedata
from itertools import groupby
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.normalization import MOST_MARKS, normalize
from support.parts import first_quick

FORMS: tuple[Literal["NFC", "NFKC"], ...] = ("NFC", "NFKC")
MARKS = "\u0300\u0315\u0327\u0344\u0f71\u0f73\uff9e\u3099\U0001d165\u05b0"


def longest_row(text: str) -> int:
    marks = map(unicodedata.combining, unicodedata.normalize("NFKD", text))
    return max((len(list(row)) for is_mark, row in groupby(marks, bool) if is_mark), default=0)


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text())
def test_ordinary_text_is_normalised_as_ever(form: Literal["NFC", "NFKC"], text: str) -> None:
    if longest_row(text) <= MOST_MARKS:
        assert normalize(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(st.sampled_from("ae가ｶ \u034f" + MARKS), max_size=200))
def test_no_row_of_marks_is_long_and_nothing_is_lost(
    form: Literal["NFC", "NFKC"], text: str
) -> None:
    done = normalize(form, text)
    # A letter may bring marks of its own.
    assert longest_row(done) <= MOST_MARKS + 3
    assert normalize(form, done) == done

    def marks_and_letters(of: str) -> list[str]:
        return sorted(unicodedata.normalize("NFKD", of).replace("\u034f", ""))

    assert marks_and_letters(done) == marks_and_letters(text)


def test_thirty_marks_stay_and_the_next_begin_a_row() -> None:
    thirty = "q" + "\u0300" * MOST_MARKS
    assert normalize("NFC", thirty) == thirty
    assert normalize("NFC", thirty + "\u0300") == thirty + "\u034f\u0300"


def test_no_character_of_this_unicode_is_a_mark_beyond_those_looked_at() -> None:
    missed = [
        hex(code)
        for code in (*range(0x300), *range(0x1F000, 0x110000))
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    ]
    assert missed == []


@pytest.mark.parametrize("form", first_quick(FORMS))
@pytest.mark.parametrize(
    "marks", ["\u0315\u0300", "\u0344\u0315", "\u0f73\u0f71", "\u0300\uff9e", "\u05b0\u05c1\u0591"]
)
def test_long_rows_cost_little(form: Literal["NFC", "NFKC"], marks: str) -> None:
    text = "a" + marks * 300_000
    started = time.process_time()
    normalize(form, text)
    assert time.process_time() - started < 2
