"""The commands of docs/operations.md, run one after the other in the trouble they are for."""

import json
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox
from support.services import BIN, until

from .conftest import Place

pytestmark = pytest.mark.slow

TEXT = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
TROUBLES = ("A failed run", "A stuck run", "Spent tokens", "A full database", "A bad deployment")


def commands(runbook: str) -> list[str]:
    """The lines of a runbook's shell blocks."""
    _, _, rest = TEXT.partition(f"\n### {runbook}\n")
    section = re.split(r"\n##", rest)[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines()]


def follow(place: Place, runbook: str, **more: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run a runbook's commands; each must end well, but that the doctor may find something."""
    done = {}
    for command in commands(runbook):
        home = str(place.folder / "data/dagster")
        done[command] = subprocess.run(
            ["bash", "-euc", command],
            cwd=place.folder,
            env=place.environment(DAGSTER_HOME=home, **more),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        allowed = (0, 1) if command == "newsapi doctor" else (0,)
        assert done[command].returncode in allowed, (command, done[command])
    return done


@pytest.fixture
def deployed(place: Place) -> Place:
    place.settings |= {"LOOKBACK_DAYS": "1", "REQUEST_ATTEMPTS": "1"}
    assert place.newsapi("run").returncode == 0
    return place


def statuses(place: Place) -> list[str]:
    shown = json.loads(place.newsapi("status", "--json").stdout)
    return [run["status"] for run in shown["runs"]]


def states_of_runs(place: Place) -> list[str]:
    path = place.folder / "data/dagster/history/runs.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as records:
        return [status for (status,) in records.execute("SELECT status FROM runs")]


def answer_in(output: str) -> Any:
    """GraphQL's answer, which is one line among those of the code server."""
    (line,) = [line for line in output.splitlines() if line.startswith('{"data"')]
    return json.loads(line)["data"]


def test_every_runbook_is_tried_here_and_has_commands() -> None:
    section = TEXT.partition("\n## Runbooks\n")[2]
    assert re.findall(r"^### (.*)$", section, re.MULTILINE) == list(TROUBLES)
    assert all(commands(trouble) for trouble in TROUBLES)


def test_a_failed_run(deployed: Place) -> None:
    unreachable = {"NEWSAPI_HOST": "http://127.0.0.1:9", "NEWSAPI_KEY": "some-key"}
    assert deployed.newsapi("run", NEWSAPI_SANDBOX="never", **unreachable).returncode == 1
    assert statuses(deployed)[0] == "failed"

    follow(deployed, "A failed run")
    assert statuses(deployed)[:2] == ["succeeded", "failed"]


def test_a_stuck_run(deployed: Place) -> None:
    hang = Fault("hang", on_request=1)
    with Sandbox(faults=[hang]) as api:
        stuck = subprocess.Popen(
            [BIN / "newsapi", "run"],
            cwd=deployed.folder,
            env=deployed.environment(NEWSAPI_HOST=api.url, NEWSAPI_KEY=SANDBOX_KEY),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: "STARTED" in states_of_runs(deployed), "the run did not begin")
        stuck.send_signal(signal.SIGKILL)
        stuck.wait()
    find, *_ = commands("A stuck run")
    home = str(deployed.folder / "data/dagster")
    asked = subprocess.run(
        ["bash", "-euc", find],
        cwd=deployed.folder,
        env=deployed.environment(DAGSTER_HOME=home),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (run,) = answer_in(asked.stdout)["runsOrError"]["results"]
    assert run["jobName"] == "news_pipeline"

    done = follow(deployed, "A stuck run", RUN=run["runId"])
    (ended,) = [result for command, result in done.items() if "terminateRun" in command]
    assert answer_in(ended.stdout)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    assert statuses(deployed)[0] == "succeeded"


def test_spent_tokens(place: Place) -> None:
    # The API has tokens again for the run that the runbook ends with.
    with Sandbox(tokens=400) as api:
        place.settings |= {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY}
        place.settings |= {"LOOKBACK_DAYS": "1"}
        assert place.newsapi("run").returncode == 0
        done = follow(place, "Spent tokens")
    assert "tokens" in done["newsapi doctor"].stdout
    schedule = "dagster schedule {} -m newsapi_dentsu.definitions news_every_six_hours"
    assert "stopped" in done[schedule.format("stop")].stdout.lower()
    assert "started" in done[schedule.format("start")].stdout.lower()


def test_a_full_database(deployed: Place) -> None:
    done = follow(deployed, "A full database")
    assert "deleted 0 runs" in done["newsapi prune --days 30"].stdout
    assert "free space" in done["newsapi doctor"].stdout
    assert list((deployed.folder / "export").iterdir())


def test_a_bad_deployment(deployed: Place) -> None:
    done = follow(deployed, "A bad deployment")
    validated = done["dagster definitions validate -m newsapi_dentsu.definitions"]
    assert "Validation successful" in validated.stdout + validated.stderr


def test_the_home_is_what_dagsters_own_commands_need(deployed: Place) -> None:
    (line,) = re.findall(r"```sh\n(export DAGSTER_HOME=.*)\n```", TEXT)
    shown = subprocess.run(
        ["bash", "-euc", f"{line}\necho $DAGSTER_HOME"],
        cwd=deployed.folder,
        env=deployed.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(shown.stdout.strip()) / "dagster.yaml" in list(
        (deployed.folder / "data/dagster").iterdir()
    )
