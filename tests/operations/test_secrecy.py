"""No secret leaves the process: every one is planted wherever it could slip out, and looked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from newsapi_dentsu.masking import MASK
from newsapi_dentsu.settings import Settings
from support.http import answering, raw_server
from support.services import BIN, LAUNCH, answers, ask, ended, service, until

from .conftest import Place, free_port

pytestmark = pytest.mark.slow

ODD = "sécret+{token}&<>\"'/%"
"""Characters that JSON, urls, HTML and Python each quote in their own way, around some none do."""


def secret_settings() -> list[str]:
    made = Settings.model_fields
    return [name for name, field in made.items() if SecretStr in _types(field.annotation)]


def _types(annotation: object) -> list[object]:
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(found for part in inner for found in _types(part))]


TOKENS = {name.upper(): f"Planted{name.title().replace('_', '')}" for name in secret_settings()}
SECRETS = {
    name: f"https://hooks.example/{token}" if "URL" in name else ODD.format(token=token)
    for name, token in TOKENS.items()
} | {"REDIS_URL": f"rediss://:{TOKENS['REDIS_URL']}@redis.example:6380"}


def leaks(text: str) -> set[str]:
    """The settings of whose secret at least the part that is never quoted is in a text."""
    return {name for name, token in TOKENS.items() if token in text}


def files_of(folder: Path) -> str:
    """All that is in a folder's files, databases included."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in paths)


def test_the_secrets_of_the_settings_are_the_ones_planted() -> None:
    assert {"NEWSAPI_KEY", "POSTGRES_PASSWORD"} <= set(SECRETS)
    assert leaks(" ".join(SECRETS.values())) == set(SECRETS)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_answer_that_echoes_every_secret_is_masked_in_all_that_a_run_leaves(
    place: Place, log_format: str
) -> None:
    body = "".join(SECRETS.values()).encode()
    answer = f"HTTP/1.1 401 No\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with raw_server(answering(answer.decode())) as url:
        place.settings |= {**SECRETS, "NEWSAPI_HOST": url, "LOG_FORMAT": log_format}
        run = place.newsapi("run")
        status = place.newsapi("status")
    assert run.returncode == 1
    assert MASK in run.stdout + run.stderr
    for text in (run.stdout, run.stderr, status.stdout, status.stderr, files_of(place.folder)):
        assert leaks(text) == set()


def test_what_code_lets_slip_reaches_no_log_no_record_and_no_page(place: Place) -> None:
    place.settings |= {**SECRETS, "NEWSAPI_SANDBOX": "always", "LOOKBACK_DAYS": "1"}
    assert place.newsapi("run").returncode == 0
    environment = place.environment(
        DAGSTER_HOME=str(place.folder / "data/dagster"),
        LOG_FORMAT="json",
        PYTHONPATH=str(Path(__file__).parent),
        PLANTED="\n".join(SECRETS.values()),
    )
    workspace = place.folder / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_module:\n      module_name: leaky\n"
        "      location_name: newsapi_dentsu.definitions\n"
    )
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    logs = place.folder / "webserver.log", place.folder / "daemon.log"
    webserver = [
        str(BIN / "dagster-webserver"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-w",
        str(workspace),
    ]
    daemon = [str(BIN / "newsapi"), "daemon", "--health-port", "0", "-w", str(workspace)]
    with (
        service(webserver, place.folder, environment, logs[0]),
        service(daemon, place.folder, environment, logs[1]),
    ):
        until(lambda: answers(f"{url}/server_info"), "the webserver did not come up")
        launched = ask(url, LAUNCH.replace("news_pipeline", "leak"))["launchRun"]
        run_id = launched["run"]["runId"]
        assert ended(url, run_id) == "FAILURE"
        until(lambda: "stumbles" in logs[1].read_text(), "the sensor did not stumble")
        until(lambda: "stumbles" in ticks(url), "the tick is not stored")
        shown = {
            "events": json.dumps(ask(url, EVENTS % run_id), ensure_ascii=False),
            "ticks": ticks(url),
            "settings of the instance": json.dumps(ask(url, "{ instance { info } }")),
            "an error": requests.post(f"{url}/graphql", json={"query": "{ no }"}, timeout=30).text,
            "a page": requests.get(f"{url}/runs/{run_id}", timeout=30).text,
            "no page": requests.get(f"{url}/nowhere/at/all.js", timeout=30).text,
        }
    assert "told by ours" in shown["events"]
    assert "no luck with" in shown["events"]
    for path in logs:
        shown[path.name] = path.read_text()
    assert "told by Dagster" in shown["webserver.log"] + shown["daemon.log"]
    shown["Dagster's home"] = files_of(place.folder / "data")
    assert "no luck with" in shown["Dagster's home"]
    assert {place: leaks(text) for place, text in shown.items() if leaks(text)} == {}


EVENTS = """{ logsForRun(runId: "%s") { ... on EventConnection { events {
  __typename ... on MessageEvent { message }
  ... on MaterializationEvent { metadataEntries { label
    ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString }
    ... on MarkdownMetadataEntry { mdStr } } }
  ... on ExecutionStepFailureEvent { error { message stack causes { message stack } } }
  ... on RunFailureEvent { error { message stack causes { message stack } } }
} } } }"""


def ticks(url: str) -> str:
    found = ask(
        url,
        "{ sensorOrError(sensorSelector: {repositoryLocationName: "
        '"newsapi_dentsu.definitions", repositoryName: "__repository__", '
        'sensorName: "stumbling"}) { ... on Sensor { sensorState { ticks(limit: 3) '
        "{ error { message stack causes { message stack } } } } } } }",
    )
    return json.dumps(found, ensure_ascii=False)


def test_a_malformed_setting_is_named_without_its_value(place: Place) -> None:
    secret = "not-a-port-but-a-password"
    for log_format in ("json", "text"):
        failed = place.newsapi("status", POSTGRES_PORT=secret, LOG_FORMAT=log_format)
        assert failed.returncode == 1
        assert "POSTGRES_PORT" in failed.stderr
        assert secret not in failed.stdout + failed.stderr


def test_an_error_that_nobody_expected_is_masked(place: Place) -> None:
    code = (
        "from newsapi_dentsu import logs; logs.configure_command()\n"
        "import os; planted = os.environ['NEWSAPI_KEY']; raise RuntimeError(planted)"
    )

    for log_format in ("json", "text"):
        failed = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **SECRETS, "LOG_FORMAT": log_format},
            cwd=place.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert failed.returncode == 1
        assert "RuntimeError" in failed.stderr
        assert leaks(failed.stderr) == set()
