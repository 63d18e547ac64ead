"""`newsapi config`: what the pipeline is set to do."""

import json

import click

from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.settings import load_settings, settings_in_use


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def config(*, as_json: bool) -> None:
    """List every setting, with where its value came from; secrets are masked."""
    lines = settings_in_use(load_settings())
    if as_json:
        click.echo(
            json.dumps({line.name: {"value": line.value, "from": line.origin} for line in lines})
        )
        return
    screen = console(stderr=False)
    if not screen.is_terminal:
        heads = ("setting", "value", "from", "meaning")
        rows = [(line.name, line.value, line.origin, line.description) for line in lines]
        print_rows(screen, heads, rows)
        return
    from rich.padding import Padding
    from rich.text import Text

    for line in lines:
        screen.print(
            Text.assemble((line.name, "bold"), f" = {line.value}  ({line.origin})"),
            Padding(Text(line.description), (0, 0, 0, 4)),
            sep="\n",
            soft_wrap=False,
        )
