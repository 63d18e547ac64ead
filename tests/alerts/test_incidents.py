"""Whatever happens, an incident has one beginning and one end, and a run is told once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.alerts.rules_file import SHIPPED_RULES
from newsapi_dentsu.domain.alerts.facts import DaemonSigns, Facts, Failure, RunHistory, Tables
from newsapi_dentsu.domain.alerts.incidents import AlertState, advance, first_state, forget
from newsapi_dentsu.domain.alerts.routing import delivered, fallback_notices, notices_for
from newsapi_dentsu.domain.alerts.rules import CHANNELS, ChannelName, parse_rules

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
