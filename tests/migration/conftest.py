"""A DuckDB file, an empty PostgreSQL database, and moving the one to the other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.transfer import direct
from newsapi_dentsu.transfer.direct import Transferred
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from support.databases import (
    DuckDBDatabase,
    DuckDBDatabases,
    PostgresDatabase,
    PostgresDatabases,
    disconnect,
)


@pytest.fixture
def file(duckdb_databases: DuckDBDatabases) -> DuckDBDatabase:
    """A DuckDB file with empty tables."""
    return duckdb_databases.create()


@pytest.fixture
def server_database(postgres_databases: PostgresDatabases) -> Iterator[PostgresDatabase]:
    """A PostgreSQL database without tables."""
    made = postgres_databases.create(tables=False)
    yield made
    postgres_databases.drop(made)


@pytest.fixture
def duckdb(file: DuckDBDatabase) -> Warehouse:
    """The warehouse in the file."""
    return file.open()


@pytest.fixture
def postgres(server_database: PostgresDatabase) -> Iterator[Warehouse]:
    """The warehouse on the server."""
    opened = server_database.open()
    yield opened
    disconnect(opened)


def no_bars(_title: str) -> Callable[[int, int], None]:
    """Show no progress."""
    return lambda _done, _total: None


def engine_of(warehouse: Warehouse) -> DuckDBEngine:
    """The engine of a warehouse on DuckDB."""
    assert isinstance(warehouse.engine, DuckDBEngine)
    return warehouse.engine


def move(
    source: DuckDBDatabase, target: Warehouse, *, replace: bool = False, compress: bool = False
) -> Transferred:
    """Move a file to PostgreSQL."""
    with direct.opened(source.open()) as session:
        mark = direct.fingerprint(source.path, session)
        return direct.to_postgres(
            session, target, mark=mark, replace=replace, compress=compress, bars=no_bars
        )


def move_back(source: Warehouse, path: Path, *, replace: bool = False) -> Transferred:
    """Move what PostgreSQL holds to a file."""
    engine = engine_of(DuckDBDatabase(path).open())
    return direct.to_duckdb(source, engine, replace=replace, memory="128MB", bars=no_bars)


@pytest.fixture
def settings_of() -> Callable[..., dict[str, str]]:
    """Makes the settings that lead a command to databases."""

    def settings(
        file: DuckDBDatabase, server: PostgresDatabase | None = None, **more: str
    ) -> dict[str, str]:
        found: dict[str, Any] = {"DUCKDB_PATH": str(file.path), **more}
        if server is not None:
            found |= {
                "POSTGRES_HOST": server.server["host"],
                "POSTGRES_PORT": str(server.server["port"]),
                "POSTGRES_USER": server.server["user"],
                "POSTGRES_DB": server.name,
            }
            if server.server["password"]:
                found["POSTGRES_PASSWORD"] = server.server["password"]
        return found

    return settings
