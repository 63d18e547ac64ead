"""A statement that is asked again and again, in a thread or on an event loop."""

import asyncio
import atexit
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine

from .conftest import Open
from .server import Server

BACKEND = "SELECT pg_backend_pid()::text"


def engine_of(warehouse: Warehouse) -> PostgresEngine:
    assert isinstance(warehouse.engine, PostgresEngine)
    return warehouse.engine


def end(server: Server, db_name: str, backend: str) -> None:
    with server.admin(db_name) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [int(backend)])


def told_here(engine: PostgresEngine, sql: str) -> str | None:
    return asyncio.run(engine.glance_here(sql))


def test_one_connection_is_asked_and_another_one_when_it_was_lost(
    opened: Open, server: Server, db_name: str
) -> None:
    engine = engine_of(opened())
    assert told_here(engine, BACKEND) is None
    first = engine.glance(BACKEND)
    assert {told_here(engine, BACKEND), engine.glance(BACKEND)} == {first}
    end(server, db_name, first)
    assert told_here(engine, BACKEND) is None
    second = engine.glance(BACKEND)
    assert second != first
    assert told_here(engine, BACKEND) == second
    end(server, db_name, second)
    assert engine.glance(BACKEND) not in (first, second)


def test_each_statement_has_its_own_answer(opened: Open) -> None:
    engine = engine_of(opened())
    for number in ("1", "2", "1"):
        asked = f"SELECT '{number}'"
        assert engine.glance(asked) == number
        assert told_here(engine, asked) == number
    assert told_here(engine, "SELECT '2'") is None
    assert engine.glance("SELECT 'none' WHERE false") == ""


def test_a_mistake_is_told_and_keeps_nobody_from_asking_again(opened: Open) -> None:
    engine = engine_of(opened())
    for _ in range(2):
        with pytest.raises(WarehouseError, match="nowhere"):
            engine.glance("SELECT missing::text FROM nowhere")
    assert engine.glance("SELECT 'there'") == "there"


def test_those_who_give_up_leave_nothing_behind(opened: Open) -> None:
    engine = engine_of(opened())
    slow = "SELECT 'slow' || pg_sleep(0.3)"

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.glance_here(slow), 0.05)

    assert engine.glance(slow) == "slow"
    asyncio.run(give_up())
    assert engine.glance(slow) == "slow"
    assert told_here(engine, slow) == "slow"


def test_threads_and_an_event_loop_may_ask_at_once(opened: Open) -> None:
    engine = engine_of(opened())
    asked = "SELECT 'one'"
    engine.glance(asked)
    ended = threading.Event()

    async def ask() -> set[str | None]:
        return {await engine.glance_here(asked) for _ in range(300)}

    def keep_asking() -> set[str]:
        found = set[str]()
        while not ended.is_set():
            found.add(engine.glance(asked))
        return found

    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(keep_asking) for _ in range(2)]
        here = asyncio.run(ask())
        ended.set()
        assert [one.result() for one in asking] == [{"one"}, {"one"}]
    # Where a thread has it, a thread is to ask.
    assert here <= {"one", None}


@contextmanager
def frozen(backend: str) -> Iterator[None]:
    """A server process that does nothing for a while, and whose connection stays."""
    os.kill(int(backend), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(int(backend), signal.SIGCONT)


def test_a_server_that_is_silent_is_waited_for_as_long_as_a_connection(opened: Open) -> None:
    engine = engine_of(opened(wait=2))
    first = engine.glance(BACKEND)
    with frozen(first), ThreadPoolExecutor(1) as thread:
        begun = time.monotonic()
        assert thread.submit(told_here, engine, BACKEND).result(10) is None
        second = thread.submit(engine.glance, BACKEND).result(10)
        assert second != first
        assert time.monotonic() - begun < 5
    with frozen(second), ThreadPoolExecutor(1) as thread:
        assert thread.submit(engine.glance, BACKEND).result(10) not in (first, second)


def test_each_new_connection_is_closed_at_the_end_once(opened: Open) -> None:
    engine = engine_of(opened())
    before = atexit._ncallbacks()
    for number in range(5):
        engine.glance(f"SELECT '{number}'")
    assert atexit._ncallbacks() <= before + 1
