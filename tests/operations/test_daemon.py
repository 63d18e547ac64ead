"""One daemon acts, others stand by; probes and people can tell which, and whether it lives."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from newsapi_dentsu.hosting.daemon import LONGEST_SILENCE, Liveness
from postgres.server import Server, running_server
from support.services import BIN, answers, service, until

from .conftest import Place, free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        started.create_database("newsapi_db")
        yield started


@pytest.fixture(params=["duckdb", "postgres"])
def deployment(place: Place, request: pytest.FixtureRequest) -> Place:
    """A place whose tables exist, on either engine."""
    place.settings["LOG_FORMAT"] = "json"
    if request.param == "postgres":
        found: Server = request.getfixturevalue("server")
        place.settings |= {
            **found.settings("newsapi_db"),
            "NEWSAPI_SANDBOX": "always",
            "POSTGRES_RECONNECT_SECONDS": "20",
        }
    upgraded = place.newsapi("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    return place


class Daemon:
    def __init__(self, place: Place, name: str) -> None:
        self.port = free_port()
        self.log = place.folder / f"{name}.log"
        self.arguments = [str(BIN / "newsapi"), "daemon", "--health-port", str(self.port)]

    def health(self) -> dict[str, Any]:
        answer = answers(f"http://127.0.0.1:{self.port}/health")
        return {"status": answer.status_code, **answer.json()} if answer is not None else {}

    def reaches(self, state: str) -> None:
        try:
            until(lambda: self.health().get("state") == state, f"not {state}")
        except TimeoutError as error:
            # What it says by then, not what it had said when the waiting began.
            raise TimeoutError(f"{error}: {self.health()}\n{self.said()}") from None

    def said(self) -> str:
        return self.log.read_text()[-3000:]


@contextmanager
def started(place: Place, name: str) -> Iterator[tuple[Daemon, Any]]:
    made = Daemon(place, name)
    with service(made.arguments, place.folder, place.environment(), made.log) as process:
        yield made, process


def test_a_second_daemon_waits_alive_and_takes_over_when_the_first_is_killed(
    deployment: Place,
) -> None:
    with started(deployment, "first") as (first, process):
        first.reaches("active")
        with started(deployment, "second") as (second, _):
            second.reaches("standby")
            assert second.health()["status"] == 200
            until(lambda: "Instance is configured" in first.said(), "the first doesn't act")
            assert "Instance is configured" not in second.said()

            os.killpg(process.pid, signal.SIGKILL)
            second.reaches("active")
            until(lambda: "Instance is configured" in second.said(), "the second doesn't act")
            until(lambda: second.health()["heartbeat_age_seconds"] < 30, "no heartbeat")


def test_a_daemon_that_is_told_to_stop_does_so_well(place: Place) -> None:
    with started(place, "daemon") as (daemon, process):
        until(lambda: "Instance is configured" in daemon.log.read_text(), "it doesn't act")
        process.terminate()
        assert process.wait(40) == 0


def test_a_restart_of_the_server_changes_nothing_about_who_acts(
    place: Place, server: Server
) -> None:
    place.settings |= {
        **server.settings("newsapi_db"), "NEWSAPI_SANDBOX": "always", "LOG_FORMAT": "json"
    }  # fmt: skip
    assert place.newsapi("db", "upgrade").returncode == 0
    with started(place, "daemon") as (daemon, process):
        until(lambda: "Instance is configured" in daemon.log.read_text(), "it doesn't act")
        server.restart()
        until(
            lambda: len(holders(server)) == 1 or process.poll() is not None,
            "the lock is not taken again",
            40,
        )
        assert process.poll() is None, daemon.said()
        assert daemon.health()["state"] == "active"


def holders(server: Server) -> list[Any]:
    with server.admin("newsapi_db") as admin:
        return admin.execute(
            "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE locktype = 'advisory' AND application_name = 'newsapi: daemon' AND granted"
        ).fetchall()


def test_the_endpoint_fails_when_the_heartbeat_is_too_old() -> None:
    liveness = Liveness("active", heartbeat=1000.0)
    assert liveness.answer(1000.0 + LONGEST_SILENCE)[0] == 200
    status, told = liveness.answer(1000.0 + LONGEST_SILENCE + 1)
    assert status == 503
    assert told == {"state": "active", "heartbeat_age_seconds": LONGEST_SILENCE + 1}
    # Who stands by acts on nothing, and so has no heartbeat.
    assert Liveness("standby", heartbeat=0.0).answer(1000.0)[0] == 200


def test_only_health_answers(place: Place) -> None:
    with started(place, "daemon") as (daemon, _):
        until(daemon.health, "the endpoint did not come up")
        answer = requests.get(f"http://127.0.0.1:{daemon.port}/etc/passwd", timeout=5)
    assert answer.status_code == 404


def test_a_port_that_is_taken_is_named(place: Place, tmp_path: Path) -> None:
    with started(place, "daemon") as (daemon, _):
        until(daemon.health, "the endpoint did not come up")
        refused = place.newsapi("daemon", "--health-port", str(daemon.port))
    assert refused.returncode == 1
    assert str(daemon.port) in refused.stderr
