"""Whatever happens, an incident has one beginning and one end, and a run is told once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.alerts.rules_file import SHIPPED_RULES
from newsapi_dentsu.domain.alerts.facts import DaemonSigns, Facts, Failure, RunHistory, Tables
from newsapi_dentsu.domain.alerts.incidents import (
    AlertState,
    Delivery,
    DeliveryStatus,
    advance,
    first_state,
    forget,
)
from newsapi_dentsu.domain.alerts.routing import delivered, fallback_notices, notices_for
from newsapi_dentsu.domain.alerts.rules import (
    CHANNELS,
    AlertRules,
    ChannelName,
    RuleName,
    parse_rules,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = parse_rules(SHIPPED_RULES.read_text(), "alerts.yaml")

hours = st.fixed_dictionaries(
    {
        "failures": st.lists(st.booleans(), max_size=2),
        "good": st.booleans(),
        "runs_seen": st.booleans(),
        "free": st.sampled_from([None, 5, 50]),
        "switched_off": st.booleans(),
    }
)
switches = st.fixed_dictionaries(
    {name: st.booleans() for name in ("pipeline_failure", "failed_run", "database_full", "stopped")}
)
"""Which rules the file of an hour switches on."""


def facts_of(number: int, hour: dict[str, Any], good_at: datetime | None) -> Facts:
    now = START + number * HOUR
    failures = tuple(
        Failure(
            run_id=f"{number}-{index}",
            run_ids=(f"{number}-{index}",),
            job="news_pipeline",
            stage=None,
            started_at=None,
            ended_at=now - HOUR / 2,
            error="e",
            attempts=1,
            scheduled=scheduled,
        )
        for index, scheduled in enumerate(hour["failures"])
    )
    history = RunHistory(
        failures=failures,
        retried=(),
        last_evaluation_at=now - HOUR,
        scanned_until=now,
        attempts_at=(),
        finished_runs=0,
        failed_runs=0,
        last_success_at={"news_pipeline": good_at} if good_at else {},
        signs=DaemonSigns(now, ("schedule x",) if hour["switched_off"] else ()),
    )
    free = hour["free"]
    tables = None if free is None else Tables((), None, free * 1024**3)
    seen = hour["runs_seen"]
    return Facts(now, "news_pipeline", 6 * HOUR, history if seen else None, tables)


def lived(course: list[dict[str, Any]]) -> list[AlertState]:
    states, good_at = [first_state(START)], None
    for number, hour in enumerate(course):
        if hour["good"]:
            good_at = START + number * HOUR - HOUR / 4
        states.append(advance(states[-1], RULES, facts_of(number, hour, good_at)))
    return states


@given(st.lists(hours, max_size=12))
def test_every_incident_has_one_beginning_and_one_end(course: list[dict[str, Any]]) -> None:
    state = lived(course)[-1]
    for incident in state.incidents.values():
        kinds = [
            notice.kind
            for notice in state.notices.values()
            if notice.incident_id == incident.incident_id
        ]
        assert kinds.count("recovered") == (incident.closed_at is not None)
        assert kinds.count("opened") + min(1, kinds.count("failure")) >= 1
    still_open = [(one.rule, one.subject) for one in state.open_incidents]
    assert len(set(still_open)) == len(still_open)


@given(st.lists(hours, max_size=12))
def test_every_failed_run_that_was_seen_is_told_in_one_notice(
    course: list[dict[str, Any]],
) -> None:
    state = lived(course)[-1]
    told = [run for notice in state.notices.values() for run in notice.run_ids]
    seen = [
        f"{number}-{index}"
        for number, hour in enumerate(course)
        if hour["runs_seen"]
        for index in range(len(hour["failures"]))
    ]
    assert sorted(told) == sorted(seen)


@given(st.lists(hours, min_size=1, max_size=12))
def test_looking_again_at_the_same_adds_nothing(course: list[dict[str, Any]]) -> None:
    before, after = lived(course)[-2:]
    good = [number for number, hour in enumerate(course) if hour["good"]]
    good_at = START + good[-1] * HOUR - HOUR / 4 if good else None
    assert before.notices.keys() <= after.notices.keys()
    again = advance(after, RULES, facts_of(len(course) - 1, course[-1], good_at))
    assert again.notices == after.notices


@given(
    st.lists(hours, max_size=12),
    st.sets(st.sampled_from(CHANNELS)),
)
def test_every_notice_is_due_somewhere_unless_nothing_may_take_it(
    course: list[dict[str, Any]], configured: set[ChannelName]
) -> None:
    state = lived(course)[-1]
    now = START + len(course) * HOUR
    for notice in state.notices.values():
        takers = [
            name
            for name in CHANNELS
            if name in configured
            and (
                notice in notices_for(state, RULES, name, configured, now)
                or notice in fallback_notices(state, RULES, name, configured, now)
            )
        ]
        allowed = configured - ({"pagerduty"} if notice.severity == "info" else set())
        assert set(takers) == allowed


@given(st.lists(hours, max_size=12))
def test_only_what_is_settled_is_forgotten(course: list[dict[str, Any]]) -> None:
    state = lived(course)[-1]
    much_later = START + timedelta(days=60)
    assert forget(state, much_later).notices == state.notices
    told = state.with_outcomes(list(state.notices), "told")
    kept = forget(told, much_later)
    assert {one.incident_id for one in kept.notices.values()} <= {
        one.incident_id for one in told.open_incidents
    }
    assert kept.open_incidents == told.open_incidents
    assert not any(delivered(kept, one, "email") for one in kept.notices.values())
    assert replace(kept, notices=told.notices, incidents=told.incidents) == told


def ruled(switched: dict[RuleName, bool]) -> AlertRules:
    """The shipped rules, some of them switched on or off."""
    changes: dict[str, Any] = {
        name: RULES.rule(name).model_copy(update={"enabled": on}) for name, on in switched.items()
    }
    return RULES.model_copy(update={"rules": RULES.rules.model_copy(update=changes)})


@given(st.lists(st.tuples(hours, switches), max_size=12))
def test_a_rule_that_is_switched_off_has_no_open_incident(
    course: list[tuple[dict[str, Any], dict[RuleName, bool]]],
) -> None:
    state = first_state(START)
    for number, (hour, switched) in enumerate(course):
        before = state
        state = advance(state, ruled(switched), facts_of(number, hour, None))

        assert not {one.rule for one in state.open_incidents if not switched.get(one.rule, True)}
        for incident in before.open_incidents:
            if not switched.get(incident.rule, True):
                end = state.notices[f"{incident.incident_id}/recovered"]
                assert "switched off" in end.body["summary"]


OFF: dict[RuleName, bool] = {"failed_run": False}


def failed_by_hand() -> AlertState:
    """A state in which a failed run of hand and its incident are known."""
    return advance(first_state(START), RULES, facts_of(1, NO_GOOD, None))


NO_GOOD = {
    "failures": [False],
    "good": False,
    "runs_seen": True,
    "free": 50,
    "switched_off": False,
}


def outcomes(state: AlertState) -> dict[str, str]:
    return {one.kind: one.outcome for one in state.notices.values()}


def test_what_nobody_was_told_of_ends_untold_with_its_rule() -> None:
    state = advance(failed_by_hand(), ruled(OFF), facts_of(2, NO_GOOD, None))

    assert outcomes(state) == {"failure": "dropped", "recovered": "dropped"}


@pytest.mark.parametrize("status", ["delivered", "sending"])
def test_who_was_told_of_it_is_told_once_that_its_rule_is_off(status: DeliveryStatus) -> None:
    begun = failed_by_hand()
    (notice,) = begun.notices.values()
    taken = Delivery(notice.notice_id, "slack", "m", status, 1, START, "ok")
    state = begun.with_deliveries([taken])
    for hour in (2, 3):
        state = advance(state, ruled(OFF), facts_of(hour, NO_GOOD, None))

    assert outcomes(state) == {"failure": "pending", "recovered": "pending"}
    (end,) = [one for one in state.notices.values() if one.kind == "recovered"]
    assert end.body["summary"] == "nobody looks any more: the rule failed_run is switched off"


def test_a_rule_that_is_switched_on_again_begins_anew() -> None:
    full = {**NO_GOOD, "failures": [], "free": 5}
    state = first_state(START)
    for hour, on in enumerate((True, False, True, True)):
        state = advance(state, ruled({"database_full": on}), facts_of(hour, full, None))

    told = [one.kind for one in state.notices.values() if one.outcome == "pending"]
    assert told == ["opened"]
    assert len(state.incidents) == 2
