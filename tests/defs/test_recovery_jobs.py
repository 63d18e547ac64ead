"""The weekly backup and the archive after each run: on where their place is set, and as jobs."""

from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.lake.listing import read_lake
from newsapi_dentsu.recovery.backups import backups
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse


@pytest.fixture
def places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with places for backups and the lake in its settings."""
    monkeypatch.setenv("BACKUP_LOCATION", str(folder / "backups"))
    monkeypatch.setenv("LAKE_LOCATION", str(folder / "lake"))
    load_settings.cache_clear()
    return folder


@pytest.mark.usefixtures("places")
def test_both_are_scheduled_where_their_place_is_set() -> None:
    defs = build_definitions()
    weekly = defs.resolve_schedule_def("weekly_backup")
    assert (weekly.cron_schedule, weekly.execution_timezone) == ("0 4 * * 0", "UTC")
    assert weekly.default_status == dg.DefaultScheduleStatus.RUNNING
    archive = defs.resolve_schedule_def("raw_archive_after_runs")
    assert archive.cron_schedule == "20 0,6,12,18 * * *"
    assert archive.default_status == dg.DefaultScheduleStatus.RUNNING


@pytest.mark.usefixtures("folder")
def test_neither_is_scheduled_without_a_place() -> None:
    defs = build_definitions()
    for name in ("weekly_backup", "raw_archive_after_runs"):
        status = defs.resolve_schedule_def(name).default_status
        assert status == dg.DefaultScheduleStatus.STOPPED


def test_the_jobs_do_what_the_commands_do(
    places: Path, stored: Warehouse, instance: dg.DagsterInstance
) -> None:
    stored.upgrade()
    defs = build_definitions()
    for job in ("backup", "raw_archive"):
        assert defs.resolve_job_def(job).execute_in_process(instance=instance).success
    assert len(backups(Folder(places / "backups"))) == 1
    lake = read_lake(Folder(places / "lake"))
    assert lake is not None
    assert lake.rows == 0


def test_a_failure_says_what_to_do(
    places: Path, stored: Warehouse, instance: dg.DagsterInstance
) -> None:
    stored.upgrade()
    (places / "backups").write_text("no folder")
    result = (
        build_definitions()
        .resolve_job_def("backup")
        .execute_in_process(instance=instance, raise_on_error=False)
    )
    (failure,) = result.get_step_failure_events()
    assert not result.success
    assert "can't be used" in str(failure.step_failure_data.user_failure_data)
