"""Dagster's own records, read without importing Dagster: heartbeats, switches, runs.

The tables are Dagster's (`DaemonHeartbeatsTable`, `InstigatorsTable`, `RunsTable`): in schema
`dagster` of the same PostgreSQL database, or in SQLite files in Dagster's home.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.warehouse import open_warehouse

_FILES: Final = {
    "runs": "history/runs.db",
    "events": "history/runs/index.db",
    "schedules": "schedules/schedules.db",
}
"""Where in a home the records are."""


class Read(Protocol):
    """Runs a query, `{schema}` standing for where the tables are."""

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows."""
        ...


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that was asked for last."""

    run_id: str
    job: str
    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class DagsterRecords:
    """What Dagster's records say of a deployment at one moment.

    `heartbeats` is the last sign of life of each of the daemon's threads; `switched_off` names
    schedules and sensors that somebody has stopped in the UI, `switched_on` those that somebody
    has started there.
    """

    heartbeats: dict[str, datetime]
    switched_off: frozenset[str]
    switched_on: frozenset[str]
    last_run: LastRun | None

    def silence(self, now: datetime) -> timedelta | None:
        """How long ago the thread that is longest silent was heard; None if none ever was.

        A thread that stopped a day before the others belonged to an earlier version.
        """
        if not self.heartbeats:
            return None
        newest = max(self.heartbeats.values())
        return now - min(
            heard for heard in self.heartbeats.values() if newest - heard < timedelta(days=1)
        )


def read_dagster_records(settings: Settings) -> DagsterRecords:
    """Read them.

    Raises:
        WarehouseError: there are none yet, or they can't be read.
    """
    with _reading(settings, "runs") as read:
        heartbeats = {
            # `datetime` in SQLite is text in UTC, on PostgreSQL a time without zone.
            kind: _utc(moment)
            for kind, moment in read("SELECT daemon_type, timestamp FROM {schema}daemon_heartbeats")
        }
        runs = read(
            "SELECT run_id, pipeline_name, status, create_timestamp FROM {schema}runs "
            "ORDER BY id DESC LIMIT 1"
        )
    with _reading(settings, "schedules") as read:
        switches = read("SELECT status, instigator_body FROM {schema}instigators")
    last = LastRun(runs[0][0], runs[0][1], runs[0][2], _utc(runs[0][3])) if runs else None
    return DagsterRecords(
        heartbeats, _switched(switches, "STOPPED"), _switched(switches, "RUNNING"), last
    )


_OLD_CHECKS = (
    "FROM {schema}asset_check_executions WHERE create_timestamp < {moment} AND id NOT IN "
    "(SELECT max(id) FROM {schema}asset_check_executions GROUP BY asset_key, check_name)"
)


def delete_check_results(settings: Settings, before: datetime) -> int:
    """Delete results of asset checks that are older, but of each check the latest.

    Dagster has no call for it, and keeps them when their run is deleted.

    Raises:
        WarehouseError: the records can't be reached.
    """
    moment = before.astimezone(UTC).replace(tzinfo=None)
    if settings.use_postgres:
        old = _OLD_CHECKS.format(schema="dagster.", moment="$1")
        with closing(open_warehouse(settings)) as warehouse, warehouse.transaction() as session:
            count = len(session.rows(f"SELECT id {old}", moment))
            session.execute(f"DELETE {old}", moment)
        return count
    path = settings.home / _FILES["events"]
    if not path.exists():
        return 0
    old = _OLD_CHECKS.format(schema="", moment="?")
    try:
        with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
            return connection.execute(f"DELETE {old}", [moment.isoformat(" ")]).rowcount
    except sqlite3.Error as error:
        raise WarehouseError(f"Dagster's records in {path} can't be changed: {error}") from error


@contextmanager
def _reading(settings: Settings, what: str) -> Iterator[Read]:
    if settings.use_postgres:
        with closing(open_warehouse(settings)) as warehouse, warehouse.engine.snapshot() as session:
            yield _of_session(session)
        return
    path = settings.home / _FILES[what]
    try:
        if not path.exists():
            raise WarehouseError(
                f"Dagster has no records in {settings.home} yet: run `newsapi run`"
            )
        with closing(_opened(path)) as connection:
            yield lambda sql: connection.execute(sql.format(schema="")).fetchall()
    except (OSError, sqlite3.Error) as error:
        raise WarehouseError(f"Dagster's records in {path} can't be read: {error}") from error


def damaged_records(home: Path) -> Path | None:
    """A file of Dagster's records in SQLite that is none, or isn't whole; None where all are."""
    for path in (home / name for name in _FILES.values()):
        try:
            if path.exists() and (path.is_dir() or not _is_whole(path)):
                return path
        except (OSError, sqlite3.OperationalError):
            # Locked, or not to be read by this user.
            continue
    return None


def _is_whole(path: Path) -> bool:
    try:
        with closing(_opened(path)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


def _of_session(session: Session) -> Read:
    return lambda sql: session.rows(sql.format(schema="dagster."))


def _utc(moment: datetime | str) -> datetime:
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _switched(switches: list[tuple[Any, ...]], wanted: str) -> frozenset[str]:
    return frozenset(_name(body) for status, body in switches if status == wanted)


def _name(body: str) -> str:
    """The name of a schedule or sensor, from the state that Dagster serialized."""
    name: str = json.loads(body)["origin"]["job_name"]
    return name
