"""Up to when final holds everything: the one measure of freshness, whoever judges it."""

from datetime import UTC, datetime

from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import positions, raw, run_metrics, stage_runs


def final_complete_through(session: Session, now: datetime) -> datetime | None:
    """Up to when final holds everything that the index listed.

    That is the watermark, up to which everything was read, but not a moment after the articles were
    last sorted into final. A run that leaves days out keeps the watermark where it is.

    Args:
        session: an open transaction.
        now: the time.

    Returns:
        A moment in UTC; None where nothing is known to have filled final.
    """
    query = raw.active_query(session)
    watermark = query.complete_through if query else None
    curated_at = stage_runs.last_success(session, stage_runs.CURATING)
    if curated_at is not None and query is not None:
        told = min(curated_at, watermark) if watermark else None
    elif positions.position(session, positions.CURATED):
        # Articles have been sorted outside of any run, as after a migration.
        told = watermark or curated_at
    else:
        told = curated_at or run_metrics.final_complete_through(session, now)
    return told.astimezone(UTC) if told else None
