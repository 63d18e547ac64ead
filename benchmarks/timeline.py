"""Where the time of a `newsapi run` went, from the event log that Dagster keeps of it."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Execution

_STEPS = {
    "raw__ai_marketing_news_raw": "collect",
    "processed__processed_news": "deduplicate",
    "final__filtered_news": "curate",
    "audits": "audits",
}


def phases(execution: Execution, dagster_home: Path, run_id: str) -> dict[str, float]:
    """Split a run's seconds into phases, which add up to the whole; and its CPU time."""
    times = _first_events(dagster_home, run_id)
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


def _first_events(dagster_home: Path, run_id: str) -> dict[tuple[str, str | None], float]:
    """When each kind of event first happened to a run and to each of its steps."""
    times: dict[tuple[str, str | None], float] = {}
    # A file for every run and one for all, or only the latter: as the instance is configured.
    for log in (dagster_home / "history").rglob("*.db"):
        with closing(sqlite3.connect(log)) as connection, suppress(sqlite3.OperationalError):
            for kind, step, stamp in connection.execute(
                "SELECT dagster_event_type, step_key, timestamp FROM event_logs "
                "WHERE run_id = ? ORDER BY id",
                [run_id],
            ):
                moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
                times.setdefault((kind, step), moment)
    return times
