"""`newsapi wrapping`: the lines that recur at a source and are no part of its articles."""

from contextlib import closing

import click

from newsapi_dentsu.cli.filters import stripped
from newsapi_dentsu.cli.output import console, print_rows, progress_bars
from newsapi_dentsu.settings import load_settings


@click.group()
def wrapping() -> None:
    """Find and list lines that recur at a source, such as its notes and calls to subscribe.

    Rules take most wrapping off articles by themselves (docs/wrapping.md); these lines go with it.
    """


@wrapping.command()
def renew() -> None:
    """Find the lines that recur at each source, in place of those that were known.

    It looks at the newest 500 stored articles of each source. Articles that come from now on are
    judged without these lines; those that are stored, after `newsapi run --full-refresh`.
    """
    from newsapi_dentsu.stages.wrapping import renew_wrapping_lines
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    with (
        closing(open_warehouse(settings)) as warehouse,
        warehouse.run_lock("newsapi wrapping renew", settings.run_wait_seconds),
        progress_bars(shown=True) as bar,
    ):
        found = renew_wrapping_lines(warehouse, bar("Reading sources"))
    click.echo(
        f"{found.lines:,} lines recur at {found.sources:,} sources "
        f"({found.added:,} new, {found.removed:,} no longer)"
    )
    if found.added or found.removed:
        click.echo("To judge the stored articles without them: newsapi run --full-refresh")


@wrapping.command("list")
@click.option("--source", callback=stripped, help="Part of the source's domain.")
def list_(*, source: str | None) -> None:
    """List the known lines by source, with the number of articles that had each."""
    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.tables.wrapping_lines import all_lines

    with closing(open_warehouse(load_settings())) as warehouse:
        lines = [
            line for line in warehouse.read(all_lines) if not source or source in line.source_uri
        ]
    if not lines:
        click.echo("no lines are known: `newsapi wrapping renew` looks for them", err=True)
        return
    print_rows(
        console(stderr=False),
        ("source", "at the", "articles", "line"),
        [(line.source_uri, line.place, f"{line.articles:,}", line.line) for line in lines],
    )
