"""final: what people read, and what was kept from them, with the reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.warehouse.engines.base import Session, delete, insert
from newsapi_dentsu.warehouse.tables import positions
from newsapi_dentsu.warehouse.tables.rows import columns_of, rows_by_key, save, values

TABLE = "final.filtered_news"
REJECTED = "final.rejected_news"
CHANGES = "final.changes"
VERSIONS = "final.article_versions"
CHANGES_SEQUENCE = "final.changes_seq"


@dataclass(frozen=True, slots=True)
class FinalArticle:
    """A row of final but for `updated_at`."""

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
COLUMNS = _ARTICLE_COLUMNS | {"updated_at": "timestamptz"}


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
    save(session, TABLE, COLUMNS, [(*values(article), now) for article in changed], known)


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
    delete(session, TABLE, "article_id", [one.article_id for one in departures])
    tell(session, departures, now)


def tell(session: Session, departures: Sequence[Departure], now: datetime) -> None:
    """Note in final.changes what became of articles."""
    numbers = positions.take_numbers(session, CHANGES_SEQUENCE, len(departures))
    rows = [(seq, *values(one), now) for seq, one in zip(numbers, departures, strict=True)]
    insert(session, CHANGES, _CHANGES_COLUMNS, rows)


def remove_rejections(session: Session, article_ids: Sequence[str]) -> None:
    """Take articles off the list of the rejected."""
    delete(session, REJECTED, "article_id", article_ids)
