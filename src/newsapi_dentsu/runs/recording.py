"""Keeping a row about every execution of a stage."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.logs import bound, without_secrets
from newsapi_dentsu.stages.report import AnyReport, IncompleteError, as_json
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import stage_runs

logger = logging.getLogger(__name__)

Report = TypeVar("Report", bound=AnyReport)


def recorded(
    warehouse: Warehouse, run_id: str, stage: str, execute: Callable[[], Report]
) -> Report:
    """Execute a stage and keep when it ran, what it reported or why it failed, or both.

    Raises:
        whatever `execute` raises.
    """
    started_at = datetime.now(UTC)
    attempt = warehouse.write(
        lambda session: stage_runs.start_stage(session, run_id, stage, started_at)
    )

    def end(session: Session, report: dict[str, Any] | None, error: str | None) -> None:
        stage_runs.end_stage(
            session, run_id, stage, attempt, now=datetime.now(UTC), report=report, error=error
        )

    try:
        with bound(stage=stage):
            report = execute()
    except BaseException as error:
        message = str(error) if isinstance(error, PipelineError) else type(error).__name__
        message = without_secrets(message)
        partial = as_json(error.report) if isinstance(error, IncompleteError) else None
        try:
            # `write` would wait again for a server that didn't come back.
            with warehouse.transaction() as session:
                end(session, partial, message)
        except PipelineError as second:
            # The failure that matters is the first; a full disk prevents both.
            logger.warning("The failure of %s could not be recorded: %s", stage, second)
        raise
    done = as_json(report)
    warehouse.write(lambda session: end(session, done, None))
    return report
