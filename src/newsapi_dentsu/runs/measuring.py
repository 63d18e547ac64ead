"""Keeping a row of figures about every run, right also for runs that died.

A run writes its row when it starts and again when it ends. It holds the run lock meanwhile, so
that whatever other row still says `running` when a run starts is of a run that died.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.runs.summary import reports
from newsapi_dentsu.stages.pipeline import LAST
from newsapi_dentsu.stages.report import (
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
)
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.queries.overview import row_counts
from newsapi_dentsu.warehouse.tables import (
    backfills,
    final,
    processed,
    raw,
    run_metrics,
    stage_runs,
)
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, FAILED, RUNNING, SUCCEEDED, RunMetrics
from newsapi_dentsu.warehouse.tables.stage_runs import StageRun

Value = TypeVar("Value")

logger = logging.getLogger(__name__)

MOST_STAGES = 1000
"""Executions of stages that one run can have, many times as many as retries allow."""

COPY = "copy"
"""The reason under which copies are kept out of final; they count as duplicates."""


def begin_run(warehouse: Warehouse, run_id: str, now: datetime) -> list[RunMetrics]:
    """Store that a run starts, and how runs that died have ended; the caller holds the run lock.

    Returns:
        The runs that were found to have died.

    Raises:
        WarehouseError: the row can't be written.
    """

    def begin(session: Session) -> list[RunMetrics]:
        run_metrics.save(session, _unmeasured(session))
        died = [
            _of_stages(
                stage_runs.stage_runs(session, run_id=run.run_id, limit=MOST_STAGES),
                run,
                previous=run_metrics.final_complete_through(session, run.started_at),
            )
            for run in run_metrics.unfinished(session)
            if run.run_id != run_id
        ]
        run_metrics.save(session, [*died, RunMetrics(run_id, RUNNING, now)])
        return died

    return warehouse.write(begin)


def end_run(
    warehouse: Warehouse,
    run_id: str,
    now: datetime,
    *,
    error: str | None,
    counted: Mapping[str, int] | None = None,
) -> RunMetrics | None:
    """Note how a run went, before it lets go of the run lock.

    Args:
        warehouse: where the run stored.
        run_id: the run.
        now: the time of its end.
        error: the failure of a step, where one failed.
        counted: the rows of tables, by name, that were counted after the run's last change to them.

    Returns:
        The figures, or None where they could not be stored, which is no reason to fail: the
        next run works them out.
    """

    def end(session: Session) -> RunMetrics:
        begun = run_metrics.find(session, run_id) or RunMetrics(run_id, RUNNING, now)
        done = _of_stages(
            stage_runs.stage_runs(session, run_id=run_id, limit=MOST_STAGES),
            begun,
            previous=run_metrics.final_complete_through(session, begun.started_at),
            watermark=_watermark(session),
            whole=True,
        )
        if error is not None and done.error in (None, DIED):
            done = replace(done, status=FAILED, error=error)
        done = replace(
            done, month_tokens=backfills.tell(session), **_sizes(warehouse, session, counted)
        )
        done = _ended(done, now)
        run_metrics.save(session, [done])
        return done

    try:
        # After a failure, `write` would wait again for a server that didn't come back.
        if error is None:
            return warehouse.write(end)
        with warehouse.transaction() as session:
            return end(session)
    except PipelineError as trouble:
        logger.warning("The figures of run %s could not be stored: %s", run_id, trouble)
        return None


def refuse_run(warehouse: Warehouse, run_id: str, now: datetime, error: str) -> None:
    """Note that a run failed because it could not start beside another one."""
    refused = RunMetrics(run_id, FAILED, now, error, ended_at=now, duration_seconds=0.0)
    try:
        # Only where there are tables of this version.
        with warehouse.snapshot():
            pass
        with warehouse.transaction() as session:
            run_metrics.save(session, [refused])
    except PipelineError as trouble:
        logger.warning("The failure of run %s could not be stored: %s", run_id, trouble)


def summarize(stages: Sequence[StageRun], *, whole: bool) -> dict[str, Any]:
    """The figures of a run: what its stages reported, all attempts added up.

    Args:
        stages: the executions of the run's stages.
        whole: whether nothing but the stages can have gone wrong. If not, a run that didn't reach
            the last stage's end has died.
    """
    collected, curated = reports(stages, CollectReport), reports(stages, CurateReport)
    deduplicated, grouped = reports(stages, DeduplicateReport), reports(stages, GroupReport)
    rejected = Counter[str]()
    for report in curated:
        rejected.update({k: v for k, v in report.rejected.items() if k != COPY})
    requests = _sum(one.requests for one in collected)
    seconds = sum(one.api_seconds for one in collected)
    last = collected[-1] if collected else None
    error = _error(stages, whole=whole)
    return {
        "status": FAILED if error else SUCCEEDED,
        "error": error,
        "origin": _last(one.origin for one in collected),
        "fetched": _sum(one.fetched for one in collected),
        "new_records": _sum(one.new for one in collected),
        "changed_records": _sum(one.changed for one in collected),
        "known_records": _sum(one.known for one in collected),
        "unusable_records": _sum(one.unusable for one in collected),
        "missing_days": len(last.missing_days) if last else None,
        "disagreeing_days": len(last.disagreements) if last else None,
        "url_twins": _sum(one.url_twins for one in deduplicated),
        "superseded_versions": _sum(one.superseded for one in deduplicated),
        "copies": _sum(one.copies for one in grouped),
        "rejected_articles": rejected.total() if curated else None,
        "rejected_by_reason": dict(sorted(rejected.items())) if curated else None,
        "articles_added": _sum(one.added for one in curated),
        "articles_changed": _sum(one.changed for one in curated),
        "articles_removed": _sum(one.removed for one in curated),
        "requests": requests,
        "retries": _sum(one.retries for one in collected),
        "latency_mean_seconds": seconds / requests if requests else None,
        "latency_min_seconds": min(_known(one.api_min_seconds for one in collected), default=None),
        "latency_max_seconds": max(_known(one.api_max_seconds for one in collected), default=None),
        "tokens_used": _sum(one.tokens for one in collected),
        "tokens_left": _last(one.tokens_left for one in collected),
    }


def _unmeasured(session: Session) -> list[RunMetrics]:
    """Rows for the runs that ended before rows were kept, oldest first."""
    runs: dict[str, list[StageRun]] = {}
    for stage in stage_runs.stage_runs_unknown_to(session, run_metrics.TABLE):
        runs.setdefault(stage.run_id, []).append(stage)
    rows: list[RunMetrics] = []
    previous: datetime | None = None
    for run_id, stages in runs.items():
        begun = RunMetrics(run_id, RUNNING, stages[0].started_at)
        rows.append(_of_stages(stages, begun, previous=previous, whole=True))
        previous = rows[-1].final_complete_through
    return rows


def _of_stages(
    stages: Sequence[StageRun],
    begun: RunMetrics,
    *,
    previous: datetime | None,
    watermark: datetime | None = None,
    whole: bool = False,
) -> RunMetrics:
    """A run's row as its stages tell it.

    Args:
        stages: the executions of its stages.
        begun: the row that it had when it started.
        previous: up to when final was complete before.
        watermark: up to when raw is complete; by default as far as the run's collecting came.
        whole: see `summarize`.
    """
    moments = [moment for one in stages for moment in (one.started_at, one.ended_at) if moment]
    if watermark is None:
        watermark = _last(one.complete_through for one in reports(stages, CollectReport))
    filled = any(one.stage == LAST.name and one.status == SUCCEEDED for one in stages)
    row = replace(
        begun,
        final_complete_through=watermark if filled and watermark else previous,
        **summarize(stages, whole=whole),
    )
    return _ended(row, max(moments, default=row.started_at))


def _ended(run: RunMetrics, at: datetime) -> RunMetrics:
    fresh = run.final_complete_through
    return replace(
        run,
        ended_at=at,
        duration_seconds=max(0.0, (at - run.started_at).total_seconds()),
        freshness_seconds=(at - fresh).total_seconds() if fresh else None,
    )


def _watermark(session: Session) -> datetime | None:
    query = raw.active_query(session)
    return query.complete_through if query else None


def _sizes(
    warehouse: Warehouse, session: Session, counted: Mapping[str, int] | None
) -> dict[str, Any]:
    counts = row_counts(session, counted)
    return {
        "raw_rows": counts[raw.TABLE],
        "processed_rows": counts[processed.TABLE],
        "final_rows": counts[final.TABLE],
        "rejected_rows": counts[final.REJECTED],
        "storage_bytes": warehouse.engine.used_bytes(session),
    }


def _error(stages: Sequence[StageRun], *, whole: bool) -> str | None:
    """Why the run failed, by the last attempt of each stage; None where nothing says that."""
    latest: dict[str, StageRun] = {}
    for one in sorted(stages, key=lambda one: one.attempt):
        latest[one.stage] = one
    for one in sorted(latest.values(), key=lambda one: one.started_at):
        if one.status == FAILED:
            return one.error or f"{one.stage} failed"
        if one.status == RUNNING:
            return DIED
    return None if whole or LAST.name in latest else DIED


def _known(values: Iterable[Value | None]) -> list[Value]:
    return [value for value in values if value is not None]


def _last(values: Iterable[Value | None]) -> Value | None:
    return next(reversed(_known(values)), None)


def _sum(values: Iterable[int]) -> int | None:
    """The sum; None where nothing is known to add up."""
    known = list(values)
    return sum(known) if known else None
