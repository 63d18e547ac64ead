"""How names and domains are written and compared: their words, and their keys."""

import re
import unicodedata
from functools import cache
from typing import Final

WORD: Final = re.compile(r"[^\W_]+|_|[^\w\s]")
"""A word of a text in `folded` writing, or a mark."""

_LONGEST_KEY: Final = 200
_LONGEST_DOMAIN: Final = 300
_QUOTES: Final = str.maketrans({**dict.fromkeys('"“”„«»', " "), **dict.fromkeys("’‘ʼ", "'")})
_LIKE: Final = {"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "–": "-", "—": "-", "\xa0": " "}


def name_key(name: str) -> str:
    """A name as names are compared: without capitals, accents, quotation marks, needless blanks.

    All other marks count, so that C++ is not C#.
    """
    told = unicodedata.normalize("NFKD", name.translate(_QUOTES)).casefold()
    bare = "".join(char for char in told if not unicodedata.combining(char))
    return " ".join(unicodedata.normalize("NFC", bare).split())[:_LONGEST_KEY]


def domain_key(source_uri: str) -> str:
    """The domain of a publication as domains are compared: without capitals."""
    return source_uri.strip().casefold()[:_LONGEST_DOMAIN]


def folded(text: str) -> str:
    """The text without accents, and with one kind of apostrophe and dash; as long as before."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _plain(char) for char in text)


@cache
def _plain(char: str) -> str:
    if char in _LIKE:
        return _LIKE[char]
    first, *marks = list(unicodedata.normalize("NFD", char))
    return first if all(unicodedata.combining(mark) for mark in marks) else char


def words(name: str) -> tuple[str, ...]:
    """The words and marks by which a name is found in texts."""
    return tuple(WORD.findall(folded(name)))
