"""Long-running processes: started, asked over HTTP, ended with what they started."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import requests

BIN = Path(sys.executable).parent

Found = TypeVar("Found")


def told_address(process: subprocess.Popen[str]) -> str:
    """Where `newsapi serve` answers, as its first line says."""
    assert process.stderr
    said = process.stderr.readline()
    address = re.search(r"on (http://\S+); Ctrl-C ends it", said)
    assert address, said
    return address[1]


@contextmanager
def served(folder: Path, environment: dict[str, str], *options: str) -> Iterator[str]:
    """The address of `newsapi serve`, as a process that lives as long as the block."""
    with subprocess.Popen(
        [BIN / "newsapi", "serve", "--port", "0", *options],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield told_address(process)
        finally:
            process.kill()


@contextmanager
def service(
    arguments: Sequence[str | Path], folder: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block; its output goes to a file."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children as a platform does: SIGTERM, later SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def until(condition: Callable[[], Found], what: str, seconds: float = 400) -> Found:
    """Wait until something true comes back; a busy machine may need minutes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.3)
    raise TimeoutError(what)


def ask(url: str, query: str) -> Any:
    """Ask the webserver's GraphQL."""
    return requests.post(f"{url}/graphql", json={"query": query}, timeout=60).json()["data"]


def answers(url: str) -> requests.Response | None:
    """The answer of a server, if there is one yet."""
    try:
        return requests.get(url, timeout=30)
    except (requests.ConnectionError, requests.Timeout):
        return None


LAUNCH = """
mutation {
  launchRun(executionParams: {selector: {
    repositoryLocationName: "newsapi_dentsu.definitions",
    repositoryName: "__repository__", jobName: "news_pipeline"}, runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""


def launch(url: str) -> str:
    """Start a run of the pipeline in the UI and return its id."""
    launched = ask(url, LAUNCH)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id: str = launched["run"]["runId"]
    return run_id


def ended(url: str, run_id: str) -> str:
    """Wait for the end of a run and return its status."""

    def status() -> str | None:
        found = ask(url, f'{{ runOrError(runId: "{run_id}") {{ ... on Run {{ status }} }} }}')
        reached: str = found["runOrError"]["status"]
        return reached if reached in ("SUCCESS", "FAILURE", "CANCELED") else None

    return until(status, f"run {run_id} did not end") or ""
