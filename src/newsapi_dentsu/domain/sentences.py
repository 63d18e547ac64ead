"""Taking a text apart into its sentences, each with its place in the text."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST: Final = 1_000
"""Characters of one sentence at most; a longer one is cut between words."""

_ABBREVIATIONS_AS_TEXT: Final = (
    "mr mrs ms dr prof sr jr st gen col sgt rep sen gov hon rev inc ltd corp co bros vs "
    "etc eg ie cf al approx dept est jan feb mar apr jun jul aug sep sept oct "
    "nov dec mt ft"
)
_ABBREVIATIONS: Final = frozenset(_ABBREVIATIONS_AS_TEXT.split())
_BEFORE_NUMBERS: Final = frozenset(["no", "nos", "vol", "fig", "pp"])
_CLOSING: Final = "\"'”’»)]"
_END = re.compile(rf"[.!?…]+[{re.escape(_CLOSING)}]*(?=\s|$)|\n+")
_LAST_WORD = re.compile(r"[\w.]*\w$")
_BEGINS = re.compile(r"\s*[\"'“‘«(\[]*(?P<first>\w)")


class Sentence(NamedTuple):
    """A sentence, and where in its text it begins."""

    start: int
    text: str


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text in order. A line's end is an end; an abbreviation's point isn't."""
    begun = 0
    for end in _END.finditer(text):
        if end[0][0] == "\n" or _ends(text, begun, end):
            yield from _trimmed(text, begun, end.end())
            begun = end.end()
    yield from _trimmed(text, begun, len(text))


def _ends(text: str, begun: int, end: "re.Match[str]") -> bool:
    following = _BEGINS.match(text, end.end())
    if following and following["first"].islower():
        return False
    if end[0] != ".":
        return True
    word = _LAST_WORD.search(text, max(begun, end.start() - 30), end.start())
    if word is None:
        return True
    last = word[0].rpartition(".")[2]
    # U.S., J. K., and what is only ever written short before a name or a number.
    initial = len(last) == 1 and last.isupper()
    if following and following["first"].isdigit() and last.lower() in _BEFORE_NUMBERS:
        return False
    return not (initial or last.lower() in _ABBREVIATIONS)


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    while True:
        while start < end and text[start].isspace():
            start += 1
        if start >= end:
            return
        stop = end
        if end - start > LONGEST:
            stop = text.rfind(" ", start + 1, start + LONGEST)
            stop = start + LONGEST if stop <= start else stop
        yield Sentence(start, text[start:stop].rstrip())
        start = stop
