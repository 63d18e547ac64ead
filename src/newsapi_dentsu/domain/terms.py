"""The terms of texts: what searches look for, the same on every engine.

A term is a run of letters and digits, without capitals and accents. Apostrophes, hyphens and all
other marks part terms, so that `McDonald's` is found as `mcdonald`. Scripts that don't put blanks
between words have a term for each character. Words aren't stemmed: news is in many languages.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST: Final = 64
"""Characters of a term; what is longer is told by its beginning."""

_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_UNSEEN: Final = re.compile("[\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]+")
"""Marks within words that readers don't see."""

_WITHOUT_BLANKS: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff\uac00-\ud7a3]"  # Japanese, Chinese, Korean
)


def terms(text: str) -> list[str]:
    """The terms of a text, in order."""
    if text.isascii():
        parted = text.lower().translate(_ASCII_PARTED)
    else:
        parted = _plain(text).translate(_PARTED)
    return [term[:LONGEST] for term in parted.split()]


class TermPlace(NamedTuple):
    """A term, and where the characters stand that it was made of."""

    term: str
    start: int
    end: int


def term_places(text: str) -> list[TermPlace]:
    """The terms of a text, in order, each with its place in the text."""
    found: list[TermPlace] = []
    for chunk in _CHUNK.finditer(text):
        pieces = list(_pieces(chunk[0]))
        made = [
            TermPlace(term, chunk.start() + start, chunk.start() + end)
            for start, end in pieces
            for term in terms(chunk[0][start:end])
        ]
        whole = terms(chunk[0])
        if [place.term for place in made] != whole:
            # Its characters make other terms together than one by one.
            made = [TermPlace(term, *chunk.span()) for term in whole]
        found += made
    return found


_CHUNK: Final = re.compile(r"\S+")
_ASCII_TERM: Final = re.compile("[A-Za-z0-9]+")


def _pieces(chunk: str) -> Iterator[tuple[int, int]]:
    """Where the characters of each term begin and end, as far as each can be told by itself."""
    if chunk.isascii():
        yield from (piece.span() for piece in _ASCII_TERM.finditer(chunk))
        return
    start: int | None = None
    alone = False
    for at, character in enumerate(chunk):
        if start is not None and (
            _UNSEEN.match(character) or unicodedata.category(character).startswith("M")
        ):
            continue
        made = terms(character)
        single = len(made) > 1 or bool(_WITHOUT_BLANKS.match(character))
        if start is not None and (not made or single or alone):
            yield start, at
            start = None
        if made and start is None:
            start, alone = at, single
    if start is not None:
        yield start, len(chunk)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))
    return unicodedata.normalize("NFC", bare)


class _Parted(dict[int, str]):
    """What stands for a character where terms are parted by blanks."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        in_words = character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
        stands = character if in_words else " "
        if _WITHOUT_BLANKS.match(character):
            stands = f" {stands} "
        self[code] = stands
        return stands


_PARTED: Final = _Parted()
_ASCII_PARTED: Final = {code: _PARTED[code] for code in range(128)}
"""The same, which is quicker where it is all that is needed."""
