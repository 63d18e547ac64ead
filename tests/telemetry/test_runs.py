"""Whole runs and the collectors that they tell."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.collector import collector

from .test_otlp import decoded, numbers

NEWSAPI = Path(sys.executable).with_name("newsapi")
WATCHED = ("NEWSAPI_", "OTEL_", "APPLICATIONINSIGHTS_", "DAGSTER_", "DUCKDB_", "USE_POSTGRES")


def run(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(WATCHED)}
    return subprocess.run(
        [NEWSAPI, "run", "--json"],
        cwd=folder,
        env=inherited | {"LOOKBACK_DAYS": "1"} | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_run_tells_the_collector_how_it_went(tmp_path: Path) -> None:
    with collector() as got:
        finished = run(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=got.url)

    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    rows = numbers(decoded(got)["newsapi.pipeline.table.rows"])
    assert {table: rows[table,] for table in json.loads(finished.stdout)["rows"]} == (
        json.loads(finished.stdout)["rows"]
    )


def test_a_run_succeeds_although_the_collector_refuses(tmp_path: Path) -> None:
    with collector(500) as got:
        finished = run(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=got.url)

    assert finished.returncode == 0
    assert json.loads(finished.stdout)["succeeded"]
    assert finished.stderr.count("\n") == 1
    assert "could not be sent to OTLP" in finished.stderr


def test_without_an_address_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    finished = run(tmp_path, PYTHONPROFILEIMPORTTIME="1")

    assert finished.returncode == 0
    imported = {
        line.rpartition("|")[2].strip()
        for line in finished.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "newsapi_dentsu" in imported
    forbidden = ("opentelemetry", "azure", "newsapi_dentsu.telemetry", "newsapi_dentsu.dashboard")
    assert [name for name in imported if name.startswith(forbidden)] == []
