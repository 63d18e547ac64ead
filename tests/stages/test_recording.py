"""Every execution of a stage leaves a row: what it did, or why it failed."""

import pytest

from newsapi_dentsu.errors import SourceError
from newsapi_dentsu.runs.recording import recorded
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.report import DeduplicateReport, as_json
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import stage_runs
from newsapi_dentsu.warehouse.tables.stage_runs import StageRun
from support.clock import NOON


def noted_runs(warehouse: Warehouse) -> list[StageRun]:
    with warehouse.snapshot() as session:
        return stage_runs.stage_runs(session)


def test_a_success_is_kept_with_its_report(warehouse: Warehouse) -> None:
    report = recorded(warehouse, "run 1", "deduplicate", lambda: deduplicate(warehouse, now=NOON))
    (kept,) = noted_runs(warehouse)
    assert (kept.status, kept.error, kept.attempt) == ("succeeded", None, 1)
    assert kept.report == as_json(report)
    assert kept.ended_at is not None
    assert kept.ended_at >= kept.started_at


def test_a_failure_is_kept_with_its_reason_and_raised(warehouse: Warehouse) -> None:
    def fail() -> DeduplicateReport:
        raise SourceError("the key is wrong")

    with pytest.raises(SourceError):
        recorded(warehouse, "run 1", "collect", fail)
    (kept,) = noted_runs(warehouse)
    assert (kept.status, kept.error, kept.report) == ("failed", "the key is wrong", None)


def test_an_unexpected_error_is_kept_by_its_kind_only(warehouse: Warehouse) -> None:
    def fail() -> DeduplicateReport:
        raise ValueError("may quote anything")

    with pytest.raises(ValueError, match="anything"):
        recorded(warehouse, "run 1", "collect", fail)
    (kept,) = noted_runs(warehouse)
    assert kept.error == "ValueError"


def test_a_stage_that_is_tried_again_is_another_attempt(warehouse: Warehouse) -> None:
    for _ in range(3):
        recorded(warehouse, "run 1", "deduplicate", lambda: deduplicate(warehouse, now=NOON))
    recorded(warehouse, "run 2", "deduplicate", lambda: deduplicate(warehouse, now=NOON))
    attempts = sorted((one.run_id, one.attempt) for one in noted_runs(warehouse))
    assert attempts == [("run 1", 1), ("run 1", 2), ("run 1", 3), ("run 2", 1)]
