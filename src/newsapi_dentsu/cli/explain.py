"""`newsapi explain`: an article's whole path."""

import dataclasses
import json

import click

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.settings import load_settings


@click.command()
@click.argument("url_or_uri")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def explain(*, url_or_uri: str, as_json: bool) -> None:
    """Tell what became of an article, from its raw records to the final table.

    URL_OR_URI is an article's address, in any spelling, or the uri of a record.
    """
    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.explanation import explain as follow

    warehouse = open_warehouse(load_settings())
    with warehouse.snapshot() as session:
        paths = follow(session, url_or_uri)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(path) for path in paths], default=str))
        return
    if not paths:
        raise click.ClickException(f"no record has the url or uri {url_or_uri}")
    screen = console(stderr=False)
    for path in paths:
        screen.print(path.url or "no article", style="bold", markup=False)
        for record in path.records:
            reason = f" ({record.reason})" if record.reason else ""
            screen.print(
                f"  raw        record {record.uri} version {record.version}, "
                f"fetched {record.fetched_at:%Y-%m-%d %H:%M}: {record.outcome}{reason}",
                markup=False,
            )
            screen.print(f"             {record.url}", markup=False)
            if record.problems:
                screen.print(f"             unreadable fields: {record.problems}", markup=False)
        if path.article_id is None:
            continue
        published = f"{path.published_at:%Y-%m-%d %H:%M} UTC" if path.published_at else "unknown"
        screen.print(
            f"  processed  article {path.article_id}, version {path.version}, "
            f"published {published}",
            markup=False,
        )
        why = f": {path.reason} ({path.detail})" if path.reason else ""
        screen.print(f"  final      {path.verdict}{why}", markup=False)
