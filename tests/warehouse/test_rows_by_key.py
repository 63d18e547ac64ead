"""Rows are found by their keys, few or many, whatever the keys' type."""

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import processed, raw
from support.articles import body, record
from support.clock import NOON
from support.parts import first_quick
from support.processing import process, store


@pytest.mark.parametrize("wanted", first_quick([1, 400]))
def test_records_are_found_by_number_and_articles_by_id(warehouse: Warehouse, wanted: int) -> None:
    warehouse.upgrade()
    store(warehouse, *(record(str(number), NOON, body=body(str(number))) for number in range(500)))
    process(warehouse)
    with warehouse.snapshot() as session:
        records = raw.rows_by_seq(session, range(101, 101 + wanted))
        keys = [key for (key,) in session.rows(f"SELECT article_id FROM {processed.TABLE}")]
        articles = processed.articles(session, keys[:wanted])
    assert sorted(one.seq for one in records) == list(range(101, 101 + wanted))
    assert sorted(articles) == sorted(keys[:wanted])


@pytest.mark.parametrize("there", [0, 1, 400])
def test_of_many_keys_only_those_that_are_stored_are_found(
    warehouse: Warehouse, there: int
) -> None:
    warehouse.upgrade()
    store(
        warehouse, *(record(str(number), NOON, body=body(str(number))) for number in range(there))
    )
    process(warehouse)
    with warehouse.snapshot() as session:
        keys = [key for (key,) in session.rows(f"SELECT article_id FROM {processed.TABLE}")]
        found = processed.articles(session, [*keys, *(f"unknown {n}" for n in range(400))])
    assert sorted(found) == sorted(keys)
    assert len(found) == there
