"""Runs that hang, whose process was killed, or whose daemon must stop, are ended in the records."""

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsapi_dentsu import logs
from newsapi_dentsu.hosting.home import MARK
from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox
from support.services import BIN, answers, launch, service, until

from .conftest import Place, free_port
from .test_log_lines import lines, of_event

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def impatient(place: Place) -> Place:
    """A deployment whose runs may take 15 seconds, instead of half an hour."""
    place.settings |= {"LOOKBACK_DAYS": "1", "LOG_FORMAT": "json"}
    place.settings |= {"DAGSTER_HOME": str(place.folder / "data/dagster")}
    place.settings |= {"COMPUTE_LOGS": "console", "REQUEST_TIMEOUT_SECONDS": "600"}
    assert place.newsapi("run").returncode == 0
    written = place.folder / "data/dagster/dagster.yaml"
    text = written.read_text("utf-8")
    assert "max_runtime_seconds: 1800" in text
    quick = "max_runtime_seconds: 15\n  poll_interval_seconds: 2"
    written.write_text(text.removeprefix(MARK).replace("max_runtime_seconds: 1800", quick))
    return place


def statuses(place: Place) -> dict[str, str]:
    path = place.folder / "data/dagster/history/runs.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as records:
        return dict(records.execute("SELECT run_id, status FROM runs ORDER BY id"))


@dataclass
class Daemon:
    """A daemon under way."""

    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def daemon(place: Place, *options: str) -> Iterator[Daemon]:
    log = place.folder / "daemon.log"
    arguments = [str(BIN / "newsapi"), "daemon", "--health-port", "0", *options]
    with service(arguments, place.folder, place.environment(), log) as process:
        yield Daemon(process, log)


@contextmanager
def hanging_run(place: Place, seconds: float, *options: str) -> Iterator[tuple[str, Daemon]]:
    """A run that was started in the UI and waits so long for the API, and the daemon it is in."""
    hang = Fault("hang", seconds=seconds, on_request=1, times=1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    webserver = [str(BIN / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port)]
    webserver += ["-w", str(ROOT / "workspace.yaml")]
    with Sandbox(faults=[hang]) as api:
        place.settings |= {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY}
        log = place.folder / "webserver.log"
        with (
            service(webserver, place.folder, place.environment(), log),
            daemon(place, *options) as started,
        ):
            until(lambda: answers(f"{url}/server_info"), "the webserver did not come up")
            run_id = launch(url)
            until(lambda: statuses(place)[run_id] == "STARTED", "it did not start")
            yield run_id, started


def test_a_run_that_hangs_is_ended(impatient: Place) -> None:
    with hanging_run(impatient, 600) as (run_id, started):
        until(lambda: statuses(impatient)[run_id] in ("FAILURE", "CANCELED"), "it hangs on")
        logged = (started.log, impatient.folder / "webserver.log")
        until(lambda: run_id in ended(*logged), "the end is not logged")


def ended(*files: Path) -> set[str]:
    found = [line for file in files for line in lines(file.read_text())]
    return {line["run_id"] for line in of_event(found, logs.RUN_FINISHED)}


def test_the_record_of_a_killed_run_is_ended(impatient: Place) -> None:
    before = set(statuses(impatient))
    hang = Fault("hang", seconds=600, on_request=1, times=None)
    with Sandbox(faults=[hang]) as api:
        run = subprocess.Popen(
            [BIN / "newsapi", "run"],
            cwd=impatient.folder,
            env=impatient.environment(NEWSAPI_HOST=api.url, NEWSAPI_KEY=SANDBOX_KEY),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: "STARTED" in statuses(impatient).values(), "it did not start")
        run.send_signal(signal.SIGKILL)
        run.wait()
    (run_id,) = set(statuses(impatient)) - before
    with daemon(impatient) as started:
        until(lambda: statuses(impatient)[run_id] == "FAILURE", "it is not ended")
        until(lambda: run_id in ended(started.log), "the end is not logged")


@pytest.mark.parametrize(
    ("seconds", "patience", "status"),
    [(8, "300", "SUCCESS"), (600, "3", "FAILURE")],
    ids=["it ends", "it is marked"],
)
def test_a_run_ends_or_is_marked_before_its_daemon_does(
    place: Place, seconds: int, patience: str, status: str
) -> None:
    place.settings |= {"LOOKBACK_DAYS": "1", "LOG_FORMAT": "json", "REQUEST_TIMEOUT_SECONDS": "600"}
    assert place.newsapi("run").returncode == 0
    place.settings |= {"DAGSTER_HOME": str(place.folder / "data/dagster")}
    with hanging_run(place, seconds, "--stop-seconds", patience) as (run_id, started):
        # As a platform does: to the container's first process alone.
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(400) == 0, started.log.read_text()[-2000:]
        assert statuses(place)[run_id] == status, started.log.read_text()[-2000:]
