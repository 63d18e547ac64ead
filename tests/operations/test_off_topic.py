"""A search and descriptions that hardly agree are seen by all who look after the pipeline."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.dashboard.health import Storage, health
from newsapi_dentsu.health.relevance import off_topic
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.report import GroupReport, as_json
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import stage_runs
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.limits import LIMITS


def grouped(
    warehouse: Warehouse, run: int, articles: int, astray: int, since: datetime = NOON
) -> None:
    """Note that a run has grouped so many articles, some of them off topic."""
    start = since + timedelta(hours=run)
    with warehouse.transaction() as session:
        attempt = stage_runs.start_stage(session, f"r{run}", "group", start)
        stage_runs.end_stage(
            session,
            f"r{run}",
            "group",
            attempt,
            now=start,
            report=as_json(GroupReport(articles=articles, off_topic=astray)),
            error=None,
        )


def test_the_latest_run_of_enough_articles_tells(warehouse: Warehouse) -> None:
    now = NOON + timedelta(days=1)
    assert warehouse.read(lambda session: off_topic(session, now)) is None
    for run, (articles, astray, much) in enumerate(
        [(19, 19, None), (20, 12, False), (20, 13, True), (5, 0, True), (0, 0, True)]
    ):
        grouped(warehouse, run, articles, astray)
        found = warehouse.read(lambda session: off_topic(session, now))
        assert (found and found.much) is much
    assert "13 of 20 articles (65%) were off topic" in str(found)
    shown = health(
        [],
        now=now,
        days=30,
        location="here",
        storage=Storage(None, None),
        limits=LIMITS,
        tables=None,
        off_topic=found,
    )
    gauge = shown.gauges[-1]
    assert (gauge.id, gauge.value, gauge.state) == ("off-topic", "65%", "warning")
    late = now + timedelta(days=40)
    assert warehouse.read(lambda session: off_topic(session, late)) is None


def test_status_and_doctor_say_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    duckdb_databases: DuckDBDatabases,
    request: pytest.FixtureRequest,
) -> None:
    database = duckdb_databases.create()
    grouped(database.open(), 0, 100, 90, since=datetime.now(UTC) - timedelta(hours=2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_PATH", str(database.path))
    load_settings.cache_clear()
    request.addfinalizer(load_settings.cache_clear)
    said = CliRunner().invoke(main, ["status"]).output
    assert "OFF TOPIC    90 of 100 articles (90%) were off topic" in said
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).output)
    (finding,) = [one for one in found if one["check"] == "relevance"]
    assert finding["state"] == "warning"
    assert "newsapi topics --try" in finding["fix"]
