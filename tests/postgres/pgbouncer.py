"""A real PgBouncer in front of a test's server, in a mode of the test's choice."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .server import PASSWORD, ROLE, USER, Server, free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pgbouncer(server: Server, **options: object) -> Iterator[int]:
    """Run PgBouncer with these lines of configuration; gives its port."""
    assert PROGRAM is not None
    # Not one of pytest's folders: another pytest that begins closes them to others.
    with tempfile.TemporaryDirectory("-newsapi-pgbouncer") as made:
        folder = Path(made)
        port = free_port()
        configuration = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "plain",
            "auth_file": folder / "users.txt",
            "pool_mode": "session",
            "logfile": folder / "pgbouncer.log",
            "ignore_startup_parameters": "",
            "stats_users": ROLE,
            **options,
        }
        lines = [f"{name} = {value}" for name, value in configuration.items()]
        (folder / "users.txt").write_text(f'"{ROLE}" "{PASSWORD}"\n')
        (folder / "pgbouncer.ini").write_text(
            "\n".join(
                [
                    "[databases]",
                    f"* = host=127.0.0.1 port={server.port}",
                    "[pgbouncer]",
                    *lines,
                ]
            )
        )
        kwargs: dict[str, Any] = {}
        if os.geteuid() == 0:
            kwargs = {"user": USER, "group": 0}
            folder.chmod(0o777)
        with subprocess.Popen(
            [PROGRAM, str(folder / "pgbouncer.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **kwargs,
        ) as process:
            try:
                _wait(port, process, folder)
                yield port
            finally:
                # Newer ones take SIGTERM as a wish, and wait for their clients to leave.
                process.kill()


def backends(port: int, database: str) -> list[dict[str, Any]]:
    """What the pooler's console says of its connections to the server."""
    with psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=ROLE,
        password=PASSWORD,
        dbname="pgbouncer",
        autocommit=True,
        row_factory=dict_row,
        cursor_factory=psycopg.ClientCursor,
    ) as console:
        return [row for row in console.execute("SHOW SERVERS") if row["database"] == database]


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user=ROLE, password=PASSWORD, dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "pgbouncer.log").read_text()) from None
            time.sleep(0.05)
        else:
            return
