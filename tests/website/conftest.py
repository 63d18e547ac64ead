"""The served news over either engine, asked over real HTTP."""

import shutil
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from newsapi_dentsu.reading.library import CopyLibrary, Library, ServerLibrary
from newsapi_dentsu.reading.saved import SavedSearches
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.website.answers import Answers, NearAnswers
from newsapi_dentsu.website.app import application
from newsapi_dentsu.website.connections import BoundedConnection
from newsapi_dentsu.website.gate import Access
from newsapi_dentsu.website.graphql_http import GraphQLOptions
from support.articles import body, record
from support.clock import NOON
from support.databases import Database, Databases, disconnect, drop
from support.processing import process, store
from support.searching import published

HOUR = timedelta(hours=1)
_USUAL = GraphQLOptions()


@contextmanager
def serving(
    library: Library,
    *hosts: str,
    access: Access | None = None,
    origins: Collection[str] = (),
    saved: SavedSearches | None = None,
    graphql: GraphQLOptions = _USUAL,
    answers: Answers | None = None,
) -> Iterator[str]:
    """The application on a free port of this machine; it keeps answers, as it does by default."""
    answers = answers or Answers(NearAnswers(10_000_000), None)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(library, hosts, access, origins, saved, graphql, answers),
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
        # It ends within a tenth of a second, for which no test has to wait.
        server.should_exit = True


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


@contextmanager
def site_of(
    warehouse: Warehouse, folder: Path, saved: SavedSearches | None = None
) -> Iterator[Site]:
    """What is served of a warehouse; of a file, what was published into the folder."""
    library: Library = ServerLibrary(warehouse.engine)
    if warehouse.engine.name == "DuckDB":
        library = CopyLibrary(folder)
    with serving(library, saved=saved) as url:
        yield Site(url, warehouse, folder)


@pytest.fixture
def site(warehouse: Warehouse, tmp_path: Path) -> Iterator[Site]:
    """An empty site."""
    published(warehouse, tmp_path)
    with site_of(warehouse, tmp_path) as made:
        yield made


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


Published = Callable[[str, Iterable[dict[str, Any]]], Warehouse]


@pytest.fixture(scope="session")
def _patterns() -> dict[tuple[str, str], tuple[Database, Path]]:
    """On each engine, by name, a database with some records and what is published of it."""
    return {}


@pytest.fixture
def with_records(
    databases: Databases,
    _patterns: dict[tuple[str, str], tuple[Database, Path]],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Published]:
    """Makes a warehouse of the test's own that has records, which are processed once by name."""
    with ExitStack() as stack:

        def made(name: str, records: Iterable[dict[str, Any]]) -> Warehouse:
            key = databases.engine, name
            if key not in _patterns:
                pattern, folder = databases.create(), tmp_path_factory.mktemp("published")
                warehouse = pattern.open()
                Site("", warehouse, folder).run(*records)
                disconnect(warehouse)
                _patterns[key] = pattern, folder
            pattern, folder = _patterns[key]
            shutil.copytree(folder, tmp_path, symlinks=True, dirs_exist_ok=True)
            database = databases.copy(pattern)
            stack.callback(drop, databases, database)
            warehouse = database.open()
            stack.callback(disconnect, warehouse)
            return warehouse

        yield made


@pytest.fixture
def filled(with_records: Published, tmp_path: Path) -> Iterator[Site]:
    """A site with a few stories, of the test's own."""
    with site_of(with_records("news", news()), tmp_path) as made:
        yield made
