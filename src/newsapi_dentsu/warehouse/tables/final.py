"""final: what people read, and what was kept from them, with the reason."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.warehouse.engines.base import Session, delete, insert, one, update
from newsapi_dentsu.warehouse.tables import positions
from newsapi_dentsu.warehouse.tables.rows import columns_of, rows_by_key, save, values

TABLE = "final.filtered_news"
REJECTED = "final.rejected_news"
CHANGES = "final.changes"
VERSIONS = "final.article_versions"
PAST = "final.past_articles"
CHANGES_SEQUENCE = "final.changes_seq"
"""Numbers each change of final: an article that came, changed or left."""

PAST_FROM = "final.past_from"
"""Position: the first change number whose state can still be read."""

PAST_KEPT = timedelta(days=2)
"""How long the former rows of articles are kept, for readers who began before they changed."""


@dataclass(frozen=True, slots=True)
class FinalArticle:
    """A row of final but for when it changed last."""

    article_id: str
    url: str
    link: str
    title: str
    body: str
    published_at: datetime
    first_published_at: datetime | None
    source_name: str | None
    source_uri: str | None
    lang: str
    data_type: str | None
    authors: str
    image: str | None
    sentiment: float | None
    concepts: str
    categories: str
    event_uri: str | None
    version: int
    origin: str
    fetched_at: datetime
    story_id: str | None
    duplicate_count: int | None
    other_sources: str | None
    relevance: float | None
    topic_relevance: str | None
    flags: str | None
    text_start: int | None
    text_end: int | None
    text_of: str | None


_ARTICLE_COLUMNS = columns_of(FinalArticle)
COLUMNS = _ARTICLE_COLUMNS | {"updated_at": "timestamptz", "change_seq": "bigint"}


VERSION_COLUMNS = {
    "article_id": "text",
    "raw_seq": "bigint",
    "outcome": "text",
    "shown_from": "timestamptz",
    "publishedAt": "timestamptz",
    "link": "text",
    "title": "text",
    "body": "text",
    "lang": "text",
    "source_uri": "text",
    "text_hash": "text",
    "uri": "text",
    "uri_version": "integer",
    "fetched_at": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class RejectedArticle:
    """An article that stays out of final, and why."""

    article_id: str
    url: str
    link: str
    title: str
    reason: str
    detail: str


FULLER_TEXT = "fuller_text"
OWN_TEXT = "own_text"


@dataclass(frozen=True, slots=True)
class Departure:
    """An article that left final: why, and which one is to be read instead.

    Where the reason is `FULLER_TEXT` or `OWN_TEXT` it stayed, and shows another text from now on:
    that of `replaced_by`, or its own again.
    """

    article_id: str
    url: str
    reason: str
    replaced_by: str | None


_CHANGES_COLUMNS = {
    "seq": "bigint",
    "article_id": "text",
    "url": "text",
    "reason": "text",
    "replaced_by": "text",
    "changed_at": "timestamptz",
}
_REJECTED_COLUMNS = columns_of(RejectedArticle)
REJECTED_COLUMNS = _REJECTED_COLUMNS | {"updated_at": "timestamptz"}


def articles(session: Session, article_ids: Collection[str]) -> dict[str, FinalArticle]:
    """The final articles among these ids."""
    found = rows_by_key(session, TABLE, _ARTICLE_COLUMNS, "article_id", article_ids)
    return {row[0]: FinalArticle(*row) for row in found}


def ids(session: Session) -> set[str]:
    """The articles that may be read."""
    return {key for (key,) in session.stream(f"SELECT article_id FROM {TABLE}")}


def rejections(session: Session, article_ids: Collection[str]) -> dict[str, RejectedArticle]:
    """The rejected articles among these ids."""
    found = rows_by_key(session, REJECTED, _REJECTED_COLUMNS, "article_id", article_ids)
    return {row[0]: RejectedArticle(*row) for row in found}


def set_aside(session: Session) -> list[str]:
    """The articles that could not be processed."""
    found = session.rows(f"SELECT article_id FROM {REJECTED} WHERE reason = $1", FAILED)
    return [article_id for (article_id,) in found]


def save_articles(
    session: Session, changed: Sequence[FinalArticle], known: Collection[str], now: datetime
) -> None:
    """Store new and changed final articles; `known` are the ids that are in final already."""
    if not changed:
        return
    numbers = positions.take_numbers(session, CHANGES_SEQUENCE, len(changed))
    rows = [
        (*values(article), now, number) for article, number in zip(changed, numbers, strict=True)
    ]
    _keep_past(session, {row[0]: row[-1] for row in rows if row[0] in known}, now)
    save(session, TABLE, COLUMNS, rows, known)


def _keep_past(session: Session, ending: Mapping[str, int], now: datetime) -> None:
    """Keep rows as they are before they change, by article id with the number of the change."""
    if not ending:
        return
    shown = ", ".join(
        f"coalesce({name}, 0)" if name == "change_seq" else f"shown.{name}" for name in COLUMNS
    )
    session.execute(
        f"INSERT INTO {PAST} ({', '.join(COLUMNS)}, ended_seq, ended_at) "
        f"SELECT {shown}, ending.ended_seq, $3 "
        "FROM (SELECT unnest($1::text[]) AS article_id, unnest($2::bigint[]) AS ended_seq) "
        f"AS ending JOIN {TABLE} AS shown ON shown.article_id = ending.article_id",
        list(ending),
        list(ending.values()),
        now,
    )


def forget_past(session: Session, now: datetime) -> None:
    """Delete the former rows that nobody who reads one state to its end can still need."""
    before = now - PAST_KEPT
    last = one(session, f"SELECT max(ended_seq) FROM {PAST} WHERE ended_at < $1", before)
    if last is not None:
        session.execute(f"DELETE FROM {PAST} WHERE ended_seq <= $1", last)
        positions.set_position(session, PAST_FROM, last)


def number_rows(session: Session) -> None:
    """Number the rows that came without a change number, loaded from outside."""
    unnumbered = session.rows(f"SELECT article_id FROM {TABLE} WHERE change_seq IS NULL")
    if unnumbered:
        numbers = positions.take_numbers(session, CHANGES_SEQUENCE, len(unnumbered))
        rows = [(key, number) for (key,), number in zip(sorted(unnumbered), numbers, strict=True)]
        columns = {"article_id": "text", "change_seq": "bigint"}
        update(session, TABLE, "article_id", columns, rows)


def save_rejections(
    session: Session, changed: Sequence[RejectedArticle], known: Collection[str], now: datetime
) -> None:
    """Store new and changed rejections; `known` are the ids that are rejected already."""
    rows = [(*values(article), now) for article in changed]
    save(session, REJECTED, REJECTED_COLUMNS, rows, known)


def remove(session: Session, departures: Sequence[Departure], now: datetime) -> None:
    """Take articles out of final and tell why in final.changes."""
    if not departures:
        return
    numbers = tell(session, departures, now)
    ending = dict(zip((left.article_id for left in departures), numbers, strict=True))
    _keep_past(session, ending, now)
    delete(session, TABLE, "article_id", list(ending))


def tell(session: Session, departures: Sequence[Departure], now: datetime) -> range:
    """Note in final.changes what became of articles; returns the numbers of these changes."""
    numbers = positions.take_numbers(session, CHANGES_SEQUENCE, len(departures))
    rows = [(seq, *values(told), now) for seq, told in zip(numbers, departures, strict=True)]
    insert(session, CHANGES, _CHANGES_COLUMNS, rows)
    return numbers


def remove_rejections(session: Session, article_ids: Sequence[str]) -> None:
    """Take articles off the list of the rejected."""
    delete(session, REJECTED, "article_id", article_ids)
