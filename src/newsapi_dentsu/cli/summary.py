"""The summary of a run: as figures for programs, as text for people."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.markup import escape

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.hosting.execution import Outcome
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.pipeline import STAGES
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


def figures(settings: Settings, outcome: Outcome, seconds: float) -> dict[str, Any]:
    """What `newsapi run --json` prints."""
    warehouse = open_warehouse(settings)
    rows: dict[str, int] = {}
    stages: dict[str, stage_runs.StageRun] = {}
    try:
        with warehouse.snapshot() as session:
            rows = _rows(session, outcome.run_id)
            for stage_run in stage_runs.stage_runs(session, run_id=outcome.run_id):
                stages.setdefault(stage_run.stage, stage_run)
    except PipelineError:
        # The outcome's own error says why there is nothing to count.
        if outcome.succeeded:
            raise
    reported = {name for name, one in stages.items() if one.report is not None}
    collected = _report(stages, "collect")
    deduplicated = _report(stages, "deduplicate")
    grouped = _report(stages, "group")
    curated = _report(stages, "curate")
    return {
        "run_id": outcome.run_id,
        "succeeded": outcome.succeeded,
        "error": outcome.error,
        "failed_checks": outcome.failed_checks,
        "origin": collected.get("origin"),
        "database": warehouse.location,
        "dagster_home": str(settings.home),
        "stages": [one.name for one in STAGES if one.name in reported],
        "seconds": round(seconds, 2),
        "fetched": collected.get("fetched", 0),
        "new": collected.get("new", 0),
        "changed": collected.get("changed", 0),
        "duplicates": {
            "read_again": collected.get("known", 0),
            "url_twins": deduplicated.get("url_twins", 0),
            "superseded_versions": deduplicated.get("superseded", 0),
            "copies": grouped.get("copies", 0),
        },
        "rules_changed": grouped.get("rules_changed", False),
        "unusable": deduplicated.get("unusable", 0),
        "articles_added": curated.get("added", 0),
        "articles_changed": curated.get("changed", 0),
        "rejected": curated.get("rejected", {}),
        "rows": rows,
        "tokens_used": collected.get("tokens", 0),
        "tokens_left": collected.get("tokens_left"),
        "requests": collected.get("requests", 0),
        "retries": collected.get("retries", 0),
        "capped": collected.get("capped", False),
        "missing_days": collected.get("missing_days", {}),
        "disagreements": collected.get("disagreements", {}),
        "query_changed": collected.get("query_changed", False),
        "complete_through": collected.get("complete_through"),
    }


def _rows(session: Session, run_id: str) -> dict[str, int]:
    """How many rows the tables hold, as the run counted them at its end."""
    run = run_metrics.find(session, run_id)
    if run is None or run.final_rows is None:
        return row_counts(session)
    return {
        raw.TABLE: run.raw_rows or 0,
        processed.TABLE: run.processed_rows or 0,
        final.TABLE: run.final_rows,
        final.REJECTED: run.rejected_rows or 0,
    }


def _report(stages: dict[str, stage_runs.StageRun], stage: str) -> dict[str, Any]:
    found = stages.get(stage)
    return found.report or {} if found else {}


def print_summary(settings: Settings, topics: Topics, result: dict[str, Any]) -> None:
    """Tell a person how the run went, where the data is and what to do next."""
    screen = console(stderr=False)
    screen.print()
    if not result["succeeded"]:
        errors = console()
        errors.print(f"[bold red]Error:[/] {escape(result['error'])}")
        if result["missing_days"]:
            errors.print("What was read is stored and processed; later runs try the days again.")
        else:
            errors.print("The run failed. What was stored stays; the next run goes on there.")
    for label, value in _lines(settings, result):
        screen.print(f"  {label:<13}{escape(value)}")
    for check in result["failed_checks"]:
        screen.print(f"  [yellow]check failed:[/] {check}")
    screen.print()
    for advice in _advice(settings, topics, result):
        screen.print(escape(advice))


def _lines(settings: Settings, result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if result["origin"]:
        sandbox = result["origin"] == "sandbox"
        yield "source", "SANDBOX: invented articles" if sandbox else settings.newsapi_host
    if "collect" in result["stages"]:
        yield (
            "fetched",
            f"{result['fetched']:,} records: {result['new']:,} new, "
            f"{result['changed']:,} changed, {result['duplicates']['read_again']:,} known",
        )
    if "deduplicate" in result["stages"]:
        yield (
            "duplicates",
            f"{result['duplicates']['url_twins']:,} url twins, "
            f"{result['duplicates']['superseded_versions']:,} superseded versions, "
            f"{result['duplicates']['copies']:,} copies on other sites",
        )
    if "curate" in result["stages"]:
        rejected = [f"{count:,} {reason}" for reason, count in result["rejected"].items()]
        if result["unusable"]:
            rejected.append(f"{result['unusable']:,} unusable records")
        yield "rejected", ", ".join(rejected) or "none"
        yield (
            "articles",
            f"{result['articles_added']:,} new, {result['articles_changed']:,} changed",
        )
    for day, reason in result["missing_days"].items():
        yield "missing", f"{day}: {reason}"
    for day, text in result["disagreements"].items():
        yield "index", f"{day}: {text}"
    for table, count in result["rows"].items():
        yield "", f"{count:>9,} rows in {table}"
    if "collect" in result["stages"]:
        left = "" if result["tokens_left"] is None else f", {result['tokens_left']:,} left"
        yield "tokens", f"{result['tokens_used']:,} used{left}"
    yield "took", f"{result['seconds']:.1f} s"
    yield "data", result["database"]


def _advice(settings: Settings, topics: Topics, result: dict[str, Any]) -> Iterator[str]:
    if result["capped"]:
        yield "The run stopped at MAX_REQUESTS_PER_RUN: run again to read the rest."
    if result["query_changed"]:
        first = datetime.now(UTC).date() - timedelta(days=settings.lookback_days)
        yield (
            f"The topics have changed (now: {', '.join(topic.name for topic in topics.topics)}). "
            "Earlier days were read under the old ones; to read them under the new:\n"
            f"  newsapi backfill --from {first}"
        )
    if result["rules_changed"]:
        yield (
            "The rules for text, relevance, quality or copies have changed. Articles stored before "
            "keep their verdicts; to judge all again:\n  newsapi run --full-refresh"
        )
    if not result["succeeded"]:
        return
    yield "Next:"
    yield "  newsapi articles    read them"
    yield "  make dev            the Dagster UI on http://localhost:3000, a run every six hours"
    if result["origin"] == "sandbox":
        yield (
            "  real articles       put NEWSAPI_KEY=… (from https://newsapi.ai) into .env, then\n"
            "                      newsapi run --discard-sandbox"
        )
