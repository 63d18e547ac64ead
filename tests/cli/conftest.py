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

from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import open_warehouse
from support import commands
from support.sharing import made_once

NEWSAPI = Path(sys.executable).with_name("newsapi")
SETTINGS = ("NEWSAPI_", "POSTGRES_", "DUCKDB_", "DAGSTER_", "USE_POSTGRES", "TOPICS_", "LOOKBACK_")

FEW = 5
"""Articles of a day where a test is about something else than the news."""


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

    def fork(self, *arguments: str, **settings: str) -> commands.Started:
        """Start a command that neither terminal nor imports are the subject of."""
        return commands.Started(list(arguments), self.folder, self.environment(**settings))

    def newsapi(self, *arguments: str, **settings: str) -> Finished:
        with tempfile.TemporaryDirectory() as scratch:
            finished = commands.run_newsapi(
                list(arguments), self.folder, self.environment(**settings), Path(scratch)
            )
        return Finished(finished.code, finished.out, finished.err)


@pytest.fixture(scope="session")
def api() -> Iterator[Sandbox]:
    """A news API with a generous account and little news."""
    with Sandbox(tokens=100_000, articles_per_day=FEW) as sandbox:
        yield sandbox


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder, no settings: what a newcomer has."""
    return Workspace(tmp_path, {})


@pytest.fixture(scope="session")
def prepared() -> Path:
    """Empty tables and Dagster's empty records, which every first run would make anew."""

    def make(folder: Path) -> None:
        settings = Settings(_env_file=None, duckdb_path=folder / "data/news.duckdb")
        open_warehouse(settings).upgrade()
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("DAGSTER_HOME", raising=False)
            with opened_instance(settings, prepare_home(settings)):
                pass

    return made_once("prepared-home", make) / "data"


@pytest.fixture
def connected(tmp_path: Path, prepared: Path, api: Sandbox) -> Workspace:
    """A folder with empty tables, and settings that name the API and the last few days."""
    shutil.copytree(prepared, tmp_path / "data")
    settings = {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY, "LOOKBACK_DAYS": "3"}
    return Workspace(tmp_path, settings)


@pytest.fixture(scope="session")
def first() -> tuple[Workspace, Finished]:
    """A newcomer's folder, and what the first run in it has said; only to look at.

    Its ten days are enough for all who look, and a third of the month that is read by default.
    """
    return run_once("first", LOOKBACK_DAYS="10")


def run_once(
    name: str, *arguments: str, after: Workspace | None = None, **settings: str
) -> tuple[Workspace, Finished]:
    """A folder after `newsapi run` in a copy of another one, for all processes of the tests."""

    def make(folder: Path) -> None:
        if after is not None:
            shutil.copytree(after.folder, folder / "home")
        (folder / "home").mkdir(exist_ok=True)
        finished = Workspace(folder / "home", {}).newsapi("run", *arguments, **settings)
        assert finished.code == 0, finished.err
        (folder / "said.json").write_text(json.dumps([finished.out, finished.err]))

    made = made_once(f"run-{name}", make)
    out, err = json.loads((made / "said.json").read_text())
    return Workspace(made / "home", {}), Finished(0, out, err)


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
