"""`newsapi run`: the main job, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu import logs
from newsapi_dentsu.cli.output import console, progress_bars, stages_told
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.wording import counted, duration

if TYPE_CHECKING:
    from newsapi_dentsu.cli.summary import RunSummary
    from newsapi_dentsu.stages.pipeline import Stage
    from newsapi_dentsu.stages.planning import Plan
    from newsapi_dentsu.stages.understand import Missing

SANDBOX_NOTICE = (
    "No NEWSAPI_KEY: reading the built-in SANDBOX. Its articles are invented, to try things out."
)

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with all figures and no more."
)


@click.command()
@as_json
@click.option(
    "--full-refresh",
    is_flag=True,
    help="Rebuild processed and final from all of raw; rows that come out the same stay untouched.",
)
@click.option(
    "--discard-sandbox",
    is_flag=True,
    help="Delete the sandbox's articles first, to start with real ones in the same database.",
)
@click.option(
    "--plan",
    is_flag=True,
    help="With --full-refresh: tell what it would change of what is stored, and store nothing.",
)
def run(*, as_json: bool, full_refresh: bool, discard_sandbox: bool, plan: bool) -> None:
    """Fetch what is new, deduplicate it, group it, filter it.

    Executes the Dagster job news_pipeline in this process. Exit code 0 means that all
    stages succeeded; a run that failed keeps what it had stored, and the next one goes on there.
    """
    from newsapi_dentsu.stages.pipeline import COLLECT, STAGES

    settings = load_settings()
    if plan:
        if not full_refresh or discard_sandbox:
            raise click.UsageError("--plan goes with --full-refresh alone")
        _plan(settings, as_json=as_json)
        return
    if discard_sandbox:
        from newsapi_dentsu.warehouse import open_warehouse

        warehouse = open_warehouse(settings)
        with warehouse.run_lock("newsapi run --discard-sandbox", settings.run_wait_seconds):
            warehouse.discard_sandbox()
    config: dict[str, Any] = {"config": {"full_refresh": full_refresh}}
    execute(
        settings,
        {stage.step: config for stage in STAGES if stage is not COLLECT},
        as_json=as_json,
    )


def _plan(settings: Settings, *, as_json: bool) -> None:
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages.planning import plan
    from newsapi_dentsu.warehouse import open_warehouse

    def tell(missing: Missing) -> None:
        if missing.texts and not as_json:
            about = duration(timedelta(seconds=missing.seconds))
            click.echo(
                f"{counted(missing.texts, 'text')} to understand first, for about {about} …",
                err=True,
            )

    def lines(found: Plan) -> Iterator[str]:
        yield (
            f"{counted(found.entering, 'article')} would enter final and "
            f"{found.leaving:,} leave it: {found.after:,} instead of {found.before:,}"
        )
        if found.missing.texts:
            about = duration(timedelta(seconds=found.missing.seconds))
            yield f"{counted(found.missing.texts, 'text')} to understand, for about {about}"
        for heading, count, articles in (
            ("entering:", found.entering, found.entrants),
            ("leaving:", found.leaving, found.leavers),
        ):
            if articles:
                yield heading
            for one in articles:
                yield f"  {one.title}" + (f" ({one.reason})" if one.reason else "")
                yield f"      {one.link}"
            if articles and count > len(articles):
                yield f"  and {count - len(articles):,} more"
        yield "Nothing was stored. What the refresh reads anew before is not in these figures."

    topics, warehouse = load_topics(settings), open_warehouse(settings)
    with (
        warehouse.run_lock("newsapi run --full-refresh --plan", settings.run_wait_seconds),
        progress_bars(shown=not as_json) as progress,
    ):
        found = plan(
            warehouse,
            topics,
            open_embedder(settings),
            now=datetime.now(UTC),
            horizon_days=settings.duplicate_horizon_days,
            told=tell,
            bars=progress,
        )
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    for line in lines(found):
        click.echo(line)


def execute(settings: Settings, ops: dict[str, Any], *, as_json: bool) -> None:
    """Execute the job, show its summary and exit with its success."""
    summary = executed(settings, ops, as_json=as_json)
    if as_json:
        click.echo(json.dumps(summary.as_json()))
    if not summary.outcome.succeeded:
        raise SystemExit(1)


def executed(
    settings: Settings, ops: dict[str, Any], *, as_json: bool, stages: Sequence[Stage] = ()
) -> RunSummary:
    """Execute the job, and show its summary unless it goes out as JSON.

    Args:
        settings: the settings.
        ops: run configuration of the assets, by op name.
        as_json: whether the summary is shown by somebody else.
        stages: the stages to execute; all where none is named.
    """
    from newsapi_dentsu.source import load_topics

    started = time.monotonic()
    topics = load_topics(settings)
    logs_only = logs.writes_json() and not as_json
    if logs_only:
        # The last lines of the log say what the summary would.
        logs.configure_service()
    elif settings.uses_sandbox and not as_json:
        console().print(SANDBOX_NOTICE, style="bold yellow")
    piped = not as_json and not logs_only and not console().is_terminal
    if piped:
        # Dagster alone takes seconds to begin.
        click.echo("Starting the run …", err=True)
    from newsapi_dentsu.cli.summary import print_summary, summarize
    from newsapi_dentsu.hosting.execution import execute_pipeline

    with progress_bars(shown=not as_json and not logs_only) as progress:
        outcome = execute_pipeline(
            settings, ops, stages_told() if piped else progress, stages=stages
        )
    summary = summarize(settings, outcome, time.monotonic() - started)
    if not as_json and not logs_only:
        print_summary(settings, topics, summary)
    return summary
