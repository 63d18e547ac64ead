"""Which parts of an article are given to the sentence model."""

import hashlib
from itertools import islice
from typing import Final

OPENING_WORDS: Final = 90
"""With a title, as much as the sentence model reads of a text at once."""

_OPENING_CHARACTERS: Final = 1_000
"""Where words aren't told apart by blanks."""


def passages(title: str, own_text: str) -> tuple[str, ...]:
    """The parts of an article that are each given a vector; none of an article without text.

    The first is the title with the opening, the second the title alone, where there are both.

    Args:
        title: the article's title, cleaned.
        own_text: the article's text without what its site wraps around it.
    """
    opening = opening_of(own_text)
    if title and opening:
        return f"{title}. {opening}", title
    text = title or opening
    return (text,) if text else ()


def opening_of(own_text: str) -> str:
    """The first words of an article's own text, of which the opening is again the same."""
    return " ".join(islice(own_text[:_OPENING_CHARACTERS].split(), OPENING_WORDS))


def passage_hash(passage: str) -> str:
    """The name under which a passage's vector is kept."""
    return hashlib.sha256(passage.encode("utf-8", "surrogatepass")).hexdigest()[:32]
