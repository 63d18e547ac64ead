"""Dagster's own commands and UI work on the same code."""

import importlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import requests

from support.services import ask, ended, launch

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent


def materialize(folder: Path, selection: str) -> None:
    subprocess.run(
        [
            BIN / "dagster",
            *("asset", "materialize", "-m", "newsapi_dentsu.definitions", "--select", selection),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=120,
    )


def rows(folder: Path, table: str) -> int:
    with duckdb.connect(str(folder / "data/news.duckdb"), read_only=True) as db:
        found = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found is not None
    return int(found[0])


def test_each_stage_can_be_materialized_alone(folder: Path) -> None:
    materialize(folder, 'key:"raw/*"')
    assert rows(folder, "raw.ai_marketing_news_raw") > 10
    assert rows(folder, "processed.processed_news") == 0

    materialize(folder, 'key:"processed/*"')
    assert rows(folder, "processed.processed_news") > 10
    assert rows(folder, "final.filtered_news") == 0

    materialize(folder, 'key:"final/*"')
    assert rows(folder, "final.filtered_news") > 10


ROOT = Path(__file__).parents[2]
STAGES_ALONE = re.search(r"Single stages.*?```\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_the_single_stages_of_the_readme_reach_the_home_of_the_ui(folder: Path) -> None:
    assert STAGES_ALONE
    home, first, *_ = STAGES_ALONE[1].replace(".venv/bin", str(BIN)).split("\n")
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    subprocess.run(
        ["/bin/sh", "-c", f"{home}\n{first}"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert rows(folder, "raw.ai_marketing_news_raw") > 0
    with sqlite3.connect(folder / "data/dagster/history/runs.db") as runs:
        assert runs.execute("SELECT status FROM runs").fetchall() == [("SUCCESS",)]


DG = re.search(r"Dagster's newer command.*?```\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_dg_launches_in_the_home_of_the_ui(folder: Path) -> None:
    assert DG
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    launched = subprocess.run(
        ["/bin/sh", "-c", DG[1].replace(".venv/bin", str(BIN))],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert launched.returncode == 0, launched.stderr
    assert rows(folder, "raw.ai_marketing_news_raw") > 0
    with sqlite3.connect(folder / "data/dagster/history/runs.db") as runs:
        assert runs.execute("SELECT status FROM runs").fetchall() == [("SUCCESS",)]


def test_dg_finds_the_code_by_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    told = project["tool"]["dg"]["project"]
    module = importlib.import_module(told["code_location_target_module"])
    assert isinstance(module.defs, dg.Definitions)
    assert told["root_module"] == module.__name__.partition(".")[0]
    assert told["code_location_name"] == project["tool"]["dagster"]["code_location_name"]


@pytest.fixture
def ui(folder: Path) -> Iterator[str]:
    """The UI and daemon as `newsapi dev` starts them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "dev.log").open("w") as log:
        process = subprocess.Popen(
            [BIN / "newsapi", "dev", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield _ready(f"http://127.0.0.1:{port}")
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _ready(url: str) -> str:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            if requests.get(f"{url}/server_info", timeout=5).ok:
                return url
        except requests.ConnectionError:
            time.sleep(0.3)
    raise TimeoutError("the UI did not come up")


def test_a_run_started_in_the_ui_is_seen_on_the_command_line(folder: Path, ui: str) -> None:
    run_id = launch(ui)
    status = ended(ui, run_id)
    shown = subprocess.run(
        [BIN / "newsapi", "status", "--json"], cwd=folder, check=True, capture_output=True
    )
    schedules = ask(
        ui,
        "{ schedulesOrError(repositorySelector: {repositoryLocationName: "
        '"newsapi_dentsu.definitions", repositoryName: "__repository__"}) '
        "{ ... on Schedules { results { name scheduleState { status } } } } }",
    )

    assert status == "SUCCESS", (folder / "dev.log").read_text()[-2000:]
    assert [run["run_id"] for run in json.loads(shown.stdout)["runs"]] == [run_id]
    assert {
        "name": "news_every_six_hours", "scheduleState": {"status": "RUNNING"}
    } in schedules["schedulesOrError"]["results"]  # fmt: skip
    # No other command is advised to whoever has just started the right one.
    assert "Warning" not in (folder / "dev.log").read_text().partition("Checking for new runs")[0]
