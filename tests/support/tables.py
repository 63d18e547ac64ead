"""Looking at whole tables."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, final, processed, raw

_TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    raw.TABLE: ("seq", tuple(raw.COLUMNS)),
    "raw.queries": (
        "query_id",
        ("query_id", "definition", "start_day", "activated_at", "complete_through"),
    ),
    "raw.query_days": (
        "query_id, day",
        ("query_id", "day", "total", "uris", "unlisted", "complete_at"),
    ),
    processed.TABLE: ("article_id", tuple(processed.COLUMNS)),
    processed.OUTCOMES: (
        "raw_seq",
        (
            *("raw_seq", "uri", "uri_version", "page_id", "fragment", "article_id", "outcome"),
            *("reason", "text_hash", "text_at", "publishedAt"),
        ),
    ),
    assessments.TABLE: ("article_id", (*assessments.COLUMNS, "change_seq")),
    final.TABLE: ("article_id", tuple(final.COLUMNS)),
    final.REJECTED: (
        "article_id",
        ("article_id", "url", "link", "title", "reason", "detail", "updated_at"),
    ),
    final.CHANGES: (
        "seq",
        ("seq", "article_id", "url", "reason", "replaced_by", "changed_at"),
    ),
    "ops.positions": ("name", ("name", "value")),
}
_CLOCK_TIMES = frozenset(
    {"fetched_at", "updated_at", "activated_at", "complete_at", "complete_through", "changed_at"}
)
NUMBERS = frozenset({"seq", "raw_seq", "change_seq", "value"})
"""Columns that tell in which order things came."""

Dump = dict[str, list[dict[str, Any]]]


def dump(
    warehouse: Warehouse,
    *tables: str,
    skip: Collection[str] = (),
    times: bool = False,
) -> Dump:
    """All rows of the tables (by default all), without the times that the clock gave them."""
    hidden = set(skip) | (set() if times else _CLOCK_TIMES)
    shown: Dump = {}
    with warehouse.snapshot() as session:
        for table in tables or _TABLES:
            key, columns = _TABLES[table]
            order = key if hidden.isdisjoint({key}) else columns[1]
            rows = session.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")
            shown[table] = [
                {
                    name: value
                    for name, value in zip(columns, row, strict=True)
                    if name not in hidden
                }
                for row in rows
            ]
    return shown


def column(warehouse: Warehouse, table: str, name: str, where: str = "1 = 1") -> list[Any]:
    """One column's values, sorted."""
    with warehouse.snapshot() as session:
        sql = f"SELECT {name} FROM {table} WHERE {where} ORDER BY {name}"
        return [value for (value,) in session.rows(sql)]


def count(warehouse: Warehouse, table: str, where: str = "1 = 1") -> int:
    """How many rows there are."""
    return len(column(warehouse, table, "1", where))


def rows(warehouse: Warehouse, table: str, where: str = "1 = 1") -> list[dict[str, Any]]:
    """The rows of which `where` holds."""
    key, columns = _TABLES[table]
    with warehouse.snapshot() as session:
        found = session.rows(
            f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {key}"
        )
    return [dict(zip(columns, one, strict=True)) for one in found]


def row(warehouse: Warehouse, table: str, where: str) -> dict[str, Any]:
    """The only row of which `where` holds."""
    (found,) = rows(warehouse, table, where)
    return found


def execute(warehouse: Warehouse, sql: str, *parameters: object) -> None:
    """Change something by hand."""
    with warehouse.transaction() as session:
        session.execute(sql, *parameters)


def raw_uris(warehouse: Warehouse) -> list[str]:
    """The uri of every raw row, sorted."""
    return column(warehouse, raw.TABLE, "uri")


def final_urls(warehouse: Warehouse) -> list[str]:
    """The url of every final row, sorted."""
    return column(warehouse, final.TABLE, "url")


def watermark(warehouse: Warehouse) -> datetime | None:
    """Up to when the search in use says that everything is read."""
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
    return query.complete_through if query else None
