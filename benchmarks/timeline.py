"""Where the time of a `newsapi run` went, from the event log that Dagster keeps of it."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Execution
from newsapi_dentsu.stages.pipeline import STAGES

_STEPS = {**{stage.step: stage.name for stage in STAGES}, "audits": "audits"}


Event = tuple[str, str | None, datetime]
"""A kind of event, the step that it is of, and when it was, in UTC without saying so."""


def phases(execution: Execution, events: Iterable[Event]) -> dict[str, float]:
    """Split a run's seconds into phases, which add up to the whole; and its CPU time."""
    times: dict[tuple[str, str | None], float] = {}
    for kind, step, moment in events:
        times.setdefault((kind, step), moment.replace(tzinfo=UTC).timestamp())
    begin, end = times["PIPELINE_START", None], times["PIPELINE_SUCCESS", None]
    steps = {
        label: times["STEP_SUCCESS", step] - times["STEP_START", step]
        for step, label in _STEPS.items()
    }
    resources = times["RESOURCE_INIT_SUCCESS", None] - times["RESOURCE_INIT_STARTED", None]
    return {
        "start: imports, definitions": begin - execution.started_at,
        "resources: lock, tables": resources,
        **steps,
        "Dagster around them": end - begin - resources - sum(steps.values()),
        "end: summary, exit": execution.started_at + execution.seconds - end,
        "whole process": execution.seconds,
        "CPU time": execution.cpu_seconds,
    }


def events_in_files(dagster_home: Path, run_id: str) -> list[Event]:
    """The events of a run, in order, from a home that keeps them in SQLite."""
    events: list[Event] = []
    # A file for every run and one for all, or only the latter: as the instance is configured.
    for log in (dagster_home / "history").rglob("*.db"):
        with closing(sqlite3.connect(log)) as connection, suppress(sqlite3.OperationalError):
            events += [
                (kind, step, datetime.fromisoformat(stamp))
                for kind, step, stamp in connection.execute(
                    "SELECT dagster_event_type, step_key, timestamp FROM event_logs "
                    "WHERE run_id = ? ORDER BY id",
                    [run_id],
                )
            ]
    return events
