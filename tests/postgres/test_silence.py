"""A server that keeps its connections and says nothing: nobody waits for it for long."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import psutil
import pytest
import requests

from newsapi_dentsu.errors import WarehouseAwayError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines import postgres, postgres_silence
from newsapi_dentsu.warehouse.engines.base import one
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from newsapi_dentsu.warehouse.engines.postgres_silence import Silence
from support.api import serving as serving_api
from support.articles import many
from support.clock import NOON, Clock
from support.commands import Finished, run_newsapi
from support.services import served

from .server import PASSWORD, ROLE, Proxy, Server, running_server

NEWS = "news"
BACKEND = "SELECT pg_backend_pid()"


@contextmanager
def frozen(*processes: int) -> Iterator[None]:
    """Processes that do nothing for a while."""
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def all_of(server: Server) -> list[int]:
    """The processes of a server, the first one first."""
    first = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    return [first.pid, *(one.pid for one in first.children())]


@contextmanager
def reader(server: Server, database: str, limit: float = 60) -> Iterator[PostgresEngine]:
    """Who reads for people; `limit` is the server's own of a statement."""
    silence = Silence(limit)
    with closing(server.engine(database, statement_timeout=limit, silence=silence)) as engine:
        yield engine


def backend(engine: PostgresEngine) -> int:
    with engine.snapshot() as session:
        return int(one(session, BACKEND))


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def answers(engine: PostgresEngine) -> bool:
    with suppress(WarehouseAwayError):
        return backend(engine) > 0
    return False


def refused(engine: PostgresEngine) -> None:
    with pytest.raises(WarehouseAwayError, match="doesn't answer"):
        backend(engine)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than people have."""
    for module in (postgres_silence, postgres):
        monkeypatch.setattr(module, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(postgres_silence, "_AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(postgres_silence, "_GRACE_SECONDS", 0.5)


@pytest.mark.usefixtures("quick")
def test_readers_of_a_frozen_server_give_up_and_read_on_when_it_does(
    server: Server, db_name: str
) -> None:
    with reader(server, db_name) as engine, ThreadPoolExecutor(8) as threads:
        backend(engine)
        with frozen(*all_of(server)):
            # With a connection that is there, and with those that are asked for meanwhile.
            asked = [threads.submit(seconds_of, lambda: refused(engine)) for _ in range(8)]
            assert max(each.result(20) for each in asked) < 10
            assert seconds_of(lambda: refused(engine)) < 2
        until(lambda: answers(engine))


@pytest.mark.usefixtures("quick")
def test_a_statement_that_takes_its_time_is_waited_for(server: Server, db_name: str) -> None:
    with reader(server, db_name) as engine, engine.snapshot() as session:
        assert one(session, "SELECT 'slept' FROM pg_sleep(2)") == "slept"


@pytest.mark.usefixtures("quick")
def test_one_process_that_is_frozen_is_given_up_after_its_own_limit(
    server: Server, db_name: str
) -> None:
    with reader(server, db_name, limit=1) as engine:
        first = backend(engine)
        with frozen(first):
            assert seconds_of(lambda: backend(engine)) < 10
            assert backend(engine) != first


@pytest.mark.usefixtures("quick")
def test_whoever_takes_connections_and_says_nothing_is_given_up(db_name: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as mute:
        common: dict[str, Any] = {
            "database": db_name,
            "user": ROLE,
            "password": PASSWORD,
            "wait": 3,
        }
        common |= {"host": "127.0.0.1", "port": mute.getsockname()[1]}
        with closing(PostgresEngine(**common, silence=Silence(60))) as engine:
            assert seconds_of(lambda: refused(engine)) < 10
            assert seconds_of(lambda: refused(engine)) < 2


@pytest.mark.slow
def test_doctor_waits_once_for_a_server_that_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as mute:
        environment = {
            "USE_POSTGRES": "true",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(mute.getsockname()[1]),
            "POSTGRES_RECONNECT_SECONDS": "0",
            "DATABASE_WAIT_SECONDS": "2",
            "NEWSAPI_SANDBOX": "always",
        }
        taken: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(mute.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        ended = run_newsapi(["doctor"], tmp_path, environment, tmp_path)
        logins = len(taken)
        for each in taken:
            each.close()
    assert ended.out.count("doesn't answer") >= 5
    # Fourteen, if each check waited for itself.
    assert logins < 8, ended.out


@pytest.fixture
def network(server: Server) -> Iterator[Proxy]:
    """What lies between a reader and the server."""
    with closing(Proxy(server.port)) as proxy:
        yield proxy


@pytest.mark.usefixtures("quick")
def test_connections_that_the_network_has_forgotten_are_made_anew(
    server: Server, db_name: str, network: Proxy
) -> None:
    def read(_: object) -> float:
        return seconds_of(lambda: backend(engine))

    silence = Silence(60)
    with (
        closing(server.engine(db_name, port=network.port, silence=silence)) as engine,
        ThreadPoolExecutor(4) as threads,
    ):
        barrier = threading.Barrier(4)

        def together(_: object) -> None:
            with engine.snapshot():
                barrier.wait(10)

        list(threads.map(together, range(4)))
        engine.glance("SELECT '1'")
        for readers in (1, 4):
            network.forget_connections()
            assert max(threads.map(read, range(readers))) < 5
            assert seconds_of(lambda: backend(engine)) < 0.5
            assert engine.glance("SELECT '1'") == "1"


@pytest.mark.usefixtures("quick")
def test_an_answer_that_comes_in_drops_is_given_up(
    server: Server, db_name: str, network: Proxy
) -> None:
    silence = Silence(1)
    options: dict[str, Any] = {"statement_timeout": 1, "silence": silence, "port": network.port}
    with closing(server.engine(db_name, **options)) as engine:

        def read() -> None:
            with engine.snapshot() as session:
                network.drops = True
                session.rows("SELECT repeat('x', 1000)")

        begun = time.monotonic()
        with pytest.raises(WarehouseAwayError, match="doesn't answer"):
            read()
        assert time.monotonic() - begun < 10
        network.drops = False
        assert backend(engine)


@pytest.fixture
def filled(clock: Clock) -> Iterator[Server]:
    """A server of the test's own, which has articles."""
    with running_server() as server:
        server.create_database(NEWS)
        with (
            serving_api(many(3, at=NOON - timedelta(hours=1)), clock=clock) as api,
            closing(server.engine(NEWS)) as engine,
        ):
            warehouse = Warehouse(engine)
            warehouse.upgrade()
            api.run(warehouse, lookback_days=3)
        yield server


ASKED = ("/api/v1/articles", "/api/v1/search?q=agency", "/api/v1/trends", "/health", "/feed.atom")
COMMANDS = ("articles", "digest", "trends", "status", "dashboard --out -")
PAGES = ("/", "/stories", "/search?q=agency", "/trends")


@pytest.mark.slow
def test_whoever_reads_of_a_frozen_database_is_told_in_time(filled: Server, tmp_path: Path) -> None:
    settings = filled.settings(NEWS)
    query = {"query": "{ articles(first: 1) { nodes { title } } }"}

    def get(path: str) -> requests.Response:
        return requests.get(urljoin(url, path), timeout=60)

    def post() -> requests.Response:
        return requests.post(f"{url}graphql", json=query, timeout=60)

    def command(name: str) -> Finished:
        folder = tmp_path / name.partition(" ")[0]
        folder.mkdir()
        quickly = {**settings, "POSTGRES_RECONNECT_SECONDS": "0"}
        return run_newsapi(name.split(), folder, quickly, folder)

    assert run_newsapi(["searches", "index"], tmp_path, settings, tmp_path).code == 0
    environment = {"PATH": os.environ["PATH"], **settings}
    with served(tmp_path, environment) as url, ThreadPoolExecutor(20) as threads:
        assert {(path, get(path).status_code) for path in (*ASKED, *PAGES)} == {
            (path, 200) for path in (*ASKED, *PAGES)
        }
        assert post().json()["data"]
        with frozen(*all_of(filled)):
            begun = time.monotonic()
            asking = {path: threads.submit(get, path) for path in (*ASKED, *PAGES)}
            graph = threads.submit(post)
            commands = [threads.submit(command, name) for name in COMMANDS]
            for path, each in asking.items():
                answer = each.result(60)
                assert (path, answer.status_code) == (path, 503)
                assert answer.headers["Retry-After"] == "5"
                assert "doesn" in answer.text
                told = answer.headers["Content-Type"]
                assert told.startswith("text/html" if path in PAGES else "application/problem+json")
            assert graph.result(60).status_code == 503
            assert time.monotonic() - begun < 25
            for one_command in commands:
                ended = one_command.result(60)
                assert ended.code != 0
                assert "doesn't answer" in ended.err
            assert seconds_of(lambda: get("/api/v1/articles")) < 8
        until(lambda: get("/api/v1/articles").status_code == 200)
        assert post().json()["data"]


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't come to that in time"
        time.sleep(0.2)
