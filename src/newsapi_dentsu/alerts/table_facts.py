"""What the alert rules look at in the tables."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from newsapi_dentsu.domain.alerts.facts import BrandStories, Fetch, Months, Tables
from newsapi_dentsu.stages.pipeline import COLLECT, read_report
from newsapi_dentsu.stages.report import CollectReport
from newsapi_dentsu.warehouse.engines.base import Engine, Session
from newsapi_dentsu.warehouse.queries.freshness import final_complete_through
from newsapi_dentsu.warehouse.tables import backfills, run_metrics, stage_runs, tone

LOOK_BACK = timedelta(days=32)
MOST_FETCHES = 500
TIMES_BEFORE = 4
"""How many times longer the days are that a brand's tone is compared with."""


def read_tables(engine: Engine, session: Session, size_bytes: int | None, now: datetime) -> Tables:
    """Read the last fetches, the time up to which final is complete, and the space that is left.

    A fetch that could read no day says nothing about the index, and is left out. While days are
    missing, final is as old as the watermark.

    Args:
        engine: the database.
        session: a transaction on it.
        size_bytes: the storage that the database may take, where that is known.
        now: the time.
    """
    return Tables(
        read_fetches(session, now),
        final_complete_through(session, now),
        _free_bytes(engine, session, size_bytes),
        months=read_months(session, now),
    )


def read_fetches(session: Session, now: datetime) -> tuple[Fetch, ...]:
    """The last fetches, the newest first, without those that could read no day."""
    told = (
        (ended_at, read_report(COLLECT.name, values))
        for ended_at, values in stage_runs.reports_since(
            session, COLLECT.name, now - LOOK_BACK, MOST_FETCHES
        )
    )
    return tuple(
        _fetch(ended_at, report)
        for ended_at, report in told
        if isinstance(report, CollectReport) and not report.read_nothing
    )


def read_months(session: Session, now: datetime) -> Months:
    """What months of backfills have spent lately: as runs told it, and since then."""
    spent = [
        (ended_at.astimezone(UTC), tokens)
        for ended_at, tokens in run_metrics.month_tokens(session, now - LOOK_BACK)
    ]
    if untold := backfills.untold(session):
        spent.append((now, untold))
    if (last := backfills.last_left(session)) is None:
        return Months(tuple(spent))
    left, asked_at = last
    return Months(tuple(spent), left, asked_at.astimezone(UTC))


def read_brands(
    session: Session, names: Sequence[str], days: int, now: datetime
) -> tuple[BrandStories, ...]:
    """How the stories of the last days speak about each of these brands, and those before.

    Only articles that were read as the last one was, by its model and for its file of brands, can
    be compared: another model has another opinion of the same sentence.
    """
    since = now - timedelta(days=days)
    before = since - TIMES_BEFORE * timedelta(days=days)
    reading = tone.last_reading(session)
    if reading is None:
        return tuple(BrandStories(name, 0, None, 0, None) for name in names)
    again = tone.read_otherwise(session, reading, before, now) > 0
    found = tone.brands_over(session, reading, names, before=before, since=since, until=now)
    told = {figures[0]: figures for figures in found}
    return tuple(
        BrandStories(*told.get(name, (name, 0, None, 0, None)), reading=again) for name in names
    )


def _fetch(ended_at: datetime, report: CollectReport) -> Fetch:
    return Fetch(
        ended_at.astimezone(UTC),
        report.new,
        report.requests,
        report.api_seconds,
        report.tokens,
        report.tokens_left,
        len(report.missing_days),
    )


def _free_bytes(engine: Engine, session: Session, size_bytes: int | None) -> int | None:
    limits = [engine.disk_free_bytes()]
    if size_bytes is not None:
        limits.append(size_bytes - engine.used_bytes(session))
    return min((limit for limit in limits if limit is not None), default=None)
