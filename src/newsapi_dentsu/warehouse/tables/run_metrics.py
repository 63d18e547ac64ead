"""How each run went, in figures: one row for each run in `ops.run_metrics`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_type_hints

from newsapi_dentsu.warehouse.engines.base import Session, upsert

TABLE, DAILY = "ops.run_metrics", "ops.daily_metrics"

RUNNING, SUCCEEDED, FAILED = "running", "succeeded", "failed"

DIED = "the run ended without a word: its process was killed or its machine stopped"
"""The error of a run that could not tell its own."""


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """A run's figures; None where a stage didn't run to its end and so didn't tell.

    `METRICS` says what each of them means.
    """

    run_id: str
    status: str
    started_at: datetime
    error: str | None = None
    origin: str | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    fetched: int | None = None
    new_records: int | None = None
    changed_records: int | None = None
    known_records: int | None = None
    unusable_records: int | None = None
    missing_days: int | None = None
    disagreeing_days: int | None = None
    url_twins: int | None = None
    superseded_versions: int | None = None
    copies: int | None = None
    rejected_articles: int | None = None
    rejected_by_reason: Mapping[str, int] | None = None
    articles_added: int | None = None
    articles_changed: int | None = None
    articles_removed: int | None = None
    requests: int | None = None
    retries: int | None = None
    latency_mean_seconds: float | None = None
    latency_min_seconds: float | None = None
    latency_max_seconds: float | None = None
    tokens_used: int | None = None
    tokens_left: int | None = None
    month_tokens: int | None = None
    raw_rows: int | None = None
    processed_rows: int | None = None
    final_rows: int | None = None
    rejected_rows: int | None = None
    storage_bytes: int | None = None
    final_complete_through: datetime | None = None
    freshness_seconds: float | None = None

    @property
    def all_tokens(self) -> int | None:
        """The tokens of the run, and of the months of backfills that it tells."""
        known = [one for one in (self.tokens_used, self.month_tokens) if one is not None]
        return sum(known) if known else None


METRICS: Mapping[str, str] = MappingProxyType(
    {
        "run_id": "The run, as Dagster's UI names it.",
        "status": "`succeeded`, `failed`, or `running` while it lasts.",
        "error": "Why it failed, in one line.",
        "origin": "Where its records came from: `newsapi.ai` or `sandbox`.",
        "started_at": "When it started.",
        "ended_at": "When it ended; of a run that died, its last sign of life.",
        "duration_seconds": "From start to end, in seconds.",
        "fetched": "Records read from the API.",
        "new_records": "Of them, never seen before.",
        "changed_records": "Of them, seen before in another revision.",
        "known_records": "Of them, already stored: read again because late articles may hide.",
        "unusable_records": "Stored records that can't become articles.",
        "missing_days": "Days that could not be read: later runs try them again.",
        "disagreeing_days": "Days of which the index contradicts itself.",
        "url_twins": "Duplicates: records whose article another record of the same page gives.",
        "superseded_versions": "Duplicates: records that a newer revision replaced.",
        "copies": "Duplicates: articles whose text ran elsewhere before.",
        "rejected_articles": "Articles that stay out of final, copies not counted.",
        "rejected_by_reason": "The same by reason, as a JSON object.",
        "articles_added": "Articles that are new in final.",
        "articles_changed": "Articles in final that changed.",
        "articles_removed": "Articles that left final.",
        "requests": "Requests to the API, every try counted.",
        "retries": "Tries that came after trouble.",
        "latency_mean_seconds": "Mean time of a request, in seconds.",
        "latency_min_seconds": "Shortest time of a request, in seconds.",
        "latency_max_seconds": "Longest time of a request, in seconds.",
        "tokens_used": "Tokens that the run spent.",
        "tokens_left": "Tokens that the account had left at its end.",
        "month_tokens": "Tokens that months of backfills spent since the run before ended.",
        "raw_rows": "Rows of raw.ai_marketing_news_raw at its end.",
        "processed_rows": "Rows of processed.processed_news at its end.",
        "final_rows": "Rows of final.filtered_news at its end.",
        "rejected_rows": "Rows of final.rejected_news at its end.",
        "storage_bytes": "What the database takes on its disk at its end, in bytes.",
        "final_complete_through": "The moment up to which final held everything at its end.",
        "freshness_seconds": "How long before its end that moment lay, in seconds.",
    }
)
"""Every column of the table, and what it means."""

_SQL_TYPES: Mapping[object, str] = {
    int: "bigint",
    float: "float8",
    datetime: "timestamptz",
    str: "text",
    Mapping[str, int]: "text",
}


def _sql_type(annotation: object) -> str:
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return _SQL_TYPES[next(kind for kind in kinds if kind is not NoneType)]


_COLUMNS = {name: _sql_type(kind) for name, kind in get_type_hints(RunMetrics).items()}
"""The columns and their types, as `RunMetrics` declares them."""


def save(session: Session, runs: Sequence[RunMetrics]) -> None:
    """Keep the rows of runs, in place of those that they have."""
    rows = [tuple(_stored(getattr(run, name)) for name in _COLUMNS) for run in runs]
    upsert(session, TABLE, ("run_id",), _COLUMNS, rows, merged={})


def read(session: Session, *, since: datetime | None = None) -> list[RunMetrics]:
    """The runs that started at `since` or later, oldest first, as they stored themselves."""
    return _found(session, "$1::timestamptz IS NULL OR started_at >= $1::timestamptz", since)


def find(session: Session, run_id: str) -> RunMetrics | None:
    """A run's row."""
    found = _found(session, "run_id = $1", run_id)
    return found[0] if found else None


def unfinished(session: Session) -> list[RunMetrics]:
    """The runs whose row says that they are under way, oldest first."""
    return _found(session, "status = $1", RUNNING)


def final_complete_through(session: Session, before: datetime) -> datetime | None:
    """Up to when final was complete after the runs that started before a moment."""
    found = session.rows(
        f"SELECT final_complete_through FROM {TABLE} WHERE started_at < $1 "
        "AND final_complete_through IS NOT NULL ORDER BY started_at DESC LIMIT 1",
        before,
    )
    return found[0][0] if found else None


def month_tokens(session: Session, since: datetime) -> list[tuple[datetime, int]]:
    """What months of backfills spent, with the ends of the runs since a moment that told it."""
    found = session.rows(
        f"SELECT ended_at, month_tokens FROM {TABLE} WHERE month_tokens > 0 AND ended_at > $1",
        since,
    )
    return [(ended_at, tokens) for ended_at, tokens in found]


def settled(runs: list[RunMetrics], *, under_way: bool) -> list[RunMetrics]:
    """The runs with those as failed that died and that no later run has noticed yet.

    Args:
        runs: runs as they stored themselves, oldest first.
        under_way: whether a run holds the run lock; it can only be the newest.
    """
    last = len(runs) - 1
    return [
        replace(run, status=FAILED, error=DIED)
        if run.status == RUNNING and not (under_way and number == last)
        else run
        for number, run in enumerate(runs)
    ]


def _found(session: Session, condition: str, parameter: object) -> list[RunMetrics]:
    rows = session.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE {condition} ORDER BY started_at, run_id",
        parameter,
    )
    return [RunMetrics(**_loaded(dict(zip(_COLUMNS, row, strict=True)))) for row in rows]


def _stored(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else value


def _loaded(row: dict[str, Any]) -> dict[str, Any]:
    reasons = row["rejected_by_reason"]
    return {**row, "rejected_by_reason": None if reasons is None else json.loads(reasons)}
