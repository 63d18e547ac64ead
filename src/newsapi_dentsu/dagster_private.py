"""Everything that the pipeline takes from Dagster beyond its documented interface.

An upgrade of Dagster may move any of these names without notice. They are imported here and nowhere
else, and a test looks each of them up.
"""

from collections.abc import Callable
from typing import Any

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
    "print_with",
    "run_daemon",
    "sqlite_event_log",
]


def folders_of_records(base: str) -> tuple[str, str, str]:
    """Where in a home SQLite files are: of runs, of their events, of schedules and sensors."""
    return _runs_directory(base), _event_logs_directory(base), _schedule_directory(base)


def run_daemon(arguments: list[str]) -> None:
    """Run Dagster's daemon in this process, as `dagster-daemon run` does."""
    from dagster._daemon.cli import run_command

    command: Callable[..., Any] = run_command.main
    command(arguments, standalone_mode=False)


def print_with(consoles: object) -> None:
    """Have Dagster make its consoles with `consoles` instead of the library coloredlogs."""
    vars(_consoles)["coloredlogs"] = consoles
