"""The quicker SQLite storage leaves the files that Dagster's own leaves."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from newsapi_dentsu.dagster_private import SqliteEventLogStorage
from newsapi_dentsu.hosting.sqlite_storage import ProcessEventLog

RUN = "0a1b2c3d-0000-4000-8000-000000000001"


def contents(storage: SqliteEventLogStorage, shard: str) -> list[Any]:
    """How the file of a run, or the index, is built, and which revision it says it has."""
    with storage._connect(shard) as connection:
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
