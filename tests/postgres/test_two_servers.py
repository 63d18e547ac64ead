"""A database with a server in another region: going over, and keeping the old primary out."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.recovery.failover import FailedOver, fail_over
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines import postgres_servers as servers
from newsapi_dentsu.warehouse.engines.daemon_lock import _AdvisoryLock
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from support.api import Api, serving
from support.articles import many
from support.clock import NOON, Clock
from support.commands import run_newsapi
from support.memory import open_folder
from support.tables import count, final_urls, raw_uris

from .pair import DATABASE, Pair, running_pair
from .server import PASSWORD, ROLE


@pytest.fixture
def pair() -> Iterator[Pair]:
    with open_folder("pair") as folder, running_pair(folder) as made:
        yield made


@pytest.fixture
def api(clock: Clock) -> Iterator[Api]:
    with serving(many(30, at=NOON - timedelta(hours=1)), clock=clock) as made:
        yield made


def go_over(pair: Pair, *, planned: bool = False) -> FailedOver:
    with closing(pair.engine()) as engine:
        return fail_over(engine, pair.target, planned=planned, wait=10, tell=print)


def refused(engine: PostgresEngine, match: str) -> None:
    with closing(engine), pytest.raises(WarehouseError, match=match), engine.run_lock("a run", 1):
        pass


def test_a_lost_primary_is_replaced_and_what_the_standby_lacked_is_fetched_again(
    pair: Pair, api: Api, clock: Clock
) -> None:
    warehouse = Warehouse(pair.engine())
    warehouse.upgrade()
    api.run(warehouse, lookback_days=3)
    pair.wait()
    # The standby is cut off, so that it lacks what the primary is told next.
    pair.new.stop("fast")
    clock.advance(hours=1)
    api.add(*many(5, at=clock.now - timedelta(minutes=1), prefix="late"))
    clock.advance(hours=1)
    with warehouse.engine.run_lock("a run", 5):
        api.run(warehouse, lookback_days=3)
        before = raw_uris(warehouse), final_urls(warehouse)
        assert len(before[0]) == 35
        pair.old.stop()
        pair.new.start()
        done = go_over(pair)
        assert (done.server, done.epoch, done.fenced) == (pair.target, 1, ())
        assert done.rows["raw.ai_marketing_news_raw"] == 30
        assert done.complete_through == NOON
        # This run believes that it has stored what the new primary lacks.
        with pytest.raises(WarehouseError, match="it stops here"):
            warehouse.write(lambda session: session.execute("SELECT 1"))
    api.run(warehouse, lookback_days=3)
    assert (raw_uris(warehouse), final_urls(warehouse)) == before
    assert count(warehouse, "processed.processed_news") == len(set(before[0]))

    # The old primary comes back, and takes writes.
    pair.old.start()
    api.run(warehouse, lookback_days=3)
    with closing(pair.engine()) as engine:
        assert engine.reaching()["port"] == pair.new.port
    refused(pair.old.engine(DATABASE), r"is fenced: another server was promoted .*epoch 1")
    warehouse.close()


def test_two_primaries_are_refused_and_a_planned_switch_loses_nothing(pair: Pair, api: Api) -> None:
    warehouse = Warehouse(pair.engine())
    warehouse.upgrade()
    api.run(warehouse, lookback_days=3)
    with pytest.raises(WarehouseError, match=r"takes writes: .* two primaries"):
        go_over(pair)
    done = go_over(pair, planned=True)
    assert done.rows["raw.ai_marketing_news_raw"] == 30
    assert done.fenced == (f"127.0.0.1:{pair.old.port}",)
    refused(pair.old.engine(DATABASE), "is fenced")
    api.run(warehouse, lookback_days=3)
    assert len(raw_uris(warehouse)) == 30
    again = go_over(pair)
    assert again.epoch == 2
    warehouse.close()


@pytest.mark.thorough(
    "tests/postgres/test_two_servers.py"
    "::test_a_lost_primary_is_replaced_and_what_the_standby_lacked_is_fetched_again"
)
def test_a_planned_switch_waits_for_the_run_under_way_and_goes_on_where_it_was_interrupted(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(pair.engine())
    warehouse.upgrade()
    pair.wait()
    with (
        warehouse.engine.run_lock("a run", 5),
        closing(pair.engine()) as engine,
        pytest.raises(WarehouseError, match="another run is under way"),
    ):
        fail_over(engine, pair.target, planned=True, wait=0.2, tell=print)
    warehouse.close()
    with monkeypatch.context() as patch:
        patch.setattr(servers, "promote", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            go_over(pair, planned=True)
    # Meanwhile nobody writes, and who has time waits.
    with closing(pair.engine()) as engine, pytest.raises(WarehouseAwayError, match="is fenced"):
        engine.connect()
    go_over(pair, planned=True)
    with closing(pair.engine()) as engine:
        assert engine.reaching()["port"] == pair.new.port


def test_two_servers_that_both_take_writes_are_told_apart_by_somebody(pair: Pair) -> None:
    with closing(pair.engine()) as engine:
        Warehouse(engine).upgrade()
    pair.wait()
    pair.new.run("pg_ctl", "-w", "-D", str(pair.new.data), "promote")
    with closing(pair.engine()) as engine, pytest.raises(WarehouseError, match="both take writes"):
        engine.connect()
    assert go_over(pair, planned=True).fenced == (f"127.0.0.1:{pair.old.port}",)
    with closing(pair.engine()) as engine:
        assert engine.reaching()["port"] == pair.new.port


@pytest.mark.thorough(
    "tests/postgres/test_two_servers.py"
    "::test_a_lost_primary_is_replaced_and_what_the_standby_lacked_is_fetched_again"
)
def test_without_the_right_to_promote_it_says_who_has_it(pair: Pair) -> None:
    with pair.old.admin(DATABASE) as admin:
        admin.execute(f"REVOKE EXECUTE ON FUNCTION pg_promote(boolean, integer) FROM {ROLE}")
    pair.wait()
    pair.old.stop()
    with pytest.raises(WarehouseError, match="az postgres flexible-server replica promote"):
        go_over(pair)


@pytest.mark.thorough(
    "tests/postgres/test_two_servers.py"
    "::test_a_lost_primary_is_replaced_and_what_the_standby_lacked_is_fetched_again"
)
def test_one_daemon_acts_for_both_regions(pair: Pair) -> None:
    with closing(pair.engine()) as here, closing(pair.engine()) as there:
        one, two = _AdvisoryLock(here.connect), _AdvisoryLock(there.connect)
        assert one.take()
        assert not two.take()
        one.release()
        # A closed connection's lock is free a moment later.
        deadline = time.monotonic() + 10
        while not two.take() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert two.is_held()
        two.release()


@pytest.mark.thorough(
    "tests/postgres/test_two_servers.py"
    "::test_a_lost_primary_is_replaced_and_what_the_standby_lacked_is_fetched_again"
)
def test_the_command_tells_what_the_new_primary_has_and_dagster_follows(
    pair: Pair, tmp_path: Path
) -> None:
    sandbox = {"NEWSAPI_SANDBOX": "always", "LOOKBACK_DAYS": "1", "DATABASE_WAIT_SECONDS": "5"}
    settings = {**pair.settings, **sandbox}
    done = run_newsapi(["run"], tmp_path, settings, tmp_path)
    assert done.code == 0, done.err
    pair.wait()
    pair.old.stop()
    done = run_newsapi(["failover", "--to", pair.target, "--yes"], tmp_path, settings, tmp_path)
    assert done.code == 0, done.err
    assert f"{pair.target} is the primary (epoch 1)" in done.out
    assert "final.filtered_news" in done.out
    assert PASSWORD not in done.out + done.err
    done = run_newsapi(["run"], tmp_path, settings, tmp_path)
    assert done.code == 0, done.err
