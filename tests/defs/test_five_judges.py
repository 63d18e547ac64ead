"""Alerts, dashboard, doctor, asset check and status give one answer, by the alert rules."""

import json
import os
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import positions, raw, stage_runs
from support import commands
from support.parts import first_quick

FRESH = dg.AssetCheckKey(dg.AssetKey(raw.TABLE.split(".")), "fresh")
REPORT = {"new": 5, "requests": 4, "api_seconds": 2.0, "tokens": 4, "tokens_left": 170}

Rules = Callable[[str], None]


@pytest.fixture
def rules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Writes the alert rules; those about this machine's disk and daemon have nothing to say."""

    def write(text: str) -> None:
        parts = ["database_full: {free_gb: 0.001}", *([text] if text else [])]
        (folder / "alerts.yaml").write_text(f"rules: {{{', '.join(parts)}}}")

    for name in ("ALERTS_FILE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    return write


def fill(warehouse: Warehouse, *, watermark: timedelta, curated: timedelta) -> None:
    """A run that ended `curated` ago, after which everything was read up to `watermark` ago."""
    now = datetime.now(UTC)
    warehouse.upgrade()
    with warehouse.transaction() as session:
        start = (now - timedelta(days=30)).date()
        raw.activate_query(session, "q", definition="{}", start_day=start, now=now)
        raw.advance_watermark(session, "q", now - watermark)
        positions.set_position(session, positions.CURATED, 1)
        ended = now - curated
        for stage in ("collect", "curate"):
            attempt = stage_runs.start_stage(session, "run", stage, ended)
            stage_runs.end_stage(
                session, "run", stage, attempt, now=ended, report=REPORT, error=None
            )


def newsapi(folder: Path, *arguments: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        done = commands.run_newsapi(list(arguments), folder, dict(os.environ), Path(scratch))
    assert done.code in (0, 1), done.err
    return done.out


def gauge(folder: Path, name: str) -> str:
    newsapi(folder, "dashboard", "--out", "page.html")
    found = re.search(rf'card gauge (\w+)" id="gauge-{name}"', (folder / "page.html").read_text())
    assert found
    return found[1]


def finding(folder: Path, check: str) -> str:
    (found,) = (
        one for one in json.loads(newsapi(folder, "doctor", "--json")) if one["check"] == check
    )
    return str(found["state"])


def check_passes(instance: dg.DagsterInstance) -> bool:
    only_fresh = dg.define_asset_job("only_fresh", selection=dg.AssetSelection.checks(FRESH))
    defs = dg.Definitions.merge(build_definitions(), dg.Definitions(jobs=[only_fresh]))
    result = defs.resolve_job_def("only_fresh").execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation.passed


def stale(folder: Path, instance: dg.DagsterInstance) -> dict[str, bool]:
    """What each of the five says."""
    load_settings.cache_clear()
    return {
        "alerts": "(stale_final)" in newsapi(folder, "alerts", "check"),
        "dashboard": gauge(folder, "freshness") == "bad",
        "doctor": finding(folder, "last run") == "problem",
        "asset check": not check_passes(instance),
        "status": json.loads(newsapi(folder, "status", "--json"))["final"]["stale"],
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    first_quick(
        [
            ("", True),  # two intervals of six hours
            ("stale_final: {intervals: 3}", False),  # the example of docs/alerts.md
            ("stale_final: {intervals: 2.3}", True),
        ],
        2,
    ),
)
def test_data_of_fourteen_hours_is_stale_to_all_or_to_none(
    folder: Path,
    stored: Warehouse,
    instance: dg.DagsterInstance,
    rules: Rules,
    rule: str,
    expected: bool,
) -> None:
    fill(stored, watermark=timedelta(hours=14), curated=timedelta(hours=13, minutes=59))
    rules(rule)
    answers = stale(folder, instance)
    assert answers == dict.fromkeys(answers, expected)


def test_a_run_that_succeeds_and_reads_nothing_makes_nothing_fresher(
    folder: Path, stored: Warehouse, instance: dg.DagsterInstance, rules: Rules
) -> None:
    fill(stored, watermark=timedelta(hours=14), curated=timedelta(minutes=5))
    rules("")
    answers = stale(folder, instance)
    assert answers == dict.fromkeys(answers, True)


def test_what_was_read_and_not_sorted_yet_makes_nothing_fresher(
    folder: Path, stored: Warehouse, instance: dg.DagsterInstance, rules: Rules
) -> None:
    fill(stored, watermark=timedelta(minutes=5), curated=timedelta(hours=14))
    rules("")
    answers = stale(folder, instance)
    assert answers == dict.fromkeys(answers, True)


@pytest.mark.parametrize(("left", "few"), [(150, False), (171, True)])
def test_tokens_are_few_to_all_or_to_none(
    folder: Path, stored: Warehouse, rules: Rules, left: int, few: bool
) -> None:
    fill(stored, watermark=timedelta(minutes=5), curated=timedelta(minutes=4))
    with stored.transaction() as session:
        session.execute(
            "INSERT INTO ops.run_metrics (run_id, status, started_at, tokens_left) "
            "VALUES ('run', 'succeeded', $1, 170)",
            datetime.now(UTC),
        )
    rules(f"tokens: {{left: {left}}}")

    assert ("(tokens)" in newsapi(folder, "alerts", "check")) is few
    assert (gauge(folder, "tokens") == "warning") is few
    assert json.loads(newsapi(folder, "status", "--json"))["tokens"]["few"] is few


def test_a_mistake_in_the_rules_is_told_and_the_shipped_rules_stand_in(
    folder: Path, stored: Warehouse, rules: Rules
) -> None:
    fill(stored, watermark=timedelta(hours=14), curated=timedelta(hours=14))
    rules("stale_final: {intervals: many}")
    shown = json.loads(newsapi(folder, "status", "--json"))

    assert shown["final"]["stale"]
    assert "intervals" in shown["rules_trouble"]
    assert finding(folder, "alert rules") == "problem"
    assert gauge(folder, "freshness") == "bad"
