"""Reading final articles in pages, so that a slow reader never keeps a writer out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, insert
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import final

PAGE_ROWS = 500

Pages = Iterator[list[Row]]
"""Articles, page by page, in all columns of `final.COLUMNS`."""


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles to read; days are UTC and inclusive, texts match regardless of case."""

    since: date | None = None
    until: date | None = None
    source: str | None = None
    text: str | None = None


def read_articles(warehouse: Warehouse, wanted: ArticleFilter, limit: int | None = None) -> Pages:
    """Read final articles, the newest first, in pages of all columns of `final.COLUMNS`.

    Each page is a transaction of its own: between two of them the pipeline may write.
    """
    after: tuple[datetime, str] | None = None
    remaining = limit
    while remaining is None or remaining > 0:
        rows = PAGE_ROWS if remaining is None else min(PAGE_ROWS, remaining)
        conditions, parameters = _conditions(wanted, after)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        with warehouse.snapshot() as session:
            page = session.rows(
                f"SELECT {', '.join(final.COLUMNS)} FROM {final.TABLE} {where}"
                f"ORDER BY publishedAt DESC, article_id DESC LIMIT {rows}",
                *parameters,
            )
        if page:
            yield page
        if len(page) < rows:
            return
        names = list(final.COLUMNS)
        after = (page[-1][names.index("publishedAt")], page[-1][names.index("article_id")])
        if remaining is not None:
            remaining -= len(page)


def _conditions(
    wanted: ArticleFilter, after: tuple[datetime, str] | None
) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    parameters: list[object] = []

    def add(condition: str, *values: object) -> None:
        numbers = [f"${len(parameters) + place}" for place in range(1, len(values) + 1)]
        conditions.append(condition.format(*numbers))
        parameters.extend(values)

    if wanted.since is not None:
        add("publishedAt >= {}", day_start(wanted.since))
    if wanted.until is not None:
        add("publishedAt < {}", day_start(wanted.until + timedelta(days=1)))
    if wanted.source is not None:
        pattern = _containing(wanted.source)
        add("(source_uri ILIKE {} ESCAPE '!' OR source_name ILIKE {} ESCAPE '!')", pattern, pattern)
    if wanted.text is not None:
        pattern = _containing(wanted.text)
        add("(title ILIKE {} ESCAPE '!' OR body ILIKE {} ESCAPE '!')", pattern, pattern)
    if after is not None:
        add("(publishedAt, article_id) < ({}, {})", *after)
    return conditions, parameters


def _containing(text: str) -> str:
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def write_parquet(pages: Pages, target: Path, scratch: Path) -> int:
    """Write articles to a Parquet file and return how many they are.

    Args:
        pages: the articles.
        target: the file.
        scratch: where a DuckDB file may lie meanwhile, so that memory stays small.
    """
    import duckdb

    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession

    count = 0
    with duckdb.connect(str(scratch)) as connection:
        columns = ", ".join(f"{name} {type_}" for name, type_ in final.COLUMNS.items())
        connection.execute(f"CREATE TABLE articles ({columns})")
        for page in pages:
            insert(DuckDBSession(connection), "articles", final.COLUMNS, page)
            count += len(page)
        connection.execute(
            "COPY (SELECT * FROM articles ORDER BY publishedAt DESC, article_id DESC) "
            f"TO {quoted_text(target)} (FORMAT parquet)"
        )
    return count
