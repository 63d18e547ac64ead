"""Unicode's normal forms in linear time, whatever the text.

Normalising sorts the marks on a letter, which takes the square of their number. Unicode Standard
Annex #15 therefore defines the Stream-Safe Text Format: no more than 30 marks in a row, as no
language needs more; after so many a combining grapheme joiner, U+034F, begins a new row.
"""

import re
import unicodedata
from functools import cache
from typing import Final, Literal

MOST_MARKS: Final = 30
"""Non-starters in a row (UAX #15, section 13)."""

_JOINER: Final = "\u034f"
_FIRST_MARK, _BEYOND_MARKS = 0x300, 0x1F000
_LONGEST_MARK: Final = 2
"""The most marks that one character stands for, such as U+0344."""


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return the normal form of a text, in the Stream-Safe Text Format."""
    if text.isascii():
        return text
    # A set is looked up in a tenth of the time that the pattern takes.
    if not _marks().isdisjoint(text):
        text = _long_rows().sub(_in_rows, text)
    return unicodedata.normalize(form, text)


def _in_rows(match: re.Match[str]) -> str:
    row = match[0]
    if len(row) <= MOST_MARKS and len(unicodedata.normalize("NFKD", row)) <= MOST_MARKS:
        return row
    # Taken apart one by one: an accent of two must count as two.
    marks = "".join(unicodedata.normalize("NFKD", mark) for mark in row)
    return _JOINER.join(marks[at : at + MOST_MARKS] for at in range(0, len(marks), MOST_MARKS))


@cache
def _marks() -> frozenset[str]:
    """Characters that are marks, or become some."""
    return frozenset(filter(_is_mark, map(chr, range(_FIRST_MARK, _BEYOND_MARKS))))


@cache
def _long_rows() -> re.Pattern[str]:
    """So many marks in a row that they may be too long."""
    return re.compile(f"[{''.join(sorted(_marks()))}]{{{MOST_MARKS // _LONGEST_MARK + 1},}}")


def _is_mark(character: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) > 0
