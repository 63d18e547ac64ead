"""DuckDB files as other pipelines leave them."""

from pathlib import Path

import duckdb

from support.articles import body

NEWSAPI_COLUMNS = (
    '"source" STRUCT(id VARCHAR, name VARCHAR), "author" VARCHAR, "title" VARCHAR, '
    '"description" VARCHAR, "url" VARCHAR, "urlToImage" VARCHAR, "publishedAt" TIMESTAMP, '
    '"content" VARCHAR, "Word Count" BIGINT'
)


def row(number: int, **changes: object) -> dict[str, object]:
    """A row of a pandas pipeline over a NewsAPI-like source."""
    return {
        "source": {"id": "ad-ledger", "name": "Ad Ledger"},
        "author": "Jo Weiss",
        "title": f"Story {number}",
        "description": "In short",
        "url": f"https://adledger.example/{number}",
        "urlToImage": f"https://adledger.example/{number}.jpg",
        "publishedAt": f"2024-03-{number % 28 + 1:02} 06:07:08.5",
        "content": f"{body(str(number))} That was story {number}.",
        "Word Count": 7,
        **changes,
    }


def write(
    path: Path, rows: list[dict[str, object]], table: str = "raw.ai_marketing_news_raw"
) -> None:
    """Make the file, or add a table to it."""
    with duckdb.connect(str(path)) as connection:
        schema = table.partition(".")[0]
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(f"CREATE TABLE {table} ({NEWSAPI_COLUMNS})")
        names = list(row(0))
        places = ", ".join("?" * len(names))
        for item in rows:
            connection.execute(
                f"INSERT INTO {table} VALUES ({places})", [item[name] for name in names]
            )
