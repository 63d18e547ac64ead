"""`newsapi config` and `newsapi topics`: what the pipeline is set to do."""

import json

import click

from newsapi_dentsu.cli.output import console
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
    from rich.table import Table

    table = Table("setting", "value", "from", "meaning", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.name, line.value, line.origin, line.description)
    console(stderr=False).print(table)


@click.command()
@click.option("--init", is_flag=True, help="Copy the shipped file to ./topics.yaml, to edit it.")
def topics(*, init: bool) -> None:
    """Check the topics file and show what it asks for."""
    from newsapi_dentsu.source import LOCAL_TOPICS, SHIPPED_TOPICS, load_topics, topics_path

    if init:
        try:
            with LOCAL_TOPICS.open("x", encoding="utf-8") as target:
                target.write(SHIPPED_TOPICS.read_text("utf-8"))
        except FileExistsError:
            raise click.ClickException(f"{LOCAL_TOPICS} exists already") from None
        click.echo(f"wrote {LOCAL_TOPICS}: edit it, then check it with `newsapi topics`")
        return
    settings = load_settings()
    found = load_topics(settings)
    click.echo(f"{topics_path(settings)} is valid (search {found.query_id})")
    for topic in found.topics:
        click.echo(
            f"  {topic.name}: {len(topic.keywords)} keywords, {len(topic.concepts)} concepts, "
            f"{len(topic.categories)} categories"
        )
    click.echo(f"  languages: {', '.join(found.languages)}")
    click.echo(f"  data types: {', '.join(found.data_types)}")
    click.echo(f"  ignored sources: {', '.join(found.ignore_sources) or 'none'}")
