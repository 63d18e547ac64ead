"""The queries that the documentation shows run on both engines as they stand."""

import re

import pytest
from tools.generate_docs import ROOT

from newsapi_dentsu.warehouse import Warehouse

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/health.md").read_text("utf-8"), re.DOTALL)


def test_there_are_queries() -> None:
    assert len(QUERIES) > 4


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_runs(warehouse: Warehouse, query: str) -> None:
    with warehouse.snapshot() as session:
        session.rows(query)
