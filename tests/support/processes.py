"""Other processes that use a warehouse: started quickly, killed for real."""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb

from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.sandbox import SANDBOX_KEY
from newsapi_dentsu.stages import curate, deduplicate, group
from newsapi_dentsu.stages.collect import CollectOptions

from .api import run_pipeline
from .articles import TOPICS, body, record
from .databases import Database
from .forking import server
from .processing import process as process_records
from .processing import store


@contextmanager
def process(work: Callable[..., Any], *arguments: Any) -> Iterator[BaseProcess]:
    """Run `work` in another process; what is left of it is killed in the end."""
    child = server.Process(target=work, args=arguments)
    child.start()
    try:
        yield child
    finally:
        child.kill()
        child.join()


def finish(child: BaseProcess, seconds: float = 60) -> None:
    """Wait until a process ends well."""
    child.join(seconds)
    assert child.exitcode == 0, f"the process ended with {child.exitcode}"


def event() -> Event:
    """Something that one process waits for and another sets."""
    return server.Event()


def pipeline(url: str, database: Database, now: datetime, lookback_days: int) -> None:
    """Run the three stages as a process of its own does, in small batches."""
    logging.disable()
    curate.BATCH_ROWS = deduplicate.BATCH_ROWS = group.BATCH_ROWS = 60
    warehouse = database.open(wait=30)
    warehouse.upgrade()
    client = NewsApi(url, SANDBOX_KEY, timeout=30)
    run_pipeline(client, warehouse, TOPICS, now, CollectOptions(lookback_days=lookback_days))


def upgrade(database: Database, ready: Event) -> None:
    """Create the tables as soon as told to."""
    warehouse = database.open(wait=30)
    ready.wait(30)
    warehouse.upgrade()


def hold_transaction(database: Database, held: Event, seconds: float) -> None:
    """Keep a transaction open for a while."""
    with database.open().transaction() as session:
        session.execute("INSERT INTO ops.positions (name, value) VALUES ('held', 1)")
        held.set()
        time.sleep(seconds)


def hold_run_lock(database: Database, held: Event, seconds: float) -> None:
    """Keep the run lock for a while."""
    with database.open().run_lock(f"run of process {os.getpid()}", wait=5):
        held.set()
        time.sleep(seconds)


def write_one_after_another(database: Database, name: str, times: int) -> None:
    """Count up a position, each time in a transaction of its own."""
    warehouse = database.open(wait=60)
    for _ in range(times):
        with warehouse.transaction() as session:
            session.execute(
                "INSERT INTO ops.positions (name, value) VALUES ($1, 1) "
                "ON CONFLICT (name) DO UPDATE SET value = positions.value + 1",
                name,
            )


def change_articles(database: Database, at: datetime, articles: int, ready: Event) -> None:
    """Bring articles, change some and have some leave, run after run, until killed."""
    logging.disable()
    warehouse = database.open(wait=60)
    for turn in itertools.count(1):
        now = at + timedelta(minutes=turn)
        uris = [f"{(turn * 5 + number) % articles:05}" for number in range(5)]
        changed = [
            record(uri, at, title=f"Turn {turn}", body=body(f"{uri}-{turn}")) for uri in uris
        ]
        # Dated anew, one moves to another place; another one is a copy of what was there before.
        changed[0]["dateTimePub"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        changed[1]["body"] = body(f"{articles - 1:05}")
        store(warehouse, *changed, record(f"new-{turn}", now), now=now)
        process_records(warehouse, now=now)
        ready.set()
        # As a run does that fetches: readers come in between.
        time.sleep(0.2)


def read_copy(path: Path, ready: Event, done: Event, pause: float) -> None:
    """Hold the reader's copy open and open it anew, until told to end; each is one state.

    Between two looks it pauses (seconds), so that many can read on few processors.
    """
    consistent = (
        "SELECT (SELECT change_seq FROM final.reading_state) >= "
        "(SELECT max(change_seq) FROM final.article_changes), "
        "(SELECT count(*) FROM final.stories) = "
        "(SELECT count(DISTINCT story_id) FROM final.articles), "
        "(SELECT count(*) FROM final.articles)"
    )
    with duckdb.connect(str(path), read_only=True) as held:
        at_first = held.execute(consistent).fetchall()
        while not done.is_set():
            with duckdb.connect() as fresh:
                fresh.execute(f"ATTACH '{path}' AS news (READ_ONLY)")
                fresh.execute("USE news")
                ((same_state, same_stories, _),) = fresh.execute(consistent).fetchall()
                assert (same_state, same_stories) == (True, True)
            assert held.execute(consistent).fetchall() == at_first
            ready.set()
            done.wait(pause)
