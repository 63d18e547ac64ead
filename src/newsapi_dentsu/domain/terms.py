"""The terms of texts: what searches look for, the same on every engine.

A term is a run of letters and digits, without capitals and accents. Apostrophes, hyphens and all
other marks part terms, so that `McDonald's` is found as `mcdonald`. Scripts that don't put blanks
between words have a term for each character. Words aren't stemmed: news is in many languages.
"""

import re
import unicodedata
from typing import Final

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
