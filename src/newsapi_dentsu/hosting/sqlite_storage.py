"""Dagster's SQLite storage, quick enough for one run in one process.

Dagster opens a new engine, and so compiles each statement anew, for every event that it stores and
every question that it asks. It reads all of its migrations for each file that it opens, and more
than once for each that it makes. Together that is half of the time of a short run. The files stay
the same, so that the UI and the daemon read them as their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import filelock
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool, StaticPool
from typing_extensions import override

from newsapi_dentsu.dagster_private import (
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    DagsterSqliteStorage,
    RunStorageSqlMetadata,
    ScheduleStorageSqlMetadata,
    SqlEventLogStorageMetadata,
    SqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
    create_db_conn_string,
    folders_of_records,
    get_alembic_config,
    sqlite_event_log,
)

_MAKING_SECONDS = 60
"""So long another process may take to make the files, a moment in general."""


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
                    _make_tables(engine, SqlEventLogStorageMetadata)
                else:
                    self._initdb(engine)
                self._engines[shard] = engine
            with engine.begin() as connection:
                yield connection

    @override
    def _initdb(self, engine: sa.Engine, for_index_shard: bool = False) -> None:
        # Whatever is wrong, or another process does at the same time, Dagster sees to.
        with suppress(sa.exc.DatabaseError):
            if for_index_shard:
                _make_tables(engine, SqlEventLogStorageMetadata)
            if _is_marked(engine):
                return
        super()._initdb(engine, for_index_shard)

    @override
    def dispose(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


class _OneEngine:
    """A file of Dagster's records with one engine, which remembers the statements it has compiled.

    It stands before Dagster's own class for that file.
    """

    file: ClassVar[str]
    metadata: ClassVar[sa.MetaData]

    def __init__(self, conn_string: str, inst_data: Any = None) -> None:
        self._engine = sa.create_engine(conn_string, poolclass=NullPool)
        super().__init__(conn_string, inst_data)  # type: ignore[call-arg]

    @classmethod
    def from_local(cls, base_dir: str, inst_data: Any = None) -> Any:
        is_new = not Path(base_dir, f"{cls.file}.db").exists()
        made: Any = cls(create_db_conn_string(base_dir, cls.file), inst_data)
        if is_new:
            _make_tables(made._engine, cls.metadata)
            made.migrate()
            made.optimize()
        if _is_marked(made._engine):
            return made
        return super().from_local(base_dir, inst_data)  # type: ignore[misc]

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection


class ProcessRuns(_OneEngine, SqliteRunStorage):
    """Dagster's records of runs."""

    file = "runs"
    metadata = RunStorageSqlMetadata


class ProcessSchedules(_OneEngine, SqliteScheduleStorage):
    """Dagster's records of schedules and sensors."""

    file = "schedules"
    metadata = ScheduleStorageSqlMetadata


def _make_tables(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Make the tables of today in a new file, marked as being of the newest revision."""
    Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA journal_mode=WAL"))
    with engine.begin() as connection:
        metadata.create_all(connection)
        MigrationContext.configure(connection).stamp(_migrations(), "head")


def _is_marked(engine: sa.Engine) -> bool:
    """Whether a file says of which revision its tables are: then Dagster leaves it as it is."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() is not None


@cache
def _migrations() -> ScriptDirectory:
    """Dagster's history of the tables, of all files, walked once."""
    return ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))


class ProcessStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage of these parts."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        # Not that of Dagster's class, which would open its own parts first.
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        runs, events, schedules = folders_of_records(base_dir)
        self.base_dir = base_dir
        self._inst_data = inst_data
        Path(base_dir).mkdir(parents=True, exist_ok=True)
        # The files of a new home are made by one of the processes that come to it at once.
        with filelock.FileLock(Path(base_dir, ".making.lock"), timeout=_MAKING_SECONDS):
            self._run_storage = ProcessRuns.from_local(runs)
            self._event_log_storage = ProcessEventLog(events)
            self._schedule_storage = ProcessSchedules.from_local(schedules)

    @override
    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "ProcessStorage":
        return cls.from_local(inst_data=inst_data, **config_value)
