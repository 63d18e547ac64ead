"""A migration that is killed goes on where it stopped; until it has ended, nothing runs there."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from newsapi_dentsu.errors import WarehouseBusyError, WarehouseError
from newsapi_dentsu.transfer import loading
from newsapi_dentsu.warehouse import Warehouse
from support.databases import DuckDBDatabase, PostgresDatabase, disconnect
from support.processes import event, finish, hold_run_lock, process
from support.tables import execute

from .conftest import move, move_back
from .samples import fill, values

pytestmark = pytest.mark.slow


def slowly(source: DuckDBDatabase, target: PostgresDatabase, pause: float) -> None:
    """Move in small parts, with a pause before each statement that stores one."""
    loading.PART_ROWS = 10
    copy: Any = loading._copy

    def paused(*arguments: object) -> None:
        time.sleep(pause)
        copy(*arguments)

    vars(loading)["_copy"] = paused
    move(source, target.open())


def moved_parts(database: PostgresDatabase) -> int:
    """How many parts an unfinished migration has stored; -1 where there is none."""
    opened = database.open()
    try:
        with psycopg.connect(**database.server, dbname=database.name) as connection:
            there = connection.execute("SELECT to_regclass('ops.transfer')").fetchone()
            if not there or there[0] is None:
                return -1
            found = connection.execute("SELECT count(*) - 1 FROM ops.transfer").fetchone()
            return int(found[0]) if found else -1
    finally:
        disconnect(opened)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves in parts of ten rows."""
    monkeypatch.setattr(loading, "PART_ROWS", 10)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_goes_on_and_ends_equal(
    seed: int,
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    server_database: PostgresDatabase,
) -> None:
    fill(duckdb, rows=100, text="short")
    postgres.upgrade()
    moment = random.Random(seed)
    most = 0
    for kill in range(5):
        with process(slowly, file, server_database, 0.1) as child:
            child.join(0.3 + moment.random() * 1.2)
            # Every other time in the midst of copying, however long that takes to begin.
            while kill % 2 and child.is_alive() and moved_parts(server_database) <= most:
                time.sleep(0.05)
            child.kill()
            child.join()
        stored = moved_parts(server_database)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        if stored >= 0:
            assert stored >= most, "what is stored stays stored"
            most = stored
            with pytest.raises(WarehouseError, match="has not ended"):
                postgres.upgrade()
    assert most > 0
    result = move(file, postgres)
    assert (result.action, result.equal) == ("resumed", True)
    assert values(postgres) == values(duckdb)
    postgres.upgrade()


@pytest.mark.usefixtures("small_parts")
def test_resuming_copies_only_what_is_missing(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(duckdb, rows=60, text="short")
    copy: Any = loading._copy
    copied: list[int] = []
    limit = 17

    def failing(source: object, target: object, location: str, part: loading.Part) -> None:
        if len(copied) == limit:
            raise WarehouseError("the power is gone")
        copied.append(part.number)
        copy(source, target, location, part)

    monkeypatch.setattr(loading, "STREAMS", 1)
    monkeypatch.setattr(loading, "_copy", failing)
    with pytest.raises(WarehouseError, match="power"):
        move(file, postgres)
    first = list(copied)
    copied.clear()
    limit = -1
    result = move(file, postgres)
    assert (result.action, result.equal) == ("resumed", True)
    assert len(first) == 17
    assert not set(first) & set(copied)


@pytest.mark.usefixtures("small_parts")
def test_a_source_that_changed_meanwhile_is_begun_anew(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(duckdb, rows=60, text="short")

    def fail(*_: object) -> None:
        raise WarehouseError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(loading, "finish", fail)
        with pytest.raises(WarehouseError, match="stopped"):
            move(file, postgres)
    execute(duckdb, "UPDATE final.filtered_news SET title = 'newer'")
    result = move(file, postgres)
    assert (result.action, result.equal) == ("copied", True)
    assert values(postgres) == values(duckdb)


def test_a_target_that_holds_other_data_is_as_it_was_until_replace_is_said(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=5)
    postgres.upgrade()
    fill(postgres, rows=3, text="mine")
    before = values(postgres)
    with pytest.raises(WarehouseError, match="holds other data"):
        move(file, postgres)
    assert values(postgres) == before
    postgres.upgrade()


def test_on_the_way_back_the_old_file_stays_until_the_new_one_is_proven(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    server_database: PostgresDatabase,
    tmp_path: Path,
) -> None:
    fill(duckdb, rows=200)
    move(file, postgres)
    path = tmp_path / "back.duckdb"
    old = DuckDBDatabase(path)
    old.open().upgrade()
    fill(old.open(), rows=1, text="old")
    before = values(old.open())
    for wait in (0.3, 0.6, 1.0):
        with process(_back, server_database, path) as child:
            child.join(wait)
            child.kill()
            child.join()
        if child.exitcode == 0:
            break
        assert values(old.open()) == before
    move_back(postgres, path, replace=True)
    assert values(old.open()) == values(duckdb)
    assert [item.name for item in tmp_path.iterdir() if ".part" in item.name] == []


def _back(source: PostgresDatabase, path: Path) -> None:
    move_back(source.open(), path, replace=True)


def test_a_run_keeps_a_migration_out(
    server_database: PostgresDatabase, postgres: Warehouse
) -> None:
    postgres.upgrade()
    held = event()
    with process(hold_run_lock, server_database, held, 5.0):
        assert held.wait(30)
        with (
            pytest.raises(WarehouseBusyError, match="another run is under way"),
            postgres.run_lock("newsapi migrate", wait=0.2),
        ):
            raise AssertionError("the lock is held")


def test_two_streams_and_a_lost_connection_store_each_part_once(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    server_database: PostgresDatabase,
) -> None:
    fill(duckdb, rows=100, text="short")
    postgres.upgrade()
    with process(slowly, file, server_database, 0.05) as child:
        deadline = time.monotonic() + 30
        while moved_parts(server_database) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        with psycopg.connect(
            **server_database.server, dbname=server_database.name, autocommit=True
        ) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finish(child)
    assert moved_parts(server_database) == -1
    assert values(postgres) == values(duckdb)
