"""The `newsapi` command as a user runs it: a process of its own in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox
from support import commands

NEWSAPI = Path(sys.executable).with_name("newsapi")
SETTINGS = ("NEWSAPI_", "POSTGRES_", "DUCKDB_", "DAGSTER_", "USE_POSTGRES", "TOPICS_", "LOOKBACK_")


class Finished(commands.Finished):
    """A command that has ended, and what it printed as JSON."""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Workspace:
    """A folder in which commands run, with settings for them."""

    folder: Path
    settings: dict[str, str]

    def environment(self, **extra: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)
        }
        return inherited | self.settings | extra

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [NEWSAPI, *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def newsapi(self, *arguments: str, **settings: str) -> Finished:
        with tempfile.TemporaryDirectory() as scratch:
            finished = commands.run_newsapi(
                list(arguments), self.folder, self.environment(**settings), Path(scratch)
            )
        return Finished(finished.code, finished.out, finished.err)


@pytest.fixture(scope="session")
def api() -> Iterator[Sandbox]:
    """A news API with a generous account."""
    with Sandbox(tokens=100_000) as sandbox:
        yield sandbox


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder, no settings: what a newcomer has."""
    return Workspace(tmp_path, {})


@pytest.fixture
def connected(tmp_path: Path, api: Sandbox) -> Workspace:
    """An empty folder, and settings that name the API and the last few days."""
    settings = {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY, "LOOKBACK_DAYS": "3"}
    return Workspace(tmp_path, settings)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Finished]:
    """A newcomer's folder, and what the first run in it has said; only to look at."""
    workspace = Workspace(tmp_path_factory.mktemp("first"), {})
    finished = workspace.newsapi("run")
    assert finished.code == 0, finished.err
    return workspace, finished


@pytest.fixture
def filled(tmp_path: Path, first: tuple[Workspace, Finished]) -> Workspace:
    """A folder in which `newsapi run` has run once, on the built-in sandbox."""
    shutil.copytree(first[0].folder, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path, {})


@pytest.fixture
def query(request: pytest.FixtureRequest) -> Callable[[Workspace, str], list[tuple[Any, ...]]]:
    """Reads a workspace's DuckDB file."""
    import duckdb

    def read(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(workspace.folder / "data/news.duckdb"), read_only=True) as db:
            return db.execute(sql).fetchall()

    return read
