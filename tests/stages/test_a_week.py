"""A week as it happens: bursts, late articles, noise, and a run that fails in five of 28."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from newsapi_dentsu.errors import SourceError
from newsapi_dentsu.sandbox import Fault, SandboxArticle
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import final, processed
from support.api import serving
from support.articles import article
from support.clock import Clock
from support.limits import LIMITS
from support.tables import column, count, watermark

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
VOLUMES = (140, 420, 90, 310, 205, 60, 275)
FAULTS = {
    3: Fault("status", status=503, times=None),
    8: Fault("error"),
    13: Fault("truncated", times=None),
    19: Fault("status", status=401),
    24: Fault("html", times=None),
}
MOST_TOKENS = 300


def _week(rng: random.Random) -> tuple[list[SandboxArticle], list[SandboxArticle]]:
    """The sound articles, and the noise among them."""
    sound: list[SandboxArticle] = []
    for age, volume in enumerate(VOLUMES):
        midnight = datetime.combine(MONDAY.date() + timedelta(days=age), time(), UTC)
        for number in range(volume):
            at = midnight + timedelta(seconds=rng.randrange(24 * 3600))
            delay = timedelta(minutes=rng.uniform(1, 8))
            if rng.random() < 0.06:
                delay = timedelta(hours=rng.uniform(3, 30))
            sound.append(article(f"{age}{number:04}", at=at, late=delay))
    noise: list[SandboxArticle] = []
    for number, original in enumerate(rng.sample(sound, 150)):
        at = original.index_time + timedelta(minutes=number % 50)
        if at.date() != original.day:
            at = original.index_time
        twin = f"{original.record['url']}?utm_source=feed&utm_campaign={number}"
        changes: dict[str, Any] = (
            {"url": twin.replace("https://", "http://www."), "body": original.record["body"]},
            {"title": "[Removed]"},
            {"body": ""},
            {"lang": "deu"},
            {"body": "Artificial intelligence is not the subject here."},
        )[number % 5]
        title = {"title": original.record["title"]} if number % 5 == 0 else {}
        kind = ("twin", "removed", "empty", "german", "off topic")[number % 5]
        noise.append(article(f"n{number}", at=at, kind=kind, **{**title, **changes}))
    return sound, noise


@pytest.mark.thorough(
    "tests/stages/test_first_and_later_runs.py"
    "::test_a_second_run_of_an_unchanged_index_costs_one_request_a_day_of_the_overlap"
)
def test_a_week_loses_nothing_doubles_nothing_and_costs_at_most_300_tokens(
    warehouse: Warehouse,
) -> None:
    sound, noise = _week(random.Random(7))
    assert len(sound) == 1500
    clock = Clock(MONDAY + timedelta(hours=6))
    failures = 0
    with serving([*sound, *noise], clock=clock) as api:
        for number in range(28):
            api.sandbox.clear_faults()
            if number in FAULTS:
                # With the second request of the run, so that something was read before it.
                done = len([one for one in api.sandbox.requests if one.path.endswith("/article")])
                api.sandbox.add_fault(replace(FAULTS[number], on_request=done + 2))
            try:
                api.run(warehouse, lookback_days=1)
            except SourceError:
                failures += 1
            clock.advance(hours=6)
        api.sandbox.clear_faults()
        tokens = api.sandbox.tokens_used
        # What is listed after the week's last run is for the runs that follow.
        for _ in range(6):
            api.run(warehouse)
            clock.advance(hours=6)
    print(f"{tokens} tokens for 28 runs")  # noqa: T201
    assert failures == len(FAULTS)
    assert tokens <= MOST_TOKENS
    titles = column(warehouse, final.TABLE, "title")
    assert titles == sorted(one.record["title"] for one in sound)
    assert watermark(warehouse) == clock.now - timedelta(hours=6)
    assert count(warehouse, processed.OUTCOMES, "outcome = 'url_twin'") == 30
    assert column(warehouse, final.REJECTED, "reason") == ["removed"] * 30
    with warehouse.snapshot() as session:
        for audit in AUDITS:
            if audit.name != "usual_volume":
                assert audit.examine(session, clock.now, LIMITS).passed, audit.name


def test_what_the_week_is_made_of() -> None:
    sound, noise = _week(random.Random(7))
    late = sum(one.arrives_at - one.index_time >= timedelta(hours=3) for one in sound)
    assert 0.04 < late / len(sound) < 0.08
    assert max(VOLUMES) == 420
    assert {one.kind for one in noise} == {"twin", "removed", "empty", "german", "off topic"}
