"""The schedule: 00, 06, 12 and 18 UTC, on by default, the stages as one job."""

from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.defs import build_definitions


def test_it_runs_the_whole_pipeline_every_six_hours() -> None:
    defs = build_definitions()
    schedule = defs.resolve_schedule_def("news_every_six_hours")
    job = defs.resolve_job_def(schedule.job_name)

    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "0 0,6,12,18 * * *"
    assert schedule.execution_timezone == "UTC"
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
        "raw/ai_marketing_news_raw",
        "processed/processed_news",
        "processed/embeddings",
        "processed/assessments",
        "final/rejected_news",
        "final/filtered_news",
        "final/article_sentiment",
    }


def test_a_tick_asks_for_one_run() -> None:
    schedule = build_definitions().resolve_schedule_def("news_every_six_hours")
    with dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 24, 6, tzinfo=UTC)
    ) as context:
        requests = schedule.evaluate_tick(context).run_requests

    assert requests is not None
    assert len(requests) == 1
