"""The served news over either engine, asked over real HTTP."""

import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.saved import SavedSearches
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.website.app import application
from newsapi_dentsu.website.connections import BoundedConnection
from newsapi_dentsu.website.gate import Access
from support.articles import body, record
from support.clock import NOON
from support.processing import process, store
from support.searching import published

HOUR = timedelta(hours=1)


@contextmanager
def serving(
    library: Library,
    *hosts: str,
    access: Access | None = None,
    origins: Collection[str] = (),
    saved: SavedSearches | None = None,
) -> Iterator[str]:
    """The application on a free port of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(library, hosts, access, origins, saved),
        log_level="warning",
        access_log=False,
        http=BoundedConnection,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass
class Site:
    """What is served, and the tables behind it."""

    url: str
    warehouse: Warehouse
    folder: Path

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **options)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, *records: dict[str, Any], now: datetime = NOON) -> None:
        """Store records, process them and publish, as a run does."""
        if records:
            store(self.warehouse, *records, now=now)
        process(self.warehouse, now=now)
        published(self.warehouse, self.folder)


@pytest.fixture
def site(warehouse: Warehouse, tmp_path: Path) -> Iterator[Site]:
    """An empty site."""
    with serving(published(warehouse, tmp_path)) as url:
        yield Site(url, warehouse, tmp_path)


def source(number: int) -> dict[str, str]:
    return {"uri": f"site{number}.example", "title": f"Site {number}"}


def news() -> list[dict[str, Any]]:
    """One story in three places, one in two, and one alone; another one the day before."""
    return [
        record("alone", NOON - HOUR, title="The one alone", source=source(4)),
        record("two", NOON - 2 * HOUR, title="Carried twice", source=source(1)),
        record("two-b", NOON - HOUR, body=body("two"), source=source(2)),
        record("three", NOON - 6 * HOUR, title="Carried thrice", source=source(1)),
        record("three-b", NOON - 3 * HOUR, body=body("three"), source=source(2)),
        record("three-c", NOON - 2 * HOUR, body=body("three"), source=source(3)),
        record("before", NOON - 30 * HOUR, title="The day before", source=source(5)),
    ]


@pytest.fixture
def filled(site: Site) -> Site:
    """A site with a few stories."""
    site.run(*news())
    return site
