"""`newsapi searches`: saved searches, each of which the server makes feeds of."""

from contextlib import closing

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.settings import load_settings


@click.group()
def searches() -> None:
    """Save searches under names; `newsapi serve` has a page and feeds of each."""


@searches.command()
@click.argument("name")
@click.argument("query", nargs=-1, required=True)
def add(name: str, query: tuple[str, ...]) -> None:
    """Save the search QUERY as NAME, or replace the one of that name.

    \b
    newsapi searches add agency-deals 'agency "series b" -crypto source:adledger'
    """
    from newsapi_dentsu.reading.saved import SavedSearchError, SavedSearches

    saved = SavedSearches(load_settings().saved_searches_path)
    try:
        saved.add(name, " ".join(query))
    except SavedSearchError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"saved {name}: /saved/{name}, /saved/{name}.atom and .json of newsapi serve")


@searches.command(name="list")
def list_() -> None:
    """List the saved searches."""
    from newsapi_dentsu.reading.saved import SavedSearches

    saved = SavedSearches(load_settings().saved_searches_path)
    there = saved.all()
    if not there:
        click.echo("no saved searches: newsapi searches add NAME QUERY saves one", err=True)
    for one in there:
        click.echo(f"{one.name}\t{one.q}")


@searches.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget the saved search NAME."""
    from newsapi_dentsu.reading.saved import SavedSearchError, SavedSearches

    try:
        SavedSearches(load_settings().saved_searches_path).remove(name)
    except SavedSearchError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"removed {name}")


@searches.command()
def index() -> None:
    """Bring the index of searches up to what is stored, to its end.

    Each run does so for some seconds, which is enough for what it stored. Where many articles came
    at once, this goes on; ended at any moment, it goes on the next time.
    """
    from newsapi_dentsu.meaning.embedder import open_embedder
    from newsapi_dentsu.reading.index import complete_search
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    with closing(open_warehouse(settings)) as warehouse, progress_bars(shown=True) as bar:
        complete_search(
            warehouse,
            settings.reading_folder,
            open_embedder(settings).model,
            holder="newsapi searches index",
            wait=settings.run_wait_seconds,
            progress=bar("Indexing"),
        )
    click.echo("all articles can be searched")
