"""What the page shows, worked out of the runs' figures: gauges and charts. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from newsapi_dentsu.domain.alerts.conditions import tokens
from newsapi_dentsu.domain.alerts.facts import Facts, Tables
from newsapi_dentsu.domain.alerts.limits import Limits
from newsapi_dentsu.health.relevance import OffTopic
from newsapi_dentsu.stages.pipeline import JOB
from newsapi_dentsu.stages.report import MUCH_OFF_TOPIC
from newsapi_dentsu.warehouse.tables.raw import SANDBOX
from newsapi_dentsu.warehouse.tables.run_metrics import FAILED, SUCCEEDED, RunMetrics
from newsapi_dentsu.wording import duration, size

Unit = Literal["runs", "seconds", "articles", "tokens", "rows", "bytes"]
State = Literal["good", "warning", "bad", "unknown"]

MOST_REASONS = 5
"""Reasons of rejection with a line of their own; the others share one."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure as it is now; `share` of the dial is filled, None where no scale is known."""

    id: str
    title: str
    value: str
    detail: str
    share: float | None
    limit: float | None
    state: State


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: a value for each of the chart's times, None where none is known."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time. `times` are UTC; `failed` tells at which of them a run failed."""

    id: str
    title: str
    description: str
    unit: Unit
    times: tuple[datetime, ...]
    failed: tuple[bool, ...]
    series: tuple[Series, ...]
    by_day: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for line in self.series for value in line.values)


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that the page shows."""

    made_at: datetime
    days: int
    location: str
    sandbox: bool
    runs: int
    newest: RunMetrics | None
    gauges: tuple[Gauge, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Storage:
    """What the database takes, and what it may take, in bytes, where that is known."""

    used: int | None
    limit: int | None


def health(
    runs: Sequence[RunMetrics],
    *,
    now: datetime,
    days: int,
    location: str,
    storage: Storage,
    limits: Limits,
    tables: Tables | None,
    off_topic: OffTopic | None = None,
) -> Health:
    """Work out the page.

    Args:
        runs: the runs of the last `days` days, oldest first.
        now: the time.
        days: how far back the page looks.
        location: where the data is, for people.
        storage: the space that the database takes.
        limits: the values beyond which something is not well.
        tables: what alerts see in the tables at the moment; None where there are none yet.
        off_topic: what of the latest articles was off topic; None where nothing tells.
    """
    return Health(
        made_at=now,
        days=days,
        location=location,
        sandbox=any(run.origin == SANDBOX for run in runs),
        runs=len(runs),
        newest=runs[-1] if runs else None,
        gauges=(
            _freshness(tables, limits, now),
            _error_rate(runs, limits, now),
            _tokens(runs, limits, tables, now),
            _storage(storage, limits),
            *([_relevance(off_topic)] if off_topic else []),
        ),
        charts=_charts(runs, now, days),
    )


def _freshness(tables: Tables | None, limits: Limits, now: datetime) -> Gauge:
    through = tables.final_complete_through if tables else None
    if through is None:
        return _unknown("freshness", "Freshness", "no run has filled the final table yet")
    age = max(timedelta(), now - through)
    scale = 2 * limits.stale_after
    return Gauge(
        "freshness",
        "Freshness",
        duration(age),
        "since the moment up to which the final table is complete; "
        f"stale after {duration(limits.stale_after)}",
        min(1.0, age / scale),
        limits.stale_after / scale,
        "bad" if limits.stale(through, now) else "good",
    )


def _error_rate(runs: Sequence[RunMetrics], limits: Limits, now: datetime) -> Gauge:
    window = duration(limits.failing_window)
    allowed = limits.rules.high_error_rate.percent / 100
    ended = [
        run
        for run in runs
        if run.status in (SUCCEEDED, FAILED) and run.started_at > now - limits.failing_window
    ]
    if not ended:
        return _unknown("errors", "Error rate", f"no run ended in the last {window}")
    failed = sum(run.status == FAILED for run in ended)
    rate = failed / len(ended)
    return Gauge(
        "errors",
        "Error rate",
        f"{rate:.0%}",
        f"{failed} of {len(ended)} runs failed in {window}; worth a look above {allowed:.0%}",
        rate,
        allowed,
        "good" if not limits.failing(len(ended), failed) else "warning" if rate < 0.5 else "bad",
    )


def _tokens(
    runs: Sequence[RunMetrics], limits: Limits, tables: Tables | None, now: datetime
) -> Gauge:
    balances = [run.tokens_left for run in runs if run.tokens_left is not None]
    if tables and tables.balance:
        balances.append(tables.balance[0])
    if not balances:
        return _unknown("tokens", "Tokens left", "no run could ask for them yet")
    left, most = balances[-1], max(balances)
    judgement = tokens(limits, Facts(now, JOB, limits.interval, None, tables))
    state: State = "unknown" if judgement.firing is None else "good"
    if judgement.firing:
        state = "warning" if left else "bad"
    return Gauge(
        "tokens",
        "Tokens left",
        f"{left:,}",
        judgement.summary,
        left / most if most else 0.0,
        None,
        state,
    )


def _storage(storage: Storage, limits: Limits) -> Gauge:
    if storage.used is None:
        return _unknown("storage", "Storage", "there is no database yet")
    used = size(storage.used)
    if not storage.limit:
        detail = "in use; set DATABASE_SIZE_GB to see how much that leaves"
        return Gauge("storage", "Storage", used, detail, None, None, "unknown")
    share = storage.used / storage.limit
    return Gauge(
        "storage",
        "Storage",
        used,
        f"in use, {_percent(share)} of {size(storage.limit)}",
        min(1.0, share),
        max(0.0, 1 - limits.least_free_bytes / storage.limit),
        "bad" if limits.full(storage.limit - storage.used) else "good",
    )


def _relevance(found: OffTopic) -> Gauge:
    detail = str(found)
    if found.much:
        detail += ": the search and the descriptions of the topics hardly agree"
    state: State = "warning" if found.much else "good"
    return Gauge(
        "off-topic", "Off topic", f"{found.share:.0%}", detail, found.share, MUCH_OFF_TOPIC, state
    )


def _percent(share: float) -> str:
    return "less than 0.1%" if share < 0.001 else f"{share:.1%}"


def _unknown(id_: str, title: str, why: str) -> Gauge:
    return Gauge(id_, title, "–", why, None, None, "unknown")


def _charts(runs: Sequence[RunMetrics], now: datetime, days: int) -> tuple[Chart, ...]:
    reasons = _reasons(runs)

    def chart(
        id_: str,
        title: str,
        description: str,
        unit: Unit,
        **lines: Callable[[RunMetrics], float | None],
    ) -> Chart:
        return Chart(
            id_,
            title,
            description,
            unit,
            tuple(run.started_at.astimezone(UTC) for run in runs),
            tuple(run.status == FAILED for run in runs),
            tuple(
                Series(name.replace("_", " "), tuple(value(run) for run in runs))
                for name, value in lines.items()
            ),
        )

    return (
        _runs_per_day(runs, now, days),
        chart(
            "duration",
            "Run duration",
            "How long each run took.",
            "seconds",
            duration=lambda run: run.duration_seconds,
        ),
        chart(
            "fetched",
            "Articles fetched",
            "Records read from the API by each run, and how many of them were new.",
            "articles",
            fetched=lambda run: run.fetched,
            new=lambda run: run.new_records,
        ),
        chart(
            "duplicates",
            "Duplicates removed",
            "By kind: the same page twice, an older version of a record, the text of another site.",
            "articles",
            url_twins=lambda run: run.url_twins,
            superseded_versions=lambda run: run.superseded_versions,
            copies=lambda run: run.copies,
        ),
        chart(
            "rejected",
            "Articles rejected",
            "By reason; copies are among the duplicates.",
            "articles",
            **{reason: _of_reason(reason) for reason in reasons[:MOST_REASONS]},
            **({"other_reasons": _others(reasons[:MOST_REASONS])} if reasons else {}),
        ),
        chart(
            "latency",
            "API latency",
            "Response times of the news API: the mean of each run, and its longest.",
            "seconds",
            mean=lambda run: run.latency_mean_seconds,
            longest=lambda run: run.latency_max_seconds,
        ),
        chart(
            "tokens-used",
            "Tokens used",
            "What each run spent at the news API, and what months of backfills had spent since the "
            "run before.",
            "tokens",
            used=lambda run: run.tokens_used,
            by_months=lambda run: run.month_tokens,
        ),
        chart(
            "tokens-left",
            "Tokens left",
            "The account's balance after each run.",
            "tokens",
            left=lambda run: run.tokens_left,
        ),
        chart(
            "tables",
            "Table sizes",
            "Rows after each run.",
            "rows",
            raw=lambda run: run.raw_rows,
            processed=lambda run: run.processed_rows,
            final=lambda run: run.final_rows,
            rejected=lambda run: run.rejected_rows,
        ),
        chart(
            "storage-used",
            "Storage used",
            "What the database took on its disk after each run.",
            "bytes",
            used=lambda run: run.storage_bytes,
        ),
    )


def _runs_per_day(runs: Sequence[RunMetrics], now: datetime, days: int) -> Chart:
    today = now.astimezone(UTC).date()
    ended = [run for run in runs if run.status in (SUCCEEDED, FAILED)]
    counts = Counter((_day(run), run.status) for run in ended)
    first = max(today - timedelta(days=days - 1), min(map(_day, ended), default=today))
    shown = [first + timedelta(days=offset) for offset in range((today - first).days + 1)]
    if not ended:
        shown = []
    return Chart(
        "runs",
        "Runs per day",
        "Runs that succeeded and failed, by the day (UTC) on which they started.",
        "runs",
        tuple(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in shown),
        tuple(counts[day, FAILED] > 0 for day in shown),
        tuple(
            Series(status, tuple(counts[day, status] for day in shown))
            for status in (SUCCEEDED, FAILED)
        ),
        by_day=True,
    )


def _day(run: RunMetrics) -> date:
    return run.started_at.astimezone(UTC).date()


def _reasons(runs: Iterable[RunMetrics]) -> list[str]:
    """The reasons of rejection, the most frequent first."""
    total = Counter[str]()
    for run in runs:
        total.update(run.rejected_by_reason or {})
    return sorted(total, key=lambda reason: (-total[reason], reason))


def _of_reason(reason: str) -> Callable[[RunMetrics], float | None]:
    def value(run: RunMetrics) -> float | None:
        reasons = run.rejected_by_reason
        return None if reasons is None else reasons.get(reason, 0)

    return value


def _others(named: Sequence[str]) -> Callable[[RunMetrics], float | None]:
    def value(run: RunMetrics) -> float | None:
        reasons = run.rejected_by_reason
        if reasons is None:
            return None
        return sum(count for reason, count in reasons.items() if reason not in named)

    return value
