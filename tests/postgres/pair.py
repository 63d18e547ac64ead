"""Two servers, of which one follows the other by streaming replication."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from newsapi_dentsu.warehouse.engines.postgres_servers import caught_up

from .server import PASSWORD, ROLE, Server, running_server

DATABASE = "replicated"


@dataclass
class Pair:
    """The primary, its standby, and a database on both."""

    old: Server
    new: Server

    def engine(self, **options: Any) -> PostgresEngine:
        """The database, wherever its primary is."""
        return self.old.engine(DATABASE, standby=("127.0.0.1", self.new.port), **options)

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that lead to it."""
        return {
            **self.old.settings(DATABASE),
            "POSTGRES_STANDBY": f"127.0.0.1:{self.new.port}",
        }

    @property
    def target(self) -> str:
        """The standby's name."""
        return f"127.0.0.1:{self.new.port}"

    def wait(self) -> None:
        """Until the standby has everything."""
        engine = self.engine()
        old, new = engine.servers.addresses
        assert caught_up(new, old, PASSWORD, 20)

    def make(self) -> None:
        """Make the database, and the standby of its server."""
        self.old.create_database(DATABASE)
        with self.old.admin(DATABASE) as admin:
            admin.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO {}").format(
                    sql.Identifier(ROLE)
                )
            )
        self.new.folder.chmod(0o755)
        source = ("-h", str(self.old.folder), "-p", str(self.old.port), "-U", "postgres")
        copy = ("-D", str(self.new.data), "-R", "-X", "stream", "-C", "-S", "standby", "-c", "fast")
        self.new.run("pg_basebackup", *source, *copy)
        self.new.start()


@contextmanager
def running_pair(folder: Path) -> Iterator[Pair]:
    """A pair for a while."""
    import os
    import pwd

    from .server import USER

    with running_server() as old:
        new = Server(folder / "standby")
        new.folder.mkdir()
        if os.geteuid() == 0:
            os.chown(new.folder, pwd.getpwnam(USER).pw_uid, 0)
        pair = Pair(old, new)
        try:
            pair.make()
            yield pair
        finally:
            for server in (new, old):
                with_trouble(server)


def with_trouble(server: Server) -> None:
    """Stop a server that may not run."""
    try:
        server.stop()
    except (AssertionError, psycopg.Error):
        return
