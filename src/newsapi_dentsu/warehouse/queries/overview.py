"""The tables at a glance: how many rows, of which days, the latest of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import assessments, final, processed, raw

NEWS_TABLES = (raw.TABLE, processed.TABLE, final.TABLE)

_LATEST = {
    table: f"SELECT publishedAt, title, {'url' if table == raw.TABLE else 'link'} FROM {table} "
    "WHERE publishedAt IS NOT NULL "
    "ORDER BY publishedAt DESC LIMIT $1"
    for table in NEWS_TABLES
} | {
    assessments.TABLE: "SELECT article.publishedAt, article.title, article.link FROM "
    f"(SELECT article_id, change_seq FROM {assessments.TABLE} ORDER BY change_seq DESC LIMIT $1) "
    f"AS newest JOIN {processed.TABLE} AS article USING (article_id) "
    "WHERE article.publishedAt IS NOT NULL ORDER BY newest.change_seq DESC",
}


@dataclass(frozen=True, slots=True)
class TableOverview:
    """A table's size, the span of its articles' dates, and some rows: (publishedAt, title, link).

    The span is None for tables that don't follow their articles by date.
    """

    rows: int
    first: datetime | None
    last: datetime | None
    latest: list[Row]


def overview(session: Session, table: str, rows: int) -> TableOverview:
    """Count a table's rows, and show the latest `rows` of them.

    Those of a news table are the ones that were published last, those of assessments the ones that
    were judged last. Of other tables, none are shown.
    """
    dated = table in NEWS_TABLES
    return TableOverview(
        one(session, f"SELECT count(*) FROM {table}"),
        one(session, f"SELECT min(publishedAt) FROM {table}") if dated else None,
        one(session, f"SELECT max(publishedAt) FROM {table}") if dated else None,
        session.rows(_LATEST[table], rows) if table in _LATEST else [],
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
