"""Backups and lakes in a folder, and the commands that restore them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.lake import archiving
from newsapi_dentsu.lake.archiving import Archived
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.recovery import backups
from newsapi_dentsu.recovery.backups import BackedUp
from newsapi_dentsu.sandbox import SandboxArticle
from newsapi_dentsu.storage import Folder, ObjectStore
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import verdicts
from newsapi_dentsu.warehouse.tables.verdicts import Verdict
from support import commands
from support.api import Api, serving
from support.articles import article, many
from support.clock import NOON, Clock
from support.databases import (
    Database,
    Databases,
    DuckDBDatabase,
    PostgresDatabase,
    disconnect,
    drop,
)

Run = Callable[..., commands.Finished]

BETWEEN = timedelta(hours=6)
"""Between two runs."""

TOPICS_FILE = """
relevance: {threshold: 0}
quality: {min_words: 1}
topics:
  - {name: AI, keywords: [artificial intelligence]}
  - {name: Marketing, keywords: [marketing]}
"""


def silent(_done: int, _total: int) -> None:
    """Show no progress."""


def back_up(
    source: Warehouse, place: ObjectStore, scratch: Path, now: datetime, keep: int = 8
) -> BackedUp:
    """Make a backup."""
    return backups.back_up(
        source, place, scratch=scratch, memory="128MB", keep=keep, now=now, progress=silent
    )


def archive(
    source: Warehouse, place: ObjectStore, scratch: Path, now: datetime, *, anew: bool = False
) -> Archived:
    """Archive what is new."""
    return archiving.archive(source, place, scratch=scratch, anew=anew, now=now, progress=silent)


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    """An empty folder for backups or a lake."""
    return Folder(tmp_path / "place")


@pytest.fixture
def scratch_folder(tmp_path: Path) -> Path:
    """Where files may be put together."""
    return tmp_path / "scratch"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command with a database's settings, in a folder with the tests' topics."""
    (tmp_path / "topics.yaml").write_text(TOPICS_FILE)

    def run(database: Database, *arguments: str, **settings: str) -> commands.Finished:
        environment = settings_of(database, tmp_path) | settings
        with tempfile.TemporaryDirectory() as output:
            return commands.run_newsapi(list(arguments), tmp_path, environment, Path(output))

    return run


def settings_of(database: Database, folder: Path) -> dict[str, str]:
    """The environment in which a command uses a database."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTGRES_", "DUCKDB_", "NEWSAPI_", "USE_"))
    }
    environment["DUCKDB_PATH"] = str(folder / "data" / "news.duckdb")
    if isinstance(database, DuckDBDatabase):
        environment["DUCKDB_PATH"] = str(database.path)
    elif isinstance(database, PostgresDatabase):
        environment |= {
            "USE_POSTGRES": "true",
            "POSTGRES_HOST": database.server["host"],
            "POSTGRES_PORT": str(database.server["port"]),
            "POSTGRES_USER": database.server["user"],
            "POSTGRES_PASSWORD": database.server["password"] or "",
            "POSTGRES_DB": database.name,
        }
    return environment


@dataclass
class Lost:
    """What remains of a pipeline: its backups, its lake, the API, and a control that lived on.

    The backup was made after the first run, the lake is of the second, a third run is only in the
    database that is gone.
    """

    api: Api
    clock: Clock
    control: Warehouse
    settings: dict[str, str]


def say(warehouse: Warehouse, name: str, now: datetime) -> None:
    """Keep a person's verdict on an article."""
    said = Verdict(name, '["AI"]', name, True, "link", "title", "text", "[]", "[]", None, "jo", now)
    with warehouse.transaction() as session:
        verdicts.save(session, [said])


@pytest.fixture(scope="session")
def _histories() -> dict[str, tuple[Database, Path]]:
    """On each engine a database after three runs, and the folder with its backup and its lake."""
    return {}


@pytest.fixture
def lost(
    databases: Databases,
    _histories: dict[str, tuple[Database, Path]],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lost]:
    """Three runs, of which the backup knows one and the lake two; the database lives as control."""
    clock = Clock(NOON + 2 * BETWEEN)
    with serving(_articles(), clock=clock) as api:
        api.embedder = sentence_model()
        if databases.engine not in _histories:
            made, folder = databases.create(), tmp_path_factory.mktemp("history")
            clock.now = NOON
            _live(made, api, folder)
            _histories[databases.engine] = made, folder
        made, folder = _histories[databases.engine]
        for name in ("backups", "lake"):
            shutil.copytree(folder / name, tmp_path / name)
        settings = {
            "BACKUP_LOCATION": str(tmp_path / "backups"),
            "LAKE_LOCATION": str(tmp_path / "lake"),
        }
        database = databases.copy(made)
        control = database.open()
        yield Lost(api, clock, control, settings)
        disconnect(control)
        drop(databases, database)


def _articles() -> list[SandboxArticle]:
    """What each of the runs finds new."""
    second, third = (NOON + number * BETWEEN - timedelta(hours=2) for number in (1, 2))
    # Another record of a page that the backup knows.
    url = "https://adledger.example/00003"
    return [
        *many(20, at=NOON - timedelta(hours=3)),
        *many(6, at=second, prefix="second-"),
        article("twin", at=second, url=url, title="Corrected"),
        *many(5, at=third, prefix="third-"),
    ]


def _live(database: Database, api: Api, folder: Path) -> None:
    warehouse = database.open()
    scratch = folder / "scratch"
    for number in range(3):
        api.run(warehouse, lookback_days=3)
        if number < 2:
            say(warehouse, f"0000{number + 1}", api.clock.now)
        if number == 0:
            back_up(warehouse, Folder(folder / "backups"), scratch, api.clock.now)
        if number < 2:
            archive(warehouse, Folder(folder / "lake"), scratch, api.clock.now)
            api.clock.now += BETWEEN
    disconnect(warehouse)


@pytest.fixture
def target(databases: Databases) -> Iterator[Database]:
    """A place for a new database, without tables."""
    made = databases.create(tables=False)
    yield made
    drop(databases, made)
