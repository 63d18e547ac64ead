"""The language of searches: `agency "series b" -crypto source:adledger since:2026-11-01`.

All of it must hold: each word or "phrase" is in the title or the text, none with a `-` before it
is, and `source:` and `since:` narrow down where and when. Capitals don't matter.
"""

import re
from dataclasses import dataclass
from datetime import date

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.reading.conditions import Conditions

MOST_TERMS = 20

_TERM = re.compile(
    r'(?P<minus>-?)(?:(?P<operator>source|since):)?(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))'
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: texts that are there or not, a part of a source, a first day (UTC)."""

    texts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    source: str | None = None
    since: date | None = None

    def add_to(self, conditions: Conditions, published: str) -> None:
        """Add what must hold of a row; `published` is the column of its time."""
        for text in self.texts:
            conditions.add_containing(("title", "body"), text)
        for text in self.without:
            conditions.add_lacking(("title", "body"), text)
        if self.source is not None:
            conditions.add_containing(("source_uri", "source_name"), self.source)
        if self.since is not None:
            conditions.add(f"{published} >= {{}}", day_start(self.since))


def parse_search(text: str) -> Search:
    """Read a search as people type it.

    Raises:
        ValueError: it has too many terms, or `since:` is followed by no day; the message says so.
    """
    texts: list[str] = []
    without: list[str] = []
    source: str | None = None
    since: date | None = None
    found = list(_TERM.finditer(text))
    if len(found) > MOST_TERMS:
        raise ValueError(f"a search has at most {MOST_TERMS} words and phrases")
    for term in found:
        value = (term["phrase"] if term["phrase"] is not None else term["word"]).strip()
        if not value:
            continue
        if term["operator"] == "source":
            source = value
        elif term["operator"] == "since":
            since = _day(value)
        else:
            (without if term["minus"] else texts).append(value)
    return Search(tuple(texts), tuple(without), source, since)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if 1900 <= day.year <= 2999:
            return day
    except ValueError:
        pass
    raise ValueError("since: needs a day such as since:2026-11-28")
