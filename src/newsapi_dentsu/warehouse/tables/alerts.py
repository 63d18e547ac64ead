"""What operators were told, as rows: loading it, and saving what has changed."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from newsapi_dentsu.domain.alerts.incidents import (
    REMEMBERED,
    AlertState,
    Delivery,
    Incident,
    Notice,
)
from newsapi_dentsu.domain.alerts.rules import RuleName
from newsapi_dentsu.warehouse.engines.base import Row, Session, upsert
from newsapi_dentsu.warehouse.tables import positions
from newsapi_dentsu.warehouse.tables.rows import values

WATCHING_SINCE, SCANNED_UNTIL = "alerts_watching_since", "alerts_scanned_until"
"""Positions, in microseconds since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

K = TypeVar("K")
V = TypeVar("V")

_INCIDENT = {
    "incident_id": "text",
    "rule": "text",
    "subject": "text",
    "severity": "text",
    "opened_at": "timestamptz",
    "summary": "text",
    "last_failure_at": "timestamptz",
    "closed_at": "timestamptz",
}
_NOTICE = {
    "notice_id": "text",
    "kind": "text",
    "incident_id": "text",
    "severity": "text",
    "created_at": "timestamptz",
    "body": "text",
    "run_ids": "text",
    "outcome": "text",
}
_DELIVERY = {
    "notice_id": "text",
    "channel": "text",
    "message_id": "text",
    "status": "text",
    "attempts": "integer",
    "tried_at": "timestamptz",
    "answer": "text",
}


def load_state(session: Session, now: datetime) -> AlertState | None:
    """Everything that an evaluation may need, or None where nobody has evaluated the rules yet."""
    scanned_until = positions.position(session, SCANNED_UNTIL)
    if not scanned_until:
        return None
    needed = (
        "(outcome = 'pending' OR created_at > $1 OR incident_id IN "
        "(SELECT incident_id FROM ops.incidents WHERE closed_at IS NULL))"
    )
    recent = min(now, _time(scanned_until)) - REMEMBERED
    notices = session.rows(f"SELECT {_list(_NOTICE)} FROM ops.notices WHERE {needed}", recent)
    incidents = session.rows(
        f"SELECT {_list(_INCIDENT)} FROM ops.incidents WHERE closed_at IS NULL OR incident_id IN "
        f"(SELECT incident_id FROM ops.notices WHERE {needed})",
        recent,
    )
    deliveries = session.rows(
        f"SELECT {_list(_DELIVERY)} FROM ops.alert_deliveries WHERE notice_id IN "
        f"(SELECT notice_id FROM ops.notices WHERE {needed})",
        recent,
    )
    return AlertState(
        watching_since=_time(positions.position(session, WATCHING_SINCE)),
        scanned_until=_time(scanned_until),
        incidents={row[0]: _incident(row) for row in incidents},
        notices={row[0]: _notice(row) for row in notices},
        deliveries={(row[0], row[1]): _delivery(row) for row in deliveries},
        silences=silences(session, now),
    )


def save_state(session: Session, state: AlertState, before: AlertState | None) -> None:
    """Save what differs from `before`, or everything.

    An incident that is closed, a notice that is settled and a delivery that arrived stay so, even
    where another process that could not see it saves its own view later.
    """
    known = before or AlertState(state.watching_since, _EPOCH)
    upsert(
        session,
        "ops.incidents",
        ["incident_id"],
        _INCIDENT,
        [values(one) for one in _changed(state.incidents, known.incidents)],
        {"closed_at": "COALESCE(incidents.closed_at, excluded.closed_at)"},
    )
    upsert(
        session,
        "ops.notices",
        ["notice_id"],
        _NOTICE,
        [_notice_row(one) for one in _changed(state.notices, known.notices)],
        {
            "outcome": "CASE WHEN notices.outcome = 'pending' THEN excluded.outcome "
            "ELSE notices.outcome END"
        },
    )
    save_deliveries(session, _changed(state.deliveries, known.deliveries))
    for rule, until in state.silences.items():
        if known.silences.get(rule) != until:
            save_silence(session, rule, until)
    if state.scanned_until != known.scanned_until:
        _move(session, SCANNED_UNTIL, state.scanned_until)
        if not positions.position(session, WATCHING_SINCE):
            _move(session, WATCHING_SINCE, state.watching_since)


def save_deliveries(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Save deliveries; one that arrived stays so."""
    arrived = "alert_deliveries.status = 'delivered'"
    upsert(
        session,
        "ops.alert_deliveries",
        ["notice_id", "channel"],
        _DELIVERY,
        [values(one) for one in deliveries],
        {
            name: f"CASE WHEN {arrived} THEN alert_deliveries.{name} ELSE excluded.{name} END"
            for name in ("message_id", "status", "attempts", "tried_at", "answer")
        },
    )


def delivery(session: Session, notice_id: str, channel: str) -> Delivery | None:
    """What a channel made of a notice, or of a digest; None where it hasn't been tried."""
    found = session.rows(
        f"SELECT {_list(_DELIVERY)} FROM ops.alert_deliveries "
        "WHERE notice_id = $1 AND channel = $2",
        notice_id,
        channel,
    )
    return _delivery(found[0]) if found else None


def silences(session: Session, now: datetime) -> dict[RuleName, datetime]:
    """The rules of which nobody is to be told for a while."""
    found = session.rows("SELECT rule, until FROM ops.silences WHERE until > $1", now)
    return {rule: until.astimezone(UTC) for rule, until in found}


def save_silence(session: Session, rule: RuleName, until: datetime) -> None:
    """Let nobody be told of a rule until then."""
    session.execute(
        "INSERT INTO ops.silences (rule, until) VALUES ($1, $2) "
        "ON CONFLICT (rule) DO UPDATE SET until = excluded.until",
        rule,
        until,
    )


def last_deliveries(session: Session, limit: int) -> list[Delivery]:
    """The deliveries that were tried last, newest first."""
    return [
        _delivery(row)
        for row in session.rows(
            f"SELECT {_list(_DELIVERY)} FROM ops.alert_deliveries "
            "ORDER BY tried_at DESC, notice_id LIMIT $1",
            limit,
        )
    ]


def _move(session: Session, name: str, moment: datetime) -> None:
    """Note a time that only moves forward, whoever saves an older view."""
    latest = max(positions.position(session, name), _microseconds(moment))
    positions.set_position(session, name, latest)


def _changed(now: Mapping[K, V], before: Mapping[K, V]) -> list[V]:
    return [value for key, value in now.items() if before.get(key) != value]


def _list(columns: Mapping[str, str]) -> str:
    return ", ".join(columns)


def _incident(row: Row) -> Incident:
    name, rule, subject, severity, opened_at, summary, last_failure_at, closed_at = row
    return Incident(
        name,
        rule,
        subject,
        severity,
        opened_at.astimezone(UTC),
        summary,
        _utc(last_failure_at),
        _utc(closed_at),
    )


def _notice(row: Row) -> Notice:
    name, kind, incident_id, severity, created_at, body, run_ids, outcome = row
    return Notice(
        name,
        kind,
        incident_id,
        severity,
        created_at.astimezone(UTC),
        json.loads(body),
        tuple(json.loads(run_ids)),
        outcome,
    )


def _notice_row(one: Notice) -> Row:
    return (
        one.notice_id,
        one.kind,
        one.incident_id,
        one.severity,
        one.created_at,
        json.dumps(dict(one.body)),
        json.dumps(list(one.run_ids)),
        one.outcome,
    )


def _delivery(row: Row) -> Delivery:
    notice_id, channel, message_id, status, attempts, tried_at, answer = row
    return Delivery(
        notice_id, channel, message_id, status, attempts, tried_at.astimezone(UTC), answer
    )


def _utc(moment: Any) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
