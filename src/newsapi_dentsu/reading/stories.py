"""Stories for readers: which were carried when and how widely, and where each ran."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading import hits
from newsapi_dentsu.reading.conditions import Conditions
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.search import Search
from newsapi_dentsu.warehouse.engines.base import Row, Session
from newsapi_dentsu.warehouse.schema import views

MOST_PLACES = 200
"""Articles of one story that are listed."""

MOST_HITS = 5_000
"""Hits of a search, the newest first, whose stories are listed."""


@dataclass(frozen=True, slots=True)
class Story:
    """A row of `final.stories`."""

    story_id: str
    article_id: str
    title: str
    body: str
    text_start: int | None
    text_end: int | None
    link: str
    lang: str
    source_name: str | None
    source_uri: str | None
    image: str | None
    origin: str
    relevance: float | None
    sentiment: float | None
    topics: list[str]
    first_source: str | None
    first_published_at: datetime
    last_published_at: datetime
    sources: list[str] | None
    source_count: int
    article_count: int
    copies: int
    rewrites: int
    updates: int
    updated_at: datetime
    change_seq: int


@dataclass(frozen=True, slots=True)
class Place:
    """A row of `final.story_articles`: an article of a story, and where it ran."""

    story_id: str
    article_id: str
    role: str
    title: str
    link: str
    source_name: str | None
    source_uri: str | None
    lang: str | None
    published_at: datetime | None
    shown: bool


@dataclass(frozen=True, slots=True)
class State:
    """What there is to read: the number of the last change, when it was, and the newest day.

    `revision` names all that the views show; None where nothing does, as rows have no numbers yet.
    """

    change_seq: int
    updated_at: datetime | None
    origin: str | None
    newest: date | None
    revision: str | None


@dataclass(frozen=True, slots=True)
class StoryFilter:
    """Stories with an article of these days (UTC, inclusive) for which all of this holds.

    `source` is a publication's domain, where the text itself or a copy ran.
    """

    since: date
    until: date
    source: str | None = None
    topic: str | None = None
    lang: str | None = None
    search: Search = field(default_factory=Search)


class Rank(NamedTuple):
    """Where a story stands in a list: the most carried first, of those the latest."""

    carried: int
    latest: datetime
    story_id: str


class Ranked(NamedTuple):
    """A story in a list, and its rank there."""

    rank: Rank
    story: Story


class Facets(NamedTuple):
    """The values that a list could be filtered by, each with its articles; the most first."""

    topics: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    languages: list[tuple[str, int]]


def read_state(session: Session) -> State:
    """What there is to read.

    Raises:
        WarehouseError: it was made by another version of this program.
    """
    change_seq, _past_from, updated_at, origin, revision = _told(session)
    # The largest of a view would be looked for in the whole table.
    newest = session.rows(
        "SELECT published_at FROM final.articles WHERE published_at IS NOT NULL "
        "ORDER BY published_at DESC LIMIT 1"
    )
    day = newest[0][0].astimezone(UTC).date() if newest else None
    return State(change_seq, updated_at, origin, day, revision)


def read_revision(session: Session) -> str | None:
    """What names all that the views show, as `State.revision` does, with nothing else asked.

    Raises:
        WarehouseError: it was made by another version of this program.
    """
    revision: str | None = _told(session)[-1]
    return revision


def _told(session: Session) -> Row:
    """The columns of `final.reading_state` after the version."""
    # Of an earlier version, it may lack those at the end.
    ((version, *told),) = session.rows("SELECT * FROM final.reading_state")
    refuse_earlier(version)
    return tuple(told)


def refuse_earlier(version: int) -> None:
    """Refuse what was made by an earlier version of this program.

    Raises:
        WarehouseError: it was.
    """
    if not version >= views.SINCE:
        raise WarehouseError("what is stored is of another version: run `newsapi run` first")


def most_carried(
    session: Session, wanted: StoryFilter, *, after: Rank | None, rows: int
) -> list[Ranked]:
    """The next stories of a list, the most carried first.

    Args:
        session: the open library.
        wanted: which stories.
        after: the rank of the last one of the page before.
        rows: how many at most.
    """
    conditions = _matching(session, wanted)
    found = (
        "SELECT CAST(count(*) + sum(duplicate_count) AS bigint) AS carried, "
        "max(published_at) AS latest, story_id FROM final.articles AS article "
        f"WHERE {conditions.all} GROUP BY story_id"
    )
    if after is not None:
        below = Conditions(conditions.parameters)
        below.add("(carried, latest, story_id) < ({}, {}, {})", *after)
        found = f"SELECT * FROM ({found}) AS found WHERE {below.all}"
    ranks = [
        Rank(*row)
        for row in session.rows(
            f"{found} ORDER BY carried DESC, latest DESC, story_id DESC LIMIT {rows}",
            *conditions.parameters,
        )
    ]
    stories = stories_by_id(session, [rank.story_id for rank in ranks])
    return [Ranked(rank, stories[rank.story_id]) for rank in ranks if rank.story_id in stories]


def leading(session: Session, wanted: StoryFilter, rows: int) -> list[Story]:
    """The stories that matter most: those that many sources carried and that are relevant.

    Sources count by their logarithm, as the second one tells more than the tenth.
    """
    conditions = _matching(session, wanted)
    found = session.rows(
        "SELECT story_id FROM (SELECT story_id, greatest(count(DISTINCT source), 1) AS sources, "
        "max(relevance) AS relevance, max(published_at) AS latest FROM final.articles AS article, "
        "unnest(array_append(other_sources, source_uri)) AS ran(source) "
        f"WHERE {conditions.all} GROUP BY story_id) AS found "
        f"ORDER BY ln(1 + sources) * coalesce(relevance, {views.ABOUT}) DESC, latest DESC, "
        f"story_id DESC LIMIT {rows}",
        *conditions.parameters,
    )
    stories = stories_by_id(session, [story_id for (story_id,) in found])
    return [stories[story_id] for (story_id,) in found if story_id in stories]


def lately_updated(session: Session, wanted: StoryFilter, rows: int) -> list[Story]:
    """The stories of a list that changed last, the latest first."""
    conditions = _matching(session, wanted)
    found = session.rows(
        "SELECT story_id, max(change_seq) AS changed FROM final.articles AS article "
        f"WHERE {conditions.all} GROUP BY story_id "
        f"ORDER BY changed DESC, story_id DESC LIMIT {rows}",
        *conditions.parameters,
    )
    stories = stories_by_id(session, [story_id for story_id, _ in found])
    return [stories[story_id] for story_id, _ in found if story_id in stories]


def stories_by_id(session: Session, story_ids: Sequence[str]) -> dict[str, Story]:
    """The stories of these ids, where there are such."""
    found = _among(session, "final.stories", _names(Story), story_ids)
    return {row[0]: Story(*row) for row in found}


def places(session: Session, story_ids: Sequence[str], each: int) -> dict[str, list[Place]]:
    """Where stories ran, the earliest first, at most `each` of one."""
    found = _among(session, "final.story_articles", _names(Place), story_ids, each=each)
    told: dict[str, list[Place]] = {}
    for row in found:
        told.setdefault(row[0], []).append(Place(*row))
    return told


def facets(session: Session, since: date, until: date, most: int = 30) -> Facets:
    """What the articles of some days can be filtered by."""
    days = _matching(session, StoryFilter(since, until))

    def counted(value: str, relation: str) -> list[tuple[str, int]]:
        return [
            (found, count)
            for found, count in session.rows(
                f"SELECT {value} AS value, count(*) AS articles FROM {relation} "
                f"WHERE {days.all} AND {value} IS NOT NULL "
                f"GROUP BY 1 ORDER BY articles DESC, value LIMIT {most}",
                *days.parameters,
            )
        ]

    return Facets(
        counted("topic", "final.articles AS article, unnest(topics) AS about(topic)"),
        counted("source_uri", "final.articles AS article"),
        counted("lang", "final.articles AS article"),
    )


def article_details(session: Session, article_id: str) -> tuple[list[str], list[tuple[str, float]]]:
    """An article's concepts, and its score for each topic."""
    concepts = session.rows("SELECT concepts FROM final.articles WHERE article_id = $1", article_id)
    scores = session.rows(
        "SELECT topic, relevance FROM final.article_topics WHERE article_id = $1 ORDER BY topic",
        article_id,
    )
    return (concepts[0][0] if concepts else []), [(topic, score) for topic, score in scores]


def found_since(session: Session, wanted: StoryFilter) -> datetime | None:
    """The moment before which no article is found yet; None where that keeps none away.

    Raises:
        NoIndexError: words are looked for, and there is no index of searches.
    """
    if not wanted.search.reads_texts:
        return None
    return hits.found_since(index_of(session), wanted.search.within(wanted.since, wanted.until))


def _matching(session: Session, wanted: StoryFilter) -> Conditions:
    conditions = Conditions()
    conditions.add("article.published_at >= {}", day_start(wanted.since))
    conditions.add("article.published_at < {}", day_start(wanted.until + timedelta(days=1)))
    if wanted.source:
        conditions.add(
            "(source_uri = {0} OR other_sources @> ARRAY[CAST({0} AS text)])", wanted.source
        )
    if wanted.topic:
        conditions.add("topics @> ARRAY[CAST({} AS text)]", wanted.topic)
    if wanted.lang:
        conditions.add("lang = {}", wanted.lang)
    if wanted.search != Search():
        # Of the index's newest state: of articles that have changed since, those that are left.
        search = wanted.search.within(wanted.since, wanted.until)
        found = index_of(session).newest(search, rows=MOST_HITS)
        ids = [one.place.article_id for one in found]
        conditions.add("article.article_id IN (SELECT unnest({}::text[]))", ids)
    return conditions


def _among(
    session: Session,
    view: str,
    columns: Sequence[str],
    story_ids: Sequence[str],
    each: int | None = None,
) -> list[Row]:
    if not story_ids:
        return []
    # Not a parameter each: DuckDB reads whole texts then, and not only those of the stories.
    among = "story_id = ANY($1::text[])"
    query = f"SELECT {', '.join(columns)} FROM {view} WHERE {among}"
    if each is not None:
        query = (
            f"SELECT {', '.join(columns)} FROM (SELECT *, row_number() OVER (PARTITION BY story_id "
            f"ORDER BY published_at, article_id) AS place FROM {view} "
            f"WHERE {among}) AS listed WHERE place <= {each} "
            "ORDER BY story_id, place"
        )
    return session.rows(query, list(story_ids))


@cache
def _names(kind: type[Story] | type[Place]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))
