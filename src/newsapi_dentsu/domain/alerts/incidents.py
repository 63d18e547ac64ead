"""The life of an incident: it opens, is told, ends, and its end is told.

What is to be told is a notice, which keeps its id whatever happens: notices that were made once
are never made again, and a channel that took one is never given it again. Everything here is a
function of the state before, the facts and the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from newsapi_dentsu.domain.alerts.conditions import Judgement, brand_tones, judge
from newsapi_dentsu.domain.alerts.facts import Facts, Failure, Retried
from newsapi_dentsu.domain.alerts.rules import (
    TITLES,
    AlertRules,
    ChannelName,
    RuleName,
    Severity,
)

FIRST_LOOK_BACK = timedelta(hours=24)
"""How old failures are told when the rules were never evaluated before."""

OVERLAP = timedelta(hours=2)
"""How far an evaluation reaches back before the last one: runs become visible out of order, and a
failed run waits for its retry."""

REMEMBERED = timedelta(days=7)
"""How long what was told is kept at hand; longer than an evaluation reaches back."""

NoticeKind = Literal["opened", "failure", "retried", "recovered"]
Outcome = Literal["pending", "told", "dropped"]
DeliveryStatus = Literal["sending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is or was wrong; `subject` is the job or the brand, where a rule has one."""

    incident_id: str
    rule: RuleName
    subject: str
    severity: Severity
    opened_at: datetime
    summary: str
    last_failure_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def title(self) -> str:
        """The rule's name for people."""
        title = TITLES[self.rule]
        return f"{title}: {self.subject}" if self.rule == "brand_tone" else title


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell; `body` is plain JSON, `run_ids` are the failed runs that it tells of."""

    notice_id: str
    kind: NoticeKind
    incident_id: str | None
    severity: Severity
    created_at: datetime
    body: Mapping[str, Any]
    run_ids: tuple[str, ...] = ()
    outcome: Outcome = "pending"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel made of a notice; `sending` where nobody knows, after a kill."""

    notice_id: str
    channel: ChannelName
    message_id: str
    status: DeliveryStatus
    attempts: int
    tried_at: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class AlertState:
    """Everything that is remembered from one evaluation to the next."""

    watching_since: datetime
    scanned_until: datetime
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
    deliveries: Mapping[tuple[str, ChannelName], Delivery] = field(default_factory=dict)
    silences: Mapping[RuleName, datetime] = field(default_factory=dict)

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """The incidents that aren't over, oldest first."""
        still = [one for one in self.incidents.values() if one.closed_at is None]
        return tuple(sorted(still, key=lambda one: (one.opened_at, one.incident_id)))

    @property
    def notified_runs(self) -> frozenset[str]:
        """The failed runs that notices exist of."""
        return frozenset(run for notice in self.notices.values() for run in notice.run_ids)

    def scan_from(self, now: datetime) -> datetime:
        """From when on the next evaluation reads the failed runs; copes with a clock set back."""
        return min(self.scanned_until, now) - OVERLAP

    def silenced(self, rule: RuleName, now: datetime) -> bool:
        """Whether nobody is to be told of a rule at the moment."""
        until = self.silences.get(rule)
        return until is not None and now < until

    def with_deliveries(self, deliveries: Iterable[Delivery]) -> "AlertState":
        """The state with these deliveries noted."""
        noted = {(one.notice_id, one.channel): one for one in deliveries}
        return replace(self, deliveries={**self.deliveries, **noted})

    def with_outcomes(self, notice_ids: Iterable[str], outcome: Outcome) -> "AlertState":
        """The state with these notices told or dropped."""
        changed = {name: replace(self.notices[name], outcome=outcome) for name in notice_ids}
        return replace(self, notices={**self.notices, **changed})


def first_state(now: datetime) -> AlertState:
    """The state before the first evaluation."""
    return AlertState(watching_since=now, scanned_until=now - FIRST_LOOK_BACK + OVERLAP)


def advance(state: AlertState, rules: AlertRules, facts: Facts) -> AlertState:
    """Open, keep and close incidents by the facts, and make the notices that follow from it.

    What can't be seen at the moment neither opens nor closes anything. A rule that is switched off
    ends its incidents, as nobody would see their real end.
    """
    judged = judge(rules.rules, facts, state.watching_since)
    change = _Change(state, rules, facts.now)
    change.end_switched_off()
    if facts.history is not None:
        many = judged.get("pipeline_failure", Judgement(False, ""))
        for failure in facts.history.failures:
            change.add_failure(failure, many)
        for retried in facts.history.retried:
            change.add_retried(retried)
        change.end_failures(facts, many)
    for name, judgement in judged.items():
        if name != "pipeline_failure":
            change.follow(name, judgement)
        elif judgement.firing and not change.has_open(name):
            change.open(name, facts.job, judgement.summary)
    if rules.rules.brand_tone.enabled:
        change.follow_brands(brand_tones(rules.rules.brand_tone, facts))
    return replace(
        change.state(),
        scanned_until=facts.history.scanned_until if facts.history else state.scanned_until,
    )


class _Change:
    """The incidents and notices of a state while one evaluation changes them."""

    def __init__(self, state: AlertState, rules: AlertRules, now: datetime) -> None:
        self._before = state
        self._rules = rules
        self._now = now
        self._incidents = dict(state.incidents)
        self._notices = dict(state.notices)

    def state(self) -> AlertState:
        """The state after the evaluation."""
        return replace(self._before, incidents=self._incidents, notices=self._notices)

    def has_open(self, rule: RuleName) -> bool:
        """Whether an incident of the rule is open, whatever its subject."""
        return any(one.rule == rule and one.closed_at is None for one in self._incidents.values())

    def end_switched_off(self) -> None:
        """Close the incidents of rules that are switched off."""
        for one in list(self._incidents.values()):
            if one.closed_at is None and not self._rules.rule(one.rule).enabled:
                self._close(one, f"nobody looks any more: the rule {one.rule} is switched off")

    def follow_brands(self, judged: Mapping[str, Judgement] | None) -> None:
        """Open or close the incident of each brand; nothing where they can't be seen."""
        if judged is None:
            return
        for brand, judgement in judged.items():
            self.follow("brand_tone", judgement, brand)
        for one in list(self._incidents.values()):
            if one.rule == "brand_tone" and not one.closed_at and one.subject not in judged:
                self._close(one, f"{one.subject} isn't watched any more")

    def follow(self, rule: RuleName, judgement: Judgement, subject: str = "") -> None:
        """Open or close the incident of a condition."""
        current = self._open_incident(rule, subject)
        if judgement.firing and current is None:
            self.open(rule, subject, judgement.summary)
        elif judgement.firing is False and current is not None:
            self._close(current, judgement.summary)

    def open(self, rule: RuleName, subject: str, summary: str) -> None:
        """Open an incident of a condition and tell of it."""
        incident = self._new_incident(rule, subject, summary)
        self._add("opened", incident, f"{incident.incident_id}/opened", {"summary": summary})

    def add_failure(self, failure: Failure, many: Judgement) -> None:
        """Tell of a failed run, in the incident of its job."""
        scheduled = failure.scheduled or bool(many.firing)
        rule: RuleName = "pipeline_failure" if scheduled else "failed_run"
        notice_id = f"failure/{failure.run_id}"
        if not self._rules.rule(rule).enabled or notice_id in self._notices:
            return
        incident = self._open_incident(rule, failure.job)
        if incident is None:
            summary = many.summary if many.firing else f"a run of {failure.job} failed"
            incident = self._new_incident(rule, failure.job, summary)
        last = max(failure.ended_at, incident.last_failure_at or failure.ended_at)
        self._incidents[incident.incident_id] = replace(incident, last_failure_at=last)
        self._add("failure", incident, notice_id, failure_body(failure), failure.run_ids)

    def add_retried(self, retried: Retried) -> None:
        """Tell of failed runs of which a retry succeeded."""
        notice_id = f"retried/{retried.run_id}"
        rule = self._rules.rules.failed_run
        if rule.enabled and notice_id not in self._notices:
            body = {
                "run_id": retried.run_id,
                "job": retried.job,
                "ended_at": _iso(retried.ended_at),
            }
            self._notices[notice_id] = Notice(
                notice_id,
                "retried",
                None,
                rule.severity,
                self._now,
                {**body, "run_ids": list(retried.run_ids)},
                retried.run_ids,
            )

    def end_failures(self, facts: Facts, many: Judgement) -> None:
        """Close the incidents of runs whose job, or the whole pipeline, has succeeded since."""
        successes = facts.history.last_success_at if facts.history else {}
        for incident in list(self._incidents.values()):
            if incident.rule not in ("pipeline_failure", "failed_run") or incident.closed_at:
                continue
            if incident.rule == "pipeline_failure" and many.firing:
                continue
            since = incident.last_failure_at or incident.opened_at
            ends = [successes.get(incident.subject), successes.get(facts.job)]
            ended_at = max((at for at in ends if at is not None and at > since), default=None)
            if ended_at is not None:
                self._close(incident, f"a run succeeded at {ended_at:%Y-%m-%d %H:%M} UTC")
            elif incident.last_failure_at is None:
                self._close(incident, many.summary)

    def _open_incident(self, rule: RuleName, subject: str) -> Incident | None:
        found = (
            one
            for one in self._incidents.values()
            if (one.rule, one.subject, one.closed_at) == (rule, subject, None)
        )
        return next(found, None)

    def _new_incident(self, rule: RuleName, subject: str, summary: str) -> Incident:
        parts = [rule, *([subject] if subject else []), f"{self._now:%Y%m%dT%H%M%SZ}"]
        severity = self._rules.rule(rule).severity
        incident = Incident("-".join(parts), rule, subject, severity, self._now, summary)
        self._incidents[incident.incident_id] = incident
        return incident

    def _close(self, incident: Incident, summary: str) -> None:
        closed = replace(incident, closed_at=self._now)
        self._incidents[incident.incident_id] = closed
        mine = [one for one in self._notices.values() if one.incident_id == incident.incident_id]
        unheard = [one for one in mine if one.outcome == "pending" and not self._begun(one)]
        switched_off = not self._rules.rule(incident.rule).enabled
        silenced = self._before.silenced(incident.rule, self._now)
        end = f"{incident.incident_id}/recovered"
        self._add("recovered", closed, end, {"summary": summary})
        if len(unheard) == len(mine) and (switched_off or silenced):
            # It came and went unheard, as was asked for.
            self._drop(end, *(one.notice_id for one in unheard))
        elif switched_off:
            self._drop(*(one.notice_id for one in unheard))

    def _begun(self, notice: Notice) -> bool:
        """Whether a channel took the notice, or may have."""
        return any(
            notice_id == notice.notice_id and one.status != "failed"
            for (notice_id, _), one in self._before.deliveries.items()
        )

    def _drop(self, *notice_ids: str) -> None:
        for name in notice_ids:
            self._notices[name] = replace(self._notices[name], outcome="dropped")

    def _add(
        self,
        kind: NoticeKind,
        incident: Incident,
        notice_id: str,
        body: Mapping[str, Any],
        run_ids: tuple[str, ...] = (),
    ) -> None:
        self._notices[notice_id] = Notice(
            notice_id, kind, incident.incident_id, incident.severity, self._now, body, run_ids
        )


def failure_body(failure: Failure) -> dict[str, Any]:
    """A failed run as plain JSON."""
    return {
        "run_id": failure.run_id,
        "run_ids": list(failure.run_ids),
        "job": failure.job,
        "stage": failure.stage,
        "started_at": _iso(failure.started_at) if failure.started_at else None,
        "ended_at": _iso(failure.ended_at),
        "error": failure.error,
        "attempts": failure.attempts,
    }


def forget(state: AlertState, now: datetime) -> AlertState:
    """Leave out what no later evaluation or message needs; the warehouse keeps it."""
    kept = {
        name: notice
        for name, notice in state.notices.items()
        if notice.outcome == "pending"
        or now - notice.created_at < REMEMBERED
        or (notice.incident_id in state.incidents and _is_open(state, notice.incident_id))
    }
    incidents = {notice.incident_id for notice in kept.values()}
    return replace(
        state,
        notices=kept,
        incidents={
            name: one
            for name, one in state.incidents.items()
            if one.closed_at is None or name in incidents
        },
        deliveries={key: one for key, one in state.deliveries.items() if key[0] in kept},
        silences={rule: until for rule, until in state.silences.items() if until > now},
    )


def _is_open(state: AlertState, incident_id: str | None) -> bool:
    return incident_id is not None and state.incidents[incident_id].closed_at is None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
