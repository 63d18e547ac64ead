"""How long Dagster's records are kept: runs with their events and output, results of checks.

Ticks are the daemon's to purge, as `retention` in dagster.yaml says.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from newsapi_dentsu.dagster_private import FINISHED_STATUSES, SqliteEventLogStorage
from newsapi_dentsu.defs.finished_jobs import delete_jobs
from newsapi_dentsu.defs.searching import complete_index
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.queries.dagster_records import delete_check_results

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted."""

    runs: int
    check_results: int


def prune(instance: dg.DagsterInstance, before: datetime) -> Pruned:
    """Delete the ended runs that were created before a moment, with all that belongs to them.

    Of each check the latest result stays, and of each asset when it was last materialized.
    """
    old = dg.RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before)
    runs = 0
    while True:
        records = instance.get_run_records(old, limit=_BATCH, ascending=True)
        for record in records:
            _delete(instance, record.dagster_run.run_id)
        runs += len(records)
        if len(records) < _BATCH:
            break
    results = delete_check_results(load_settings(), before) if instance.is_persistent else 0
    return Pruned(runs, results)


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    # The run goes last, so that the next pruning finds it again if this one is interrupted.
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage = instance.event_log_storage
    storage.delete_events(run_id)
    if isinstance(storage, SqliteEventLogStorage):
        # Each run has a file of its own, which stays behind empty.
        shard = Path(storage.path_for_shard(run_id))
        for suffix in ("", "-wal", "-shm"):
            shard.with_name(shard.name + suffix).unlink(missing_ok=True)
    instance.run_storage.delete_run(run_id)


@dg.op(description="Delete runs older than RUN_RETENTION_DAYS, with their events and output.")
def prune_records(context: dg.OpExecutionContext) -> None:
    """Prune, and say in the log what was pruned."""
    days = load_settings().run_retention_days
    pruned = prune(context.instance, datetime.now(UTC) - timedelta(days=days))
    context.log.info(
        f"Deleted {pruned.runs} runs and {pruned.check_results} results of checks "
        f"older than {days} days"
    )


@dg.job(
    description="Keeps Dagster's own records from growing without bound, and completes the index "
    "of searches."
)
def housekeeping() -> None:
    """Steps that have nothing to do with each other."""
    prune_records()
    delete_jobs()
    complete_index()


daily_housekeeping = dg.ScheduleDefinition(
    name="daily_housekeeping",
    job=housekeeping,
    # Between two runs of the pipeline.
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Deletes old runs, their events and output every night; completes the index of "
    "searches.",
)
