"""Which number a change gets doesn't depend on the order in which a database gives rows."""

from datetime import UTC, datetime

import pytest

from newsapi_dentsu.stages import curate, deduplicate, group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession
from newsapi_dentsu.warehouse.tables import final
from support.articles import TOPICS, varied
from support.processing import process, store
from support.tables import Dump, column, dump

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
STRICTER = TOPICS.model_validate(TOPICS.model_dump() | {"relevance": {"threshold": 0.9}})
"""By these no article may be read."""


def _tables(warehouse: Warehouse) -> list[Dump]:
    """What small batches make of two halves of the records, and of other rules after that."""
    # Few of those that are about something each, and all the others.
    records = [one.record for one in varied(MORNING, 1)[75:]]
    found = []
    for half in (records[::2], records[1::2]):
        store(warehouse, *half)
        process(warehouse)
        found.append(dump(warehouse))
    assert column(warehouse, final.TABLE, "article_id")
    process(warehouse, topics=STRICTER, full_refresh=True)
    assert column(warehouse, final.CHANGES, "seq")
    assert not column(warehouse, final.TABLE, "article_id")
    return [*found, dump(warehouse)]


@pytest.mark.each_engine
@pytest.mark.parametrize("databases", ["duckdb"], indirect=True)
def test_numbers_are_the_same_whatever_the_order_of_rows(
    warehouse: Warehouse, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in (curate, deduplicate, group):
        monkeypatch.setattr(stage, "BATCH_ROWS", 15)
    expected = _tables(warehouse)
    rows = DuckDBSession.rows

    def turned(self: DuckDBSession, sql: str, *parameters: object) -> list[Row]:
        found = rows(self, sql, *parameters)
        return found if "ORDER BY" in sql else found[::-1]

    monkeypatch.setattr(DuckDBSession, "rows", turned)
    assert _tables(other_warehouse) == expected
