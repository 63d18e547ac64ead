"""Rows about the work itself: positions, sequence numbers, executions of stages."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsapi_dentsu.warehouse.engines.base import Session, one

DEDUPLICATED, GROUPED, CURATED = "deduplicated", "grouped", "curated"
"""Positions: the last raw `seq`, and the last `change_seq` of processed and of assessments, that
were taken."""

GROUPING_RULES = "grouping_rules"
"""Which rules the stored verdicts follow."""

_FOLLOWED = {
    DEDUPLICATED: ("raw.ai_marketing_news_raw", "seq"),
    GROUPED: ("processed.processed_news", "change_seq"),
    CURATED: ("processed.assessments", "change_seq"),
}


def position(session: Session, name: str) -> int:
    """How far `name` has come; 0 at the start."""
    found = session.rows("SELECT value FROM ops.positions WHERE name = $1", name)
    return found[0][0] if found else 0


def set_position(session: Session, name: str, value: int) -> None:
    """Remember how far `name` has come."""
    session.execute(
        "INSERT INTO ops.positions (name, value) VALUES ($1, $2) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


def take_numbers(session: Session, name: str, count: int) -> range:
    """Give out the next `count` numbers of a sequence that grows without gaps.

    The row is locked until the transaction ends, so that numbers become visible in order.
    """
    set_position_sql = (
        "INSERT INTO ops.positions (name, value) VALUES ($1, $2) "
        "ON CONFLICT (name) DO UPDATE SET value = positions.value + excluded.value"
    )
    session.execute(set_position_sql, name, count)
    last = one(session, "SELECT value FROM ops.positions WHERE name = $1", name)
    return range(last - count + 1, last + 1)


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


def waiting(session: Session, name: str) -> int:
    """How many rows the stage that remembers position `name` has not taken yet."""
    table, column = _FOLLOWED[name]
    count: int = one(
        session, f"SELECT count(*) FROM {table} WHERE {column} > $1", position(session, name)
    )
    return count
