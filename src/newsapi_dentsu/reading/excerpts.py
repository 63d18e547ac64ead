"""What of a text is shown with a hit: its opening, or else where the words stand."""

import re
from collections.abc import Sequence, Set
from typing import Final, NamedTuple

from newsapi_dentsu.domain.terms import term_places
from newsapi_dentsu.reading.entries import own_text
from newsapi_dentsu.reading.hits import EXCERPT, Hit, Place, rows_as_found
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.warehouse.engines.base import Session

_LONGEST: Final = 200_000
"""Characters of a text that are looked through."""

_LEAD: Final = 3
"""The first word stands within the first third of a passage, so that it is read in its sentence."""

_CUT: Final = 40
"""Characters at an end, among which a blank is looked for; some scripts have none."""

_MOST_PASSAGES: Final = 3
"""Of a text whose words stand far apart; each is half as long as one alone."""

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

    It is the opening, unless more of what was looked for stands further on.
    """
    in_openings = {one.article_id: _occurrences(one.excerpt, search.phrases) for one in found}
    unseen = [
        one
        for one in found
        if set(search.phrases)
        - {seen.phrase for seen in in_openings[one.article_id]}
        - {seen.phrase for seen in _occurrences(one.title, search.phrases)}
    ]
    wanted = [(Place(one.published_at, one.article_id), one.change_seq) for one in unseen]
    texts = {
        article_id: " ".join(own_text(body, start, end)[:_LONGEST].split())
        for article_id, _, body, start, end in rows_as_found(session, wanted, _COLUMNS)
    }
    shown: dict[str, list[Piece]] = {}
    for one in found:
        opening = in_openings[one.article_id]
        further = _passages(
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


def _passages(text: str, phrases: Sequence[Terms], more_than: int) -> list[Piece]:
    """One passage with all the phrases, or a few that have them; none if they have no more."""
    found = _occurrences(text, phrases)
    wanted = {one.phrase for one in found}
    if len(wanted) <= more_than:
        return []
    spans: list[tuple[int, int]] = []
    length = EXCERPT
    first, shown = _richest(found, wanted, length)
    if shown != wanted:
        length = EXCERPT // 2
        first, shown = _richest(found, wanted, length)
    while True:
        spans.append(_bounds(text, first, length))
        wanted -= shown
        if not wanted or len(spans) == _MOST_PASSAGES:
            break
        first, shown = _richest(found, wanted, length)
    pieces: list[Piece] = []
    done = 0
    for start, end in sorted(spans):
        start = max(start, done)
        if start > done:
            pieces.append(Piece(" … " if done else "…", False))
        inside = [
            one._replace(start=one.start - start, end=one.end - start)
            for one in found
            if one.start >= start and one.end <= end
        ]
        pieces += _pieces(text[start:end], inside)
        done = max(done, end)
    return [*pieces, Piece("…", False)] if done < len(text) else pieces


def _richest(
    found: Sequence[_Occurrence], wanted: Set[Terms], length: int
) -> tuple[_Occurrence, set[Terms]]:
    """Where the first passage begins that has the most of these phrases, and which it has."""
    together = []
    for at, first in enumerate(found):
        if first.phrase in wanted:
            last = max(first.end, first.start + length - length // _LEAD - _CUT)
            shown = {first.phrase}
            for other in found[at + 1 :]:
                if other.start >= last:
                    break
                if other.end <= last and other.phrase in wanted:
                    shown.add(other.phrase)
            together.append((first, shown))
    return max(together, key=lambda one: len(one[1]))


def _bounds(text: str, first: _Occurrence, length: int) -> tuple[int, int]:
    """Where a passage begins and ends that shows an occurrence and what follows it."""
    lead = max(0, first.start - length // _LEAD)
    sentences = [one.end() for one in _SENTENCE_END.finditer(text, lead, first.start)]
    blank = text.find(" ", lead, min(first.start, lead + _CUT)) + 1
    start = 0 if not lead else sentences[0] if sentences else blank or lead
    end = max(start + length, first.end)
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
