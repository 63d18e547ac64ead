"""Thirty days of operation with faults: every incident is told once, in time, and its end too.

What should be told is worked out here from what was made to happen, by the definitions of the
alerts and nothing else; what was told is read from the messages that the servers received.
"""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.alerts.rules import TITLES, RuleName
from newsapi_dentsu.errors import AlertsError
from support.databases import DuckDBDatabase
from support.processes import event, hold_transaction, process

from .conftest import Installation
from .runs import STEP, beat, begin, fail, retry_step, succeed, switch
from .told import Item, condition, in_mail, in_pagerduty, in_slack

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 30
HOUR = timedelta(hours=1)
SEVERITY: dict[str, str] = {
    "pipeline_failure": "high",
    "failed_run": "info",
    "high_error_rate": "medium",
    "no_data": "medium",
    "api_latency": "medium",
    "database_full": "high",
    "stale_final": "high",
    "tokens": "medium",
    "stopped": "critical",
}
OWN = {
    "critical": {"pagerduty", "email"},
    "high": {"pagerduty", "email"},
    "medium": {"email"},
    "info": {"slack"},
}


@dataclass
class Plan:
    """What happens, in hours since the start: spans are [first, last)."""

    daemon_dead: list[tuple[int, int]]
    channels_down: dict[str, list[tuple[int, int]]]
    held: set[int]
    switched_off: tuple[int, int]
    no_news: tuple[int, int]
    slow: tuple[int, int]
    few_tokens: tuple[int, int]
    full: tuple[int, int]
    burst: int
    outcomes: dict[int, str]
    by_hand: dict[int, bool]


def make_plan(rng: random.Random) -> Plan:
    """Faults that are spread by chance, and some that must not be missing."""
    outcomes = {
        hour: rng.choices(["good", "failed", "retried", "dead"], [80, 8, 7, 5])[0]
        for hour in range(0, DAYS * 24, 6)
    }
    for hour in (0, 252, 258, 264):
        outcomes[hour] = "good"
    outcomes[360] = outcomes[366] = outcomes[372] = "failed"
    burst = rng.randrange(42, 43) * 6
    outcomes[burst] = "good"
    return Plan(
        daemon_dead=[(100, 105), (403, 418)],
        channels_down={
            "email": [(60, 75), (198, 201), (350, 380), (600, 640)],
            "pagerduty": [(70, 72), (198, 201), (365, 368), (500, 530), (610, 625)],
            "slack": [(80, 140), (198, 201), (612, 618)],
        },
        held={20, 98, 261, 367, 515, 619},
        switched_off=(290, 293),
        no_news=(306, 330),
        slow=(438, 450),
        few_tokens=(546, 570),
        full=(470, 483),
        burst=burst,
        outcomes=outcomes,
        by_hand={rng.randrange(720): rng.random() < 0.5 for _ in range(14)},
    )


@dataclass
class Run:
    """A run as it was made to happen."""

    run_id: str
    ended_at: datetime
    good: bool
    scheduled: bool = True
    retry: bool = False


@dataclass
class World:
    """What has happened so far, and what should be and was told of it."""

    runs: list[Run] = field(default_factory=list)
    fetches: list[dict[str, Any]] = field(default_factory=list)
    untold: dict[Item, str] = field(default_factory=dict)
    due: dict[Item, datetime] = field(default_factory=dict)
    told: dict[Item, list[tuple[str, datetime]]] = field(default_factory=dict)
    open: dict[str, datetime] = field(default_factory=dict)
    failing_since: dict[str, datetime] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    burst_at: datetime | None = None
    first_look: datetime | None = None
    last_look: datetime = START


def within(hour: float, *spans: tuple[int, int]) -> bool:
    return any(first <= hour < last for first, last in spans)


class Simulation:
    """Makes the plan happen on an installation, and keeps the books."""

    def __init__(self, site: Installation, plan: Plan) -> None:
        self.site = site
        self.plan = plan
        self.world = World()
        self.seen: Counter[str] = Counter()
        self.looks = 0

    @property
    def hour(self) -> float:
        return (self.site.now - START) / HOUR

    def go_to(self, hour: float) -> None:
        self.site.clock.move_to(START + hour * HOUR)

    # --- what happens ---

    def run_of_schedule(self, hour: int) -> None:
        outcome = self.plan.outcomes[hour]
        run_id = begin(self.site.instance)
        self.go_to(hour + 0.05)
        if hour == self.plan.burst:
            for _ in range(5):
                retry_step(self.site.instance, run_id)
            self.world.burst_at = self.site.now
        if outcome == "good":
            self.ends(run_id, good=True)
        elif outcome == "dead":
            self.go_to(hour + 0.6)
            self.ends(run_id, good=False, step=None)
        else:
            self.ends(run_id, good=False)
            if outcome == "retried":
                self.go_to(hour + 0.1)
                again = begin(self.site.instance, retry_of=run_id)
                self.go_to(hour + 0.2)
                self.world.runs[-1].retry = True
                self.ends(again, good=True)
                self.expect(Item("retried", again), "info")

    def ends(
        self, run_id: str, *, good: bool, scheduled: bool = True, step: str | None = STEP
    ) -> None:
        site, world = self.site, self.world
        if good:
            succeed(site.instance, run_id)
            hour = self.hour
            figures = {
                "new": 0 if within(hour, self.plan.no_news) else 7,
                "requests": 4,
                "api_seconds": 30.0 if within(hour, self.plan.slow) else 3.0,
                "tokens": 5,
                "tokens_left": 90 if within(hour, self.plan.few_tokens) else 1500,
            }
            site.record_fetch(**figures)
            world.fetches.insert(0, figures)
        else:
            fail(site.instance, run_id, step=step)
        world.runs.append(Run(run_id, site.now, good, scheduled))

    # --- what should be told ---

    def expect(self, item: Item, severity: str) -> None:
        self.world.untold[item] = severity

    def conditions(self, *, in_daemon: bool, held: bool) -> dict[RuleName, bool]:
        """Which conditions hold, by their definitions; those that nobody can see are left out."""
        now, world = self.site.now, self.world
        recent = [run for run in world.runs if now - run.ended_at < 24 * HOUR]
        failed = sum(not run.good for run in recent)
        good = [run.ended_at for run in world.runs if run.good]
        dead = not in_daemon and within(self.hour, *self.plan.daemon_dead)
        holds: dict[RuleName, bool] = {
            "high_error_rate": len(recent) >= 4 and failed >= 2 and failed / len(recent) > 0.1,
            "stale_final": now - max(good, default=world.first_look or now) > 12 * HOUR,
            "stopped": dead or within(self.hour, self.plan.switched_off),
        }
        if not held:
            last = world.fetches
            holds["no_data"] = len(last) >= 3 and not any(one["new"] for one in last[:3])
            holds["api_latency"] = bool(last) and last[0]["api_seconds"] / last[0]["requests"] > 5
            holds["tokens"] = bool(last) and last[0]["tokens_left"] < 150
            holds["database_full"] = within(self.hour, self.plan.full)
        return holds

    def expected_at_this_look(self, *, in_daemon: bool, held: bool) -> None:
        world, now = self.world, self.site.now
        world.first_look = world.first_look or now
        for run in world.runs:
            if run.good or run.retry or run.run_id in world.reported:
                continue
            world.reported.add(run.run_id)
            rule: RuleName = "pipeline_failure" if run.scheduled else "failed_run"
            self.expect(Item("failure", run.run_id), SEVERITY[rule])
            world.open.setdefault(rule, now)
            world.failing_since[rule] = run.ended_at
        if world.burst_at is not None:
            self.expect(condition("opened", TITLES["pipeline_failure"], now), "high")
            world.open["pipeline_failure"] = now
            world.failing_since["pipeline_failure"] = now
            world.burst_at = None
        elif "pipeline_failure" in world.open or "failed_run" in world.open:
            names: tuple[RuleName, ...] = ("pipeline_failure", "failed_run")
            for rule in names:
                since = world.failing_since.get(rule)
                good = [run for run in world.runs if run.good and since and run.ended_at > since]
                burst_over = since == world.open.get(rule) and since is not None and since < now
                if rule in world.open and (good or burst_over):
                    opened = world.open.pop(rule)
                    self.expect(condition("recovered", TITLES[rule], opened), SEVERITY[rule])
        for name, holds in self.conditions(in_daemon=in_daemon, held=held).items():
            if holds and name not in world.open:
                world.open[name] = now
                self.expect(condition("opened", TITLES[name], now), SEVERITY[name])
            elif not holds and name in world.open:
                opened = world.open.pop(name)
                self.expect(condition("recovered", TITLES[name], opened), SEVERITY[name])
        working = {
            name for name, spans in self.plan.channels_down.items() if not within(self.hour, *spans)
        }
        for item, severity in list(world.untold.items()):
            others = working - {"pagerduty"} if severity == "info" else working
            if others | (working & OWN[severity]):
                world.due[item] = now
                del world.untold[item]

    # --- a look ---

    def look(self, *, in_daemon: bool) -> None:
        site, hour = self.site, self.hour
        down = {name for name, spans in self.plan.channels_down.items() if within(hour, *spans)}
        site.mail.refuse = "451 4.3.0 out of order" if "email" in down else None
        site.pager.default.status = 400 if "pagerduty" in down else 202
        site.slack.default.status = 400 if "slack" in down else 200
        limit = 1e6 if within(hour, self.plan.full) else 0.001
        (site.folder / "alerts.yaml").write_text(f"rules: {{database_full: {{free_gb: {limit}}}}}")
        held = in_daemon and int(hour) in self.plan.held
        self.expected_at_this_look(in_daemon=in_daemon, held=held)
        if held:
            database, ready = DuckDBDatabase(site.folder / "data/news.duckdb"), event()
            with process(hold_transaction, database, ready, 60):
                assert ready.wait(30)
                self.evaluate(in_daemon=in_daemon)
        else:
            self.evaluate(in_daemon=in_daemon)
        self.read_messages()
        self.world.last_look = site.now
        self.looks += 1

    def evaluate(self, *, in_daemon: bool) -> None:
        if not in_daemon:
            self.site.look(in_daemon=False)
            return
        # A tick whose messages nobody takes fails.
        with suppress(AlertsError):
            self.site.tick()

    def read_messages(self) -> None:
        received = {
            "email": [list(in_mail(mail)) for mail in self.site.mail.received],
            "slack": [list(in_slack(body)) for body in self.site.slack.taken],
            "pagerduty": [list(in_pagerduty(body)) for body in self.site.pager.taken],
        }
        for channel, messages in received.items():
            for message in messages:
                assert message, f"a message by {channel} that says nothing"
                for item in message:
                    told = self.world.told.setdefault(item, [])
                    told.append((channel, self.site.now))
        self.site.mail.received.clear()
        self.site.slack.taken.clear()
        self.site.pager.taken.clear()

    def simulate(self) -> None:
        for hour in range(DAYS * 24):
            self.go_to(hour)
            if within(hour, self.plan.switched_off) or hour == self.plan.switched_off[1]:
                switch(self.site.instance, on=hour == self.plan.switched_off[1])
            dead = within(hour, *self.plan.daemon_dead)
            if hour % 6 == 0 and not dead and not within(hour, self.plan.switched_off):
                self.run_of_schedule(hour)
            if hour in self.plan.by_hand:
                self.go_to(max(self.hour, hour + 0.61))
                run_id = begin(self.site.instance, scheduled=False)
                self.ends(run_id, good=self.plan.by_hand[hour], scheduled=False)
            self.go_to(max(self.hour, hour + 0.65))
            if not dead:
                beat(self.site.instance, self.site.now.timestamp())
                self.look(in_daemon=True)
            if dead or hour % 12 == 5:
                self.go_to(hour + 0.75)
                self.look(in_daemon=False)


def test_thirty_days_end_with_every_incident_told_once_and_in_time(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    site.clock.move_to(START)
    simulation = Simulation(site, make_plan(random.Random(20261101)))
    simulation.simulate()

    world = simulation.world
    first = {item: min(at for _, at in told) for item, told in world.told.items()}
    misses = [item for item, due in world.due.items() if first.get(item) != due]
    repeats = [
        item
        for item, told in world.told.items()
        if len({channel for channel, _ in told}) != len(told)
    ]
    false = [item for item in world.told if item not in world.due]
    kinds = Counter(item.kind for item in world.due)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n  {DAYS} days, {simulation.looks} looks, {len(world.runs)} runs: "
            f"{kinds['failure'] + kinds['opened']} incidents ({kinds['failure']} failed runs, "
            f"{kinds['opened']} conditions), {kinds['retried']} rescued by a retry, "
            f"{kinds['recovered']} recoveries; "
            f"{sum(len(told) for told in world.told.values())} alerts on three channels; "
            f"{len(misses)} misses, {len(repeats)} repeats, {len(false)} false"
        )
    assert misses == []
    assert repeats == []
    assert false == []
    assert set(world.untold) == set()
    assert {rule for rule in TITLES if rule not in {"failed_run", "brand_tone"}} <= {
        rule for rule, title in TITLES.items() if any(title in item.name for item in world.due)
    }
