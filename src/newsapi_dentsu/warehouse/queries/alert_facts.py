"""What the alert rules look at in the tables."""

import json
from datetime import UTC, datetime, timedelta

from newsapi_dentsu.domain.alerts.facts import Fetch, Tables
from newsapi_dentsu.warehouse.engines.base import Engine, Session

LOOK_BACK = timedelta(days=32)
MOST_FETCHES = 500


def read_tables(engine: Engine, session: Session, size_bytes: int | None, now: datetime) -> Tables:
    """Read the last collectings, when final was last filled, and the space that is left.

    Args:
        engine: the database.
        session: a transaction on it.
        size_bytes: the storage that the database may take, where that is known.
        now: the time.
    """
    fetches = session.rows(
        "SELECT ended_at, report FROM ops.stage_runs WHERE stage = 'collect' "
        "AND status = 'succeeded' AND started_at > $1 ORDER BY started_at DESC LIMIT $2",
        now - LOOK_BACK,
        MOST_FETCHES,
    )
    curated = session.rows(
        "SELECT ended_at FROM ops.stage_runs WHERE stage = 'curate' AND status = 'succeeded' "
        "ORDER BY started_at DESC LIMIT 1"
    )
    return Tables(
        tuple(_fetch(ended_at, report) for ended_at, report in fetches),
        curated[0][0].astimezone(UTC) if curated else None,
        _free_bytes(engine, session, size_bytes),
    )


def _fetch(ended_at: datetime, report: str) -> Fetch:
    figures = json.loads(report)
    return Fetch(
        ended_at.astimezone(UTC),
        figures["new"],
        figures["requests"],
        figures["api_seconds"],
        figures["tokens"],
        figures["tokens_left"],
    )


def _free_bytes(engine: Engine, session: Session, size_bytes: int | None) -> int | None:
    limits = [engine.disk_free_bytes()]
    if size_bytes is not None:
        limits.append(size_bytes - engine.used_bytes(session))
    return min((limit for limit in limits if limit is not None), default=None)
