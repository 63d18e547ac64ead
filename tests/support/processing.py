"""Storing records and processing them, without an API."""

from collections.abc import Sequence
from datetime import datetime

from hypothesis import strategies as st

from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import HORIZON_DAYS, group
from newsapi_dentsu.stages.report import CurateReport, DeduplicateReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import raw

from .articles import TOPICS
from .clock import NOON
from .limits import LIMITS


def store(warehouse: Warehouse, *records: object, now: datetime = NOON) -> raw.Stored:
    """Store records as one page of an answer."""
    with warehouse.transaction() as session:
        return raw.store_records(
            session,
            [read_record(one, now) for one in records],
            query_id="q",
            origin="sandbox",
            fetched_at=now,
        )


def process(
    warehouse: Warehouse,
    now: datetime = NOON,
    *,
    full_refresh: bool = False,
    topics: Topics = TOPICS,
    horizon_days: int = HORIZON_DAYS,
) -> tuple[DeduplicateReport, CurateReport]:
    """Run the stages that follow collecting, on one connection as a run does."""
    with warehouse.kept_open():
        deduplicated = deduplicate(warehouse, now=now, full_refresh=full_refresh)
        group(warehouse, topics, now=now, horizon_days=horizon_days, full_refresh=full_refresh)
        return deduplicated, curate(warehouse, now=now, full_refresh=full_refresh)


def process_in_pieces(warehouse: Warehouse, data: st.DataObject, records: Sequence[object]) -> None:
    """Store and process records in an order and in batches that hypothesis draws."""
    order = data.draw(st.permutations(records))
    cuts = data.draw(st.sets(st.integers(1, len(order) - 1)))
    start = 0
    for end in [*sorted(cuts), len(order)]:
        store(warehouse, *order[start:end])
        process(warehouse)
        start = end


def broken_promises(warehouse: Warehouse, now: datetime = NOON) -> set[tuple[str, str]]:
    """The audits about the tables' contents that fail, as (table, name)."""
    with warehouse.snapshot() as session:
        return {
            (audit.table, audit.name)
            for audit in AUDITS
            if audit.blocking and not audit.examine(session, now, LIMITS).passed
        }
