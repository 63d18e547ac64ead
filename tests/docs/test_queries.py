"""The queries that the documentation shows run on both engines as they stand."""

import re

import pytest
from tools.generate_docs import ROOT

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema.views import views

QUERIES = [
    query
    for page in ("health.md", "reading.md")
    for query in re.findall(
        r"```sql\n(.*?)```", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL
    )
]


def test_there_are_queries() -> None:
    assert len(QUERIES) > 12


def test_there_is_one_for_each_view() -> None:
    assert [name for name in views("DuckDB") if not any(name in query for query in QUERIES)] == []


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_runs(warehouse: Warehouse, query: str) -> None:
    with warehouse.snapshot() as session:
        session.rows(query)
