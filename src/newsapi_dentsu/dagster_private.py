"""Everything that the pipeline takes from Dagster beyond its documented interface.

An upgrade of Dagster may move any of these names without notice. They are imported here and nowhere
else, and a test looks each of them up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorTick, TickData
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sql import get_alembic_config
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    BACKFILL_ID_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    ROOT_RUN_ID_TAG,
    SCHEDULE_NAME_TAG,
    WILL_RETRY_TAG,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData
from dagster._utils import log as _consoles
from dagster_shared.error import SerializableErrorInfo

__all__ = [
    "AUTO_RETRY_RUN_ID_TAG",
    "BACKFILL_ID_TAG",
    "FINISHED_STATUSES",
    "INDEX_SHARD_NAME",
    "MAX_RUNTIME_SECONDS_TAG",
    "ROOT_RUN_ID_TAG",
    "SCHEDULE_NAME_TAG",
    "SQLITE_BUSY_TIMEOUT_SECONDS",
    "WILL_RETRY_TAG",
    "ConfigurableClassData",
    "DaemonHeartbeat",
    "DagsterSqliteStorage",
    "InstanceRef",
    "InstigatorStatus",
    "InstigatorTick",
    "RunStorageSqlMetadata",
    "ScheduleStorageSqlMetadata",
    "SerializableErrorInfo",
    "SqlEventLogStorageMetadata",
    "SqliteEventLogStorage",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
    "TickData",
    "create_db_conn_string",
    "folders_of_records",
    "get_alembic_config",
    "kept_connections",
    "print_with",
    "run_daemon",
    "sqlite_event_log",
]


def folders_of_records(base: str) -> tuple[str, str, str]:
    """Where in a home SQLite files are: of runs, of their events, of schedules and sensors."""
    return _runs_directory(base), _event_logs_directory(base), _schedule_directory(base)


@contextmanager
def kept_connections(instance: DagsterInstance, seconds: int) -> Iterator[None]:
    """Let Dagster's storage in PostgreSQL use a connection again that still answers.

    Dagster opens one for each event that it stores and each question that it asks, which is most of
    the server's work for a short run. Storage that somebody has configured elsewhere is left alone.
    """
    from dagster_postgres.utils import create_pg_engine

    storages: list[Any] = [
        instance.run_storage,
        instance.event_log_storage,
        instance.schedule_storage,
    ]
    addresses = {getattr(storage, "postgres_url", None) for storage in storages}
    if None in addresses or len(addresses) > 1:
        yield
        return
    engine = create_pg_engine(
        storages[0].postgres_url,
        storages[0]._token_provider,
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=-1,
        pool_pre_ping=True,
        pool_recycle=seconds,
    )
    for storage in storages:
        storage._engine = engine
    try:
        yield
    finally:
        engine.dispose()


def run_daemon(arguments: list[str]) -> None:
    """Run Dagster's daemon in this process, as `dagster-daemon run` does."""
    from dagster._daemon.cli import run_command

    command: Callable[..., Any] = run_command.main
    command(arguments, standalone_mode=False)


def print_with(consoles: object) -> None:
    """Have Dagster make its consoles with `consoles` instead of the library coloredlogs."""
    vars(_consoles)["coloredlogs"] = consoles
