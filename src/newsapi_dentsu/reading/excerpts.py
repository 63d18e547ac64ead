"""What of a text is shown with a hit: its opening, or else where the words stand."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from newsapi_dentsu.domain.terms import term_places
from newsapi_dentsu.reading.entries import own_text
from newsapi_dentsu.reading.hits import EXCERPT, Hit, rows_as_found
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.warehouse.engines.base import Session

_LONGEST: Final = 200_000
"""Characters of a text that are looked through."""

_LEAD: Final = 100
"""Characters before the first word at most, so that it is read in its sentence."""

_CUT: Final = 40
"""Characters at an end, among which a blank is looked for; some scripts have none."""

_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’»)]*\s+|[。！？]")
_COLUMNS: Final = ("article_id", "change_seq", "body", "text_start", "text_end")


class Piece(NamedTuple):
    """A part of an excerpt, and whether it is what was looked for."""

    text: str
    marked: bool


class _Occurrence(NamedTuple):
    start: int
    end: int
    phrase: Terms


def excerpts(session: Session, found: Sequence[Hit], search: Search) -> dict[str, list[Piece]]:
    """What is shown of each hit's text, by its id, with the words of the search marked.

    It is the opening, unless more of what was looked for stands together further on.
    """
    in_openings = {one.article_id: _occurrences(one.excerpt, search.phrases) for one in found}
    unseen = [
        one
        for one in found
        if set(search.phrases)
        - {seen.phrase for seen in in_openings[one.article_id]}
        - {seen.phrase for seen in _occurrences(one.title, search.phrases)}
    ]
    texts = {
        article_id: " ".join(own_text(body, start, end)[:_LONGEST].split())
        for article_id, _, body, start, end in rows_as_found(
            session, [(one.article_id, one.change_seq) for one in unseen], _COLUMNS
        )
    }
    shown: dict[str, list[Piece]] = {}
    for one in found:
        opening = in_openings[one.article_id]
        further = _passage(
            texts.get(one.article_id, ""),
            search.phrases,
            more_than=len({seen.phrase for seen in opening}),
        )
        shown[one.article_id] = further or _pieces(one.excerpt, opening)
    return shown


def _occurrences(text: str, phrases: Sequence[Terms]) -> list[_Occurrence]:
    """Where phrases stand in a text, in order."""
    if not phrases:
        return []
    places = term_places(text)
    words = [place.term for place in places]
    by_first: dict[str, list[Terms]] = {}
    for phrase in dict.fromkeys(phrases):
        by_first.setdefault(phrase[0], []).append(phrase)
    return [
        _Occurrence(place.start, places[at + len(phrase) - 1].end, phrase)
        for at, place in enumerate(places)
        for phrase in by_first.get(place.term, ())
        if tuple(words[at : at + len(phrase)]) == phrase
    ]


def _passage(text: str, phrases: Sequence[Terms], more_than: int) -> list[Piece] | None:
    """The first passage with the most of the phrases; None where no passage has more of them."""
    found = _occurrences(text, phrases)
    most, best = more_than, None
    for at, first in enumerate(found):
        together = {first.phrase}
        for other in found[at + 1 :]:
            if other.end > first.start + EXCERPT - _LEAD:
                break
            together.add(other.phrase)
        if len(together) > most:
            most, best = len(together), first
    if best is None:
        return None
    start, end = _bounds(text, best)
    inside = [
        one._replace(start=one.start - start, end=one.end - start)
        for one in found
        if one.start >= start and one.end <= end
    ]
    pieces = _pieces(text[start:end], inside)
    before = [Piece("…", False)] if start else []
    after = [Piece("…", False)] if end < len(text) else []
    return before + pieces + after


def _bounds(text: str, first: _Occurrence) -> tuple[int, int]:
    """Where a passage begins and ends that shows an occurrence and what follows it."""
    lead = max(0, first.start - _LEAD)
    sentences = [one.end() for one in _SENTENCE_END.finditer(text, lead, first.start)]
    blank = text.find(" ", lead, min(first.start, lead + _CUT)) + 1
    start = 0 if not lead else sentences[0] if sentences else blank or lead
    end = max(start + EXCERPT, first.end)
    if end < len(text):
        cut = text.rfind(" ", max(first.end, end - _CUT), end + 1)
        end = cut if cut >= 0 else end
        end = start + len(text[start:end].rstrip(" .,;:–—-"))
    return start, min(end, len(text))


def _pieces(text: str, found: Sequence[_Occurrence]) -> list[Piece]:
    """A text in pieces, those that were looked for marked."""
    pieces: list[Piece] = []
    done = 0
    for one in found:
        start = max(one.start, done)
        if start >= one.end:
            continue
        if start > done:
            pieces.append(Piece(text[done:start], False))
        pieces.append(Piece(text[start : one.end], True))
        done = one.end
    return [*pieces, Piece(text[done:], False)] if done < len(text) else pieces
