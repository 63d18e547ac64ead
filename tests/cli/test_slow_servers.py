"""A run ends when its time for fetching is over, whatever the news API answers, and lets go."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.databases import DuckDBDatabase
from support.http import FLOODS, WITHOUT_END, raw_server

from .conftest import Workspace

DEADLINE = 1.5
ENDLESS = [name for name in WITHOUT_END if name not in FLOODS]


def check(folder: Path, name: str) -> None:
    """A run against a server that answers without end, in a folder of its own."""
    asked: list[float] = []

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        asked.append(time.monotonic())
        WITHOUT_END[name](connection, stop)

    with raw_server(behave) as url:
        workspace = Workspace(
            folder,
            {
                "NEWSAPI_HOST": url,
                "NEWSAPI_KEY": "k",
                "FETCH_DEADLINE_SECONDS": str(DEADLINE),
                "LOOKBACK_DAYS": "1",
            },
        )
        finished = workspace.newsapi("run")
        took = time.monotonic() - asked[0]
    assert finished.code == 1, (name, finished.err)
    assert "FETCH_DEADLINE_SECONDS" in finished.err, name
    # An answer without end would last until the test's own limit of two minutes; the other stages
    # and the process's end take a moment, and more of it on a busy machine.
    assert took < DEADLINE + 10, name
    with DuckDBDatabase(folder / "data/news.duckdb").open().run_lock("the next run", wait=0):
        pass


def check_all(folder: Path, names: Iterable[str]) -> None:
    def folders() -> Iterator[Path]:
        for number, _ in enumerate(names):
            (made := folder / str(number)).mkdir()
            yield made

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, folders(), names))


def test_a_run_ends_in_time_and_leaves_its_lock(tmp_path: Path) -> None:
    check_all(tmp_path, ["a dripped header", "gzip of empty blocks"])


@pytest.mark.slow
def test_a_run_ends_in_time_whatever_the_answer_lacks(tmp_path: Path) -> None:
    check_all(tmp_path, ENDLESS)
