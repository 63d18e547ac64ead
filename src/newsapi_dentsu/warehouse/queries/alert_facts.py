"""What the alert rules look at in the tables."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from newsapi_dentsu.domain.alerts.facts import Fetch, Tables
from newsapi_dentsu.warehouse.engines.base import Engine, Session
from newsapi_dentsu.warehouse.tables import raw

LOOK_BACK = timedelta(days=32)
MOST_FETCHES = 500


def read_tables(engine: Engine, session: Session, size_bytes: int | None, now: datetime) -> Tables:
    """Read the last collectings, up to when final holds everything, and the space that is left.

    A collecting that could read no day says nothing of the index, and is left out. While days are
    missing, final is as old as the watermark.

    Args:
        engine: the database.
        session: a transaction on it.
        size_bytes: the storage that the database may take, where that is known.
        now: the time.
    """
    fetches = session.rows(
        "SELECT ended_at, report FROM ops.stage_runs WHERE stage = 'collect' "
        "AND report IS NOT NULL AND started_at > $1 ORDER BY started_at DESC LIMIT $2",
        now - LOOK_BACK,
        MOST_FETCHES,
    )
    curated = session.rows(
        "SELECT ended_at FROM ops.stage_runs WHERE stage = 'curate' AND status = 'succeeded' "
        "ORDER BY started_at DESC LIMIT 1"
    )
    told = [(ended_at, json.loads(report)) for ended_at, report in fetches]
    return Tables(
        tuple(
            _fetch(ended_at, figures)
            for ended_at, figures in told
            if figures.get("days") or not figures.get("missing_days")
        ),
        _final_at(curated[0][0], raw.active_query(session)) if curated else None,
        _free_bytes(engine, session, size_bytes),
    )


def _final_at(curated_at: datetime, query: raw.Query | None) -> datetime | None:
    if query is None:
        return curated_at.astimezone(UTC)
    through = query.complete_through
    return min(curated_at, through).astimezone(UTC) if through else None


def _fetch(ended_at: datetime, figures: dict[str, Any]) -> Fetch:
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
