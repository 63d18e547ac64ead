"""Schedules: when jobs run."""

import dagster as dg

from newsapi_dentsu.defs.jobs import news_pipeline
from newsapi_dentsu.stages.pipeline import RUN_HOURS, SCHEDULE


def at_run_hours(minute: int) -> str:
    """The cron expression for this minute of the hours (UTC) at which the pipeline runs."""
    return f"{minute} {','.join(map(str, RUN_HOURS))} * * *"


news_every_six_hours = dg.ScheduleDefinition(
    name=SCHEDULE,
    job=news_pipeline,
    cron_schedule=at_run_hours(0),
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The pipeline at 00, 06, 12 and 18 UTC.",
)
