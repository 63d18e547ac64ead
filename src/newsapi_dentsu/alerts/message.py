"""A message: everything new of one evaluation, in the words that all channels share."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from newsapi_dentsu.domain.alerts.facts import Facts
from newsapi_dentsu.domain.alerts.incidents import AlertState, Incident, Notice
from newsapi_dentsu.domain.alerts.rules import SEVERITIES, Severity
from newsapi_dentsu.stages.pipeline import runbook
from newsapi_dentsu.wording import duration

MOST_LISTED = 20
"""Failed runs that a message lists; the rest are counted."""

_MOST_TITLES = 10
"""Conditions that a headline names; the rest are counted."""


@dataclass(frozen=True, slots=True)
class ShownFailure:
    """A failed run as a message shows it; times in UTC. `earlier` are the runs it tried again."""

    run_id: str
    link: str | None
    job: str
    stage: str
    started: str
    ended: str
    attempts: int
    error: str
    earlier: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        """Where the documentation says what to do."""
        return runbook(self.stage)


@dataclass(frozen=True, slots=True)
class ShownRetry:
    """Failed runs of which a retry succeeded, as a message shows them."""

    run_id: str
    link: str | None
    job: str
    ended: str
    failed_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownIncident:
    """An incident that opened or ended, as a message shows it."""

    incident_id: str
    title: str
    severity: Severity
    summary: str
    since: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is given; `place` says which installation speaks."""

    message_id: str
    place: str
    created_at: datetime
    severity: Severity
    notice_ids: tuple[str, ...]
    failures: tuple[ShownFailure, ...]
    failure_count: int
    opened: tuple[ShownIncident, ...]
    retried: tuple[ShownRetry, ...]
    recovered: tuple[ShownIncident, ...]
    incidents: tuple[ShownIncident, ...]
    affected: str
    remarks: tuple[str, ...]
    ui: str | None

    @property
    def only_good_news(self) -> bool:
        """Whether it tells only of what is well, or is well again."""
        return not self.failure_count and not self.opened

    @property
    def unlisted(self) -> int:
        """How many failed runs are counted but not listed."""
        return self.failure_count - len(self.failures)

    @property
    def headline(self) -> str:
        """The message in one line, which begins with what is wrong now."""
        urgent = sorted(self.opened, key=lambda one: SEVERITIES.index(one.severity))
        parts = _first(condition.title for condition in urgent if condition.until is None)
        if self.failure_count:
            parts.append(f"{self.failure_count} failed {_runs(self.failure_count)}")
        parts += _first(f"{one.title} (over since)" for one in urgent if one.until is not None)
        if self.recovered:
            recovered = _first(one.title for one in self.recovered)
            parts.append(f"recovered: {', '.join(recovered)}")
        if self.retried:
            parts.append(f"{len(self.retried)} recovered by retry")
        text = "; ".join(parts)
        return text[:1].upper() + text[1:]

    @property
    def label(self) -> str:
        """How urgent it is, in a word."""
        return "OK" if self.only_good_news else self.severity.upper()


def _first(titles: Iterable[str]) -> list[str]:
    """The first titles, and how many more there are."""
    all_of_them = list(titles)
    more = len(all_of_them) - _MOST_TITLES
    return [*all_of_them[:_MOST_TITLES], *([f"{more} more"] if more > 0 else [])]


def compose(
    state: AlertState,
    notices: Sequence[Notice],
    facts: Facts,
    *,
    channel: str,
    place: str,
    ui: str | None,
) -> Message:
    """Word the notices; the same notices for the same channel make the same `message_id`."""
    failures = [notice for notice in notices if notice.kind == "failure"]
    kinds = {kind: _conditions(state, notices, kind) for kind in ("opened", "recovered")}
    concerned = dict.fromkeys(notice.incident_id for notice in notices if notice.incident_id)
    names = sorted(notice.notice_id for notice in notices)
    return Message(
        message_id=hashlib.sha256("\n".join([channel, place, *names]).encode()).hexdigest()[:32],
        place=place,
        created_at=facts.now,
        severity=min((notice.severity for notice in notices), key=SEVERITIES.index),
        notice_ids=tuple(notice.notice_id for notice in notices),
        failures=tuple(_failed_run(notice.body, ui) for notice in failures[:MOST_LISTED]),
        failure_count=len(failures),
        opened=kinds["opened"],
        retried=tuple(_retried(notice.body, ui) for notice in notices if notice.kind == "retried"),
        recovered=kinds["recovered"],
        incidents=tuple(
            _condition(state.incidents[name], state.incidents[name].summary) for name in concerned
        ),
        affected=_affected(facts),
        remarks=tuple(_remarks(facts)),
        ui=ui,
    )


def run_link(ui: str | None, run_id: str) -> str | None:
    """The address of a run's page, where the UI's address is known."""
    return f"{ui}/runs/{run_id}" if ui else None


def utc(moment: datetime) -> str:
    """A time in UTC to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _affected(facts: Facts) -> str:
    if facts.final_at is None:
        return "final.filtered_news: no run is known to have filled it"
    age = duration(facts.now - facts.final_at)
    return f"final.filtered_news was last brought up to date {age} ago, at {utc(facts.final_at)}"


def _remarks(facts: Facts) -> Iterable[str]:
    if facts.history_trouble:
        yield f"Runs can't be seen: {facts.history_trouble}"
    if facts.tables_trouble:
        yield f"The tables can't be seen, so rules about them wait: {facts.tables_trouble}"


def _conditions(
    state: AlertState, notices: Iterable[Notice], kind: str
) -> tuple[ShownIncident, ...]:
    return tuple(
        _condition(state.incidents[notice.incident_id], str(notice.body["summary"]))
        for notice in notices
        if notice.kind == kind and notice.incident_id
    )


def _condition(incident: Incident, summary: str) -> ShownIncident:
    return ShownIncident(
        incident.incident_id,
        incident.title,
        incident.severity,
        summary[:1].upper() + summary[1:],
        utc(incident.opened_at),
        utc(incident.closed_at) if incident.closed_at else None,
    )


def _failed_run(body: Mapping[str, Any], ui: str | None) -> ShownFailure:
    return ShownFailure(
        body["run_id"],
        run_link(ui, body["run_id"]),
        body["job"],
        body["stage"] or "outside of any stage",
        _time(body["started_at"]),
        _time(body["ended_at"]),
        body["attempts"],
        body["error"],
        tuple(run_id for run_id in body["run_ids"] if run_id != body["run_id"]),
    )


def _retried(body: Mapping[str, Any], ui: str | None) -> ShownRetry:
    return ShownRetry(
        body["run_id"],
        run_link(ui, body["run_id"]),
        body["job"],
        _time(body["ended_at"]),
        tuple(body["run_ids"]),
    )


def _time(text: str | None) -> str:
    return utc(datetime.fromisoformat(text)) if text else "never"


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"
