"""Rows that are hard to move, in every table; and looking at tables value by value."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from newsapi_dentsu.transfer.tables import Table, tables
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session, insert

TEXTS = (
    *("", " ", "NULL", "null", "\\N", "\\.", "a\n\\.\nb", "\n", "\r\n", "\r", "line 1\r\nline 2\n"),
    *('"', '""', 'say "x", then', "'", "a,b,c", ",", ";\t|", " leading", "trailing ", "-", "3:abc"),
    *("\x01\x02\x1f\x7f", "\t", "\x0b\x0c", "\ufeffmark", "caf\u00e9", "cafe\u0301", "\U0001f600"),
    *(
        "\u200b\u2028",
        "\ud7ff\ue000\uffff",
        "مرحبا",
        "漢字",
        "\U0010ffff",
        "#",
        "--",
        "/* */",
        "$1",
    ),
    *('{"a": "b\\u0000", "c": [1, null]}', "[]", "{}", "\\", "\\\\", "\\x41", "x" * 100_000),
)
FLOATS = (0.0, -0.0, 0.1, 1 / 3, 1e308, -1e308, 5e-324, 2.0**-1074, 1e16, 123456789.123456789)
STRANGE_FLOATS = (math.nan, math.inf, -math.inf)
TIMES = (
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 11, 20, 12, 0, 0, 1, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 2, 29, 6, 7, 8, 123_456, tzinfo=UTC),
)
NUMBERS = {"bigint": (0, -1, 2**63 - 1, -(2**63)), "integer": (0, -1, 2**31 - 1, -(2**31))}

_UNIQUE = {
    "article_id",
    "url",
    "uri",
    "query_id",
    "run_id",
    "stage",
    "name",
    "incident_id",
    "notice_id",
    "channel",
    "verdict_id",
    "rule",
    "seq",
    "raw_seq",
    "change_seq",
    "backfill_id",
    "month",
}


def fill(warehouse: Warehouse, rows: int = 60, text: str | None = None) -> None:
    """Fill every table with rows of hard values; the news tables' urls stay unique."""
    with warehouse.transaction() as session:
        nullable = _nullable(session)
        for table in tables():
            insert(
                session,
                table.name,
                dict(table.columns),
                [_row(table, number, nullable[table.name], text) for number in range(1, rows + 1)],
            )
        session.execute("UPDATE raw.ai_marketing_news_raw SET origin = 'newsapi.ai'")


def values(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, ordered by key, as Python sees it."""
    with warehouse.snapshot() as session:
        return {
            table.name: [
                tuple(_seen(value) for value in row)
                for row in session.rows(
                    f"SELECT {table.names} FROM {table.name} ORDER BY {', '.join(table.key)}"
                )
            ]
            for table in tables()
        }


def _seen(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    # NaN equals nothing, and zero equals minus zero.
    return value.hex() if isinstance(value, float) else value


def _nullable(session: Session) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {table.name: set() for table in tables()}
    for table, column in session.rows(
        "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
        "WHERE is_nullable = 'YES'"
    ):
        found.setdefault(table, set()).add(column.lower())
    return found


def _row(table: Table, number: int, nullable: set[str], text: str | None) -> tuple[Any, ...]:
    places = count(number)
    return tuple(
        None
        if name.lower() in nullable and (number + place) % 7 == 0
        else _value(name, kind, number, next(places), text)
        for place, (name, kind) in enumerate(table.columns.items())
    )


def _value(name: str, kind: str, number: int, place: int, text: str | None) -> Any:
    if name in _UNIQUE:
        return number if kind != "text" else f"https://e.example/{number}/é"
    if kind == "text":
        return TEXTS[place % len(TEXTS)] if text is None else text
    if kind == "float8":
        return (*FLOATS, *STRANGE_FLOATS)[place % 13]
    if kind == "timestamptz":
        return TIMES[place % len(TIMES)]
    if kind == "date":
        return date(1900, 1, 1) + timedelta(days=1_777 * number)
    if kind == "boolean":
        return place % 2 == 0
    return NUMBERS[kind][place % 4]
