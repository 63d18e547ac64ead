"""A failed fetch keeps what it has, leaves the watermark before the gap, and is never a success."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.errors import SourceError
from newsapi_dentsu.sandbox import Fault
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.api import page_of, serving
from support.articles import TOPICS, article, many
from support.clock import Clock
from support.parts import first_quick
from support.tables import column, count, dump, raw_uris, watermark

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
YESTERDAY = MORNING - timedelta(days=1)
FAULTS = {
    "500": Fault("status", status=500, times=None),
    "503": Fault("status", status=503, times=None),
    "429": Fault("status", status=429, retry_after=1, times=None),
    "error in a 200": Fault("error", times=None),
    "truncated": Fault("truncated", times=None),
    "html": Fault("html", times=None),
    "invalid json": Fault("invalid_json", times=None),
    "hang": Fault("hang", seconds=20, times=None),
    "dropped": Fault("drop", times=None),
    "401": Fault("status", status=401, times=None),
    "403": Fault("status", status=403, times=None),
    "204": Fault("status", status=204, times=None),
    "an empty page where there must be results": Fault(
        "status",
        status=200,
        body='{"articles": {"results": [], "totalResults": 350}}',
        times=None,
    ),
    "tokens spent": Fault("tokens", tokens=0),
}


# The kinds of failure are told apart in Python; what is kept is the same on either engine.
@pytest.mark.parametrize("kind", first_quick(FAULTS, 5))
def test_pages_before_the_failure_stay_and_the_next_run_reads_the_rest(
    warehouse: Warehouse, clock: Clock, kind: str
) -> None:
    articles = [*many(5, at=YESTERDAY, prefix="y"), *many(350, at=MORNING)]
    # Requests: yesterday, then pages 1, 2, 3 and 4 of today; page 3 fails.
    with serving(articles, clock=clock, faults=[replace(FAULTS[kind], on_request=4)]) as api:
        timeout = 0.5 if kind == "hang" else 10
        with pytest.raises(SourceError), api.client(timeout=timeout, attempts=2) as client:
            collect(client, warehouse, TOPICS, now=clock.now, options=CollectOptions(1))
        assert count(warehouse, raw.TABLE) == 5 + 200
        assert watermark(warehouse) == datetime(2026, 11, 20, tzinfo=UTC)
    with serving(articles, clock=clock) as api:
        report = api.collect(warehouse, lookback_days=1)
        assert api.pages(MORNING.date()) == [3, 4]
    assert report.new == 150
    assert raw_uris(warehouse) == sorted(one.uri for one in articles)
    assert watermark(warehouse) == clock.now


@pytest.mark.parametrize("kind", ["error in a 200", "html", "503"])
def test_a_failure_of_the_first_request_stores_nothing_and_is_no_empty_success(
    warehouse: Warehouse, clock: Clock, kind: str
) -> None:
    with (
        serving(many(5, at=MORNING), clock=clock, faults=[FAULTS[kind]]) as api,
        pytest.raises(SourceError),
    ):
        api.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 0
    assert watermark(warehouse) is None


def test_a_failure_never_moves_the_watermark_past_the_gap_however_often_it_comes(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(many(3, at=MORNING), clock=clock) as api:
        api.collect(warehouse, lookback_days=1)
        before = watermark(warehouse)
        for _ in range(5):
            clock.advance(hours=6)
            api.add(article(f"{clock.now:%d%H}", at=clock.now - timedelta(hours=1)))
            api.sandbox.add_fault(Fault("status", status=401))
            with pytest.raises(SourceError):
                api.collect(warehouse)
            assert watermark(warehouse) == before
        clock.advance(hours=6)
        api.collect(warehouse)
    assert count(warehouse, raw.TABLE) == 8
    assert watermark(warehouse) == clock.now


def test_nothing_of_a_page_that_fails_is_stored(warehouse: Warehouse, clock: Clock) -> None:
    with serving(
        many(150, at=MORNING), clock=clock, faults=[Fault("truncated", on_request=3, times=None)]
    ) as api:
        with pytest.raises(SourceError):
            api.collect(warehouse, lookback_days=1)
        assert column(warehouse, raw.TABLE, "uri") == [f"{n:05}" for n in range(1, 101)]


def test_trouble_that_passes_within_the_tries_is_not_noticed_in_the_tables(
    warehouse: Warehouse, other_warehouse: Warehouse, clock: Clock
) -> None:
    articles = many(250, at=MORNING)
    faults = [
        Fault("status", status=503, on_request=1),
        Fault("drop", on_request=3),
        Fault("html", on_request=5),
        Fault("truncated", on_request=7),
    ]
    with serving(articles, clock=clock, faults=faults) as api:
        report = api.run(warehouse, lookback_days=1).collect
    with serving(articles, clock=clock) as api:
        api.run(other_warehouse, lookback_days=1)
    assert report.retries == 4
    assert dump(warehouse) == dump(other_warehouse)


def test_an_account_that_runs_out_of_tokens_continues_when_it_has_some_again(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(many(450, at=MORNING), clock=clock, tokens=4) as api:
        with pytest.raises(SourceError, match="tokens"):
            api.collect(warehouse, lookback_days=1)
        api.sandbox.add_fault(Fault("tokens", tokens=100))
        report = api.collect(warehouse, lookback_days=1)
    assert count(warehouse, raw.TABLE) == 450
    assert report.tokens == 3
    assert report.tokens_left == 97


def test_a_page_that_is_empty_for_once_is_asked_for_again(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(many(5, at=MORNING), clock=clock, faults=[page_of([], total=5)]) as api:
        report = api.collect(warehouse, lookback_days=0)
    assert (report.new, report.disagreements) == (5, {})


def test_a_page_that_is_empty_without_results_to_come_is_believed(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock, faults=[page_of([])]) as api:
        assert api.collect(warehouse, lookback_days=1).complete_through == clock.now
