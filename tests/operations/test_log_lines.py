"""Every process logs one JSON object a line where `LOG_FORMAT=json`, text on a terminal."""

import json
import subprocess
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu import logs
from support.services import BIN, answers, ended, launch, service, until

from .conftest import Place, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ALWAYS = ["time", "level", "logger", "message"]


def lines(text: str) -> list[dict[str, Any]]:
    """The objects of a log, each of which must be whole, in UTC, with what every line has."""
    found = [json.loads(line) for line in text.splitlines()]
    # A code server's first line is Dagster's own JSON: it has no instance yet.
    found = [
        line for line in found if not line.get("event", "").startswith("Starting Dagster code")
    ]
    for line in found:
        assert list(line)[:4] == ALWAYS, line
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta()
    return found


def of_event(found: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in found if line.get("event") == event]


def test_a_run_on_the_command_line_writes_nothing_but_json_lines_to_stdout(place: Place) -> None:
    finished = place.newsapi("run", LOG_FORMAT="json")
    found = lines(finished.stdout)
    answered = of_event(found, logs.API_RESPONSE)
    (end,) = of_event(found, logs.RUN_FINISHED)

    assert finished.returncode == 0
    assert finished.stderr == ""
    assert end["status"] == "success"
    assert end["job"] == "news_pipeline"
    assert end["seconds"] > 0
    assert end["articles_fetched"] > 300
    assert end["articles_new"] > 300
    assert end["duplicates_removed"] > 0
    assert len(answered) >= 31
    for line in answered:
        assert line["run_id"] == end["run_id"]
        assert line["stage"] == "collect"
        assert line["asset"] == "raw/ai_marketing_news_raw"
        assert line["seconds"] >= 0


def test_the_result_of_a_command_stays_alone_on_stdout(place: Place) -> None:
    finished = place.newsapi("run", "--json", LOG_FORMAT="json")

    assert json.loads(finished.stdout)["succeeded"]
    assert of_event(lines(finished.stderr), logs.RUN_FINISHED)


def test_a_failed_run_tells_its_error_as_fields_on_one_line(place: Place) -> None:
    (place.folder / "model").mkdir()
    finished = place.newsapi("run", LOG_FORMAT="json", LOOKBACK_DAYS="1", SENTENCE_MODEL="model")
    found = lines(finished.stdout)
    (end,) = of_event(found, logs.RUN_FINISHED)
    (failed,) = [line for line in found if line.get("dagster_event") == "STEP_FAILURE"]

    assert finished.returncode == 1
    assert end["status"] == "failure"
    assert end["level"] == "ERROR"
    assert failed["run_id"] == end["run_id"]
    assert failed["stage"] == "understand"
    assert [item["type"] for item in failed["exception"]] == ["Failure", "ModelError"]
    assert failed["exception"][1]["message"].startswith("model/model.json can't be read")
    assert any("folder.py" in frame for frame in failed["exception"][1]["stack"])


def test_a_command_that_fails_says_so_in_json(place: Place) -> None:
    finished = place.newsapi("status", LOG_FORMAT="json")
    (line,) = lines(finished.stderr)

    assert finished.returncode == 1
    assert line["level"] == "ERROR"
    assert "newsapi run" in line["message"]


@pytest.mark.parametrize(
    ("settings", "is_json"),
    [
        ({}, False),
        ({"CONTAINER_APP_NAME": "dagster-daemon"}, True),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
        ({"CONTAINER_APP_NAME": "dagster-daemon", "LOG_FORMAT": "text"}, False),
        ({"LOG_FORMAT": "json"}, True),
    ],
)
def test_the_format_is_json_on_a_container_platform(
    place: Place, settings: dict[str, str], is_json: bool
) -> None:
    finished = place.newsapi("status", **settings)

    assert (finished.stderr[:1] == "{") is is_json
    assert ("Error: " in finished.stderr) is not is_json


def test_on_a_terminal_a_container_logs_text(place: Place) -> None:
    # `script` gives the command a terminal.
    finished = subprocess.run(
        ["script", "-qec", f"{BIN / 'newsapi'} status", "/dev/null"],
        cwd=place.folder,
        env=place.environment(CONTAINER_APP_NAME="dagster-daemon"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Error: " in finished.stdout


def test_webserver_daemon_code_server_and_runs_write_nothing_but_json_lines(place: Place) -> None:
    environment = place.environment(LOG_FORMAT="json", LOOKBACK_DAYS="1")
    # The output of runs goes to the container's, as with PostgreSQL.
    environment["COMPUTE_LOGS"] = "console"
    assert place.newsapi("run", COMPUTE_LOGS="console").returncode == 0
    environment["DAGSTER_HOME"] = str(place.folder / "data/dagster")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    common = ["-w", str(ROOT / "workspace.yaml")]
    webserver = [str(BIN / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port), *common]
    daemon = [str(BIN / "dagster-daemon"), "run", *common]
    logged = {name: place.folder / f"{name}.log" for name in ("webserver", "daemon")}
    with (
        service(webserver, place.folder, environment, logged["webserver"]),
        service(daemon, place.folder, environment, logged["daemon"]),
    ):
        until(lambda: answers(f"{url}/server_info"), "the webserver did not come up")
        run_id = launch(url)
        assert ended(url, run_id) == "SUCCESS"
        until(lambda: logged["daemon"].read_text().count("\n") > 3, "the daemon says nothing")
    found = {name: lines(path.read_text()) for name, path in logged.items()}
    (end,) = of_event(found["webserver"] + found["daemon"], logs.RUN_FINISHED)

    assert end["run_id"] == run_id
    loggers = {name: {line["logger"] for line in found[name]} for name in found}
    assert "dagster-webserver" in loggers["webserver"]
    assert "dagster.daemon" in loggers["daemon"]
    assert "newsapi_dentsu.traffic" in loggers["webserver"] | loggers["daemon"]


# Types of Pulumi's folder are checked apart.
CONTRACT = import_module("newsapi_infra.monitoring.log_contract")


def test_lines_of_an_event_have_the_fields_that_the_deployment_queries(place: Place) -> None:
    found = lines(place.newsapi("run", LOG_FORMAT="json").stdout)
    # A command's own words to people stand beside its log.
    told = place.newsapi("alerts", "check", LOG_FORMAT="json").stderr.splitlines()
    found += lines("\n".join(line for line in told if line.startswith("{")))

    for event in (CONTRACT.RUN_FINISHED, CONTRACT.API_RESPONSE, CONTRACT.ALERTS_EVALUATED):
        ours = of_event(found, event)
        assert ours, event
        for line in ours:
            assert {*ALWAYS, *CONTRACT.EVENTS[event]} <= set(line), event
