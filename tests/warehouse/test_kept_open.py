"""Transactions at once after another share what opening costs, and keep nobody out for long."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines import duckdb as engine
from newsapi_dentsu.warehouse.tables import positions
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import DuckDBDatabase


def held(path: Path) -> bool:
    """Whether this process has the file open."""
    return any(
        link.is_symlink() and str(link.readlink()) == str(path.resolve())
        for link in Path("/proc/self/fd").iterdir()
    )


@pytest.fixture
def file(tmp_path: Path) -> DuckDBDatabase:
    database = DuckDBDatabase(tmp_path / "news.duckdb")
    database.open().upgrade()
    return database


def note(warehouse: Warehouse, value: int) -> None:
    warehouse.write(lambda session: positions.set_position(session, "noted", value))


def test_the_file_stays_open_between_transactions_and_not_after_them(file: DuckDBDatabase) -> None:
    warehouse = file.open()
    note(warehouse, 1)
    assert not held(file.path)
    with warehouse.kept_open():
        for value in range(3):
            note(warehouse, value)
            assert held(file.path)
    assert not held(file.path)
    with warehouse.snapshot() as session:
        assert positions.position(session, "noted") == 2


def test_what_was_committed_is_seen_by_the_next_transaction(file: DuckDBDatabase) -> None:
    warehouse = file.open()
    with warehouse.kept_open():
        note(warehouse, 7)
        assert warehouse.read(lambda session: positions.position(session, "noted")) == 7


def test_the_file_is_released_now_and_then(
    file: DuckDBDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_LONGEST_KEPT", 0.8)
    warehouse = file.open()
    with warehouse.kept_open():
        note(warehouse, 1)
        time.sleep(0.9)
        note(warehouse, 2)
        assert not held(file.path)
        note(warehouse, 3)
    assert warehouse.read(lambda session: positions.position(session, "noted")) == 3


def test_a_failure_closes_the_file_and_takes_nothing_back(file: DuckDBDatabase) -> None:
    warehouse = file.open()

    def fail() -> None:
        with warehouse.kept_open():
            note(warehouse, 1)
            with warehouse.transaction() as session:
                positions.set_position(session, "noted", 2)
                raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not held(file.path)
    with duckdb.connect(str(file.path), read_only=True) as other:
        found = other.execute("SELECT value FROM ops.positions WHERE name = 'noted'").fetchone()
    assert found == (1,)


def test_the_file_is_released_before_anything_else_is_waited_for(file: DuckDBDatabase) -> None:
    warehouse = file.open()
    with warehouse.kept_open():
        note(warehouse, 1)
        warehouse.release()
        assert not held(file.path)
        note(warehouse, 2)
        assert held(file.path)


def test_nobody_waits_for_the_network_with_a_run(
    file: DuckDBDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, seen = file.open(), []
    search = NewsApi.search

    def watched(*arguments: Any) -> Any:
        seen.append(held(file.path))
        return search(*arguments)

    monkeypatch.setattr(NewsApi, "search", watched)
    with serving(many(3, at=NOON - timedelta(hours=1))) as api, warehouse.kept_open():
        api.collect(warehouse, lookback_days=1)
    assert seen
    assert not any(seen)
