"""Backfills of years as Dagster's partitions: a run a month, several at once."""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from newsapi_dentsu import logs
from newsapi_dentsu.dagster_private import BACKFILL_ID_TAG, MAX_RUNTIME_SECONDS_TAG
from newsapi_dentsu.domain.months import Month, month_end
from newsapi_dentsu.runs.months import MOST_SECONDS, begin_backfill, fetch_month
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages.collect import INDEX_BEGINS
from newsapi_dentsu.stages.pipeline import MONTH_TAG
from newsapi_dentsu.warehouse import open_warehouse

MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=f"{INDEX_BEGINS}-01", fmt="%Y-%m", timezone="UTC", end_offset=1
)
"""Every month since the index began, the one under way included."""

RETRIES = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)


_INTERRUPTED = "the run was interrupted; what was fetched stays: launch the month again to go on"


class MonthConfig(dg.Config):
    """How a month is read; by default what is not settled."""

    reread: bool = False


@dg.op(retry_policy=RETRIES, description="Read a month's days into raw, beside other months.")
def fetch_days(context: dg.OpExecutionContext, config: MonthConfig) -> None:
    """Fetch the month of the partition, and tell what was read and spent."""
    settings, first = load_settings(), date.fromisoformat(f"{context.partition_key}-01")
    topics, run = load_topics(settings), context.run
    month = Month(first, min(month_end(first), datetime.now(UTC).date()))
    # All months that were launched together share a budget; those that are launched again have
    # one of their own, as a command that is run again has.
    backfill_id = run.tags.get(BACKFILL_ID_TAG) or run.run_id
    with logs.bound(run_id=run.run_id, job=run.job_name, month=month.name):
        warehouse = open_warehouse(settings)
        if warehouse.is_behind():
            with warehouse.run_lock(f"run {run.run_id}", settings.run_wait_seconds):
                warehouse.upgrade()
        begun = begin_backfill(settings, warehouse, topics, backfill_id, "partitions")
        warehouse.close()
        try:
            report = fetch_month(settings, topics, month, begun, reread=config.reread)
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as interrupt:
            # Dagster would try it again, and so go on with a run that somebody wants to end.
            raise dg.Failure(_INTERRUPTED, allow_retries=False) from interrupt
    told: dict[str, Any] = {
        "days": report.days,
        "fetched": report.fetched,
        "new": report.new,
        "requests": report.requests,
        "tokens": report.tokens,
        "missing_days": report.missing_days,
    }
    if report.error is not None:
        raise dg.Failure(
            f"{month.name} is not whole: {report.error}",
            metadata=told,
            allow_retries=report.transient,
        )
    context.add_output_metadata(told)


@dg.job(
    partitions_def=MONTHS,
    tags={MONTH_TAG: "month", MAX_RUNTIME_SECONDS_TAG: str(int(MOST_SECONDS) + 300)},
    description="Reads past months into raw, each in a run of its own: launch a backfill of its "
    "partitions. The next run of news_pipeline takes what they brought through the other stages.",
)
def backfill_months() -> None:
    """Fetch a month, in one step."""
    fetch_days()
