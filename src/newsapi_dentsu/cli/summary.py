"""The summary of a run: as figures for programs, as text for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.markup import escape

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.hosting.execution import Outcome
from newsapi_dentsu.runs.summary import RunReports, last_reports
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.report import (
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
)
from newsapi_dentsu.warehouse import open_warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.queries.overview import row_counts
from newsapi_dentsu.warehouse.tables import (
    final,
    processed,
    raw,
    run_metrics,
    stage_runs,
)
from newsapi_dentsu.wording import counted, utc_text


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as its command shows it: its outcome, what its stages reported, and the tables."""

    outcome: Outcome
    reports: RunReports
    rows: dict[str, int]
    database: str
    dagster_home: str
    seconds: float

    @property
    def set_aside(self) -> int:
        """Records and articles that could not be processed."""
        deduplicated = self.reports.deduplicate or DeduplicateReport()
        curated = self.reports.curate or CurateReport()
        return deduplicated.failed + curated.rejected.get(FAILED, 0)

    def as_json(self) -> dict[str, Any]:
        """What `newsapi run --json` prints; a stage that reported nothing did nothing."""
        collected = self.reports.collect or CollectReport()
        deduplicated = self.reports.deduplicate or DeduplicateReport()
        grouped = self.reports.group or GroupReport()
        curated = self.reports.curate or CurateReport()
        through = collected.complete_through
        return {
            "run_id": self.outcome.run_id,
            "succeeded": self.outcome.succeeded,
            "error": self.outcome.error,
            "failed_checks": self.outcome.failed_checks,
            "origin": collected.origin,
            "database": self.database,
            "dagster_home": self.dagster_home,
            "stages": self.reports.stages,
            "seconds": round(self.seconds, 2),
            "fetched": collected.fetched,
            "new": collected.new,
            "changed": collected.changed,
            "duplicates": {
                "read_again": collected.known,
                "url_twins": deduplicated.url_twins,
                "superseded_versions": deduplicated.superseded,
                "copies": grouped.copies,
            },
            "rules_changed": grouped.rules_changed,
            "unusable": deduplicated.unusable,
            "set_aside": self.set_aside,
            "articles_added": curated.added,
            "articles_changed": curated.changed,
            "rejected": curated.rejected,
            "rows": self.rows,
            "tokens_used": collected.tokens,
            "tokens_left": collected.tokens_left,
            "requests": collected.requests,
            "retries": collected.retries,
            "capped": collected.capped,
            "missing_days": collected.missing_days,
            "disagreements": collected.disagreements,
            "query_changed": collected.query_changed,
            "complete_through": utc_text(through) if through else None,
        }


def summarize(settings: Settings, outcome: Outcome, seconds: float) -> RunSummary:
    """Read what a run did.

    It took as long as its figures say, as on the dashboard and in SQL: from its start to its end,
    without the time in which its process began. Without figures it took these `seconds`.

    Raises:
        PipelineError: the run succeeded, but its tables can't be read.
    """
    warehouse = open_warehouse(settings)
    rows: dict[str, int] = {}
    executions: list[stage_runs.StageRun] = []
    run: run_metrics.RunMetrics | None = None
    try:
        with warehouse.snapshot() as session:
            run = run_metrics.find(session, outcome.run_id)
            rows = _rows(session, run)
            executions = stage_runs.stage_runs(session, run_id=outcome.run_id)
    except PipelineError:
        # The outcome's own error says why there is nothing to count.
        if outcome.succeeded:
            raise
    return RunSummary(
        outcome,
        last_reports(executions),
        rows,
        warehouse.location,
        str(settings.home),
        seconds if run is None or run.duration_seconds is None else run.duration_seconds,
    )


def _rows(session: Session, run: run_metrics.RunMetrics | None) -> dict[str, int]:
    """How many rows the tables hold, as the run counted them at its end."""
    if run is None or run.final_rows is None:
        return row_counts(session)
    return {
        raw.TABLE: run.raw_rows or 0,
        processed.TABLE: run.processed_rows or 0,
        final.TABLE: run.final_rows,
        final.REJECTED: run.rejected_rows or 0,
    }


def print_summary(settings: Settings, topics: Topics, run: RunSummary) -> None:
    """Tell a person how the run went, where the data is and what to do next."""
    screen = console(stderr=False)
    screen.print()
    if not run.outcome.succeeded:
        errors = console()
        errors.print(f"[bold red]Error:[/] {escape(str(run.outcome.error))}")
        if run.reports.collect and run.reports.collect.missing_days:
            errors.print("What was read is stored and processed; later runs try the days again.")
        else:
            errors.print("The run failed. What was stored stays; the next run goes on there.")
    for label, value in _lines(settings, run):
        screen.print(f"  {label:<13}{escape(value)}")
    for check in run.outcome.failed_checks:
        screen.print(f"  [yellow]check failed:[/] {check}")
    screen.print()
    for advice in _advice(settings, topics, run):
        screen.print(escape(advice))


def _lines(settings: Settings, run: RunSummary) -> Iterator[tuple[str, str]]:
    collected, deduplicated = run.reports.collect, run.reports.deduplicate
    if collected and collected.origin:
        sandbox = collected.origin == raw.SANDBOX
        yield "source", "SANDBOX: invented articles" if sandbox else settings.newsapi_host
    if collected:
        yield (
            "fetched",
            f"{collected.fetched:,} records: {collected.new:,} new, "
            f"{collected.changed:,} changed, {collected.known:,} known",
        )
    if deduplicated:
        copies = run.reports.group.copies if run.reports.group else 0
        yield (
            "duplicates",
            f"{deduplicated.url_twins:,} url twins, "
            f"{deduplicated.superseded:,} superseded versions, "
            f"{copies:,} copies on other sites",
        )
    if curated := run.reports.curate:
        rejected = [f"{count:,} {reason}" for reason, count in curated.rejected.items()]
        if deduplicated and deduplicated.unusable:
            rejected.append(f"{deduplicated.unusable:,} unusable records")
        yield "rejected", ", ".join(rejected) or "none"
        yield "articles", f"{curated.added:,} new, {curated.changed:,} changed"
    if collected:
        for day, reason in collected.missing_days.items():
            yield "missing", f"{day}: {reason}"
        for day, text in collected.disagreements.items():
            yield "index", f"{day}: {text}"
    for table, count in run.rows.items():
        yield "", f"{count:>9,} rows in {table}"
    if collected:
        left = "" if collected.tokens_left is None else f", {collected.tokens_left:,} left"
        yield "tokens", f"{collected.tokens:,} used{left}"
    yield "took", f"{run.seconds:.1f} s"
    yield "data", run.database


def _advice(settings: Settings, topics: Topics, run: RunSummary) -> Iterator[str]:
    collected = run.reports.collect
    if collected and collected.capped:
        yield "The run stopped at MAX_REQUESTS_PER_RUN: run again to read the rest."
    if collected and collected.query_changed:
        first = datetime.now(UTC).date() - timedelta(days=settings.lookback_days)
        yield (
            f"The topics have changed (now: {', '.join(topic.name for topic in topics.topics)}). "
            "Earlier days were read under the old ones; to read them under the new:\n"
            f"  newsapi backfill --from {first}"
        )
    if run.reports.group and run.reports.group.rules_changed:
        yield (
            "The rules for text, relevance, quality or copies have changed. Articles stored before "
            "keep their verdicts; to judge all again:\n  newsapi run --full-refresh"
        )
    if run.reports.group and run.reports.group.mostly_off_topic:
        yield (
            f"{run.reports.group.off_topic:,} of {run.reports.group.articles:,} articles are OFF "
            "TOPIC. If they belong, describe the topics better; this shows what an edited file "
            "would keep:\n  newsapi topics --try topics.yaml"
        )
    if run.set_aside:
        yield (
            f"{counted(run.set_aside, 'article')} could not be processed, set aside as {FAILED}: "
            "the log says why. The next version of the program tries them again; to do "
            "it now:\n  newsapi run --full-refresh"
        )
    if not run.outcome.succeeded:
        return
    yield "Next:"
    yield "  newsapi serve       read them in the browser, as feeds, by REST"
    yield "  newsapi articles    list or export them"
    yield "  newsapi dev         the Dagster UI on http://localhost:3000, a run every six hours"
    if collected and collected.origin == raw.SANDBOX:
        yield (
            "  real articles       put NEWSAPI_KEY=… (from https://newsapi.ai) into .env, then\n"
            "                      newsapi run --discard-sandbox"
        )
