"""The tables at a glance: how many rows, of which days, the latest of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import final, processed, raw

NEWS_TABLES = (raw.TABLE, processed.TABLE, final.TABLE)


@dataclass(frozen=True, slots=True)
class TableOverview:
    """A table's size and the span of its articles' dates."""

    rows: int
    first: datetime | None
    last: datetime | None


def overview(session: Session, table: str) -> TableOverview:
    """Count a news table's rows and tell its first and last `publishedAt`."""
    return TableOverview(
        one(session, f"SELECT count(*) FROM {table}"),
        one(session, f"SELECT min(publishedAt) FROM {table}"),
        one(session, f"SELECT max(publishedAt) FROM {table}"),
    )


def row_counts(session: Session, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Count the rows of the three news tables and of the rejected articles.

    Args:
        session: the open transaction.
        known: counts that still hold: PostgreSQL goes through a whole index for each.
    """
    return {
        table: one(session, f"SELECT count(*) FROM {table}")
        for table in (*NEWS_TABLES, final.REJECTED)
        if table not in (known or {})
    } | dict(known or {})


def latest(session: Session, table: str, rows: int) -> list[Row]:
    """The latest rows of a news table as (publishedAt, title, link)."""
    link = "url" if table == raw.TABLE else "link"
    return session.rows(
        f"SELECT publishedAt, title, {link} FROM {table} WHERE publishedAt IS NOT NULL "
        "ORDER BY publishedAt DESC LIMIT $1",
        rows,
    )
