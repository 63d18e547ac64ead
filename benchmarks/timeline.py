"""Where the time of a `newsapi run` went, from the event log that Dagster keeps of it."""

import sqlite3
from contextlib import closing
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
    times: dict[tuple[str, str | None], float] = {}
    log = dagster_home / "history" / "runs" / f"{run_id}.db"
    with closing(sqlite3.connect(log)) as connection:
        for kind, step, stamp in connection.execute(
            "SELECT dagster_event_type, step_key, timestamp FROM event_logs ORDER BY id"
        ):
            moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
            times.setdefault((kind, step), moment)
    begin, end = times["PIPELINE_START", None], times["PIPELINE_SUCCESS", None]
    steps = {
        label: times["STEP_SUCCESS", step] - times["STEP_START", step]
        for step, label in _STEPS.items()
    }
    return {
        "start: imports, definitions": begin - execution.started_at,
        "resources: lock, tables": times["RESOURCE_INIT_SUCCESS", None]
        - times["RESOURCE_INIT_STARTED", None],
        **steps,
        "Dagster around them": end
        - begin
        - sum(steps.values())
        - times["RESOURCE_INIT_SUCCESS", None]
        + times["RESOURCE_INIT_STARTED", None],
        "end: summary, exit": execution.started_at + execution.seconds - end,
        "whole process": execution.seconds,
        "CPU time": execution.cpu_seconds,
    }
