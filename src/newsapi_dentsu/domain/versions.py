"""Which articles a web page has shown, and which of its records gives each of them.

All of this follows from the set of a page's records, whatever the order in which they arrive.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Final, Literal, Protocol

from newsapi_dentsu.domain.similarity import Text

Outcome = Literal["article", "superseded", "url_twin"]

TITLE_SHARE: Final = 0.5
"""Share of two titles' words that both have, from which on one is a rewording of the other."""

TELLING_TITLE_WORDS: Final = 4
"""Words of a title that counts against long texts; shorter ones may name a section or a site."""

LONG_TEXT: Final = 100
"""Runs of words of a text that is long enough to tell by itself whether it is an update."""

TEXT_SHARE: Final = 0.17
"""Share of the shorter text's runs of words that a text must keep to be an update of the other."""

SAME_TEXT_SHARE: Final = 0.9
"""Share of two texts' runs of words that both have, from which on they are one text."""

MOST_COMPARED: Final = 20
"""Articles of a page that a record is compared with: those that changed last."""

TEXTS_COMPARED: Final = 5
"""Texts of an article that one under another fragment is compared with, the latest ones."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Returned:
    """A record came back after others of its uri had replaced it, `at` its latest return.

    `number` orders this among the uri's versions, `changes` counts the record's returns that
    brought its page another text.
    """

    number: int
    at: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One raw record of a web page.

    `fragment` is what its link has after the page's address. `text_at` is the time since which the
    page is known to have shown this text: when the index found it, or, for a record that came again
    changed, when it was fetched.
    """

    raw_seq: int
    uri: str
    uri_version: int
    fragment: str
    text_hash: str
    text_at: datetime | None
    published_at: datetime | None
    returned: Returned | None = None

    @property
    def number(self) -> int:
        """Its place among the records of its uri: the highest shows the uri."""
        return max(self.uri_version, self.returned.number if self.returned else 0)

    @property
    def shown_at(self) -> datetime | None:
        """The time since which the page is known to show this text now, if it does."""
        return self.returned.at if self.returned else self.text_at

    @property
    def order(self) -> tuple[datetime, str, int]:
        """Where it stands among the records of its page: when it came first, not when it returned.

        Its text was there since then, and what came after was told apart from it.
        """
        return (self.text_at or _EARLIEST, self.uri, self.uri_version)


@dataclass(frozen=True, slots=True)
class Wording:
    """A record's title and text as they are compared."""

    title: Text
    body: Text


class Wordings(Protocol):
    """Finds the wording of a record."""

    def of(self, record: Occurrence) -> Wording:
        """The wording of this record."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """How an article is shown: which record gives it, whose link, and what the others are.

    `published_at` is the date of the text, the earliest of its records, or else the latest that is
    known; `first_published_at` is the earliest of all records.
    """

    raw_seq: int
    link_seq: int
    version: int
    published_at: datetime | None
    first_published_at: datetime | None
    outcomes: dict[int, Outcome]


@dataclass(slots=True, eq=False)
class _Article:
    records: list[Occurrence] = field(default_factory=list)
    latest: dict[str, Occurrence] = field(default_factory=dict)
    recent: deque[Occurrence] = field(default_factory=lambda: deque(maxlen=TEXTS_COMPARED))

    def add(self, record: Occurrence) -> None:
        self.records.append(record)
        self.latest[record.fragment] = record
        self.recent.append(record)

    def holds(self, record: Occurrence, wordings: Wordings) -> bool:
        wording = wordings.of(record)
        if before := self.latest.get(record.fragment):
            return is_update(wordings.of(before), wording)
        return any(is_same(wordings.of(other), wording) for other in self.recent)


def articles_of(
    records: Iterable[Occurrence], wordings: Wordings, settled: Mapping[int, str] | None = None
) -> list[list[Occurrence]]:
    """Divide the records of a page into the articles that it has shown.

    Records with one uri or one text belong to one article. Of the others, a record under the same
    fragment belongs to an article that it may be an update of, and one under another fragment to
    an article of which it repeats the text. A record is compared with earlier ones only, and so
    never joins two articles that were told apart. That a record came back divides nothing anew: it
    is of the article that it has been of.

    Args:
        records: all records of the page.
        wordings: is asked for a record's wording where it decides.
        settled: the article of each record, by any name, before the first that is new or changed.

    Returns:
        The records of each article in their order, and the articles in that of their first record.
    """
    settled = settled or {}
    found: list[_Article] = []
    latest: OrderedDict[int, _Article] = OrderedDict()
    by_name: dict[str, _Article] = {}
    by_uri: dict[str, _Article] = {}
    by_text: dict[str, _Article] = {}
    for record in sorted(records, key=lambda item: item.order):
        name = settled.get(record.raw_seq)
        if name is not None:
            article = by_name.get(name)
        else:
            article = by_uri.get(record.uri) or by_text.get(record.text_hash)
            if article is None:
                nearest = islice(reversed(latest.values()), MOST_COMPARED)
                article = next((one for one in nearest if one.holds(record, wordings)), None)
        if article is None:
            article = _Article()
            found.append(article)
        latest[id(article)] = article
        latest.move_to_end(id(article))
        article.add(record)
        by_uri.setdefault(record.uri, article)
        by_text.setdefault(record.text_hash, article)
        if name is not None:
            by_name[name] = article
    return [article.records for article in found]


def is_update(earlier: Wording, later: Wording) -> bool:
    """Whether a page that showed one text may show the other as an update of it.

    Both thresholds lie where records of one url and records of one publication on one day part;
    see docs/urls.md.
    """
    runs, other_runs = earlier.body.distinct_runs, later.body.distinct_runs
    shorter = min(len(runs), len(other_runs))
    if len(runs & other_runs) >= TEXT_SHARE * shorter and (shorter or runs == other_runs):
        return True
    title, other_title = earlier.title.vocabulary, later.title.vocabulary
    telling = shorter < LONG_TEXT or len(title) >= TELLING_TITLE_WORDS
    return telling and len(title & other_title) >= max(1, TITLE_SHARE * len(title | other_title))


def is_same(one: Wording, other: Wording) -> bool:
    """Whether two texts are one, but for what a site adds to each showing of it."""
    runs, other_runs = one.body.distinct_runs, other.body.distinct_runs
    return len(runs & other_runs) >= SAME_TEXT_SHARE * len(runs | other_runs)


def resolve(records: Sequence[Occurrence]) -> Resolution:
    """Choose how an article is shown among all its records.

    Each uri shows its newest version, or the one that came back since. Of these the text shown last
    wins; of the records that carry it, the one published first. Where a text came under several
    fragments, that under none counts, or else under the first. `version` counts the texts that were
    shown, one after the other.

    Raises:
        ValueError: there are no records.
    """
    if not records:
        raise ValueError("an article has at least one record")
    records = sorted(records, key=lambda item: item.order)
    live = {record.uri: record for record in sorted(records, key=lambda item: item.number)}
    fragments = {record.fragment for record in live.values()}
    own = "" if "" in fragments else min(live.values(), key=lambda item: item.order).fragment
    shown = [record for record in live.values() if record.fragment == own]
    newest = max(shown, key=_shown_last)
    chosen = min(
        (record for record in shown if record.text_hash == newest.text_hash),
        key=lambda item: (item.published_at or _LATEST, item.text_at or _LATEST, item.uri),
    )
    outcomes: dict[int, Outcome] = {record.raw_seq: "superseded" for record in records}
    for record in live.values():
        if record.fragment != own or record.text_hash == newest.text_hash:
            outcomes[record.raw_seq] = "url_twin"
    outcomes[chosen.raw_seq] = "article"
    dated = [(record.published_at, record) for record in records if record.published_at]
    dates = [published_at for published_at, _ in dated]
    of_text = [at for at, record in dated if record.text_hash == newest.text_hash]
    under_own = [record for record in records if record.fragment == own]
    texts = sum(1 for _ in groupby(record.text_hash for record in under_own))
    return Resolution(
        raw_seq=chosen.raw_seq,
        link_seq=max(live.values(), key=_shown_last).raw_seq,
        version=texts + sum(item.returned.changes for item in under_own if item.returned),
        published_at=min(of_text, default=max(dates, default=None)),
        first_published_at=min(dates, default=None),
        outcomes=outcomes,
    )


def _shown_last(record: Occurrence) -> tuple[datetime, str]:
    return (record.shown_at or _EARLIEST, record.uri)
