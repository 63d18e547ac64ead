"""Keeping a row about every execution of a stage."""

import dataclasses
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.stages.report import CollectReport, CurateReport, DeduplicateReport
from newsapi_dentsu.warehouse import Warehouse, operations

logger = logging.getLogger(__name__)

Report = TypeVar("Report", CollectReport, DeduplicateReport, CurateReport)


def recorded(
    warehouse: Warehouse, run_id: str, stage: str, execute: Callable[[], Report]
) -> Report:
    """Execute a stage and keep when it ran, what it reported or why it failed.

    Raises:
        whatever `execute` raises.
    """
    with warehouse.transaction() as session:
        attempt = operations.start_stage(session, run_id, stage, datetime.now(UTC))
    try:
        report = execute()
    except BaseException as error:
        message = str(error) if isinstance(error, PipelineError) else type(error).__name__
        try:
            _end(warehouse, run_id, stage, attempt, None, message)
        except PipelineError as second:
            # The failure that matters is the first; a full disk prevents both.
            logger.warning("The failure of %s could not be recorded: %s", stage, second)
        raise
    _end(warehouse, run_id, stage, attempt, as_json(report), None)
    return report


def as_json(report: CollectReport | DeduplicateReport | CurateReport) -> dict[str, Any]:
    """A report as JSON values; times in ISO format."""
    return {key: _plain(value) for key, value in dataclasses.asdict(report).items()}


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _end(
    warehouse: Warehouse,
    run_id: str,
    stage: str,
    attempt: int,
    report: dict[str, Any] | None,
    error: str | None,
) -> None:
    with warehouse.transaction() as session:
        operations.end_stage(
            session, run_id, stage, attempt, now=datetime.now(UTC), report=report, error=error
        )
