"""Whether the tables keep their promises: what the asset checks and an operator look at.

An audit looks at totals and at the rows that changed last, never at a whole wide table, so that
its cost doesn't grow with the history.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsapi_dentsu.domain.alerts.limits import Limits
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.queries.freshness import final_complete_through
from newsapi_dentsu.warehouse.tables import final, positions, processed, raw
from newsapi_dentsu.warehouse.tables.rows import rows_by_key

RECENT_ROWS = 5_000
USUAL_DAYS, LEAST_DAYS, LEAST_ARTICLES = 14, 5, 10
USUAL_SHARE = (0.25, 4.0)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found; `figures` are the numbers behind it."""

    passed: bool
    description: str
    figures: dict[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audit:
    """One promise about one table."""

    name: str
    table: str
    promise: str
    blocking: bool
    """Whether breaking it is an error rather than a warning."""

    examine: Callable[[Session, datetime, Limits], AuditResult]


def _unique_processed_urls(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    last = positions.position(session, processed.SEQUENCE)
    return _unique(session, processed.TABLE, f"change_seq > {max(0, last - RECENT_ROWS)}")


def _unique_final_urls(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    return _unique(session, final.TABLE, f"updated_at >= ({_recent_update})")


_recent_update = (
    f"SELECT min(updated_at) FROM (SELECT updated_at FROM {final.TABLE} "
    f"ORDER BY updated_at DESC LIMIT {RECENT_ROWS}) AS recent"
)


def _unique(session: Session, table: str, recent: str) -> AuditResult:
    urls = {url for (url,) in session.rows(f"SELECT url FROM {table} WHERE {recent}")}
    found = Counter(url for (url,) in rows_by_key(session, table, ("url",), "url", urls))
    twice = [url for url, times in found.items() if times > 1]
    shown = ", ".join(sorted(twice)[:5])
    return AuditResult(
        not twice,
        "no url stands twice among the latest rows"
        if not twice
        else f"{len(twice)} urls stand twice, such as {shown}",
        {"urls": len(twice)},
    )


def _no_nulls_in_final(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    empty = one(
        session,
        f"SELECT count(*) FROM {final.TABLE} WHERE updated_at >= ({_recent_update}) AND "
        "(title = '' OR body = '' OR url = '' OR publishedAt IS NULL OR lang IS NULL)",
    )
    return AuditResult(empty == 0, f"{empty} of the latest rows lack a value", {"rows": empty})


def _no_nulls_in_processed(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    last = positions.position(session, processed.SEQUENCE)
    empty = one(
        session,
        f"SELECT count(*) FROM {processed.TABLE} WHERE change_seq > $1 "
        "AND (url = '' OR text_hash = '' OR article_id = '')",
        max(0, last - RECENT_ROWS),
    )
    return AuditResult(empty == 0, f"{empty} of the latest rows lack a value", {"rows": empty})


def _records_accounted_for(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    # While a full refresh is under way, the position is behind what was taken before.
    taken = max(
        positions.position(session, positions.DEDUPLICATED),
        one(session, f"SELECT coalesce(max(raw_seq), 0) FROM {processed.OUTCOMES}"),
    )
    records = one(session, f"SELECT count(*) FROM {raw.TABLE} WHERE seq <= $1", taken)
    told = one(session, f"SELECT count(*) FROM {processed.OUTCOMES} WHERE raw_seq <= $1", taken)
    # By name, which finds the few in an index; any other would be missed among the articles.
    others: dict[str, int] = dict(
        session.rows(
            f"SELECT outcome, count(*) FROM {processed.OUTCOMES} "
            "WHERE outcome IN ('superseded', 'unusable', 'url_twin') AND raw_seq <= $1 "
            "GROUP BY outcome ORDER BY outcome",
            taken,
        )
    )
    articles = one(session, f"SELECT count(*) FROM {processed.TABLE}")
    outcomes = {"article": told - sum(others.values()), **others} if told else {}
    passed = records == told and articles == outcomes.get("article", 0)
    parts = " + ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "0"
    return AuditResult(
        passed,
        f"{records} records taken from raw = {parts}; {articles} rows in processed",
        {"records": records, "articles": articles} | outcomes,
    )


def _articles_accounted_for(session: Session, _now: datetime, _limits: Limits) -> AuditResult:
    # An article that waits for a stage may stand in final or rejected from before.
    waiting = sum(
        positions.waiting(session, name) for name in (positions.GROUPED, positions.CURATED)
    )
    articles = one(session, f"SELECT count(*) FROM {processed.TABLE}") - waiting
    kept = one(session, f"SELECT count(*) FROM {final.TABLE}")
    rejected = one(session, f"SELECT count(*) FROM {final.REJECTED}")
    passed = articles <= kept + rejected <= articles + waiting
    return AuditResult(
        passed,
        f"{articles} articles judged = {kept} in final + {rejected} rejected; {waiting} waiting",
        {"articles": articles, "final": kept, "rejected": rejected, "waiting": waiting},
    )


def _fresh(session: Session, now: datetime, limits: Limits) -> AuditResult:
    through = final_complete_through(session, now)
    if through is None:
        return AuditResult(False, "no run has read everything yet")
    return AuditResult(
        not limits.stale(through, now),
        f"final holds everything up to {through:%Y-%m-%d %H:%M} UTC",
        {"age_hours": round((now - through).total_seconds() / 3600, 2)},
    )


def _usual_volume(session: Session, now: datetime, _limits: Limits) -> AuditResult:
    query = raw.active_query(session)
    last = (now - timedelta(days=1)).date()
    first = last - timedelta(days=USUAL_DAYS)
    totals = raw.day_totals(session, query.query_id, first, last) if query else {}
    yesterday = totals.pop(last, None)
    mean = sum(totals.values()) / len(totals) if totals else 0.0
    if yesterday is None or len(totals) < LEAST_DAYS or mean < LEAST_ARTICLES:
        return AuditResult(True, "too few whole days to compare with")
    least, most = (share * mean for share in USUAL_SHARE)
    return AuditResult(
        least <= yesterday <= most,
        f"{yesterday} articles on {last}; {mean:.0f} on an average day of the {len(totals)} before",
        {"articles": yesterday, "mean": round(mean, 1)},
    )


AUDITS = (
    Audit(
        "fresh",
        raw.TABLE,
        "Final is as fresh as the alert rule stale_final demands.",
        False,
        _fresh,
    ),
    Audit(
        "usual_volume",
        raw.TABLE,
        "Yesterday's number of articles is between a quarter and four times the usual.",
        False,
        _usual_volume,
    ),
    Audit("unique_urls", processed.TABLE, "No url stands twice.", True, _unique_processed_urls),
    Audit(
        "no_nulls",
        processed.TABLE,
        "Identity and url are never empty.",
        True,
        _no_nulls_in_processed,
    ),
    Audit(
        "every_record_accounted_for",
        processed.TABLE,
        "raw = processed + superseded versions + url twins + unusable records.",
        True,
        _records_accounted_for,
    ),
    Audit("unique_urls", final.TABLE, "No url stands twice.", True, _unique_final_urls),
    Audit(
        "no_nulls",
        final.TABLE,
        "Title, body, url, date and language are never empty.",
        True,
        _no_nulls_in_final,
    ),
    Audit(
        "every_article_accounted_for",
        final.TABLE,
        "processed = final + rejected.",
        True,
        _articles_accounted_for,
    ),
)
