"""What the sandbox serves: articles, and the two-method contract of anything that holds them."""

import re
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Protocol

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_UNRANKED_PERCENTILE = 100.0
_RANKED_SOURCES = 1_000_000


def as_words(text: str) -> str:
    """Return the lower-case words with a space on each side, so that phrases are substrings."""
    return f" {_BETWEEN_WORDS.sub(' ', text.casefold()).strip()} "


@dataclass(frozen=True)
class SandboxArticle:
    """One article version: its whole record, when it was indexed and when searches begin to see it.

    `record` holds the fields of every switch; `kind` says what the article is there for and is
    never served.
    """

    record: dict[str, Any]
    index_time: datetime
    arrives_at: datetime
    kind: str = "story"

    def __post_init__(self) -> None:
        for name in ("index_time", "arrives_at"):
            if getattr(self, name).utcoffset() is None:
                raise ValueError(f"{name} needs a time zone, got {getattr(self, name)!r}")

    @classmethod
    def from_record(
        cls, record: dict[str, Any], *, arrives_at: datetime | None = None, kind: str = "story"
    ) -> "SandboxArticle":
        """Take the index time from the record's `dateTime`; by default it arrives then."""
        index_time = datetime.fromisoformat(record["dateTime"]).astimezone(UTC)
        return cls(record, index_time, arrives_at or index_time, kind)

    @property
    def uri(self) -> str:
        """The identity of this article version."""
        return str(self.record["uri"])

    @cached_property
    def day(self) -> date:
        """The index day (UTC): what `dateStart` and `dateEnd` look at."""
        return self.index_time.astimezone(UTC).date()

    @cached_property
    def title_words(self) -> str:
        """The title, ready for phrase search."""
        return as_words(self.record.get("title") or "")

    @cached_property
    def body_words(self) -> str:
        """The body, ready for phrase search."""
        return as_words(self.record.get("body") or "")

    @cached_property
    def concepts(self) -> frozenset[str]:
        """The uris of its concepts."""
        return frozenset(concept["uri"] for concept in self.record.get("concepts") or ())

    @cached_property
    def categories(self) -> frozenset[str]:
        """The uris of its categories and of all their ancestors."""
        uris: set[str] = set()
        for category in self.record.get("categories") or ():
            parts = category["uri"].split("/")
            uris.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        return frozenset(uris)

    @cached_property
    def authors(self) -> frozenset[str]:
        """The uris of its authors."""
        return frozenset(author["uri"] for author in self.record.get("authors") or ())

    @cached_property
    def locations(self) -> frozenset[str]:
        """The uris of the place it is about and of that place's country."""
        return _place_uris(self.record.get("location"))

    @cached_property
    def source_locations(self) -> frozenset[str]:
        """The uris of the place its source is in and of that place's country."""
        return _place_uris((self.record.get("source") or {}).get("location"))

    @property
    def source(self) -> str:
        """The uri of its source."""
        return str((self.record.get("source") or {}).get("uri", ""))

    @property
    def source_percentile(self) -> float:
        """Where its source stands among all sources, 0 the most important and 100 the least."""
        ranking = (self.record.get("source") or {}).get("ranking") or {}
        rank = ranking.get("importanceRank")
        return _UNRANKED_PERCENTILE if rank is None else 100 * rank / _RANKED_SOURCES


def _place_uris(place: dict[str, Any] | None) -> frozenset[str]:
    if not place:
        return frozenset()
    country = place.get("country") or {}
    return frozenset(uri for uri in (place.get("uri"), country.get("uri")) if uri)


class Corpus(Protocol):
    """Anything that can say which articles were indexed on which days."""

    def articles(self, first: date, last: date) -> Sequence[SandboxArticle]:
        """Return the articles whose index day is from `first` to `last`, both included."""
        ...


class ListCorpus:
    """A corpus of given articles, for tests; more can be added while the server runs."""

    def __init__(self, articles: Iterable[SandboxArticle] = ()) -> None:
        self._lock = threading.Lock()
        self._by_day: dict[date, list[SandboxArticle]] = {}
        self._days: list[date] = []
        for article in articles:
            self.add(article)

    def add(self, article: SandboxArticle) -> None:
        """Add one article."""
        with self._lock:
            if article.day not in self._by_day:
                self._by_day[article.day] = []
                insort(self._days, article.day)
            self._by_day[article.day].append(article)

    def articles(self, first: date, last: date) -> Sequence[SandboxArticle]:
        """Return the articles whose index day is from `first` to `last`, both included."""
        with self._lock:
            days = self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]
            return [article for day in days for article in self._by_day[day]]
