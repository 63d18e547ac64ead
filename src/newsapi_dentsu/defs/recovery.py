"""The weekly backup and the archiving of raw records; both run where their store is set."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.defs.schedules import at_run_hours
from newsapi_dentsu.errors import PipelineError, SettingsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse

# Azure's library is slow to import, and every run imports this module: steps do it themselves.

RETRIES = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)


def _silent(_done: int, _total: int) -> None:
    """Ignore progress, which nobody watches."""


@contextmanager
def _locked(settings: Settings, holder: str) -> Iterator[Warehouse]:
    """The tables as they are between two runs; what trying again can't fix fails at once."""
    try:
        with (
            closing(open_warehouse(settings)) as warehouse,
            warehouse.run_lock(holder, settings.run_wait_seconds),
        ):
            yield warehouse
    except PipelineError as error:
        raise dg.Failure(str(error), allow_retries=error.transient) from error


@dg.op(retry_policy=RETRIES, description="Write every table to BACKUP_LOCATION, proven.")
def write_backup(context: dg.OpExecutionContext) -> None:
    """Back up, and tell what was written and deleted."""
    from newsapi_dentsu.recovery.backups import back_up
    from newsapi_dentsu.storage import open_store

    settings = load_settings()
    with _locked(settings, f"run {context.run_id}") as warehouse:
        done = back_up(
            warehouse,
            open_store(_needed(settings.backup_location, "BACKUP_LOCATION")),
            scratch=settings.data_folder,
            memory=settings.duckdb_memory_limit,
            keep=settings.backup_keep,
            now=datetime.now(UTC),
            progress=_silent,
        )
    context.add_output_metadata(
        {
            "backup": done.backup.name,
            "rows": done.backup.rows,
            "bytes": done.backup.bytes,
            "deleted": list(done.deleted),
        }
    )


@dg.op(retry_policy=RETRIES, description="Add what is new to the lake in LAKE_LOCATION.")
def archive_records(context: dg.OpExecutionContext) -> None:
    """Archive, and tell what was added."""
    from newsapi_dentsu.lake.archiving import archive
    from newsapi_dentsu.storage import open_store

    settings = load_settings()
    with _locked(settings, f"run {context.run_id}") as warehouse:
        done = archive(
            warehouse,
            open_store(_needed(settings.lake_location, "LAKE_LOCATION")),
            scratch=settings.data_folder,
            anew=False,
            now=datetime.now(UTC),
            progress=_silent,
        )
    if done.doubled:
        context.log.warning(
            f"{done.doubled:,} rows were there twice, as when another program compacts the "
            "tables at the same time, and were dropped: see docs/lake.md"
        )
    context.add_output_metadata(
        {
            "added": done.added,
            **{f"{name}_added": rows for name, rows in done.states.items()},
            "merged_files": done.merged,
            "doubled_rows": done.doubled,
            "rows": done.lake.rows,
        }
    )


def _needed(location: str | None, setting: str) -> str:
    if location is None:
        raise SettingsError(f"{setting} is not set: name a folder or a container there")
    return location


@dg.job(description="Backs up every table to BACKUP_LOCATION.")
def backup() -> None:
    """Write a backup, in one step."""
    write_backup()


@dg.job(description="Adds what is new to the lake in LAKE_LOCATION.")
def raw_archive() -> None:
    """Add what is new to the lake, in one step."""
    archive_records()


def schedules() -> list[dg.ScheduleDefinition]:
    """The schedules of both jobs: on from the start where their store is set."""
    settings = load_settings()
    return [
        _schedule(
            "weekly_backup",
            backup,
            "0 4 * * 0",
            settings.backup_location,
            "A backup on Sundays, between two runs.",
        ),
        _schedule(
            "raw_archive_after_runs",
            raw_archive,
            at_run_hours(20),
            settings.lake_location,
            "Archives what the run before has fetched.",
        ),
    ]


def _schedule(
    name: str, job: dg.JobDefinition, cron: str, location: str | None, description: str
) -> dg.ScheduleDefinition:
    status = dg.DefaultScheduleStatus
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=status.RUNNING if location else status.STOPPED,
        description=description,
    )
