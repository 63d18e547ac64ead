"""`newsapi prune`: delete old records of Dagster now, rather than in the coming night."""

from datetime import UTC, datetime, timedelta

import click

from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.wording import counted


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 36_500), help="Age to keep (default: RUN_RETENTION_DAYS)."
)
def prune(*, days: int | None) -> None:
    """Delete Dagster's old runs with their events and output; articles are never touched.

    The schedule daily_housekeeping does the same each night.
    """
    from newsapi_dentsu.defs import retention
    from newsapi_dentsu.hosting.execution import opened_records
    from newsapi_dentsu.hosting.home import prepare_home

    settings = load_settings()
    kept = days or settings.run_retention_days
    with opened_records(settings, prepare_home(settings)) as instance:
        pruned = retention.prune(instance, datetime.now(UTC) - timedelta(days=kept))
    click.echo(
        f"deleted {counted(pruned.runs, 'run')} and {pruned.check_results:,} results of checks "
        f"that were older than {counted(kept, 'day')}"
    )
