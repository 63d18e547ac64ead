"""Commands that were asked for the same work on one backfill, which ends with the last of them."""

import os
import threading
import time
from contextlib import ExitStack
from multiprocessing.synchronize import Event

import pytest

from newsapi_dentsu.runs.months import at_work, take_up_backfill
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables.backfills import Backfill
from support.articles import TOPICS
from support.databases import Database, place_of
from support.processes import event, process

# Locks are the engine's own.
pytestmark = pytest.mark.each_engine

DAYS = "2015-01-01 to 2025-12-31"


@pytest.fixture
def settings(database: Database) -> Settings:
    return Settings(_env_file=None, **place_of(database))


def taken_up(settings: Settings, warehouse: Warehouse) -> Backfill:
    return take_up_backfill(settings, warehouse, TOPICS, DAYS)[0]


def work_until_killed(database: Database, at_it: Event) -> None:
    with at_work(database.open(), TOPICS, DAYS):
        at_it.set()
        time.sleep(60)


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_a_backfill_ends_with_the_last_of_those_who_work_on_it(
    database: Database, settings: Settings, warehouse: Warehouse, first_to_end: int
) -> None:
    with ExitStack() as both:
        ends = [both.enter_context(at_work(database.open(), TOPICS, DAYS)) for _ in range(2)]
        one, other = taken_up(settings, warehouse), taken_up(settings, warehouse)
        assert one == other
        ends[first_to_end](one, False)
        assert taken_up(settings, warehouse) == one
        ends[1 - first_to_end](other, False)
        assert taken_up(settings, warehouse) != one


def test_a_backfill_of_which_all_days_were_read_ends_though_others_are_still_there(
    database: Database, settings: Settings, warehouse: Warehouse
) -> None:
    with (
        at_work(database.open(), TOPICS, DAYS),
        at_work(database.open(), TOPICS, DAYS) as end,
    ):
        begun = taken_up(settings, warehouse)
        end(begun, True)
        assert taken_up(settings, warehouse) != begun


def test_whoever_is_killed_works_no_more_and_the_one_that_is_left_ends_it(
    database: Database, settings: Settings, warehouse: Warehouse
) -> None:
    at_it = event()
    with (
        process(work_until_killed, database, at_it) as child,
        at_work(database.open(), TOPICS, DAYS) as end,
    ):
        assert at_it.wait(30)
        begun = taken_up(settings, warehouse)
        assert child.pid is not None
        os.kill(child.pid, 9)
        child.join()
        end(begun, False)
    assert taken_up(settings, warehouse) != begun


def test_those_who_work_on_other_days_keep_no_backfill_from_its_end(
    database: Database, settings: Settings, warehouse: Warehouse
) -> None:
    with (
        at_work(database.open(), TOPICS, "other days"),
        at_work(database.open(), TOPICS, DAYS) as end,
    ):
        begun = taken_up(settings, warehouse)
        end(begun, False)
    assert taken_up(settings, warehouse) != begun


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_of_commands_that_begin_at_the_same_moment_only_one_begins_a_backfill(
    database: Database, settings: Settings, warehouse: Warehouse
) -> None:
    found: list[Backfill] = []
    together = threading.Barrier(5)

    def begin() -> None:
        own = database.open()
        own.read(lambda session: session.rows("SELECT 1"))
        together.wait(20)
        found.append(taken_up(settings, own))

    commands = [threading.Thread(target=begin) for _ in range(5)]
    for one in commands:
        one.start()
    for one in commands:
        one.join(30)
    assert len(found) == 5
    assert len({one.backfill_id for one in found}) == 1


def test_whoever_comes_while_the_last_one_ends_it_waits_and_begins_another(
    database: Database, settings: Settings, warehouse: Warehouse
) -> None:
    begun: list[Backfill] = []

    def come() -> None:
        with at_work(database.open(), TOPICS, DAYS):
            begun.append(taken_up(settings, database.open()))

    coming = threading.Thread(target=come)
    with at_work(database.open(), TOPICS, DAYS) as end:
        first = taken_up(settings, warehouse)
        end(first, False)
        coming.start()
        coming.join(0.7)
        assert begun == []
    coming.join(20)
    assert begun
    assert begun[0] != first
