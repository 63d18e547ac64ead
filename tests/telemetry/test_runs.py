"""Whole runs and the collectors that they tell."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox
from support.collector import collector
from support.commands import Finished, run_newsapi

from .test_otlp import decoded, numbers

WATCHED = ("NEWSAPI_", "OTEL_", "APPLICATIONINSIGHTS_", "DAGSTER_", "DUCKDB_", "USE_POSTGRES")


def environment(**settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(WATCHED)}
    return inherited | {"LOOKBACK_DAYS": "1"} | settings


@pytest.fixture(scope="module")
def api() -> Iterator[dict[str, str]]:
    """Settings that lead to a news API with few articles a day."""
    with Sandbox(articles_per_day=5) as sandbox:
        yield {"NEWSAPI_HOST": sandbox.url, "NEWSAPI_KEY": SANDBOX_KEY}


def run(folder: Path, endpoint: str, api: dict[str, str]) -> Finished:
    settings = environment(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **api)
    with tempfile.TemporaryDirectory() as scratch:
        return run_newsapi(["run", "--json"], folder, settings, Path(scratch))


def test_a_run_tells_the_collector_how_it_went(tmp_path: Path, api: dict[str, str]) -> None:
    with collector() as got:
        finished = run(tmp_path, got.url, api)

    assert finished.code == 0, finished.err
    assert finished.err == ""
    rows = numbers(decoded(got)["newsapi.pipeline.table.rows"])
    assert {table: rows[table,] for table in json.loads(finished.out)["rows"]} == (
        json.loads(finished.out)["rows"]
    )


@pytest.mark.thorough("tests/telemetry/test_otlp.py::test_a_collector_that_refuses_is_one_line")
def test_a_run_succeeds_although_the_collector_refuses(tmp_path: Path, api: dict[str, str]) -> None:
    with collector(500) as got:
        finished = run(tmp_path, got.url, api)

    assert finished.code == 0
    assert json.loads(finished.out)["succeeded"]
    assert finished.err.count("\n") == 1
    assert "could not be sent to OTLP" in finished.err
