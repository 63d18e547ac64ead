"""A server that the tests of this folder may maltreat, and fresh databases on it."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from newsapi_dentsu.warehouse import Warehouse

from .server import Proxy, Server, running_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of this process's own."""
    with running_server() as started:
        yield started


@pytest.fixture
def db_name(server: Server) -> str:
    """The name of an empty database that the role owns."""
    name = f"newsapi_db_{next(_numbers)}"
    server.create_database(name)
    return name


Open = Callable[..., Warehouse]


@pytest.fixture
def opened(server: Server, db_name: str) -> Iterator[Open]:
    """Opens warehouses on the database and closes them after the test."""
    made: list[Warehouse] = []

    def open_(**options: object) -> Warehouse:
        made.append(server.open(db_name, **options))
        return made[-1]

    yield open_
    for warehouse in made:
        warehouse.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A network in front of the server."""
    made = Proxy(server.port)
    yield made
    made.close()
