"""What searches find, and what every index of them can do."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from newsapi_dentsu.domain.names import name_key
from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading.entries import COLUMNS, day_of, own_text
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.reading.tones import Speaks
from newsapi_dentsu.warehouse.engines.base import Row, Session

RANKED: Final = 2_000
"""The newest hits, among which those that fit best are looked for."""

FACETED: Final = 1_000
"""The newest hits, whose days, sources, topics, languages and tones are counted."""

COUNTED: Final = 1_000
"""Hits that are counted at most where a page says how many there are: phrases of frequent words are
compared text by text."""

EXCERPT: Final = 300
"""Characters of a text that are shown with a hit."""

_EPOCH: Final = date(1970, 1, 1)
_SPANS: Final = (1, 3, 8, 20, 52)
"""Weeks that are looked through at a time, from the newest on; then all that are left."""


class NoIndexError(WarehouseError):
    """There is no index of searches yet, or none that can be read."""


class Place(NamedTuple):
    """Where an article stands in the order in which articles are read, the newest first."""

    published_at: datetime
    article_id: str


class Found(NamedTuple):
    """A hit: where it stands, as it was from which change on, and how the index finds it again."""

    place: Place
    change_seq: int
    address: Any = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit as people see it in a list."""

    article_id: str
    change_seq: int
    published_at: datetime
    story_id: str | None
    title: str
    excerpt: str
    link: str
    source_name: str | None
    source_uri: str | None
    lang: str
    topics: list[str]
    relevance: float | None
    sentiment: float | None
    origin: str
    tone: str | None
    targets: list[Speaks]
    """Whom it speaks about, and how."""


_NAMES: Final = tuple(one.name for one in fields(Hit))
_PUBLISHED: Final = _NAMES.index("published_at")
_TARGETS: Final = _NAMES.index("targets")
_parse: Final = json.JSONDecoder().raw_decode


class Labels(NamedTuple):
    """What hits are counted by."""

    source_uri: str | None
    topics: list[str]
    lang: str
    tone: str | None
    targets: list[Speaks]


class Tally(NamedTuple):
    """How many of so many hits have each day, source, topic and language."""

    of: int
    days: Counter[date]
    sources: Counter[str]
    topics: Counter[str]
    languages: Counter[str]
    tones: Counter[str]
    """How they speak, of the brands where such are looked for."""

    brands: Counter[str]
    """Whom they speak about, as it is spelled there."""


class Counted(NamedTuple):
    """How many hits there are; more where `exact` is false."""

    hits: int
    exact: bool


class Facets(NamedTuple):
    """What hits can be narrowed down by, each with how many have it; the most first."""

    days: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    topics: list[tuple[str, int]]
    languages: list[tuple[str, int]]
    tones: list[tuple[str, int]]
    """How they speak, of the brands where such are looked for."""

    brands: list[tuple[str, int]]
    """Whom they speak about."""

    of: int
    """The newest hits that were looked at."""


class Reach(NamedTuple):
    """What can be searched: a state of the articles, all of them or, at first, the newest ones."""

    state: int
    since: datetime | None
    """None that was published before is found yet; None where there is no such bound."""

    missing: int
    """How many articles are still to be taken."""


class Index(Protocol):
    """An index of searches: the hits of a search, which are the same whichever index tells them."""

    state: int
    """The newest state of the articles that it knows."""

    since: datetime | None
    """None that was published before is found yet; None where none is missing."""

    revision: str
    """What names all that it answers from: another one after each change of any of it."""

    def newest(
        self, search: Search, *, rows: int, after: Place | None = None, state: int | None = None
    ) -> list[Found]:
        """The next hits of a state (the newest one by default), the newest first."""
        ...

    def count(self, search: Search, *, most: int | None = None, state: int | None = None) -> int:
        """How many hits there are; no more than `most` are counted."""
        ...

    def points(self, search: Search, found: Sequence[Found]) -> list[int]:
        """How high each of these hits ranks (`entries.points`)."""
        ...

    def hits(self, found: Sequence[Found]) -> list[Hit]:
        """These hits as people see them."""
        ...

    def tally(self, search: Search, rows: int) -> Tally:
        """What so many hits at most of the newest state are counted by, the newest ones."""
        ...

    def akin(
        self, article_id: str, near: datetime, words: Sequence[Terms], most: int
    ) -> list[Found]:
        """Other articles of those weeks with some of these phrases in title or opening.

        Those that have more of them come first.
        """
        ...

    def vectors(self, found: Sequence[Found]) -> list[bytes | None]:
        """What tells the meaning of each of these, in whole numbers of a byte."""
        ...

    def vector(self, article_id: str) -> bytes | None:
        """What tells the meaning of an article."""
        ...


def week_of(moment: datetime) -> int:
    """The week in which a moment lies, in weeks since 1970."""
    return (day_of(moment) - _EPOCH).days // 7


def windows(
    search: Search, top: datetime
) -> Iterator[tuple[Sequence[int], datetime | None, datetime | None]]:
    """Weeks to look through for the newest hits, one window after the other.

    Each has the moments that bound it; the last window has all that is left, and names no weeks.

    Args:
        search: what is looked for.
        top: no hit is newer.
    """
    first = day_start(search.since) if search.since else None
    last = day_start(search.until + timedelta(days=1)) if search.until else None
    week = week_of(top if last is None else min(top, last - timedelta(microseconds=1)))
    for span in _SPANS:
        if first is not None and last is not None and last <= first:
            return
        begin = day_start(_EPOCH + timedelta(weeks=week - span + 1))
        low = max(begin, first) if first is not None else begin
        yield range(week - span + 1, week + 1), low, last
        week, last = week - span, begin
    yield (), first, last


def found_since(index: Index, search: Search) -> datetime | None:
    """The moment before which no article is found yet; None where that keeps no hit away."""
    if index.since is None or not search.reads_texts:
        return None
    if search.since is not None and day_start(search.since) >= index.since:
        return None
    return index.since


def best(index: Index, search: Search, rows: int) -> list[Found]:
    """The hits that fit best among the newest; those that fit as well, the newest first."""
    found = index.newest(search, rows=RANKED)
    if not search.phrases:
        return found[:rows]
    ranked = sorted(
        zip(index.points(search, found), range(len(found)), strict=True),
        key=lambda one: (-one[0], one[1]),
    )
    return [found[place] for _, place in ranked[:rows]]


def counted(index: Index, search: Search, state: int | None = None) -> Counted:
    """How many hits a state has (the newest one by default), as far as they are counted."""
    hits = index.count(search, most=COUNTED + 1, state=state)
    return Counted(min(hits, COUNTED), hits <= COUNTED)


def facets(index: Index, search: Search, most: int = 20) -> Facets:
    """What the newest hits can be narrowed down by."""
    tally = index.tally(search, FACETED)

    def told(values: Counter[str]) -> list[tuple[str, int]]:
        return sorted(values.items(), key=lambda one: (-one[1], one[0]))[:most]

    brands: dict[str, Counter[str]] = {}
    for name, hits in tally.brands.items():
        brands.setdefault(name_key(name), Counter())[name] += hits
    days = sorted(tally.days.items(), reverse=True)[:most]
    return Facets(
        days=[(day.isoformat(), hits) for day, hits in days],
        sources=told(tally.sources),
        topics=told(tally.topics),
        languages=told(tally.languages),
        tones=told(tally.tones),
        brands=[
            (min(brands[key].items(), key=lambda one: (-one[1], one[0]))[0], hits)
            for key, hits in told(Counter({key: each.total() for key, each in brands.items()}))
        ],
        of=tally.of,
    )


def tally_of(found: Sequence[Found], labels: Sequence[Labels], search: Search) -> Tally:
    """What these hits of a search are counted by, each with its labels."""

    def how(one: Labels) -> set[str]:
        if not search.brands:
            return {one.tone} if one.tone else set()
        return {told.label for told in one.targets if name_key(told.target) in search.brands}

    return Tally(
        of=len(found),
        days=Counter(day_of(one.place.published_at) for one in found),
        sources=Counter(one.source_uri for one in labels if one.source_uri),
        topics=Counter(topic for one in labels for topic in set(one.topics)),
        languages=Counter(one.lang for one in labels if one.lang),
        tones=Counter(label for one in labels for label in how(one)),
        brands=Counter(name for one in labels for name in spelled(one.targets)),
    )


def rows_as_found(
    session: Session, wanted: Sequence[tuple[Place, int]], columns: Sequence[str]
) -> list[Row]:
    """Articles as they were from a change on, which may no longer be how they are.

    Args:
        session: what is read.
        wanted: the place of each and the number of its change.
        columns: what is read of them; the first two are `article_id` and `change_seq`.
    """
    rows: dict[tuple[str, int], Row] = {}
    for table in ("final.articles", "final.articles_past"):
        missing = [place for place, change in wanted if (place.article_id, change) not in rows]
        if not missing:
            break
        times = [place.published_at for place in missing]
        for row in session.rows(
            f"SELECT {', '.join(columns)} FROM {table} "
            "WHERE article_id = ANY($1::text[]) AND published_at BETWEEN $2 AND $3",
            sorted({place.article_id for place in missing}),
            min(times),
            max(times),
        ):
            rows.setdefault((row[0], row[1]), row)
    keys = ((place.article_id, change) for place, change in wanted)
    return [rows[key] for key in keys if key in rows]


def tally_of_all(tallies: Iterable[Tally]) -> Tally:
    """What hits are counted by of which each is in one of these."""
    total = tally_of([], [], Search())
    for one in tallies:
        total = Tally(
            of=total.of + one.of,
            days=total.days + one.days,
            sources=total.sources + one.sources,
            topics=total.topics + one.topics,
            languages=total.languages + one.languages,
            tones=total.tones + one.tones,
            brands=total.brands + one.brands,
        )
    return total


def spelled(targets: Iterable[Speaks]) -> set[str]:
    """The names of these targets, each in one spelling."""
    return set({name_key(told.target): told.target for told in targets}.values())


def hit(row: Row, targets: Sequence[Speaks] = ()) -> Hit:
    """An article in `entries.COLUMNS`, which speaks about these targets, as a hit."""
    values = dict(zip(COLUMNS, row, strict=True))
    text = " ".join(
        own_text(values.pop("body"), values.pop("text_start"), values.pop("text_end"))[
            : 2 * EXCERPT
        ].split()
    )
    if len(text) > EXCERPT:
        text = text[:EXCERPT].rsplit(" ", 1)[0].rstrip(" .,;:–—-") + "…"
    values["published_at"] = values["published_at"].astimezone(UTC)
    return Hit(excerpt=text, targets=list(targets), **values)


def hit_text(one: Hit) -> str:
    """A hit as text, for an index to keep."""
    values = [getattr(one, name) for name in _NAMES]
    values[_PUBLISHED] = one.published_at.isoformat()
    values[_TARGETS] = [astuple(target) for target in one.targets]
    return json.dumps(values)


def hit_of_text(text: str) -> Hit:
    """A hit that an index has kept."""
    values, _ = _parse(text)
    values[_PUBLISHED] = datetime.fromisoformat(values[_PUBLISHED])
    values[_TARGETS] = [Speaks(*target) for target in values[_TARGETS]]
    return Hit(*values)
