"""Dagster's view of the pipeline: wiring, a few lines each."""

import dagster as dg

from newsapi_dentsu.defs import assets, checks, digest, months, recovery, retention, schedules
from newsapi_dentsu.defs.alerts import pipeline_failure_sensor
from newsapi_dentsu.defs.jobs import news_pipeline
from newsapi_dentsu.defs.resources import PipelineResource


def build_definitions() -> dg.Definitions:
    """Collect the assets, checks, jobs, schedules, sensors and resources of this folder."""
    return dg.Definitions(
        assets=[
            assets.news_api,
            assets.ai_marketing_news_raw,
            assets.processed_news,
            assets.text_embeddings,
            assets.article_assessments,
            assets.filtered_news,
            assets.article_sentiment,
        ],
        asset_checks=[checks.audits, checks.everything_read],
        jobs=[
            news_pipeline,
            retention.housekeeping,
            recovery.backup,
            recovery.raw_archive,
            digest.digest,
            months.backfill_months,
        ],
        schedules=[
            schedules.news_every_six_hours,
            retention.daily_housekeeping,
            *recovery.schedules(),
            digest.schedule(),
        ],
        sensors=[pipeline_failure_sensor],
        resources={"pipeline": PipelineResource()},
        # One process for a run: a few short steps, and a DuckDB file has one writer.
        executor=dg.in_process_executor,
    )
