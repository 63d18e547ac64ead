"""One state of the final articles, read page by page while the pipeline writes.

A state is named by the number of the last change in it (`final.changes_seq`). Rows that have
changed since, or left, are read as they were, from `final.past_articles`; so whoever reads a state
to its end gets each of its articles once, and as many as it has.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Final

from newsapi_dentsu.domain.names import name_key
from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.errors import ExpiredError
from newsapi_dentsu.reading import hits
from newsapi_dentsu.reading.conditions import Conditions
from newsapi_dentsu.reading.hits import Found, Index, Place
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.memory import RememberedSession, remembered, size_of
from newsapi_dentsu.reading.search import Search
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import final

PAGE_ROWS = 500

_FEW_ROWS: Final = 50
"""Up to so many rows of a page, DuckDB itself first finds which they are; of more, it would read
the texts of all rows and keep too many of them."""

_FOUND_AT_ONCE: Final = 2_000
"""Hits of a search that are looked up together."""

_AHEAD: Final = 200
_COUNTED_SECONDS: Final = 86_400.0
"""How long a count is only changed by what has changed: what others did to the tables by hand, and
numbered no change, isn't told by changes."""

_WINDOW_BYTES: Final = 2_000_000
"""Articles of one list that are kept in memory, about."""

Pages = Iterator[list[Row]]
"""Articles, page by page, in all columns of `final.COLUMNS`."""


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to read; days are UTC and inclusive, texts match regardless of case.

    `topic` is known in the views only. `brand` is the whole name of whom the article speaks about,
    and `tone` how it speaks of that, or in its title and first sentence where no brand is asked
    for. Both are as of now in every state; of articles that have left, as of when they did.
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

    @property
    def told_by_rows(self) -> bool:
        """Whether a row that stays as it is stays in, or out."""
        return self.brand is None and self.tone is None and self.search == Search()

    @property
    def beside_search(self) -> bool:
        """Whether hits of the search may be left out, beside those of other days."""
        beside = (self.source, self.text, self.topic, self.lang, self.brand, self.tone)
        return any(one is not None for one in beside)


@dataclass(frozen=True)
class Relation:
    """Where articles are read: those of now, those of before, and the columns of both."""

    now: str
    before: str
    columns: Sequence[str]
    published: str

    def place(self, row: Row) -> Place:
        """Where an article of these columns stands."""
        published, article_id = self._placing
        return Place(row[published], row[article_id])

    @cached_property
    def _placing(self) -> tuple[int, int]:
        names = list(self.columns)
        return names.index(self.published), names.index("article_id")


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
    "tone": "text",
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


def state_to_read(session: Session, wanted: ArticleFilter, index: Index | None = None) -> int:
    """The newest state in which these articles can be read; an index may be behind by a run.

    Raises:
        NoIndexError: words are looked for, and there is no index of searches.
    """
    now = current_state(session)
    return min(now, (index or index_of(session)).state) if wanted.search.reads_texts else now


def found_since(
    session: Session, wanted: ArticleFilter, index: Index | None = None
) -> datetime | None:
    """The moment before which no article is found yet; None where that keeps none away.

    Raises:
        NoIndexError: words are looked for, and there is no index of searches.
    """
    if not wanted.search.reads_texts:
        return None
    search = wanted.search.within(wanted.since, wanted.until)
    return hits.found_since(index or index_of(session), search)


def articles_page(
    session: Session,
    relation: Relation,
    state: int,
    wanted: ArticleFilter,
    *,
    after: Place | None,
    rows: int,
    index: Index | None = None,
) -> list[Row]:
    """The next articles of a state, the newest first, in the relation's columns.

    Args:
        session: the open transaction.
        relation: where to read them.
        state: the number of the last change in it.
        wanted: which articles.
        after: the last one of the page before.
        rows: how many at most.
        index: what looks for words; by default that of the session.

    Raises:
        ExpiredError: the state can't be read any more.
        NoIndexError: words are looked for, and there is no index of searches.
    """
    if not wanted.search.reads_texts:
        pinned = _pinned(session, state)
        if isinstance(session, RememberedSession) and relation is ARTICLES:
            return _page_of_window(session, pinned, wanted, after, rows)
        return _page(session, relation, pinned, wanted, after=after, rows=rows)
    index = index or index_of(session)
    pinned = refuse_expired(session, state, index)
    page: list[Row] = []
    for found in _found(index, state, wanted, after, rows):
        page += _page(session, relation, pinned, wanted, found=found, rows=len(found))
        if len(page) >= rows:
            break
    return page[:rows]


def articles_count(
    session: Session,
    relation: Relation,
    state: int,
    wanted: ArticleFilter,
    index: Index | None = None,
) -> int:
    """How many articles of a state are wanted.

    Raises:
        ExpiredError: the state can't be read any more.
        NoIndexError: words are looked for, and there is no index of searches.
    """
    if not wanted.search.reads_texts:
        pinned = _pinned(session, state)

        def count() -> int:
            if isinstance(session, RememberedSession) and pinned is None and wanted.told_by_rows:
                return _count_on(session, state, wanted)
            return _count(session, relation, pinned, wanted)

        return remembered(session, ("count", pinned, wanted), count, lambda _: 0)
    index = index or index_of(session)
    pinned = refuse_expired(session, state, index)
    if not wanted.beside_search:
        search = wanted.search.within(wanted.since, wanted.until)
        return index.count(search, state=state)
    return sum(
        _count(session, relation, pinned, wanted, found)
        for found in _found(index, state, wanted, None, _FOUND_AT_ONCE)
    )


def _found(
    index: Index, state: int, wanted: ArticleFilter, after: Place | None, rows: int
) -> Iterator[list[Found]]:
    """All hits after a place, the newest first, some at a time."""
    search = wanted.search.within(wanted.since, wanted.until)
    rows = min(_FOUND_AT_ONCE, max(rows, 200) if wanted.beside_search else rows)
    while found := index.newest(search, rows=rows, after=after, state=state):
        yield found
        if len(found) < rows:
            return
        after = found[-1].place


@dataclass(frozen=True, slots=True)
class _Window:
    """Articles of a state that are wanted, one after the other, as far as they were read.

    They are those after a place, or from the newest on, and all the rest if it is `complete`.
    """

    after: Place | None
    rows: list[Row]
    places: Mapping[Place, int]
    complete: bool
    size: int

    def page(self, after: Place | None, rows: int) -> list[Row] | None:
        """The next articles after a place that it has; None where not all of them were read."""
        begin = 0 if after == self.after else self.places[after] + 1 if after else 0
        if begin + rows <= len(self.rows) or self.complete:
            return self.rows[begin : begin + rows]
        return None

    def has(self, place: Place | None) -> bool:
        return place == self.after or place in self.places

    def read_on(self, more: list[Row], *, complete: bool) -> "_Window":
        first = len(self.rows)
        places = {ARTICLES.place(row): first + number for number, row in enumerate(more)}
        return _Window(
            self.after,
            self.rows + more,
            {**self.places, **places},
            complete,
            self.size + size_of(more),
        )


def _page_of_window(
    session: RememberedSession,
    state: int | None,
    wanted: ArticleFilter,
    after: Place | None,
    rows: int,
) -> list[Row]:
    """The next articles of a state, of those in memory as far as they go.

    Of a list there are two windows: the newest, and where somebody who reads on was last.
    """
    for name in ("newest", "lately"):
        window: _Window | None = session.kept((name, state, wanted))
        if window is not None and window.has(after):
            if (page := window.page(after, rows)) is not None:
                return page
            if window.size <= _WINDOW_BYTES:
                break
    else:
        name = "newest" if after is None else "lately"
        window = _Window(after, [], {}, complete=False, size=0)
    assert window is not None  # noqa: S101
    while (page := window.page(after, rows)) is None:
        # Whoever reads on is likely to do so again.
        most = rows if after is None else max(rows, _AHEAD)
        last = ARTICLES.place(window.rows[-1]) if window.rows else window.after
        more = _page(session.database(), ARTICLES, state, wanted, after=last, rows=most)
        window = window.read_on(more, complete=len(more) < most)
        session.keep((name, state, wanted), window, window.size)
    return page


def _page(
    session: Session,
    relation: Relation,
    state: int | None,
    wanted: ArticleFilter,
    *,
    after: Place | None = None,
    found: Sequence[Found] = (),
    rows: int,
) -> list[Row]:
    parameters: list[object] = []
    columns = ", ".join(relation.columns)
    order = f"ORDER BY {relation.published} DESC, article_id DESC LIMIT {rows}"
    parts = []
    for table, conditions in _of_state(relation, state, wanted, after, parameters, found):
        where = conditions.all
        if rows > _FEW_ROWS:
            its_state = Conditions(parameters)
            if state is not None:
                its_state.add(_shown(relation, state)[table], state)
            chosen = f"SELECT article_id FROM {table} WHERE {where} {order}"
            where = f"{its_state.all} AND article_id IN ({chosen})"
        parts.append(f"SELECT {columns} FROM {table} WHERE {where} {order}")
    if len(parts) == 1:
        return session.rows(parts[0], *parameters)
    both = " UNION ALL ".join(f"({part})" for part in parts)
    return session.rows(f"SELECT {columns} FROM ({both}) AS state {order}", *parameters)


def articles_by_id(
    session: Session, article_ids: Sequence[str], columns: Sequence[str]
) -> dict[str, Row]:
    """The articles of these ids as they are now, where there are such."""
    if not article_ids:
        return {}
    found = session.rows(
        f"SELECT article_id, {', '.join(columns)} FROM {ARTICLES.now} "
        "WHERE article_id = ANY($1::text[])",
        list(article_ids),
    )
    return {row[0]: row[1:] for row in found}


def _count(
    session: Session,
    relation: Relation,
    state: int | None,
    wanted: ArticleFilter,
    found: Sequence[Found] = (),
) -> int:
    parameters: list[object] = []
    parts = " + ".join(
        f"(SELECT count(*) FROM {table} WHERE {conditions.all})"
        for table, conditions in _of_state(relation, state, wanted, None, parameters, found)
    )
    count: int = one(session, f"SELECT {parts}", *parameters)
    return count


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many articles of a state were wanted, and the rows that tell the state from any other.

    Those are the last article that came or changed, and the last one that left.
    """

    state: int
    count: int
    shown: list[Row]
    left: list[Row]
    counted_at: float
    """When all were counted last, on the clock that nobody sets."""


_LAST_SHOWN: Final = (
    f"SELECT article_id, change_seq, updated_at FROM {ARTICLES.now} "
    "WHERE change_seq IS NOT NULL ORDER BY change_seq DESC LIMIT 1"
)
_LAST_LEFT: Final = (
    "SELECT article_id, change_seq, changed_at FROM final.article_changes "
    "WHERE change = 'left' ORDER BY change_seq DESC LIMIT 1"
)


def _count_on(session: RememberedSession, state: int, wanted: ArticleFilter) -> int:
    """How many articles are wanted: as many as before, with what has changed since.

    Counting all takes the longer the more there are; what changes, a run tells.
    """
    name = ("counted", wanted)
    former: _Counted | None = session.kept_of_others(name)
    counted_at = now = time.monotonic()
    fresh = former is not None and now - former.counted_at < _COUNTED_SECONDS
    if former is not None and fresh and _follows(session, state, former):
        count = former.count + _changed(session, state, wanted, former.state)
        counted_at = former.counted_at
    else:
        count = _count(session, ARTICLES, None, wanted)
    shown, left = session.rows(_LAST_SHOWN), session.rows(_LAST_LEFT)
    told = _Counted(state, count, shown, left, counted_at)
    session.keep_for_others(name, told, size_of(shown + left))
    return count


def _follows(session: RememberedSession, state: int, former: _Counted) -> bool:
    """Whether all is still known that has changed since a former state, of this same database."""
    if former.state == state:
        return (former.shown, former.left) == (session.rows(_LAST_SHOWN), session.rows(_LAST_LEFT))
    past_from: int = one(session, "SELECT past_from FROM final.reading_state")
    if not past_from <= former.state < state or not former.shown:
        return False
    # The same numbers may stand for other changes: of a server that was promoted, or began anew.
    article_id, change_seq, updated_at = former.shown[0]
    still = any(
        session.rows(
            f"SELECT 1 FROM {table} WHERE article_id = $1 AND change_seq = $2 AND updated_at = $3",
            *(article_id, change_seq, updated_at),
        )
        for table in (ARTICLES.now, ARTICLES.before)
    )
    if not still or not former.left:
        return still
    left_id, left_seq, changed_at = former.left[0]
    return bool(
        session.rows(
            "SELECT 1 FROM final.article_changes WHERE change = 'left' AND article_id = $1 "
            "AND change_seq = $2 AND changed_at = $3",
            *(left_id, left_seq, changed_at),
        )
    )


def _changed(session: Session, state: int, wanted: ArticleFilter, since: int) -> int:
    """How many more articles are wanted than in a former state."""
    parameters: list[object] = []
    came = Conditions(parameters)
    came.add("change_seq > {} AND change_seq <= {}", since, state)
    _add_wanted(came, wanted, ARTICLES, ARTICLES.now)
    went = Conditions(parameters)
    went.add("change_seq <= {0} AND ended_seq > {0}", since)
    _add_wanted(went, wanted, ARTICLES, ARTICLES.before)
    count: int = one(
        session,
        f"SELECT (SELECT count(*) FROM {ARTICLES.now} WHERE {came.all}) - "
        f"(SELECT count(*) FROM {ARTICLES.before} WHERE {went.all})",
        *parameters,
    )
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


def read_articles(
    warehouse: Warehouse,
    wanted: ArticleFilter,
    limit: int | None = None,
    index: Callable[[Session], Index] = index_of,
) -> Pages:
    """Read the final articles as they are now, the newest first.

    Each page is a transaction of its own: between two of them the pipeline may write.

    Raises:
        ExpiredError: reading took longer than former states are kept.
        NoIndexError: words are looked for, and there is no index of searches.
    """

    def read(
        session: Session, state: int | None, after: Place | None, rows: int
    ) -> tuple[int, list[Row]]:
        searched = index(session) if wanted.search.reads_texts else None
        if state is None:
            state = state_to_read(session, wanted, searched)
        return state, articles_page(
            session, ROWS, state, wanted, after=after, rows=rows, index=searched
        )

    state: int | None = None
    after: Place | None = None
    remaining = limit
    while remaining is None or remaining > 0:
        rows = PAGE_ROWS if remaining is None else min(PAGE_ROWS, remaining)

        state, page = warehouse.read(partial(read, state=state, after=after, rows=rows))
        if page:
            yield page
        if len(page) < rows:
            return
        after = ROWS.place(page[-1])
        if remaining is not None:
            remaining -= len(page)


def refuse_expired(session: Session, state: int, index: Index) -> int | None:
    """The state, if it is one of before; None for the newest, which is all that there is now.

    Raises:
        ExpiredError: it can't be searched any more.
    """
    pinned = _pinned(session, state)
    if index.state < state:
        raise ExpiredError(f"state {state} can't be searched any more: begin again")
    return pinned


def _pinned(session: Session, state: int) -> int | None:
    """The same where no words are looked for.

    Raises:
        ExpiredError: it can't be read any more.
    """
    ((first, last),) = session.rows("SELECT past_from, change_seq FROM final.reading_state")
    if not first <= state <= last:
        raise ExpiredError(
            f"state {state} of the articles can't be read any more: begin again at the first page"
        )
    return None if state == last else state


def _of_state(
    relation: Relation,
    state: int | None,
    wanted: ArticleFilter,
    after: Place | None,
    parameters: list[object],
    found: Sequence[Found],
) -> Iterator[tuple[str, Conditions]]:
    """The tables that hold a state, each with the conditions on its rows; `found` narrows down."""
    for table, of_state in _shown(relation, state).items():
        conditions = Conditions(parameters)
        if state is not None:
            conditions.add(of_state, state)
        _add_wanted(conditions, wanted, relation, table)
        if after is not None:
            conditions.add(f"({relation.published}, article_id) < ({{}}, {{}})", *after)
        if found:
            times = found[-1].place.published_at, found[0].place.published_at
            conditions.add(f"{relation.published} BETWEEN {{}} AND {{}}", *times)
            ids = [one.place.article_id for one in found]
            conditions.add("article_id IN (SELECT unnest({}::text[]))", ids)
        yield table, conditions


def _shown(relation: Relation, state: int | None) -> Mapping[str, str]:
    """The tables that hold a state, and the condition for a row of each to be of it."""
    if state is None:
        return {relation.now: ""}
    # What was loaded from outside has no number until the next run.
    of_now = "(change_seq <= {0} OR change_seq IS NULL)"
    return {relation.now: of_now, relation.before: "change_seq <= {0} AND ended_seq > {0}"}


def _add_wanted(
    conditions: Conditions, wanted: ArticleFilter, relation: Relation, table: str
) -> None:
    published = relation.published
    days = wanted.search.within(wanted.since, wanted.until)
    if days.since is not None:
        conditions.add(f"{published} >= {{}}", day_start(days.since))
    if days.until is not None:
        conditions.add(f"{published} < {{}}", day_start(days.until + timedelta(days=1)))
    if wanted.source is not None:
        conditions.add_containing(("source_uri", "source_name"), wanted.source)
    if wanted.text is not None:
        conditions.add_containing(("title", "body"), wanted.text)
    if wanted.topic is not None:
        conditions.add("topics @> ARRAY[CAST({} AS text)]", wanted.topic)
    if wanted.lang is not None:
        conditions.add("lang = {}", wanted.lang)
    now = table == relation.now
    if wanted.brand is not None:
        targets = "final.article_targets" if now else "final.article_targets_past"
        told = "AND label = {1}" if wanted.tone else ""
        conditions.add(
            f"article_id IN (SELECT article_id FROM {targets} WHERE target_key = {{0}} {told})",
            name_key(wanted.brand),
            *([wanted.tone] if wanted.tone else []),
        )
    elif wanted.tone is not None:
        articles = ARTICLES.now if now else ARTICLES.before
        conditions.add(
            f"article_id IN (SELECT article_id FROM {articles} WHERE tone = {{}})", wanted.tone
        )
