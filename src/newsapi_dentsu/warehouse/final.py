"""final: what people read, and what was kept from them, with the reason."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engine import Session, delete, insert, update

TABLE = "final.filtered_news"
REJECTED = "final.rejected_news"


@dataclass(frozen=True, slots=True)
class FinalArticle:
    """A row of final but for `updated_at`."""

    article_id: str
    url: str
    title: str
    body: str
    published_at: datetime
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


_ARTICLE_COLUMNS = {
    "article_id": "text",
    "url": "text",
    "title": "text",
    "body": "text",
    "publishedAt": "timestamptz",
    "source_name": "text",
    "source_uri": "text",
    "lang": "text",
    "data_type": "text",
    "authors": "text",
    "image": "text",
    "sentiment": "float8",
    "concepts": "text",
    "categories": "text",
    "event_uri": "text",
    "version": "integer",
    "origin": "text",
    "fetched_at": "timestamptz",
}
COLUMNS = _ARTICLE_COLUMNS | {"updated_at": "timestamptz"}


@dataclass(frozen=True, slots=True)
class RejectedArticle:
    """An article that stays out of final, and why."""

    article_id: str
    url: str
    title: str
    reason: str
    detail: str


_REJECTED_COLUMNS = {
    "article_id": "text",
    "url": "text",
    "title": "text",
    "reason": "text",
    "detail": "text",
}


def articles(session: Session, article_ids: Collection[str]) -> dict[str, FinalArticle]:
    """The final articles among these ids."""
    found = session.rows(
        f"SELECT {', '.join(_ARTICLE_COLUMNS)} FROM {TABLE} "
        "WHERE article_id IN (SELECT unnest($1::text[]))",
        list(article_ids),
    )
    return {row[0]: FinalArticle(*row) for row in found}


def rejections(session: Session, article_ids: Collection[str]) -> dict[str, RejectedArticle]:
    """The rejected articles among these ids."""
    found = session.rows(
        f"SELECT {', '.join(_REJECTED_COLUMNS)} FROM {REJECTED} "
        "WHERE article_id IN (SELECT unnest($1::text[]))",
        list(article_ids),
    )
    return {row[0]: RejectedArticle(*row) for row in found}


def save_articles(
    session: Session, changed: Sequence[FinalArticle], known: Collection[str], now: datetime
) -> None:
    """Store new and changed final articles; `known` are the ids that are in final already."""
    rows = [(*astuple(article), now) for article in changed]
    insert(session, TABLE, COLUMNS, [row for row in rows if row[0] not in known])
    update(session, TABLE, "article_id", COLUMNS, [row for row in rows if row[0] in known])


def save_rejections(
    session: Session, changed: Sequence[RejectedArticle], known: Collection[str], now: datetime
) -> None:
    """Store new and changed rejections; `known` are the ids that are rejected already."""
    columns = _REJECTED_COLUMNS | {"updated_at": "timestamptz"}
    rows = [(*astuple(article), now) for article in changed]
    insert(session, REJECTED, columns, [row for row in rows if row[0] not in known])
    update(session, REJECTED, "article_id", columns, [row for row in rows if row[0] in known])


def remove(session: Session, article_ids: Sequence[str]) -> None:
    """Take articles out of final."""
    delete(session, TABLE, "article_id", article_ids)


def remove_rejections(session: Session, article_ids: Sequence[str]) -> None:
    """Take articles off the list of the rejected."""
    delete(session, REJECTED, "article_id", article_ids)
