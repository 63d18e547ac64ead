"""Fixtures of all tests: a clock, and fresh warehouses on both engines."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from newsapi_dentsu.warehouse import Warehouse
from support.clock import Clock
from support.databases import (
    Database,
    Databases,
    DuckDBDatabases,
    PostgresDatabases,
    disconnect,
    drop,
    postgres_server,
)
from support.examples import MANY, QUICK
from support.memory import open_folder, temporary_root
from support.sharing import of_this_run

pytest_plugins = ["support.compiling", "support.parts", "support.time_limits"]

# A shared machine can take long over any one example.
settings.register_profile(
    "few",
    deadline=None,
    max_examples=QUICK,
    # The fixture that makes databases may serve all examples of a test.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.register_profile("many", settings.get_profile("few"), max_examples=MANY)


def pytest_configure(config: pytest.Config) -> None:
    """Try few examples of each property, and many where all tests run."""
    quick = bool(config.option.markexpr)
    if not config.getoption("hypothesis_profile"):
        settings.load_profile("few" if quick else "many")
    # The processes that xdist starts find it in their environment.
    of_this_run()
    if quick:
        import support.one_thread  # noqa: F401
    # Where pytest makes the folders of the tests.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", temporary_root())
    # What a shell starts in the background ignores Ctrl-C, and so would the commands under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Next to nothing of what tests leave behind is garbage that has to be searched for.
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """Leave what collecting has made out of each later search for garbage: it stays to the end."""
    gc.freeze()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon."""
    return Clock()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for databases."""
    with open_folder("tests") as folder:
        yield folder


@pytest.fixture(scope="session")
def duckdb_databases(scratch: Path) -> DuckDBDatabases:
    """Makes DuckDB files."""
    return DuckDBDatabases(scratch)


@pytest.fixture(scope="session")
def postgres_databases(scratch: Path) -> Iterator[PostgresDatabases]:
    """Makes PostgreSQL databases on a real server."""
    with postgres_server(scratch / "postgres") as dsn:
        databases = PostgresDatabases(dsn)
        yield databases
        databases.close()


@pytest.fixture(params=["duckdb", "postgres"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases; a test that uses it runs once on each engine."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A fresh database with empty tables."""
    made = databases.create()
    yield made
    drop(databases, made)


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[Database]:
    """A fresh database without tables."""
    made = databases.create(tables=False)
    yield made
    drop(databases, made)


@pytest.fixture
def warehouse(database: Database) -> Iterator[Warehouse]:
    """A fresh warehouse with empty tables."""
    opened = database.open()
    yield opened
    disconnect(opened)


@pytest.fixture
def other_warehouse(databases: Databases) -> Iterator[Warehouse]:
    """A second fresh warehouse, to compare with."""
    made = databases.create()
    opened = made.open()
    yield opened
    disconnect(opened)
    drop(databases, made)


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    """Where a DuckDB file may be put."""
    return tmp_path / "data" / "news.duckdb"
