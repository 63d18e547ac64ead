"""What a run did: what each of its stages reported and how it ended, for whoever shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from newsapi_dentsu.stages.pipeline import STAGES, read_report
from newsapi_dentsu.stages.report import (
    AnyReport,
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
    SentimentReport,
    UnderstandReport,
)
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, FAILED, RUNNING, SUCCEEDED
from newsapi_dentsu.warehouse.tables.stage_runs import StageRun

Report = TypeVar("Report", bound=AnyReport)


@dataclass(frozen=True, slots=True)
class RunReports:
    """What the stages of a run reported, each when it was executed last; None where nothing."""

    collect: CollectReport | None
    deduplicate: DeduplicateReport | None
    understand: UnderstandReport | None
    group: GroupReport | None
    curate: CurateReport | None
    sentiment: SentimentReport | None

    @property
    def stages(self) -> list[str]:
        """The stages that reported, in the order of the pipeline."""
        return [stage.name for stage in STAGES if getattr(self, stage.name) is not None]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run went: `stages` tells how the last execution of each ended, newest first."""

    run_id: str
    started_at: datetime
    status: str
    error: str | None
    stages: dict[str, str]
    reports: RunReports


def reports(executions: Iterable[StageRun], kind: type[Report]) -> list[Report]:
    """Every report of a kind, oldest first; a stage that was tried again may have several."""
    read = (
        read_report(one.stage, one.report)
        for one in sorted(executions, key=lambda one: (one.started_at, one.attempt))
        if one.report is not None
    )
    return [report for report in read if isinstance(report, kind)]


def last_reports(executions: Sequence[StageRun]) -> RunReports:
    """What the stages of one run reported last."""

    def last(kind: type[Report]) -> Report | None:
        return next(reversed(reports(executions, kind)), None)

    return RunReports(
        last(CollectReport),
        last(DeduplicateReport),
        last(UnderstandReport),
        last(GroupReport),
        last(CurateReport),
        last(SentimentReport),
    )


def outcomes(executions: Sequence[StageRun], *, under_way: bool) -> list[RunOutcome]:
    """Fold the executions of stages into runs, the newest first.

    Args:
        executions: of several runs, newest first.
        under_way: whether a run is at work. It can only be the newest; what else says that it
            runs has died.
    """
    runs: dict[str, list[StageRun]] = {}
    for one in executions:
        runs.setdefault(one.run_id, []).append(one)
    return [
        _outcome(run_id, stages, alive=under_way and number == 0)
        for number, (run_id, stages) in enumerate(runs.items())
    ]


def _outcome(run_id: str, executions: Sequence[StageRun], *, alive: bool) -> RunOutcome:
    ended: dict[str, str] = {}
    status, error = SUCCEEDED, None
    for one in executions:
        dead = one.status == RUNNING and not alive
        how, why = (FAILED, DIED) if dead else (one.status, one.error)
        if ended.setdefault(one.stage, how) == how and how != SUCCEEDED:
            status, error = how, why
    return RunOutcome(
        run_id, executions[-1].started_at, status, error, ended, last_reports(executions)
    )
