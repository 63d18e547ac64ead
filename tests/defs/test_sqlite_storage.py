"""The quicker SQLite storage leaves the files that Dagster's own leaves."""

from contextlib import ExitStack
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from newsapi_dentsu.dagster_private import (
    SqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
)
from newsapi_dentsu.hosting.sqlite_storage import (
    ProcessEventLog,
    ProcessRuns,
    ProcessSchedules,
    ProcessStorage,
)
from support.forking import server
from support.processes import finish, process

RUN = "0a1b2c3d-0000-4000-8000-000000000001"


def contents(storage: SqliteEventLogStorage, shard: str) -> list[Any]:
    """How the file of a run, or the index, is built, and which revision it says it has."""
    with storage._connect(shard) as connection:
        return built(connection)


def built(connection: sa.Connection) -> list[Any]:
    return [
        connection.execute(
            sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        ).all(),
        connection.scalar(sa.text("SELECT version_num FROM alembic_version")),
        connection.scalar(sa.text("PRAGMA journal_mode")),
    ]


def test_the_files_are_those_of_dagster(tmp_path: Path) -> None:
    ours = ProcessEventLog(str(tmp_path / "ours"))
    theirs = SqliteEventLogStorage(str(tmp_path / "theirs"))
    try:
        assert contents(ours, RUN) == contents(theirs, RUN)
        assert contents(ours, "index") == contents(theirs, "index")
    finally:
        ours.dispose()
        theirs.dispose()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(ProcessRuns, SqliteRunStorage), (ProcessSchedules, SqliteScheduleStorage)],
    ids=["runs", "schedules"],
)
def test_files_of_records_are_those_of_dagster(tmp_path: Path, ours: Any, theirs: Any) -> None:
    done = sa.text("SELECT name FROM secondary_indexes ORDER BY name")
    found = []
    for storage in (ours, theirs):
        folder = str(tmp_path / storage.__name__)
        with storage.from_local(folder).connect() as connection:
            found.append([built(connection), connection.execute(done).all()])
        # What is there already is opened by either.
        with ours.from_local(folder).connect() as connection:
            assert built(connection) == found[-1][0]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("ours", "file"), [(ProcessRuns, "runs.db"), (ProcessSchedules, "schedules.db")]
)
def test_a_file_without_tables_gets_them(tmp_path: Path, ours: Any, file: str) -> None:
    (tmp_path / file).touch()
    with ours.from_local(str(tmp_path)).connect() as connection:
        assert built(connection)[1]


def open_at_once(folders: list[Path], together: Barrier) -> None:
    for folder in folders:
        together.wait(30)
        ProcessStorage(str(folder)).run_storage.get_run_ids()


def test_commands_that_come_to_a_new_home_at_once_make_its_files_once(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    together = server.Barrier(3)
    with ExitStack() as children:
        started = [
            children.enter_context(process(open_at_once, folders, together)) for _ in range(3)
        ]
        for child in started:
            finish(child)
