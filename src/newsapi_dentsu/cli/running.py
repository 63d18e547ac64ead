"""`newsapi run` and `newsapi backfill`: the main job, in this process."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from newsapi_dentsu import logs
from newsapi_dentsu.cli.days import DAY
from newsapi_dentsu.cli.output import console, progress_bars, stages_told
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.wording import counted, duration

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
    _execute(
        settings,
        {stage.step: config for stage in STAGES if stage is not COLLECT},
        as_json=as_json,
    )


@click.command()
@click.option("--from", "first", required=True, type=DAY, help="First day to read.")
@click.option("--to", "last", type=DAY, help="Last day to read (default: today).")
@click.option("--reread", is_flag=True, help="Read days again that are settled.")
@click.option("--yes", is_flag=True, help="Don't ask before spending tokens.")
@as_json
def backfill(*, first: date, last: date | None, reread: bool, yes: bool, as_json: bool) -> None:
    """Read a range of days beyond the watermark.

    Prints what it will cost and asks. Days that are settled, so that nothing can come in any more,
    are skipped: a backfill that was interrupted goes on where it stopped. Days that regular runs
    have set aside are tried at once. The watermark of the regular runs stays where it is.
    """
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages.collect import CollectOptions, DayRange, estimate_backfill
    from newsapi_dentsu.stages.pipeline import COLLECT
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    now = datetime.now(UTC)
    days = DayRange(first, min(last or now.date(), now.date()))
    if days.first > days.last:
        raise click.UsageError(f"there are no days from {days.first} to {days.last}")
    warehouse = open_warehouse(settings)
    with warehouse.run_lock("newsapi backfill", settings.run_wait_seconds):
        warehouse.upgrade()
    options = CollectOptions(
        overlap=timedelta(hours=settings.overlap_hours), backfill=days, reread=reread
    )
    estimate = estimate_backfill(warehouse, load_topics(settings), now, options)
    about = "at least" if estimate.guessed else "about"
    click.echo(
        f"{counted(estimate.days, 'day')} to read from {days.first} to {days.last}, {about} "
        f"{counted(estimate.tokens, 'token')} "
        "(1 a request in the last 31 days, 5 a request before).",
        err=True,
    )
    if estimate.days and estimate.guessed:
        click.echo(
            "That counts one page of 100 articles a day, for no day of this search is known yet: "
            "busy days cost more. MAX_REQUESTS_PER_RUN caps a run; the next one goes on.",
            err=True,
        )
    if estimate.days and not yes:
        click.confirm("Read them?", abort=True, err=True)
    _execute(
        settings,
        {
            COLLECT.step: {
                "config": {
                    "backfill_from": days.first.isoformat(),
                    "backfill_to": days.last.isoformat(),
                    "reread": reread,
                }
            }
        },
        as_json=as_json,
    )


def _plan(settings: Settings, *, as_json: bool) -> None:
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages.planning import Plan, plan
    from newsapi_dentsu.stages.understand import Missing
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


def _execute(settings: Settings, ops: dict[str, Any], *, as_json: bool) -> None:
    """Execute the job, show its summary and exit with its success."""
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
        outcome = execute_pipeline(settings, ops, stages_told() if piped else progress)
    summary = summarize(settings, outcome, time.monotonic() - started)
    if as_json:
        click.echo(json.dumps(summary.as_json()))
    elif not logs_only:
        print_summary(settings, topics, summary)
    if not outcome.succeeded:
        raise SystemExit(1)
