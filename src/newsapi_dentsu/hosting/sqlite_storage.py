"""Dagster's SQLite storage, quick enough for one run in one process.

Dagster opens a new engine, and so compiles each statement anew, for every event that it stores,
and sets up its whole migrations for the new file of every run: half of the time of a short run.
The files stay the same, so that the UI and the daemon read them as their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import StaticPool
from typing_extensions import override

from newsapi_dentsu.dagster_private import (
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    DagsterSqliteStorage,
    SqlEventLogStorageMetadata,
    SqliteEventLogStorage,
    get_alembic_config,
    sqlite_event_log,
)


class ProcessEventLog(SqliteEventLogStorage):
    """Dagster's event log with one connection for each file, kept while the process lives."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, sa.Engine] = {}
        super().__init__(base_dir)

    @override
    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                is_new = not Path(self.path_for_shard(shard)).exists()
                engine = sa.create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=StaticPool,
                    connect_args={
                        "timeout": SQLITE_BUSY_TIMEOUT_SECONDS,
                        "check_same_thread": False,
                    },
                )
                # No event waits for the disk: a power cut loses the last ones and damages none.
                sa.event.listen(
                    engine, "connect", lambda db, _: db.execute("PRAGMA synchronous=NORMAL")
                )
                if is_new and shard != INDEX_SHARD_NAME:
                    self._create_shard(engine)
                else:
                    self._initdb(engine)
                self._engines[shard] = engine
            with engine.begin() as connection:
                yield connection

    def _create_shard(self, engine: sa.Engine) -> None:
        """Make a run's file with the tables of today, marked as being of the newest revision."""
        with engine.connect() as connection:
            connection.execute(sa.text("PRAGMA journal_mode=WAL"))
        with engine.begin() as connection:
            SqlEventLogStorageMetadata.create_all(connection)
            MigrationContext.configure(connection).stamp(_migrations(), "head")

    @override
    def dispose(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


@cache
def _migrations() -> ScriptDirectory:
    """Dagster's history of the tables, walked once."""
    return ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))


class ProcessStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with that event log."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = ProcessEventLog(self._event_log_storage._base_dir)

    @override
    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "ProcessStorage":
        return cls.from_local(inst_data=inst_data, **config_value)
