"""The executions of stages: when each began, how it ended, and what it reported."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from newsapi_dentsu.warehouse.engines.base import Session, one

COLLECTING: Final = "collect"
CURATING: Final = "curate"
"""The first and the last of the stages, which `stages.pipeline` lists with all that is to say."""


@dataclass(frozen=True, slots=True)
class StageRun:
    """One execution of a stage."""

    run_id: str
    stage: str
    attempt: int
    status: str
    started_at: datetime
    ended_at: datetime | None
    report: dict[str, Any] | None
    error: str | None


def start_stage(session: Session, run_id: str, stage: str, now: datetime) -> int:
    """Note that a stage starts and return the number of the attempt, from 1.

    Noting the same start again, by its time, is no second attempt.
    """
    noted = session.rows(
        "SELECT attempt FROM ops.stage_runs "
        "WHERE run_id = $1 AND stage = $2 AND started_at = $3 AND status = 'running'",
        run_id,
        stage,
        now,
    )
    if noted:
        return int(noted[0][0])
    attempt: int = one(
        session,
        "SELECT count(*) + 1 FROM ops.stage_runs WHERE run_id = $1 AND stage = $2",
        run_id,
        stage,
    )
    session.execute(
        "INSERT INTO ops.stage_runs (run_id, stage, attempt, status, started_at) "
        "VALUES ($1, $2, $3, 'running', $4)",
        run_id,
        stage,
        attempt,
        now,
    )
    return attempt


def end_stage(
    session: Session,
    run_id: str,
    stage: str,
    attempt: int,
    *,
    now: datetime,
    report: dict[str, Any] | None,
    error: str | None,
) -> None:
    """Note how a stage ended: with a report, an error, or (a failure half-way) both."""
    session.execute(
        "UPDATE ops.stage_runs SET status = $4, ended_at = $5, report = $6, error = $7 "
        "WHERE run_id = $1 AND stage = $2 AND attempt = $3",
        run_id,
        stage,
        attempt,
        "failed" if error else "succeeded",
        now,
        json.dumps(report) if report is not None else None,
        error,
    )


def stage_runs(session: Session, *, run_id: str | None = None, limit: int = 30) -> list[StageRun]:
    """The latest executions, newest first; of one run where `run_id` is given."""
    return _stage_runs(
        session,
        "WHERE $1::text IS NULL OR run_id = $1::text "
        "ORDER BY started_at DESC, attempt DESC LIMIT $2",
        run_id,
        limit,
    )


def last_success(session: Session, stage: str) -> datetime | None:
    """When the latest execution of a stage that succeeded ended."""
    found = session.rows(
        "SELECT ended_at FROM ops.stage_runs WHERE stage = $1 AND status = 'succeeded' "
        "ORDER BY started_at DESC LIMIT 1",
        stage,
    )
    return found[0][0] if found else None


def reports_since(
    session: Session, stage: str, since: datetime, limit: int
) -> list[tuple[datetime, dict[str, Any]]]:
    """When the latest executions of a stage ended and what they reported, newest first.

    Those that reported nothing are left out.
    """
    return [
        (ended_at, json.loads(report))
        for ended_at, report in session.rows(
            "SELECT ended_at, report FROM ops.stage_runs WHERE stage = $1 "
            "AND report IS NOT NULL AND started_at > $2 ORDER BY started_at DESC LIMIT $3",
            stage,
            since,
            limit,
        )
    ]


def stage_runs_unknown_to(session: Session, table: str) -> list[StageRun]:
    """The executions of runs that have no row in `table`, oldest first."""
    return _stage_runs(
        session,
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.run_id = stage_runs.run_id) "
        "ORDER BY started_at, attempt",
    )


def _stage_runs(session: Session, rest: str, *parameters: object) -> list[StageRun]:
    found = session.rows(
        "SELECT run_id, stage, attempt, status, started_at, ended_at, report, error "
        f"FROM ops.stage_runs {rest}",
        *parameters,
    )
    return [
        StageRun(
            run, stage, attempt, status, start, end, json.loads(report) if report else None, error
        )
        for run, stage, attempt, status, start, end, report, error in found
    ]
