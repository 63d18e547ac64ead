"""`retention`: the size of Dagster's records after a simulated year, pruned and not.

One real run of the pipeline is recorded. Its rows (and, with SQLite, its file) are then copied to
every sixth hour of the year under new ids, and the ticks of a schedule and an hourly sensor with
them. What is kept is pruned once a simulated week, as the nightly job and the daemon do.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

from benchmarks.postgres import Database, server
from benchmarks.report import Figure, print_rows
from newsapi_dentsu import logs
from newsapi_dentsu.defs import retention as kept
from newsapi_dentsu.hosting.execution import execute_pipeline, opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.settings import Settings, load_settings

INTERVAL = timedelta(hours=6)
RUNS_A_DAY, TICKS_A_DAY = 4, 24
DAYS, DAYS_QUICKLY = 365, 120
KEPT_DAYS = 90
OUTPUT_BYTES = 4_000
"""What the output of a run's steps takes: some lines."""

GROWTH_LIMIT = 1.1
"""From the second to the last quarter of the pruned time, records may grow no more than this."""

_COPIED = ("runs", "run_tags", "event_logs", "asset_check_executions")


@dataclass(frozen=True)
class Sizes:
    """Bytes of the records: half-way, and at the end."""

    half_way: int
    at_the_end: int


def retention(quick: bool) -> list[Figure]:
    """Simulate the time on both storages."""
    logs.configure_command()
    days = DAYS_QUICKLY if quick else DAYS
    # Quickly, what is kept is shortened with the time.
    keep = KEPT_DAYS * days // DAYS
    figures = []
    rows = [["", "runs", "after half", "at the end"]]
    with tempfile.TemporaryDirectory() as cluster, server(Path(cluster)) as postgres:
        for storage in ("SQLite", "PostgreSQL"):
            sizes = {}
            for name, kept_days in (("kept for good", None), (f"kept {keep} days", keep)):
                with tempfile.TemporaryDirectory() as folder:
                    name_of_database = f"retention_{len(rows)}"
                    database = (
                        postgres.create(name_of_database) if storage == "PostgreSQL" else None
                    )
                    sizes[name] = _simulated(Path(folder), database, days, kept_days)
                rows.append([f"{storage}, {name}", str(days * RUNS_A_DAY), *_shown(sizes[name])])
            forever, pruned = sizes.values()
            figures += [
                Figure("retention", f"{storage}: kept for good", forever.at_the_end / 1e6, " MB"),
                Figure("retention", f"{storage}: pruned", pruned.at_the_end / 1e6, " MB"),
                Figure(
                    "retention",
                    f"{storage}: growth of the pruned",
                    pruned.at_the_end / pruned.half_way,
                    "x",
                    GROWTH_LIMIT,
                ),
            ]
    print_rows(rows)
    return figures


def _shown(sizes: Sizes) -> list[str]:
    return [f"{sizes.half_way / 1e6:.1f} MB", f"{sizes.at_the_end / 1e6:.1f} MB"]


@contextmanager
def _settings(folder: Path, database: Database | None) -> Iterator[Settings]:
    chosen = {
        "DAGSTER_HOME": str(folder / "dagster"),
        "DUCKDB_PATH": str(folder / "news.duckdb"),
        "NEWSAPI_SANDBOX": "always",
        "LOOKBACK_DAYS": "1",
        **(database.settings if database else {}),
    }
    before = dict(os.environ)
    os.environ.update(chosen)
    load_settings.cache_clear()
    try:
        yield load_settings()
    finally:
        os.environ.clear()
        os.environ.update(before)
        load_settings.cache_clear()


def _simulated(folder: Path, database: Database | None, days: int, keep: int | None) -> Sizes:
    start = datetime.now(UTC) - timedelta(days=days)
    with _settings(folder, database) as settings:
        outcome = execute_pipeline(settings, {}, lambda _stage: no_progress)
        assert outcome.succeeded, outcome.error
        with opened_instance(settings, prepare_home(settings)) as instance:
            records = _Records(instance, settings.home, database, outcome.run_id)
            half_way = 0
            for day in range(days):
                morning = start + timedelta(days=day)
                for run in range(RUNS_A_DAY):
                    records.add_run(morning + run * INTERVAL)
                records.add_ticks(morning)
                if day % 7 == 6:
                    if keep is not None:
                        kept.prune(instance, morning - timedelta(days=keep))
                        records.purge_ticks(morning, keep)
                    records.tidy()
                if day == days // 2:
                    records.tidy()
                    half_way = records.size()
            records.tidy()
            return Sizes(half_way, records.size())


class _Records:
    """Dagster's records, and copying one run in them."""

    def __init__(
        self, instance: dg.DagsterInstance, home: Path, database: Database | None, model: str
    ) -> None:
        self._home = home
        self._database = database
        self._model = model
        self._instance = instance
        self._engines = _engines(home, database)
        self._copies = {
            table: _copy(self._engines[table], table, database is not None) for table in _COPIED
        }

    def add_run(self, at: datetime) -> None:
        """Copy the model's records to another moment and id."""
        new = str(uuid.uuid4())
        values = {
            "new": new,
            "old": self._model,
            "at": at.replace(tzinfo=None) if self._database else f"{at:%Y-%m-%d %H:%M:%S.%f}",
            "epoch": at.timestamp(),
        }
        for table, statement in self._copies.items():
            with self._engines[table].begin() as connection:
                connection.execute(statement, values)
        if self._database is None:
            shards = self._home / "history" / "runs"
            shutil.copyfile(shards / f"{self._model}.db", shards / f"{new}.db")
            output = self._home / "storage" / new / "compute_logs"
            output.mkdir(parents=True)
            (output / "step.err").write_bytes(b"x" * OUTPUT_BYTES)

    def add_ticks(self, morning: datetime) -> None:
        """Insert a day's ticks of the schedule, which ask for runs, and the sensor's, skipped."""
        schedule = self._engines["job_ticks"]
        moments = [
            ("SUCCESS", "SCHEDULE", morning + number * INTERVAL) for number in range(RUNS_A_DAY)
        ]
        moments += [
            ("SKIPPED", "SENSOR", morning + timedelta(hours=number))
            for number in range(TICKS_A_DAY)
        ]
        body = json.dumps({"__class__": "TickData", "filling": "x" * 900})
        with schedule.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO job_ticks (job_origin_id, selector_id, status, type, timestamp, "
                    "tick_body) VALUES ('o', 's', :status, :type, :at, :body)"
                ),
                [
                    {
                        "status": status,
                        "type": kind,
                        "at": at.replace(tzinfo=None)
                        if self._database
                        else f"{at:%Y-%m-%d %H:%M:%S.%f}",
                        "body": body,
                    }
                    for status, kind, at in moments
                ],
            )

    def purge_ticks(self, now: datetime, keep: int) -> None:
        """Delete what the daemon purges by `retention` in dagster.yaml."""
        for status, days in (("SUCCESS", keep), ("SKIPPED", 7)):
            before = (now - timedelta(days=days)).replace(tzinfo=None)
            at = before if self._database else f"{before:%Y-%m-%d %H:%M:%S.%f}"
            with self._engines["job_ticks"].begin() as connection:
                connection.execute(
                    sa.text("DELETE FROM job_ticks WHERE status = :status AND timestamp < :at"),
                    {"status": status, "at": at},
                )

    def tidy(self) -> None:
        """Do what autovacuum does on a server in the course of a week."""
        if self._database:
            self._database.vacuum()

    def size(self) -> int:
        """Bytes of all records."""
        if self._database is None:
            files = (path for path in self._home.rglob("*") if path.is_file())
            return sum(path.stat().st_size for path in files)
        with self._database.connect() as connection:
            found = connection.execute(
                "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = 'dagster' AND c.relkind = 'r'"
            ).fetchone()
        assert found
        return int(found[0])


def _engines(home: Path, database: Database | None) -> dict[str, sa.Engine]:
    """Where each table is."""
    if database is not None:
        url = sa.URL.create(
            "postgresql+psycopg",
            username=database.user,
            database=database.name,
            query={"host": database.host, "port": str(database.port)},
        )
        engine = sa.create_engine(url, connect_args={"options": "-csearch_path=dagster"})
        return dict.fromkeys((*_COPIED, "job_ticks"), engine)
    runs = sa.create_engine(f"sqlite:///{home / 'history/runs.db'}")
    index = sa.create_engine(f"sqlite:///{home / 'history/runs/index.db'}")
    schedules = sa.create_engine(f"sqlite:///{home / 'schedules/schedules.db'}")
    return {
        **dict.fromkeys(("runs", "run_tags"), runs),
        **dict.fromkeys(("event_logs", "asset_check_executions"), index),
        "job_ticks": schedules,
    }


def _copy(engine: sa.Engine, table: str, postgres: bool) -> Any:
    """A statement that copies the rows of run `:old` to run `:new` at moment `:at`."""
    columns = {column["name"]: column["type"] for column in sa.inspect(engine).get_columns(table)}
    columns.pop("id")

    def value(name: str, kind: Any) -> str:
        if name == "run_id":
            return "CAST(:new AS varchar)"
        if name in ("start_time", "end_time"):
            return "CAST(:epoch AS double precision)"
        if isinstance(kind, sa.DateTime | sa.TIMESTAMP):
            return "CAST(:at AS timestamp)" if postgres else ":at"
        if isinstance(kind, sa.Text | sa.String):
            return f"replace({name}, CAST(:old AS varchar), CAST(:new AS varchar))"
        return name

    chosen = ", ".join(value(name, kind) for name, kind in columns.items())
    names = ", ".join(columns)
    return sa.text(
        f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} "
        "WHERE run_id = CAST(:old AS varchar)"
    )
