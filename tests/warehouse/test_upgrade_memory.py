"""Upgrading a long history on DuckDB: indexes are made whole, with more memory than runs need."""

from pathlib import Path

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import one
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

LONG = 300_000
"""Rows whose index takes more than the 24 MB that the test allows."""


def opened(path: Path, memory_limit: str) -> Warehouse:
    return Warehouse(DuckDBEngine(path, memory_limit=memory_limit, wait=5))


def test_an_index_of_a_long_history_is_made_within_the_smallest_limit(tmp_path: Path) -> None:
    filled, small = (opened(tmp_path / "news.duckdb", limit) for limit in ("1GB", "24MB"))
    filled.upgrade()
    with filled.transaction() as session:
        session.execute("DROP INDEX raw.idx_raw_url")
        required = session.rows(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw' "
            "AND table_name = 'ai_marketing_news_raw' AND NOT is_nullable"
        )
        filling = {"VARCHAR": "md5(CAST(n AS text)) || n", "BIGINT": "n", "INTEGER": "1"}
        values = ", ".join(f"{filling.get(kind, 'now()')} AS {name}" for name, kind in required)
        session.execute(
            "INSERT INTO raw.ai_marketing_news_raw BY NAME "
            f"SELECT {values}, n || md5(CAST(-n AS text)) AS url FROM range({LONG}) AS numbers (n)"
        )

    small.upgrade()

    with small.snapshot() as session:
        assert "idx_raw_url" in small.engine.index_names(session)


@pytest.mark.parametrize(("limit", "lifted"), [("64MB", "953.6 MiB"), ("2GB", "1.8 GiB")])
def test_the_limit_is_lifted_for_the_upgrade_alone(tmp_path: Path, limit: str, lifted: str) -> None:
    warehouse = opened(tmp_path / "news.duckdb", limit)
    asked = "SELECT current_setting('memory_limit')"
    warehouse.upgrade()
    with warehouse.transaction() as session:
        before = one(session, asked)
        warehouse.engine.lift_limits(session)
        assert one(session, asked) == lifted
    with warehouse.transaction() as session:
        assert one(session, asked) == before
