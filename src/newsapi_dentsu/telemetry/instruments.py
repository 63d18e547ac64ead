"""Which metrics there are, and what a run's figures say on each of them.

Names and units follow OpenTelemetry's semantic conventions where they have one, and its rules for
names where not. Counts are of one run alone (delta temporality).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from newsapi_dentsu.warehouse.tables import final, processed, raw
from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics

Kind = Literal["counter", "gauge", "histogram"]
Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Durations:
    """What is known of how long several things took, in seconds."""

    count: int
    total: float
    shortest: float
    longest: float


Point = tuple[Attributes, float | int | Durations | None]
"""A value with its attributes; None where the run doesn't know."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric: its name, its unit in UCUM, and how to read its points off a run."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...]
    points: Callable[[RunMetrics], list[Point]]


def _requests(run: RunMetrics) -> list[Point]:
    mean, shortest, longest = (
        run.latency_mean_seconds,
        run.latency_min_seconds,
        run.latency_max_seconds,
    )
    if not run.requests or mean is None or shortest is None or longest is None:
        return []
    durations = Durations(run.requests, mean * run.requests, shortest, longest)
    return [({"http.request.method": "POST"}, durations)]


def _records(run: RunMetrics) -> list[Point]:
    return [
        ({"newsapi.record.state": state}, count)
        for state, count in (
            ("new", run.new_records),
            ("changed", run.changed_records),
            ("known", run.known_records),
        )
    ]


def _days(run: RunMetrics) -> list[Point]:
    return [
        ({"newsapi.day.state": state}, count)
        for state, count in (
            ("missing", run.missing_days),
            ("disagreeing", run.disagreeing_days),
        )
    ]


def _duplicates(run: RunMetrics) -> list[Point]:
    return [
        ({"newsapi.duplicate.kind": kind}, count)
        for kind, count in (
            ("url_twin", run.url_twins),
            ("superseded_version", run.superseded_versions),
            ("copy", run.copies),
        )
    ]


def _rejected(run: RunMetrics) -> list[Point]:
    reasons = run.rejected_by_reason or {}
    return [({"newsapi.rejection.reason": reason}, count) for reason, count in reasons.items()]


def _articles(run: RunMetrics) -> list[Point]:
    return [
        ({"newsapi.article.change": change}, count)
        for change, count in (
            ("added", run.articles_added),
            ("changed", run.articles_changed),
            ("removed", run.articles_removed),
        )
    ]


def _rows(run: RunMetrics) -> list[Point]:
    return [
        ({"db.collection.name": table}, count)
        for table, count in (
            (raw.TABLE, run.raw_rows),
            (processed.TABLE, run.processed_rows),
            (final.TABLE, run.final_rows),
            (final.REJECTED, run.rejected_rows),
        )
    ]


INSTRUMENTS = (
    Instrument(
        "newsapi.pipeline.runs",
        "counter",
        "{run}",
        "Runs that ended.",
        ("newsapi.run.status",),
        lambda run: [({"newsapi.run.status": run.status}, 1)],
    ),
    Instrument(
        "newsapi.pipeline.run.duration",
        "gauge",
        "s",
        "How long the run took.",
        ("newsapi.run.status",),
        lambda run: [({"newsapi.run.status": run.status}, run.duration_seconds)],
    ),
    Instrument(
        "http.client.request.duration",
        "histogram",
        "s",
        "How long requests to the news API took: their count, sum, shortest and longest.",
        ("http.request.method",),
        _requests,
    ),
    Instrument(
        "newsapi.pipeline.request.retries",
        "counter",
        "{retry}",
        "Requests to the news API that were tried again.",
        (),
        lambda run: [({}, run.retries)],
    ),
    Instrument(
        "newsapi.pipeline.records",
        "counter",
        "{record}",
        "Records read from the news API.",
        ("newsapi.record.state",),
        _records,
    ),
    Instrument(
        "newsapi.pipeline.days",
        "gauge",
        "{day}",
        "Days that could not be read, and days of which the index contradicts itself.",
        ("newsapi.day.state",),
        _days,
    ),
    Instrument(
        "newsapi.pipeline.duplicates",
        "counter",
        "{article}",
        "Duplicates that were taken out.",
        ("newsapi.duplicate.kind",),
        _duplicates,
    ),
    Instrument(
        "newsapi.pipeline.rejections",
        "counter",
        "{article}",
        "Articles that stay out of final.",
        ("newsapi.rejection.reason",),
        _rejected,
    ),
    Instrument(
        "newsapi.pipeline.articles",
        "counter",
        "{article}",
        "Articles in final that are new, changed or gone.",
        ("newsapi.article.change",),
        _articles,
    ),
    Instrument(
        "newsapi.pipeline.tokens.used",
        "counter",
        "{token}",
        "Tokens of the news API that were spent, by months of backfills as well.",
        (),
        lambda run: [({}, run.all_tokens)],
    ),
    Instrument(
        "newsapi.pipeline.tokens.left",
        "gauge",
        "{token}",
        "Tokens of the news API that are left.",
        (),
        lambda run: [({}, run.tokens_left)],
    ),
    Instrument(
        "newsapi.pipeline.table.rows",
        "gauge",
        "{row}",
        "Rows of each table.",
        ("db.collection.name",),
        _rows,
    ),
    Instrument(
        "newsapi.pipeline.storage",
        "gauge",
        "By",
        "What the database takes on its disk.",
        (),
        lambda run: [({}, run.storage_bytes)],
    ),
    Instrument(
        "newsapi.pipeline.freshness",
        "gauge",
        "s",
        "How long before the run's end the moment lies up to which final holds everything.",
        (),
        lambda run: [({}, run.freshness_seconds)],
    ),
)
"""Every metric that is exported."""
