"""Old records of Dagster go, with all that belongs to them; young ones and the latest stay."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from newsapi_dentsu.defs import build_definitions, retention
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import dagster_yaml, prepare_home
from newsapi_dentsu.settings import Settings, load_settings
from postgres.server import Server, running_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        started.create_database("newsapi_db")
        yield started


@pytest.fixture(params=["sqlite", "postgres"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The settings of a fresh deployment whose Dagster stores in files or on a server."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOST", "PORT", "DB", "USER", "PASSWORD"):
        monkeypatch.delenv(f"POSTGRES_{name}", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("NEWSAPI_SANDBOX", "always")
    monkeypatch.setenv("LOOKBACK_DAYS", "1")
    if request.param == "postgres":
        found: Server = request.getfixturevalue("server")
        for name, value in found.settings("newsapi_db").items():
            monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    yield load_settings()
    load_settings.cache_clear()


def run(instance: dg.DagsterInstance) -> str:
    job = build_definitions().resolve_job_def("news_pipeline")
    result = job.execute_in_process(instance=instance)
    assert result.success
    return result.run_id


def age(instance: dg.DagsterInstance, run_id: str, days: int) -> None:
    """Make a run and the results of its checks older."""
    before = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None)
    runs, events = instance.run_storage, instance.event_log_storage
    with runs.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sa.text("UPDATE runs SET create_timestamp = :at WHERE run_id = :run"),
            {"at": before, "run": run_id},
        )
    with events.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sa.text("UPDATE asset_check_executions SET create_timestamp = :at WHERE run_id = :run"),
            {"at": before, "run": run_id},
        )


def checks(instance: dg.DagsterInstance) -> int:
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        return int(
            connection.execute(sa.text("SELECT count(*) FROM asset_check_executions")).scalar()
        )


def test_old_runs_go_with_their_events_and_results(settings: Settings) -> None:
    with opened_instance(settings, prepare_home(settings)) as instance:
        old, young = run(instance), run(instance)
        both = checks(instance)
        age(instance, old, 91)
        pruned = retention.prune(instance, datetime.now(UTC) - timedelta(days=90))

        assert pruned == retention.Pruned(runs=1, check_results=both // 2)
        assert instance.get_run_by_id(old) is None
        assert instance.all_logs(old) == []
        assert instance.get_run_by_id(young) is not None
        assert instance.all_logs(young)
        assert checks(instance) == both // 2
        assert not list(settings.home.rglob(f"{old}*"))
        key = dg.AssetKey(["final", "filtered_news"])
        assert instance.get_latest_materialization_event(key) is not None
        assert retention.prune(instance, datetime.now(UTC) - timedelta(days=90)).runs == 0


def test_the_latest_result_of_a_check_stays_whatever_its_age(settings: Settings) -> None:
    with opened_instance(settings, prepare_home(settings)) as instance:
        only = run(instance)
        latest = checks(instance)
        age(instance, only, 400)
        retention.prune(instance, datetime.now(UTC) - timedelta(days=90))
        assert checks(instance) <= latest
        assert checks(instance) > 0


def test_a_run_that_has_not_ended_stays(settings: Settings) -> None:
    with opened_instance(settings, prepare_home(settings)) as instance:
        job = build_definitions().resolve_job_def("news_pipeline")
        waiting = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        age(instance, waiting.run_id, 400)
        retention.prune(instance, datetime.now(UTC) - timedelta(days=90))
        assert instance.get_run_by_id(waiting.run_id) is not None


def test_it_runs_every_night() -> None:
    defs = build_definitions()
    schedule = defs.resolve_schedule_def("daily_housekeeping")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "30 3 * * *"
    assert schedule.job_name == "housekeeping"


def test_ticks_of_every_kind_are_purged_and_hanging_runs_ended(settings: Settings) -> None:

    found = yaml.safe_load(dagster_yaml(settings))
    assert found["retention"]["schedule"]["purge_after_days"] == 90
    assert all(days > 0 for days in found["retention"]["sensor"]["purge_after_days"].values())
    assert found["run_monitoring"]["enabled"]
    assert found["run_monitoring"]["max_runtime_seconds"] == 1800
