"""A failed run is told once, with what one needs to act, and its end is told."""

import json
import re
from pathlib import Path

import pytest

from newsapi_dentsu.errors import AlertsError

from .conftest import ROUTING_KEY, UI, Installation
from .runs import begin, fail, retry_step, succeed
from .servers import html_of, text_of

ROOT = Path(__file__).parents[2]


def failed_run(site: Installation, **options: str) -> str:
    run_id = begin(site.instance)
    site.later(minutes=3)
    return fail(site.instance, run_id, **options)


def test_a_scheduled_run_that_failed_is_told_to_pagerduty_and_by_mail(site: Installation) -> None:
    succeed(site.instance, begin(site.instance))
    site.later(hours=6)
    run_id = failed_run(site)
    site.later(minutes=20)

    site.tick()

    (mail,), (event,) = site.mail.received, site.paged()
    assert site.slack.asked == []
    assert mail["Subject"] == "[newsapi] HIGH: 1 failed run"
    for text in (text_of(mail), html_of(mail)):
        assert f"{UI}/runs/{run_id}" in text
        assert "news_pipeline" in text
        assert "collect" in text
        assert "2026-11-10 18:00:00 UTC" in text
        assert "2026-11-10 18:03:00 UTC" in text
        assert "the API refused the key" in text
        assert "final.filtered_news was last brought up to date 6 h 23 min ago" in text
    assert event["event_action"] == "trigger"
    assert event["payload"]["severity"] == "error"
    assert "1 failed run" in event["payload"]["summary"]
    assert event["payload"]["custom_details"]["failed runs"][0]["run"] == run_id
    assert event["links"][0]["href"] == f"{UI}/runs/{run_id}"


@pytest.mark.parametrize(
    ("step", "stage", "runbook"),
    [
        ("everything_read", "collect", "if-collect-fails"),
        ("processed__processed_news", "deduplicate", "if-deduplicate-fails"),
        ("processed__embeddings", "understand", "if-understand-fails"),
        ("processed__assessments", "group", "if-group-fails"),
        ("final__filtered_news", "curate", "if-curate-fails"),
        (None, "outside of any stage", "a-failed-run"),
    ],
)
def test_every_channel_names_the_stage_that_failed_and_its_runbook(
    site: Installation, step: str | None, stage: str, runbook: str
) -> None:
    fail(site.instance, begin(site.instance), step=step)
    fail(site.instance, begin(site.instance, scheduled=False), step=step)
    site.tick()

    (mail,), (event,), (posted,) = site.mail.received, site.paged(), site.slack.taken
    told = event["payload"]["custom_details"]["failed runs"][0]
    assert (told["stage"], told["runbook"]) == (stage, f"docs/operations.md#{runbook}")
    for text in (text_of(mail), html_of(mail), json.dumps(posted["blocks"])):
        assert stage in text
        assert f"docs/operations.md#{runbook}" in text
    assert f"#{runbook}" in anchors("docs/operations.md")


def anchors(document: str) -> set[str]:
    """What a link into a document can lead to."""
    headings = re.findall(r"^#+ (.*)$", (ROOT / document).read_text("utf-8"), re.M)
    return {"#" + re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_a_failed_run_is_never_told_again(site: Installation) -> None:
    failed_run(site)
    for _ in range(5):
        site.later(hours=1)
        site.tick()

    assert len(site.mail.received) == 1
    assert len(site.paged()) == 1


def test_failures_of_one_hour_come_in_one_message(site: Installation) -> None:
    first, second = failed_run(site), failed_run(site)
    site.later(hours=1)
    site.tick()

    (mail,) = site.mail.received
    assert "2 failed runs" in mail["Subject"]
    assert first in text_of(mail)
    assert second in text_of(mail)
    assert len(site.paged()) == 1


def test_another_failure_joins_the_incident_that_is_open(site: Installation) -> None:
    failed_run(site)
    site.tick()
    site.later(hours=6)
    second = failed_run(site)
    site.tick()

    assert second in text_of(site.mail.received[1])
    assert len({event["dedup_key"] for event in site.paged()}) == 1


def test_the_next_good_run_ends_the_incident_and_that_is_told_once(site: Installation) -> None:
    failed_run(site)
    site.tick()
    site.later(hours=6)
    succeed(site.instance, begin(site.instance))
    for _ in range(3):
        site.tick()
        site.later(hours=1)

    assert site.mail.subjects[1:] == ["[newsapi] OK: Recovered: Pipeline failure"]
    trigger, resolve = site.paged()
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]


def test_a_run_that_a_retry_made_good_is_named_as_recovered(site: Installation) -> None:
    first = failed_run(site)
    site.later(minutes=1)
    second = begin(site.instance, retry_of=first)
    succeed(site.instance, second)
    site.later(minutes=20)
    site.tick()

    (posted,) = site.slack.taken
    assert "recovered by retry" in posted["text"]
    assert first in json.dumps(posted["blocks"])
    assert second in json.dumps(posted["blocks"])
    assert site.mail.received == []
    assert site.paged() == []


def test_a_run_whose_retry_is_under_way_is_not_told_yet(site: Installation) -> None:
    first = failed_run(site)
    second = begin(site.instance, retry_of=first)
    site.tick()
    assert site.mail.received == []

    site.later(minutes=10)
    fail(site.instance, second)
    site.later(minutes=50)
    site.tick()

    (mail,) = site.mail.received
    assert mail["Subject"] == "[newsapi] HIGH: 1 failed run"
    assert second in text_of(mail)
    assert "2 attempts\n" in text_of(mail)
    assert f"failed before: {first}" in text_of(mail)


def test_a_retry_that_never_ends_holds_the_alert_back_for_an_hour_at_most(
    site: Installation,
) -> None:
    first = failed_run(site)
    begin(site.instance, retry_of=first)
    site.tick()
    site.later(minutes=61)
    site.tick()

    assert first in text_of(site.mail.received[0])


def test_a_run_that_somebody_started_wakes_nobody(site: Installation) -> None:
    fail(site.instance, begin(site.instance, scheduled=False))
    site.tick()

    assert len(site.slack.taken) == 1
    assert site.mail.received == []
    assert site.paged() == []


def test_more_than_three_failed_attempts_in_an_hour_are_a_failure_whoever_started_them(
    site: Installation,
) -> None:
    for _ in range(4):
        fail(site.instance, begin(site.instance, scheduled=False))
        site.later(minutes=10)
    site.tick()

    (event,) = site.paged()
    assert "4 failed runs" in event["payload"]["summary"]


def test_retries_of_steps_count_as_attempts(site: Installation) -> None:
    run_id = begin(site.instance)
    for _ in range(4):
        retry_step(site.instance, run_id)
        site.later(minutes=2)
    succeed(site.instance, run_id)
    site.tick()

    (event,) = site.paged("trigger")
    assert "4 failed attempts within 1 hour" in event["payload"]["summary"]

    site.later(hours=3)
    site.tick()
    assert len(site.paged("resolve")) == 1


def test_attempts_on_both_sides_of_a_look_are_counted_together(site: Installation) -> None:
    run_id = begin(site.instance)
    for _ in range(2):
        retry_step(site.instance, run_id)
    site.later(minutes=5)
    site.tick()
    assert site.paged() == []
    site.later(minutes=5)
    for _ in range(2):
        retry_step(site.instance, run_id)
    site.later(minutes=55)
    site.tick()

    assert len(site.paged()) == 1


def test_a_killed_run_is_told_as_dagster_words_it(site: Installation) -> None:
    fail(site.instance, begin(site.instance), step=None)
    site.tick()

    text = text_of(site.mail.received[0])
    assert "Run timed out due to taking longer than 1800 seconds" in text
    assert "outside of any stage" in text


def test_secrets_in_an_error_are_masked(site: Installation) -> None:
    failed_run(site, error=f"Error: POST failed, routing_key={ROUTING_KEY} in {'x' * 550}")
    site.tick()

    everything = text_of(site.mail.received[0]) + html_of(site.mail.received[0])
    everything += json.dumps(site.paged()[0]["payload"])
    assert "routing_key=***" in everything
    assert ROUTING_KEY not in everything


def test_an_error_is_shown_as_text_never_as_markup(site: Installation) -> None:
    failed_run(site, error="Error: <script>alert(1)</script> & more")
    site.tick()

    html = html_of(site.mail.received[0])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_many_failures_are_counted_and_some_listed(site: Installation) -> None:
    ids = [failed_run(site) for _ in range(24)]
    site.later(minutes=10)
    site.tick()
    site.later(hours=1)
    site.tick()

    (mail,) = site.mail.received
    assert "24 failed runs" in mail["Subject"]
    assert "… and 4 more failed runs" in text_of(mail)
    assert sum(run_id in text_of(mail) for run_id in ids) == 20


def test_hours_that_were_missed_are_made_up_for(site: Installation) -> None:
    site.tick()
    first = failed_run(site)
    site.later(days=5)
    second = failed_run(site)
    site.tick()

    (mail,) = site.mail.received[-1:]
    assert first in text_of(mail)
    assert second in text_of(mail)


def test_nobody_is_told_of_nothing(site: Installation) -> None:
    for _ in range(3):
        succeed(site.instance, begin(site.instance))
        site.record_fetch()
        for _ in range(3):
            site.tick()
            site.later(hours=2)

    assert [*site.mail.received, *site.slack.asked, *site.pager.asked] == []


def test_a_look_whose_message_nobody_takes_shows_as_failed_and_is_made_up_for(
    site: Installation,
) -> None:
    run_id = failed_run(site)
    site.mail.refuse = "451 4.3.0 try again later"
    site.pager.default.status = site.slack.default.status = 400
    with pytest.raises(AlertsError, match=r"could not be notified.*451"):
        site.tick()
    site.mail.refuse = None
    site.pager.default.status = site.slack.default.status = 202
    site.later(hours=1)
    site.tick()
    site.tick()

    assert [run_id in text_of(mail) for mail in site.mail.received] == [True]
    assert len(site.paged()) == 1
