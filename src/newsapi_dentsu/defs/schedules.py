"""Schedules: when jobs run."""

from datetime import timedelta

import dagster as dg

from newsapi_dentsu.defs.jobs import news_pipeline

INTERVAL = timedelta(hours=6)
RUN_HOURS = "0,6,12,18"

news_every_six_hours = dg.ScheduleDefinition(
    name="news_every_six_hours",
    job=news_pipeline,
    cron_schedule=f"0 {RUN_HOURS} * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The pipeline at 00, 06, 12 and 18 UTC.",
)
