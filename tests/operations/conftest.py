"""A folder for processes, and settings for them."""

import os
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.services import BIN


@dataclass
class Place:
    """A working folder with settings, in which commands and services run."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTEST_CURRENT_TEST")}
        kept["PATH"] = f"{BIN}:{kept['PATH']}"
        home = {"HOME": str(self.folder), "TMPDIR": "/tmp"}  # noqa: S108
        return kept | home | self.settings | more

    def newsapi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "newsapi", *arguments],
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder, no settings: the sandbox and DuckDB."""
    return Place(tmp_path)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
