"""Who is told, and what becomes of a message that a channel doesn't take."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from newsapi_dentsu.alerts import delivery
from newsapi_dentsu.defs.alerts import evaluate_alerts
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.tables.alerts import save_silence
from support.commands import move_to
from support.databases import DuckDBDatabase
from support.http import WITHOUT_END, raw_server
from support.processes import event, hold_transaction, process

from .conftest import WEBHOOK_PATH, Installation
from .runs import beat, begin, fail, succeed, switch
from .servers import text_of
from .told import in_mail, in_pagerduty, in_slack


def failed_run(site: Installation) -> str:
    return fail(site.instance, begin(site.instance))


def stale(site: Installation) -> None:
    """Something of medium severity: three runs without anything new."""
    for _ in range(3):
        succeed(site.instance, begin(site.instance))
        site.record_fetch(new=0)
        site.later(hours=6)


def test_a_medium_alert_goes_by_mail_alone(site: Installation) -> None:
    stale(site)
    site.tick()

    assert site.mail.subjects == ["[newsapi] MEDIUM: No data fetched"]
    assert [*site.slack.asked, *site.pager.asked] == []


def test_the_next_channel_is_tried_when_an_alerts_own_fails(site: Installation) -> None:
    stale(site)
    site.mail.refuse = "451 later"
    site.tick()
    site.mail.refuse = None
    site.later(hours=1)
    site.tick()

    assert "No data fetched" in site.slack.taken[0]["text"]
    assert len(site.slack.taken) == 1
    assert site.mail.received == []
    assert site.pager.asked == []


def test_pagerduty_is_told_what_it_missed_while_it_lasts(site: Installation) -> None:
    run_id = failed_run(site)
    site.pager.default.status = 400
    site.tick()
    assert len(site.mail.received) == 1
    site.pager.default.status = 202
    site.later(hours=1)
    site.tick()
    site.tick()

    (event_,) = site.paged()
    assert run_id in json.dumps(event_)
    assert len(site.mail.received) == 1


def test_pagerduty_is_not_told_what_is_over(site: Installation) -> None:
    failed_run(site)
    site.pager.default.status = 400
    site.tick()
    site.later(minutes=30)
    succeed(site.instance, begin(site.instance))
    site.pager.default.status = 202
    site.later(minutes=30)
    site.tick()

    assert site.paged() == []
    assert site.mail.subjects[-1] == "[newsapi] OK: Recovered: Pipeline failure"


def test_an_alert_that_came_and_went_while_nobody_listened_is_told_with_its_end(
    site: Installation,
) -> None:
    run_id = failed_run(site)
    site.mail.refuse = "451 later"
    site.pager.default.status = site.slack.default.status = 400
    with pytest.raises(AlertsError):
        site.tick()
    site.later(minutes=30)
    succeed(site.instance, begin(site.instance))
    site.later(minutes=30)
    site.mail.refuse = None
    site.pager.default.status = 202
    site.tick()

    (mail,) = site.mail.received
    assert {item.kind for item in in_mail(mail)} == {"failure", "recovered"}
    assert run_id in text_of(mail)
    assert [one["event_action"] for one in site.paged()] == ["trigger", "resolve"]


def test_what_is_kept_for_want_of_a_channel_is_sent_when_there_is_one(
    set_up: Callable[..., Installation],
) -> None:
    nothing = dict.fromkeys(("SMTP_HOST", "SLACK_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"))
    site = set_up(**nothing)
    run_id = failed_run(site)
    assert "1 kept for the next evaluation: no channel is set up" in site.tick()
    site.later(hours=1)
    again = set_up_again(site, set_up)
    again.tick()

    assert run_id in text_of(again.mail.received[0])


def set_up_again(site: Installation, set_up: Callable[..., Installation]) -> Installation:
    """The same home, now with channels."""
    moved = site.folder / "before"
    shutil.move(site.folder / "data", moved)
    site.instance.dispose()
    made = set_up()
    made.instance.dispose()
    shutil.rmtree(made.folder / "data")
    shutil.move(moved, made.folder / "data")
    made.instance = site.instance
    return made


def look_and_be_killed(folder: Path, environment: dict[str, str], now: datetime) -> None:
    """Look at an installation from another process, which is killed by PagerDuty's answer."""
    move_to(folder, environment)
    delivery._ends = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    settings = load_settings()
    with (
        opened_instance(settings, prepare_home(settings)) as instance,
        time_machine.travel(now, tick=False),
    ):
        evaluate_alerts(lambda: nullcontext(instance), settings, now, in_daemon=True)


def test_a_look_that_was_killed_after_sending_sends_the_same_message_again(
    site: Installation,
) -> None:
    run_id = failed_run(site)
    with process(look_and_be_killed, site.folder, {**os.environ}, site.now) as child:
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
    assert len(site.paged()) == 1
    other = failed_run(site)
    site.later(minutes=5)
    site.tick()

    first, second, third = site.paged()
    assert first["dedup_key"] == second["dedup_key"] == third["dedup_key"]
    assert [[item.name for item in in_pagerduty(one)] for one in (first, second, third)] == [
        [run_id],
        [run_id],
        [other],
    ]


def test_a_warehouse_that_is_held_changes_nothing_but_is_mentioned(site: Installation) -> None:
    site.tick()
    ready = event()
    with process(hold_transaction, DuckDBDatabase(site.folder / "data/news.duckdb"), ready, 60):
        assert ready.wait(30)
        run_id = failed_run(site)
        for _ in range(2):
            site.later(hours=1)
            assert "can't be opened" in site.tick()
    site.later(hours=1)
    site.tick()

    (mail,) = site.mail.received
    assert run_id in text_of(mail)
    assert "NOTE: The tables can't be seen" in text_of(mail)
    assert "held by another process" in text_of(mail)


def test_a_silenced_rule_is_not_told_until_the_silence_is_over(site: Installation) -> None:
    with site.warehouse.transaction() as session:
        save_silence(session, "pipeline_failure", site.now + timedelta(hours=2))
    run_id = failed_run(site)
    site.tick()
    assert [*site.mail.received, *site.pager.asked] == []
    site.later(hours=3)
    site.tick()

    assert run_id in text_of(site.mail.received[0])


def test_what_came_and_went_in_silence_is_never_told(site: Installation) -> None:
    with site.warehouse.transaction() as session:
        save_silence(session, "pipeline_failure", site.now + timedelta(hours=9))
    failed_run(site)
    site.tick()
    site.later(hours=6)
    succeed(site.instance, begin(site.instance))
    for _ in range(3):
        site.tick()
        site.later(hours=2)

    assert [*site.mail.received, *site.pager.asked] == []


def test_the_sensor_and_the_command_tell_each_thing_once_between_them(
    site: Installation,
) -> None:
    failed_run(site)
    beat(site.instance, site.now.timestamp())
    site.look(in_daemon=False)
    site.tick()
    site.later(minutes=30)
    report = site.look(in_daemon=False)
    site.tick()

    titles = [
        item.name.partition(" since")[0]
        for mail in site.mail.received
        for item in in_mail(mail)
        if item.kind != "failure"
    ]
    assert [one.rule for one in report.open] == ["pipeline_failure", "stopped"]
    assert titles == ["Schedule or daemon stopped", "Schedule or daemon stopped"]


def test_a_schedule_that_is_switched_off_is_told_by_the_sensor_itself(site: Installation) -> None:
    switch(site.instance, on=False)
    site.tick()
    switch(site.instance, on=True)
    site.later(hours=1)
    site.tick()

    first, second = site.mail.received
    assert "Switched off: schedule news_every_six_hours" in text_of(first)
    assert [item.kind for item in in_mail(second)] == ["recovered"]


def test_info_goes_to_slack_and_never_to_pagerduty(site: Installation) -> None:
    run_id = fail(site.instance, begin(site.instance, scheduled=False))
    site.slack.default.status = 400
    site.mail.refuse = "451 later"
    with pytest.raises(AlertsError):
        site.tick()
    site.slack.default.status = 200
    site.later(hours=1)
    site.tick()

    assert site.pager.asked == []
    assert [item.name for body in site.slack.taken for item in in_slack(body)] == [run_id]


def test_a_slack_that_never_ends_its_answer_keeps_no_other_channel_silent(
    set_up: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PATIENCE_SECONDS", 0.5)
    with raw_server(WITHOUT_END["a dripped header"]) as url:
        site = set_up(SLACK_WEBHOOK_URL=url + WEBHOOK_PATH)
        manual = fail(site.instance, begin(site.instance, scheduled=False))
        started = time.perf_counter()
        site.tick()
        site.later(hours=1)
        scheduled = failed_run(site)
        site.tick()
        took = time.perf_counter() - started

    assert took < 2 * (0.5 + 2)
    told = "".join(text_of(mail) for mail in site.mail.received)
    # What was meant for Slack alone has gone by mail.
    assert manual in told
    assert scheduled in told
    assert scheduled in json.dumps(site.paged())


def test_a_channel_that_fails_is_told_through_the_others(site: Installation) -> None:
    run_id = failed_run(site)
    site.pager.default.status = 400
    site.tick()

    (mail,) = site.mail.received
    assert run_id in text_of(mail)
    assert "NOTE: Alerts by pagerduty fail: " in text_of(mail)


def test_receivers_that_get_no_mail_are_told_through_the_others(site: Installation) -> None:
    site.mail.refused_receivers = {"owner@example.com"}
    failed_run(site)
    site.tick()
    site.later(hours=1)
    failed_run(site)
    site.tick()

    told = "Alerts by email don't reach everybody: 250 2.0.0 queued as 1; owner@example.com refused"
    assert told in json.dumps(site.pager.taken)
