"""What months of backfills spend counts wherever tokens are counted, once."""

from datetime import UTC, datetime, timedelta

from newsapi_dentsu.alerts.table_facts import read_months
from newsapi_dentsu.domain.alerts.facts import Months
from newsapi_dentsu.runs.measuring import begin_run, end_run
from newsapi_dentsu.stages.sharing import SharedGate
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import backfills, run_metrics
from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics
from support.articles import TOPICS

from .conftest import COST, PRICE, Backfilling
from .test_budget import OLD


def ended_run(warehouse: Warehouse, run_id: str, error: str | None = None) -> RunMetrics:
    begin_run(warehouse, run_id, datetime.now(UTC))
    done = end_run(warehouse, run_id, datetime.now(UTC), error=error)
    assert done is not None
    return done


def seen(warehouse: Warehouse, now: datetime | None = None) -> Months:
    return warehouse.read(lambda session: read_months(session, now or datetime.now(UTC)))


def tokens_of_days(warehouse: Warehouse) -> list[tuple[int | None, int | None]]:
    with warehouse.snapshot() as session:
        return session.rows(f"SELECT tokens_used, month_tokens FROM {run_metrics.DAILY}")


def test_the_next_run_tells_what_months_have_spent_and_no_other_does(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    before = ended_run(warehouse, "before")
    backfilling.run()
    first, second = ended_run(warehouse, "first"), ended_run(warehouse, "second")
    assert [one.month_tokens for one in (before, first, second)] == [0, COST, 0]
    assert first.all_tokens == COST
    assert tokens_of_days(warehouse) == [(COST, COST)]


def test_what_months_spend_is_seen_while_they_work_and_after_a_run_has_told_it(
    backfilling: Backfilling, warehouse: Warehouse
) -> None:
    assert seen(warehouse) == Months()
    backfilling.run()
    now = datetime.now(UTC)
    under_way = seen(warehouse, now)
    assert under_way.spent == ((now, COST),)
    assert under_way.tokens_left == backfilling.api.sandbox.tokens_left
    assert under_way.asked_at is not None
    assert now - under_way.asked_at < timedelta(minutes=1)
    told = ended_run(warehouse, "a run", error="it failed")
    assert told.ended_at is not None
    assert seen(warehouse).spent == ((told.ended_at, COST),)
    assert seen(warehouse, now + timedelta(days=40)).spent == ()


def test_a_month_that_is_killed_between_two_runs_is_told_in_parts(warehouse: Warehouse) -> None:
    def gate() -> SharedGate:
        return SharedGate(warehouse, "b", "2025-01", per_minute=6000)

    begun = backfills.Backfill("b", TOPICS.query_id, "days", None, None, datetime.now(UTC))
    warehouse.write(lambda session: backfills.begin(session, begun))
    one = gate()
    for _ in range(3):
        one.enter(OLD)
        one.leave(PRICE, None)
    # What the last answer cost is written with the next request, which never comes.
    assert ended_run(warehouse, "first").month_tokens == 2 * PRICE
    after = gate()
    after.enter(OLD)
    after.leave(PRICE, None)
    after.keep()
    assert ended_run(warehouse, "second").month_tokens == PRICE
    assert seen(warehouse).spent_since(begun.started_at) == 3 * PRICE
