"""Sandbox articles and real ones are never mixed, and every row says where it comes from."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.api import Api, serving
from support.articles import TOPICS, article
from support.clock import NOON
from support.processing import store
from support.tables import column, count


@pytest.fixture
def api() -> Iterator[Api]:
    with serving([article("1", at=NOON)]) as served:
        yield served


class RealApi(NewsApi):
    """A client that doesn't see the sandbox's mark on an answer, as with the real service."""

    @property
    def origin(self) -> str:
        return "newsapi.ai"

    @origin.setter
    def origin(self, value: str) -> None:
        pass


@contextmanager
def real(api: Api) -> Iterator[NewsApi]:
    from newsapi_dentsu.sandbox import SANDBOX_KEY

    client = RealApi(api.sandbox.url, SANDBOX_KEY)
    yield client


def test_every_row_says_where_it_comes_from(warehouse: Warehouse, api: Api) -> None:
    api.run(warehouse, lookback_days=1)
    for table in (raw.TABLE, processed.TABLE, final.TABLE):
        assert column(warehouse, table, "origin") == ["sandbox"]


def test_real_articles_are_not_put_beside_the_sandboxs(warehouse: Warehouse, api: Api) -> None:
    api.run(warehouse, lookback_days=1)
    with real(api) as client, pytest.raises(WarehouseError, match="--discard-sandbox"):
        collect(client, warehouse, TOPICS, now=NOON, options=CollectOptions(lookback_days=1))
    assert column(warehouse, raw.TABLE, "origin") == ["sandbox"]


def test_sandbox_articles_are_not_put_beside_real_ones(warehouse: Warehouse, api: Api) -> None:
    with real(api) as client:
        collect(client, warehouse, TOPICS, now=NOON, options=CollectOptions(lookback_days=1))
    assert column(warehouse, raw.TABLE, "origin") == ["newsapi.ai"]
    with pytest.raises(WarehouseError, match="NEWSAPI_KEY"):
        api.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 1


def test_an_empty_warehouse_takes_either(warehouse: Warehouse, api: Api) -> None:
    assert store(warehouse).new == 0
    assert api.collect(warehouse, lookback_days=1).origin == "sandbox"
