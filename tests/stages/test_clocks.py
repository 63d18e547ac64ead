"""A clock that was wrong for a while loses nothing, and the watermark never moves back."""

from datetime import datetime, timedelta

import pytest

from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import TOPICS, article
from support.clock import NOON, Clock
from support.parts import first_quick
from support.tables import raw_uris, watermark

HOURS = range(0, 11 * 24, 7)


@pytest.mark.parametrize("outage", first_quick(timedelta(days=days) for days in (0, 4, 8)))
def test_a_run_under_a_clock_ten_days_ahead_loses_nothing(
    warehouse: Warehouse, outage: timedelta
) -> None:
    world = Clock()
    articles = [
        article(f"{n:03}", at=NOON + timedelta(hours=n), late=timedelta(hours=n % 48))
        for n in HOURS
    ]
    with serving(articles, clock=world) as api:
        api.collect(warehouse, lookback_days=2)
        world.advance(hours=6)
        with api.client() as client:
            _collect_at(client, warehouse, world.now + timedelta(days=10))
        ahead = watermark(warehouse)
        assert ahead == world.now + timedelta(days=10)
        world.advance(hours=6)
        api.collect(warehouse)
        world.now += outage
        while world.now < NOON + timedelta(days=14):
            world.advance(hours=24)
            api.collect(warehouse)
            now = watermark(warehouse)
            assert now is not None
            assert now >= ahead
    assert raw_uris(warehouse) == [f"{n:03}" for n in HOURS]


def test_days_to_come_cost_no_tokens_after_a_clock_was_ahead(
    warehouse: Warehouse, clock: Clock
) -> None:
    with serving(clock=clock) as api:
        api.collect(warehouse, lookback_days=2)
        with api.client() as client:
            _collect_at(client, warehouse, clock.now + timedelta(days=10))
        clock.advance(hours=6)
        api.collect(warehouse)
        api.searches()
        clock.advance(hours=6)
        api.collect(warehouse)
        days = [day for day, _ in api.searches()]
    assert max(days) == clock.now.date()
    # Three of them, and one that is settled, which takes two readings.
    assert len(set(days)) <= 4
    assert len(days) <= 5


def test_a_run_under_a_clock_that_is_behind_loses_nothing(
    warehouse: Warehouse, clock: Clock
) -> None:
    articles = [article(f"{n:03}", at=NOON + timedelta(hours=n)) for n in range(0, 66, 5)]
    with serving(articles, clock=clock) as api:
        for number in range(8):
            if number % 3 == 1:
                before = watermark(warehouse)
                with api.client() as client:
                    _collect_at(client, warehouse, clock.now - timedelta(days=10))
                assert watermark(warehouse) == before
            else:
                api.collect(warehouse, lookback_days=1)
            clock.advance(hours=10)
        api.collect(warehouse)
    assert raw_uris(warehouse) == [one.uri for one in articles]


def _collect_at(client: NewsApi, warehouse: Warehouse, now: datetime) -> None:
    collect(client, warehouse, TOPICS, now=now, options=CollectOptions(lookback_days=2))
