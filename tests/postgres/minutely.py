"""The product's code location with its schedule's job due every minute, to see a tick soon."""

import dagster as dg

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.defs.jobs import news_pipeline

defs = dg.Definitions.merge(
    build_definitions(),
    dg.Definitions(
        schedules=[
            dg.ScheduleDefinition(
                name="news_every_minute",
                job=news_pipeline,
                cron_schedule="* * * * *",
                execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        ]
    ),
)
