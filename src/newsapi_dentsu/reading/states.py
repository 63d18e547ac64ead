"""One state of the final articles, read page by page while the pipeline writes.

A state is named by the number of the last change in it (`final.changes_seq`). Rows that have
changed since, or left, are read as they were, from `final.past_articles`; so whoever reads a state
to its end gets each of its articles once, and as many as it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.errors import ExpiredError
from newsapi_dentsu.reading.conditions import Conditions
from newsapi_dentsu.reading.search import Search
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import final, tone

PAGE_ROWS = 500

Pages = Iterator[list[Row]]
"""Articles, page by page, in all columns of `final.COLUMNS`."""


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to read; days are UTC and inclusive, texts match regardless of case.

    `topic` is known in the views only, `brand` and `tone` in the tables only. `brand` is the whole
    name of whom the article speaks about, and `tone` how it speaks of that, or in its title and
    first sentence where no brand is asked for.
    """

    since: date | None = None
    until: date | None = None
    source: str | None = None
    text: str | None = None
    topic: str | None = None
    lang: str | None = None
    brand: str | None = None
    tone: str | None = None
    search: Search = field(default_factory=Search)


class Place(NamedTuple):
    """Where an article stands in the order in which articles are read, the newest first."""

    published_at: datetime
    article_id: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Where articles are read: those of now, those of before, and the columns of both."""

    now: str
    before: str
    columns: Sequence[str]
    published: str

    def place(self, row: Row) -> Place:
        """Where an article of these columns stands."""
        names = list(self.columns)
        return Place(row[names.index(self.published)], row[names.index("article_id")])


ROWS: Final = Relation(final.TABLE, final.PAST, tuple(final.COLUMNS), "publishedAt")
"""The rows as they are stored."""

ARTICLE_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("article_id", "story_id", "url", "link", "title", "body"), "text"),
    **dict.fromkeys(("published_at", "first_published_at"), "time"),
    **dict.fromkeys(("source_name", "source_uri", "lang", "data_type"), "text"),
    **dict.fromkeys(("authors", "concepts", "categories", "topics", "other_sources"), "list"),
    **dict.fromkeys(("role", "reference_id", "image", "event_uri", "origin"), "text"),
    **dict.fromkeys(("sentiment", "relevance"), "number"),
    **dict.fromkeys(("version", "duplicate_count", "text_start", "text_end"), "integer"),
    "text_of": "text",
    "flags": "list",
    **dict.fromkeys(("fetched_at", "updated_at"), "time"),
    "change_seq": "integer",
}
"""The columns of `final.articles`, each with what kind of value it has."""

ARTICLES: Final = Relation(
    "final.articles", "final.articles_past", tuple(ARTICLE_TYPES), "published_at"
)
"""The articles as people read them, with real lists."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `final.article_changes`: an article to show as it is now, or one that left."""

    change_seq: int
    change: str
    article_id: str
    url: str
    reason: str | None
    replaced_by: str | None
    changed_at: datetime


def current_state(session: Session) -> int:
    """The number of the last change."""
    state: int = one(session, "SELECT change_seq FROM final.reading_state")
    return state


def articles_page(
    session: Session,
    relation: Relation,
    state: int,
    wanted: ArticleFilter,
    *,
    after: Place | None,
    rows: int,
) -> list[Row]:
    """The next articles of a state, the newest first, in the relation's columns.

    Args:
        session: the open transaction.
        relation: where to read them.
        state: the number of the last change in it.
        wanted: which articles.
        after: the last one of the page before.
        rows: how many at most.

    Raises:
        ExpiredError: the state can't be read any more.
    """
    _refuse_expired(session, state)
    parameters: list[object] = []
    columns = ", ".join(relation.columns)
    order = f"ORDER BY {relation.published} DESC, article_id DESC LIMIT {rows}"
    parts = " UNION ALL ".join(
        f"(SELECT {columns} FROM {table} WHERE {conditions.all} {order})"
        for table, conditions in _of_state(relation, state, wanted, after, parameters)
    )
    return session.rows(f"SELECT {columns} FROM ({parts}) AS state {order}", *parameters)


def articles_count(session: Session, relation: Relation, state: int, wanted: ArticleFilter) -> int:
    """How many articles of a state are wanted.

    Raises:
        ExpiredError: the state can't be read any more.
    """
    _refuse_expired(session, state)
    parameters: list[object] = []
    parts = " + ".join(
        f"(SELECT count(*) FROM {table} WHERE {conditions.all})"
        for table, conditions in _of_state(relation, state, wanted, None, parameters)
    )
    count: int = one(session, f"SELECT {parts}", *parameters)
    return count


def changes_after(session: Session, change_seq: int, rows: int) -> list[Change]:
    """The next changes after a number, in order; an article that is there is told once."""
    return [
        Change(*row)
        for row in session.rows(
            "SELECT change_seq, change, article_id, url, reason, replaced_by, changed_at "
            f"FROM final.article_changes WHERE change_seq > $1 ORDER BY change_seq LIMIT {rows}",
            change_seq,
        )
    ]


def read_articles(warehouse: Warehouse, wanted: ArticleFilter, limit: int | None = None) -> Pages:
    """Read the final articles as they are now, the newest first.

    Each page is a transaction of its own: between two of them the pipeline may write.

    Raises:
        ExpiredError: reading took longer than former states are kept.
    """
    state: int | None = None
    after: Place | None = None
    remaining = limit
    while remaining is None or remaining > 0:
        rows = PAGE_ROWS if remaining is None else min(PAGE_ROWS, remaining)
        with warehouse.snapshot() as session:
            if state is None:
                state = current_state(session)
            page = articles_page(session, ROWS, state, wanted, after=after, rows=rows)
        if page:
            yield page
        if len(page) < rows:
            return
        after = ROWS.place(page[-1])
        if remaining is not None:
            remaining -= len(page)


def _refuse_expired(session: Session, state: int) -> None:
    ((first, last),) = session.rows("SELECT past_from, change_seq FROM final.reading_state")
    if not first <= state <= last:
        raise ExpiredError(
            f"state {state} of the articles can't be read any more: begin again at the first page"
        )


def _of_state(
    relation: Relation,
    state: int,
    wanted: ArticleFilter,
    after: Place | None,
    parameters: list[object],
) -> Iterator[tuple[str, Conditions]]:
    """The tables that hold a state, each with the conditions on its rows."""
    # What was loaded from outside has no number until the next run.
    shown = ("(change_seq <= {0} OR change_seq IS NULL)", "change_seq <= {0} AND ended_seq > {0}")
    for table, of_state in zip((relation.now, relation.before), shown, strict=True):
        conditions = Conditions(parameters)
        conditions.add(of_state, state)
        _add_wanted(conditions, wanted, relation.published)
        if after is not None:
            conditions.add(f"({relation.published}, article_id) < ({{}}, {{}})", *after)
        yield table, conditions


def _add_wanted(conditions: Conditions, wanted: ArticleFilter, published: str) -> None:
    if wanted.since is not None:
        conditions.add(f"{published} >= {{}}", day_start(wanted.since))
    if wanted.until is not None:
        conditions.add(f"{published} < {{}}", day_start(wanted.until + timedelta(days=1)))
    if wanted.source is not None:
        conditions.add_containing(("source_uri", "source_name"), wanted.source)
    if wanted.text is not None:
        conditions.add_containing(("title", "body"), wanted.text)
    if wanted.topic is not None:
        conditions.add("{} = ANY(topics)", wanted.topic)
    if wanted.lang is not None:
        conditions.add("lang = {}", wanted.lang)
    if wanted.brand is not None:
        told = "AND label = {1}" if wanted.tone else ""
        conditions.add(
            f"article_id IN (SELECT article_id FROM {tone.TARGETS} "
            f"WHERE lower(target) = lower({{0}}) {told})",
            wanted.brand,
            *([wanted.tone] if wanted.tone else []),
        )
    elif wanted.tone is not None:
        conditions.add(
            f"article_id IN (SELECT article_id FROM {tone.ARTICLES} WHERE label = {{}})",
            wanted.tone,
        )
    wanted.search.add_to(conditions, published)
