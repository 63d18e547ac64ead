"""Killed at any moment, the next run completes with the tables of an undisturbed one."""

import random
import time
from datetime import UTC, datetime
from itertools import zip_longest

import pytest

from newsapi_dentsu.sandbox import Fault, SandboxArticle
from newsapi_dentsu.warehouse.tables import final, raw
from support.api import Api, serving
from support.articles import many, varied
from support.clock import Clock
from support.databases import Database, Databases, disconnect, drop
from support.processes import finish, pipeline, process
from support.processing import broken_promises
from support.tables import Dump, count, dump

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
DAYS = 1


@pytest.fixture(scope="module")
def articles() -> list[SandboxArticle]:
    return varied(MORNING, DAYS + 1)


def _complete(api: Api, database: Database) -> float:
    """Run the pipeline and tell how long that takes."""
    started = time.monotonic()
    with process(pipeline, api.sandbox.url, database, api.clock.now, DAYS) as child:
        finish(child)
    return time.monotonic() - started


def _tables(database: Database) -> Dump:
    warehouse = database.open()
    tables = dump(warehouse)
    assert broken_promises(warehouse) == set()
    disconnect(warehouse)
    return tables


def differences(found: Dump, expected: Dump) -> list[str]:
    """The tables that differ, with their first row that does."""
    return [
        f"{table}: {mine} instead of {theirs}"
        for table in expected
        for mine, theirs in zip_longest(found[table], expected[table])
        if mine != theirs
    ][:5]


@pytest.mark.parametrize(
    ("databases", "kills"),
    [
        ("duckdb", 3),
        pytest.param("duckdb", 20, marks=pytest.mark.slow),
        pytest.param("postgres", 20, marks=pytest.mark.slow),
    ],
    indirect=["databases"],
)
@pytest.mark.thorough(
    "tests/stages/test_killed.py::test_killed_after_page_7_of_20_a_run_costs_at_most_one_page_twice"
)
def test_killed_at_random_moments_the_next_run_gives_the_same_tables(
    databases: Databases, articles: list[SandboxArticle], kills: int
) -> None:
    rng = random.Random(20)
    clock = Clock()
    with serving(articles, clock=clock, tokens=100_000) as api:
        undisturbed = databases.create(tables=False)
        _complete(api, undisturbed)
        expected = _tables(undisturbed)
        # Once more: the first process took longer, as it had everything to import.
        whole = _complete(api, databases.create(tables=False))
        assert len(expected[raw.TABLE]) == len(articles)
        assert any(shown["text_of"] for shown in expected[final.TABLE])
        stopped_early = 0
        for _ in range(kills):
            database = databases.create(tables=False)
            clock.now = Clock().now
            with process(pipeline, api.sandbox.url, database, clock.now, DAYS) as child:
                child.join(rng.uniform(0, whole))
                stopped_early += child.is_alive()
                child.kill()
                child.join()
            clock.advance(minutes=5)
            _complete(api, database)
            assert differences(_tables(database), expected) == []
            drop(databases, database)
    assert stopped_early >= kills / 4


def test_killed_after_page_7_of_20_a_run_costs_at_most_one_page_twice(
    databases: Databases,
) -> None:
    database = databases.create()
    with serving(many(2000, at=MORNING), faults=[Fault("hang", seconds=60, on_request=9)]) as api:
        with process(pipeline, api.sandbox.url, database, api.clock.now, 1) as child:
            warehouse = database.open(wait=30)
            deadline = time.monotonic() + 30
            # The day before, pages 1 to 7, and the request for page 8 that hangs.
            while count(warehouse, raw.TABLE) < 700 and time.monotonic() < deadline:
                time.sleep(0.05)
            child.kill()
            child.join()
        assert count(warehouse, raw.TABLE) == 700
        api.sandbox.clear_faults()
        answered = [entry for entry in api.sandbox.requests if entry.path.endswith("/article")]
        assert len(answered) == 8
        api.searches()
        api.collect(warehouse, lookback_days=1)
        pages = api.pages(MORNING.date())
    assert sorted(set(pages)) == list(range(8, 21))
    # The request that hung may have been answered, and logged, after the kill.
    assert len(pages) <= 14
    assert count(warehouse, raw.TABLE) == 2000
    disconnect(warehouse)
