"""The weekly digest: on where there are receivers, of the last whole week, and told once."""

from pathlib import Path

import dagster as dg
import pytest
import time_machine

from alerts.servers import Reply, web_server
from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.defs import digest as digests
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse
from support.articles import record
from support.clock import NOON
from support.processing import process, store
from support.searching import published


def test_it_is_off_until_somebody_receives_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weekly = build_definitions().resolve_schedule_def("weekly_digest")
    assert (weekly.cron_schedule, weekly.execution_timezone) == ("0 8 * * 1", "UTC")
    assert weekly.default_status == dg.DefaultScheduleStatus.STOPPED
    monkeypatch.setenv("DIGEST_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/x")
    load_settings.cache_clear()
    weekly = build_definitions().resolve_schedule_def("weekly_digest")
    assert weekly.default_status == dg.DefaultScheduleStatus.RUNNING


@dg.job
def tried_again_soon() -> None:
    """The job, which itself waits five minutes before it tries again."""
    soon = dg.RetryPolicy(max_retries=digests.RETRIES.max_retries, delay=0.1)
    digests.send_weekly_digest.with_retry_policy(soon)()


def test_the_job_tells_the_last_whole_week_once_and_fails_where_nobody_took_it(
    folder: Path, stored: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.upgrade()
    store(stored, record("one", NOON))
    process(stored)
    published(stored, load_settings().reading_folder)
    job = build_definitions().resolve_job_def("digest")
    with web_server() as slack, time_machine.travel("2026-11-23T08:00:00Z", tick=True):
        nobody = job.execute_in_process(instance=instance, raise_on_error=False)
        monkeypatch.setenv("DIGEST_SLACK_WEBHOOK_URL", f"{slack.url}/services/x")
        load_settings.cache_clear()
        slack.default = Reply(403, "invalid_token")
        refused = tried_again_soon.execute_in_process(instance=instance, raise_on_error=False)
        slack.default = Reply(200, "ok")
        for _ in range(2):
            assert job.execute_in_process(instance=instance).success

    assert digests.send_weekly_digest.retry_policy == digests.RETRIES
    (failure,) = nobody.get_step_failure_events()
    assert "set DIGEST_EMAIL_TO or" in str(failure.step_failure_data.user_failure_data)
    assert not refused.success
    retries = [event for event in refused.all_events if event.is_step_up_for_retry]
    assert len(retries) == 2
    assert all("answered 403 invalid_token" in str(one.step_retry_data.error) for one in retries)
    (told,) = slack.taken
    assert told["text"] == "The news, 16 to 22 November 2026"
