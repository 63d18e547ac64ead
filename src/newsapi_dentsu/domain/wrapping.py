"""Where an article's own text begins and ends, between what its site wraps around it.

Agency credits, syndication notes, lines to subscribe or share, lists of further links: they say
nothing of the article's subject, and differ between copies of one text. Lines are taken off both
ends as long as a rule knows them, or a table of the lines that recur at the source. What a rule
isn't sure of stays: wrapping that was missed costs less than text that was lost.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from typing import Final, NamedTuple

from newsapi_dentsu.domain.notices import LEAST_TOLD, after_notices
from newsapi_dentsu.domain.wrapping_rules import (
    MOST_LENGTH,
    Place,
    after_dateline,
    before_credit,
    heads_links,
    is_wrapping,
)

METHOD: Final = "wrapping-7"
"""Names the rules here and in `wrapping_rules`: whoever changes them changes it, too."""

LEAST_OWN_WORDS: Final = 12
"""Where less would be left, the wrapping is all there is, and counts as the text."""

MOST_LINES: Final = 40
"""Lines at an end that are looked at."""

LEAST_RECURRENCES: Final = 5
MOST_TITLE_SHARE: Final = 0.34
"""A line recurs at a source if at least `LEAST_RECURRENCES` of its articles have it at that end,
and no word stands in more than this share of their titles: what is told again and again of one
event is background, not wrapping."""


_EDGE_LINES: Final = 12
"""Lines at an end of an article, at most half of them, in which to look for what recurs."""

_LONGEST_LINK: Final = 140
_FILLED = re.compile(r"[^\n]+")
_NUMBER = re.compile(r"\d+")
_TITLE_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "january february march april may june july august september october november december jan "
        "feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
        "saturday sunday mon tue wed thu fri sat sun am pm at on gmt utc edt est ist bst h",
    )
)


class Span(NamedTuple):
    """Where the own text of a body begins and ends, in characters."""

    start: int
    end: int

    def of(self, body: str) -> str:
        """The own text of the body."""
        return body[self.start : self.end]


Known = Mapping[Place, Set[str]]
"""The lines that recur at a source, as `line_key` gives them, by the end at which they do."""

NOTHING_KNOWN: Final[Known] = {"start": frozenset(), "end": frozenset()}


def own_span(body: str, known: Known = NOTHING_KNOWN) -> Span:
    """Find the article's own text in a cleaned body.

    Args:
        body: the cleaned body.
        known: what is known to recur at the article's source.
    """
    start, end = _start(body, known["start"]), _end(body, known["end"])
    if start >= end or len(body[start:end].split(maxsplit=LEAST_OWN_WORDS)) < LEAST_OWN_WORDS:
        return Span(0, len(body))
    return Span(start, end)


def line_key(line: str) -> str:
    """What makes lines the same: their letters without case, whatever their numbers."""
    return _NUMBER.sub("0", " ".join(line.casefold().split()))


def recurring_lines(articles: Iterable[tuple[str, str]]) -> dict[Place, dict[str, int]]:
    """Find the lines that recur at the ends of one source's articles.

    Args:
        articles: title and cleaned body of each.

    Returns:
        For both ends the lines as `line_key` gives them, and how many articles have each.
    """
    # What has its longest line in common is one article, however often the site shows it.
    once = {
        max(body.split("\n"), key=lambda line: (len(line), line)): (title, body)
        for title, body in sorted(articles)
    }
    titles: dict[tuple[Place, str], list[frozenset[str]]] = {}
    for title, body in once.values():
        words = frozenset(_TITLE_WORD.findall(title.casefold()))
        lines = [line_key(line.text) for line in _lines(body)]
        edge = min(_EDGE_LINES, len(lines) // 2)
        ends: dict[Place, list[str]] = {"start": lines[:edge], "end": lines[len(lines) - edge :]}
        for place, keys in ends.items():
            for key in set(keys):
                if len(key) <= MOST_LENGTH and not _DATE_WORDS.issuperset(_LETTERS.findall(key)):
                    titles.setdefault((place, key), []).append(words)
    found: dict[Place, dict[str, int]] = {"start": {}, "end": {}}
    for (place, key), occurrences in titles.items():
        count = len(occurrences)
        if count >= LEAST_RECURRENCES and _most_common(occurrences) <= MOST_TITLE_SHARE * count:
            found[place][key] = count
    return found


def _most_common(sets: Iterable[frozenset[str]]) -> int:
    return max(Counter(word for words in sets for word in words).values(), default=0)


class _Line(NamedTuple):
    """A line that holds something, and where it is in its body."""

    start: int
    end: int
    text: str


def _lines(body: str) -> Iterator[_Line]:
    for line in _FILLED.finditer(body):
        if text := line[0].strip():
            yield _Line(*line.span(), text)


def _lines_from_end(body: str) -> Iterator[_Line]:
    end = len(body)
    while end > 0:
        start = body.rfind("\n", 0, end) + 1
        if start == end:
            # Many empty lines cost no more than one.
            end = len(body[:end].rstrip("\n"))
            continue
        if text := body[start:end].strip():
            yield _Line(start, end, text)
        end = start - 1


def _start(body: str, known: Set[str]) -> int:
    start = at = 0
    for line in islice(_lines(body), MOST_LINES):
        if line.end <= at:
            continue
        start = max(line.start, at)
        at = _after_notices(body, start)
        if start < at < line.end:
            # The article begins on the line of the notice.
            start = at
            break
        if at == start and not (start == line.start and _is_wrapping(line.text, "start", known)):
            break
    return after_dateline(body, start)


def _after_notices(body: str, start: int) -> int:
    """Where a body goes on behind notices; at `start` if these are nearly all there is."""
    end = after_notices(body, start)
    told = body[end:].split(maxsplit=LEAST_TOLD)
    return end if len(told) >= LEAST_TOLD else start


def _end(body: str, known: Set[str]) -> int:
    end = len(body)
    lines = list(islice(_lines_from_end(body), MOST_LINES))
    at = 0
    while at < len(lines):
        text = lines[at].text
        cut = before_credit(text)
        if cut == 0 or _is_wrapping(text, "end", known):
            at += 1
            end = lines[at].end if at < len(lines) else lines[at - 1].start
            continue
        if cut < len(text):
            return lines[at].start + cut
        below = _links_below_heading(lines, at)
        if below is None:
            return lines[at].end
        at = below + 1
        end = lines[below].start
    return end


def _links_below_heading(lines: list[_Line], at: int) -> int | None:
    """The line that heads the list of links which ends here, by its number."""
    for number in range(at, len(lines)):
        text = lines[number].text
        if number > at and heads_links(text):
            return number
        if len(text) > _LONGEST_LINK or text.endswith((".", ",", '"', "\u201d")):
            return None
    return None


def _is_wrapping(line: str, place: Place, known: Set[str]) -> bool:
    return is_wrapping(line, place) or (
        bool(known) and len(line) <= MOST_LENGTH and line_key(line) in known
    )
