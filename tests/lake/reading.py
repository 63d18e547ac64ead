"""The lake as DuckDB reads it, by the queries of docs/lake.md."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from tools.generate_docs import ROOT

from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.layout import TABLES
from newsapi_dentsu.storage import Folder

TEXT = (ROOT / "docs/lake.md").read_text("utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
FINAL_NOW, ARTICLES_NOW, DAYS = QUERIES
"""What final holds, what processed holds, and how many articles each day has."""


@contextmanager
def views(place: Folder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with a view of each table of a lake."""
    with duckdb.connect() as connection:
        for table in TABLES:
            files = list(delta.live_files(place, table).uris)
            columns = ", ".join(
                f"CAST(NULL AS {kind}) AS {name}" for name, kind in table.columns.items()
            )
            # A table without rows has no files.
            source = (
                f"FROM read_parquet({files}, hive_partitioning = true)"
                if files
                else f"FROM (SELECT {columns}, '' AS month) WHERE false"
            )
            connection.execute(f"CREATE VIEW {table.name} AS {source}")
        yield connection
