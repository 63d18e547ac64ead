"""However many months ask at once, they spend no more than they may, at the pace that is set."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.errors import BudgetSpentError
from newsapi_dentsu.runs.months import begin_backfill, take_up_backfill
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.sharing import LONGEST_HOLD_OFF, SharedGate
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import backfills, positions
from newsapi_dentsu.warehouse.tables.backfills import Backfill, Spent
from support.articles import TOPICS
from support.databases import Databases, fresh
from support.tables import raw_uris

from .conftest import ARTICLES, COST, PRICE, Backfilling

OLD = date(2025, 3, 1)
MONTHS = ("2025-01", "2025-02", "2025-03")


def begun(warehouse: Warehouse, tokens: int | None = None) -> None:
    now = datetime.now(UTC)
    backfill = backfills.Backfill("b", TOPICS.query_id, "months", tokens, None, now)
    warehouse.write(lambda session: backfills.begin(session, backfill))


def gate_of(
    warehouse: Warehouse,
    month: str = MONTHS[0],
    per_minute: int = 6000,
    sleep: Callable[[float], None] = lambda _: None,
) -> SharedGate:
    return SharedGate(warehouse, "b", month, per_minute=per_minute, sleep=sleep)


def spent_in_all(warehouse: Warehouse) -> Spent:
    return warehouse.read(lambda session: backfills.spent(session, "b"))


@given(
    allowed=st.integers(1, 60),
    asked=st.lists(
        st.tuples(
            st.sampled_from(MONTHS),
            st.sampled_from(["answered", "cheaper", "lost", "killed"]),
        ),
        max_size=20,
    ),
)
def test_months_that_ask_lose_answers_and_are_killed_never_spend_more(
    databases: Databases, allowed: int, asked: list[tuple[str, str]]
) -> None:
    with fresh(databases) as warehouse:
        begun(warehouse, tokens=allowed)
        gates = {month: gate_of(warehouse, month) for month in MONTHS}
        charged = told = 0
        for month, fate in asked:
            try:
                gates[month].enter(OLD)
            except BudgetSpentError:
                continue
            # The API has charged for the request, whatever becomes of its answer.
            cost = 1 if fate == "cheaper" else PRICE
            charged += cost
            assert charged <= allowed
            if fate == "killed":
                gates[month] = gate_of(warehouse, month)
                continue
            gates[month].leave(None if fate == "lost" else cost, None)
            told += 0 if fate == "lost" else cost
        for gate in gates.values():
            gate.keep()
        spent = spent_in_all(warehouse)
        # What an answer said last, before its process was killed, may be among the unanswered.
        assert spent.tokens <= told
        assert spent.tokens <= charged <= spent.at_most
        assert spent.requests <= len(asked)


def test_months_at_once_stay_within_their_tokens_and_the_next_backfill_ends_them(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    allowed = COST // 2 + 3
    backfilling.settings = backfilling.settings.model_copy(update={"backfill_tokens": allowed})
    first = backfilling.run()
    assert first.tokens == backfilling.api.sandbox.tokens_used
    assert allowed - PRICE < first.tokens <= allowed
    assert backfilling.failed()
    assert all("may spend" in why for why in backfilling.failed().values())
    backfilling.settings = backfilling.settings.model_copy(update={"backfill_tokens": None})
    second = backfilling.run()
    assert backfilling.failed() == {}
    # No page was paid for twice.
    assert first.tokens + second.tokens == backfilling.api.sandbox.tokens_used == COST
    assert raw_uris(warehouse) == sorted(one.record["uri"] for one in ARTICLES)


def test_requests_are_capped_for_all_months_together(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    backfilling.settings = backfilling.settings.model_copy(update={"max_requests_per_run": 9})
    assert backfilling.run().requests == 9
    assert len(backfilling.days_asked()) == 9
    assert all("MAX_REQUESTS_PER_RUN" in why for why in backfilling.failed().values())


@pytest.mark.parametrize(
    ("setting", "named", "holds"),
    [(None, None, 40), (60, None, 40), (30, None, 30), (None, 50, 50), (30, 50, 50)],
)
def test_a_command_that_names_no_limit_does_not_lift_that_of_one_at_work(
    backfilling: Backfilling,
    warehouse: Warehouse,
    setting: int | None,
    named: int | None,
    holds: int,
) -> None:
    def settings(tokens: int | None, requests: int | None) -> Settings:
        update = {"backfill_tokens": tokens, "max_requests_per_run": requests}
        return backfilling.settings.model_copy(update=update)

    begin_backfill(settings(40, 9), warehouse, TOPICS, "b", "years")
    second, was_there = take_up_backfill(
        settings(setting, None), warehouse, TOPICS, "years", tokens=named
    )
    assert was_there
    assert (second.tokens_allowed, second.requests_allowed) == (holds, 9)
    begun = Backfill("b", TOPICS.query_id, "years", None, None, datetime.now(UTC))
    kept = warehouse.write(lambda session: backfills.begin(session, begun))
    assert (kept.tokens_allowed, kept.requests_allowed) == (holds, 9)


def test_turns_come_at_the_pace_that_is_set_whoever_asks(warehouse: Warehouse) -> None:
    begun(warehouse)
    gates = [gate_of(warehouse, month, per_minute=60) for month in MONTHS]
    turns = []
    for gate in gates * 3:
        gate.enter(OLD)
        gate.leave(PRICE, None)
        turns.append(turn(warehouse))
    gaps = [after - before for before, after in itertools.pairwise(turns)]
    assert min(gaps) >= timedelta(seconds=0.999)


@pytest.mark.parametrize(("wish", "waits"), [(30.0, 30.0), (86_400.0, LONGEST_HOLD_OFF)])
def test_all_stand_back_when_one_is_told_to_but_not_for_ever(
    warehouse: Warehouse, wish: float, waits: float
) -> None:
    begun(warehouse)
    slept: list[float] = []
    one = gate_of(warehouse, MONTHS[0])
    other = gate_of(warehouse, MONTHS[1], sleep=slept.append)
    one.enter(OLD)
    one.leave(0, wish)
    other.enter(OLD)
    assert waits - 10 < slept[0] <= waits + 0.1


def test_a_turn_that_was_noted_under_a_clock_ahead_keeps_nobody_waiting(
    warehouse: Warehouse,
) -> None:
    begun(warehouse)
    ahead = int((datetime.now(UTC) + timedelta(days=3)).timestamp() * 1e6)
    with warehouse.transaction() as session:
        positions.set_position(session, backfills.TURN, ahead)
    slept: list[float] = []
    gate_of(warehouse, sleep=slept.append).enter(OLD)
    assert sum(slept) < 1


def turn(warehouse: Warehouse) -> datetime:
    found = warehouse.read(lambda session: positions.position(session, backfills.TURN))
    return datetime.fromtimestamp(found / 1e6, UTC)
