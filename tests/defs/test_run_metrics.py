"""Runs that Dagster executes write their figures themselves, however they end."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import run_metrics
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, RunMetrics
from support.commands import Started


def kept(stored: Warehouse) -> list[RunMetrics]:
    with stored.snapshot() as session:
        return run_metrics.read(session)


def test_a_run_writes_its_row(
    folder: Path, instance: dg.DagsterInstance, stored: Warehouse
) -> None:
    job = build_definitions().resolve_job_def("news_pipeline")
    result = job.execute_in_process(instance=instance)

    (run,) = kept(stored)
    assert (run.run_id, run.status, run.origin) == (result.run_id, "succeeded", "sandbox")
    assert run.raw_rows == run.new_records
    assert run.final_rows == run.articles_added
    assert run.duration_seconds is not None
    assert 0 < run.duration_seconds < 60
    assert run.freshness_seconds is not None
    assert 0 <= run.freshness_seconds <= run.duration_seconds


def test_a_run_that_fails_writes_its_row_with_the_reason(
    folder: Path,
    instance: dg.DagsterInstance,
    stored: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEWSAPI_HOST", "https://example.invalid")
    load_settings.cache_clear()
    job = build_definitions().resolve_job_def("news_pipeline")
    assert not job.execute_in_process(instance=instance, raise_on_error=False).success

    (run,) = kept(stored)
    assert run.status == "failed"
    assert "NEWSAPI_KEY is not set" in (run.error or "")


def test_a_step_that_fails_before_its_stage_counts(
    folder: Path, instance: dg.DagsterInstance, stored: Warehouse
) -> None:
    config = {"backfill_from": "x", "backfill_to": "2026-11-01"}
    build_definitions().resolve_job_def("news_pipeline").execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"ops": {"raw__ai_marketing_news_raw": {"config": config}}},
    )

    (run,) = kept(stored)
    assert run.status == "failed"
    assert "as days" in (run.error or "")


def test_one_asset_alone_is_a_run_too(
    folder: Path, instance: dg.DagsterInstance, stored: Warehouse
) -> None:
    job = build_definitions().resolve_job_def("news_pipeline")
    job.execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey(["raw", "ai_marketing_news_raw"])]
    )

    (run,) = kept(stored)
    assert run.status == "succeeded"
    assert run.articles_added is None
    assert run.final_complete_through is None


def test_a_run_beside_another_is_kept_as_failed(
    folder: Path,
    instance: dg.DagsterInstance,
    stored: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUN_WAIT_SECONDS", "0")
    load_settings.cache_clear()
    stored.upgrade()
    job = build_definitions().resolve_job_def("news_pipeline")
    with stored.run_lock("a test", 0):
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success

    (run,) = kept(stored)
    assert run.status == "failed"
    assert "another run is under way (a test" in (run.error or "")


def test_a_run_that_is_killed_shows_as_failed(folder: Path, stored: Warehouse) -> None:
    hanging = Fault("hang", seconds=60, on_request=6)
    with Sandbox(faults=[hanging]) as api:
        settings = {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY, "LOOKBACK_DAYS": "9"}
        with Started(["run"], folder, {**os.environ, **settings}) as process:
            end = time.monotonic() + 60
            # The sixth is noted when it is answered.
            while len(api.requests) < 5 and time.monotonic() < end:
                time.sleep(0.05)
            with stored.snapshot() as session:
                assert stored.engine.run_under_way(session)
            process.kill()

    with stored.snapshot() as session:
        assert not stored.engine.run_under_way(session)
        (run,) = run_metrics.settled(run_metrics.read(session), under_way=False)
    assert (run.status, run.error) == ("failed", DIED)
    assert (datetime.now(UTC) - run.started_at).total_seconds() < 60
