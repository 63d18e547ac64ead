"""Reading from a replica: while it is near enough, and from the primary otherwise."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from newsapi_dentsu.reading.library import ServerLibrary
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.engines.postgres_replica import ReadingEngine, ReplicaSession
from support.api import serving as serving_api
from support.articles import many
from support.clock import NOON, Clock
from support.commands import run_newsapi
from support.memory import open_folder
from website.conftest import serving

from .pair import DATABASE, Pair, running_pair
from .server import PASSWORD, ROLE


@pytest.fixture
def pair() -> Iterator[Pair]:
    with open_folder("pair") as folder, running_pair(folder) as made:
        with closing(made.old.engine(DATABASE)) as engine:
            Warehouse(engine).upgrade()
        made.wait()
        yield made


def reader(pair: Pair, *, most_lag: float = 2, own_writes: bool = False) -> ReadingEngine:
    """Who reads the pair."""
    common = {"host": "127.0.0.1", "database": DATABASE, "user": ROLE, "password": PASSWORD}
    return ReadingEngine(
        {**common, "port": pair.new.port, "wait": 3},
        most_lag=most_lag,
        own_writes=own_writes,
        **common,
        port=pair.old.port,
        wait=3,
    )


def server_of(engine: ReadingEngine) -> str:
    with engine.snapshot() as session:
        return "replica" if isinstance(session, ReplicaSession) else "primary"


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't come to that in time"
        time.sleep(0.1)


def write(pair: Pair, value: int) -> None:
    with closing(pair.old.engine(DATABASE)) as engine, engine.transaction() as session:
        session.execute(
            "INSERT INTO ops.positions (name, value) VALUES ('probe', $1) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            value,
        )


def probe(session: Session) -> int:
    value: int = one(
        session, "SELECT coalesce(max(value), 0) FROM ops.positions WHERE name = 'probe'"
    )
    return value


@pytest.mark.slow
def test_the_replica_is_read_and_left_when_it_lags_and_when_it_goes_away(pair: Pair) -> None:
    with closing(reader(pair)) as engine:
        assert server_of(engine) == "replica"
        assert engine.replica_state().lag == 0
        # On an idle primary nothing is behind, however long ago the last transaction was.
        with pair.new.admin(DATABASE) as admin:
            admin.execute("SELECT pg_wal_replay_pause()")
        write(pair, 1)
        until(lambda: server_of(engine) == "primary")
        assert "too far behind" in (engine.replica_state().trouble or "")
        with engine.snapshot() as session:
            assert probe(session) == 1
        with pair.new.admin(DATABASE) as admin:
            admin.execute("SELECT pg_wal_replay_resume()")
        until(lambda: server_of(engine) == "replica")
        pair.new.stop()
        assert {server_of(engine) for _ in range(3)} == {"primary"}
        pair.new.start()
        until(lambda: server_of(engine) == "replica")


def test_a_replica_that_was_cut_off_is_not_believed(pair: Pair) -> None:
    with pair.new.admin() as admin:
        admin.execute("ALTER SYSTEM SET primary_conninfo = ''")
        admin.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)
    write(pair, 1)
    # It has replayed all that it has received.
    with closing(reader(pair, most_lag=1)) as engine:
        until(lambda: server_of(engine) == "primary")


@pytest.mark.slow
def test_a_replica_that_is_silent_is_not_waited_for(pair: Pair) -> None:
    with closing(reader(pair)) as engine, ThreadPoolExecutor(1) as thread:
        until(lambda: engine.glance("SELECT pg_is_in_recovery()") == "t")
        with pair.new.admin(DATABASE) as admin:
            found = admin.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", [ROLE])
            frozen = [pid for (pid,) in found]
        assert len(frozen) >= 2
        try:
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(1.1)
            asked = thread.submit(engine.glance, "SELECT pg_is_in_recovery()")
            assert asked.result(12) in ("f", "t")
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        until(lambda: engine.glance("SELECT pg_is_in_recovery()") == "t")


@pytest.mark.slow
def test_a_promoted_replica_is_one_no_more(pair: Pair) -> None:
    with closing(reader(pair)) as engine:
        assert server_of(engine) == "replica"
        pair.new.run("pg_ctl", "-w", "-D", str(pair.new.data), "promote")
        # At once, although it was looked at within this second.
        assert server_of(engine) == "primary"
        time.sleep(6)
        assert server_of(engine) == "primary"
        assert "follows no other" in (engine.replica_state().trouble or "")


def test_without_the_primary_the_replica_is_better_than_nothing(pair: Pair) -> None:
    with closing(reader(pair)) as engine:
        assert server_of(engine) == "replica"
        pair.old.stop()
        time.sleep(1.1)
        assert server_of(engine) == "replica"
        assert engine.replica_state().lag is None
        assert "primary is away" in (engine.replica_state().trouble or "")


@pytest.mark.slow
def test_a_command_reads_what_was_just_written(pair: Pair) -> None:
    for value in range(1, 21):
        write(pair, value)
        with closing(reader(pair, own_writes=True)) as engine, engine.snapshot() as session:
            assert probe(session) == value
    with pair.new.admin(DATABASE) as admin:
        admin.execute("SELECT pg_wal_replay_pause()")
    write(pair, 100)
    with closing(reader(pair, most_lag=1000, own_writes=True)) as engine:
        assert server_of(engine) == "primary"
        with engine.snapshot() as session:
            assert probe(session) == 100


@pytest.mark.slow
def test_what_the_replica_cancels_is_read_again_on_the_primary(pair: Pair) -> None:
    with pair.new.admin() as admin:
        admin.execute("ALTER SYSTEM SET max_standby_streaming_delay = '100ms'")
        admin.execute("SELECT pg_reload_conf()")
    servers: list[str] = []
    with closing(reader(pair, most_lag=60)) as engine:
        library = ServerLibrary(engine)

        def slow(session: Session) -> int:
            replica = isinstance(session, ReplicaSession)
            servers.append("replica" if replica else "primary")
            found = probe(session)
            if replica:
                rewriter = threading.Thread(target=rewrite)
                rewriter.start()
                rewriter.join()
                session.rows("SELECT pg_sleep(3)")
            return found

        def rewrite() -> None:
            with pair.old.admin(DATABASE) as admin:
                admin.execute("VACUUM FULL ops.positions")

        assert library.read(slow) == 0
        assert servers == ["replica", "primary"]
        servers.clear()
        until(lambda: server_of(engine) == "replica")
        assert Warehouse(engine).read(slow) == 0
        assert servers == ["replica", "primary"]


@pytest.mark.slow
def test_pages_and_commands_say_which_they_read(pair: Pair, tmp_path: Path, clock: Clock) -> None:
    with (
        serving_api(many(3, at=NOON - timedelta(hours=1)), clock=clock) as api,
        closing(pair.old.engine(DATABASE)) as engine,
    ):
        api.run(Warehouse(engine), lookback_days=3)
    pair.wait()
    settings = {
        **pair.old.settings(DATABASE),
        "POSTGRES_READ_HOST": "127.0.0.1",
        "POSTGRES_READ_PORT": str(pair.new.port),
    }
    with closing(ServerLibrary(reader(pair), reader(pair))) as library, serving(library) as url:
        assert requests.get(f"{url}/health", timeout=20).json()["read_from"] == "replica"
        told = requests.get(f"{url}/api/v1/articles", timeout=20)
        assert told.headers["Read-From"] == "replica"
        for path in ("/", "/trends", "/graphql?query={state{changeSeq}}"):
            asked = requests.get(url + path, timeout=20)
            assert asked.headers["Read-From"] == "replica", path
        assert told.json()["total"] == 3
        query = {"query": "{ articles { totalCount } }"}
        answer = requests.post(f"{url}/graphql", json=query, timeout=20).json()
        assert answer == {"data": {"articles": {"totalCount": 3}}}
        status = run_newsapi(["status"], tmp_path, settings, tmp_path)
        assert "read from    the replica" in status.out
        pair.new.stop()
        assert requests.get(f"{url}/api/v1/stories", timeout=20).headers["Read-From"] == "primary"
        articles = run_newsapi(["articles", "--format", "jsonl"], tmp_path, settings, tmp_path)
        assert articles.out.count("\n") == 3
        status = run_newsapi(["status"], tmp_path, settings, tmp_path)
        assert "read from    the primary: " in status.out
