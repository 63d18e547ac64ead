"""Articles in a Parquet file."""

from pathlib import Path

import duckdb

from newsapi_dentsu.reading.states import Pages
from newsapi_dentsu.warehouse.engines.base import insert
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import final


def write_parquet(pages: Pages, target: Path, scratch: Path) -> int:
    """Write articles to a Parquet file and return how many they are.

    Args:
        pages: the articles.
        target: the file.
        scratch: where a DuckDB file may lie meanwhile, so that memory stays small.
    """
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
