"""`newsapi config` and `newsapi topics`: what the pipeline is set to do."""

import json
from pathlib import Path

import click

from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.errors import TopicsError
from newsapi_dentsu.settings import Settings, load_settings, settings_in_use
from newsapi_dentsu.wording import counted


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


@click.command()
@click.option("--init", is_flag=True, help="Copy the shipped file to ./topics.yaml, to edit it.")
@click.option(
    "--try",
    "tried",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Score the stored articles by this file, and store nothing.",
)
def topics(*, init: bool, tried: Path | None) -> None:
    """Check the topics file and show what it asks for.

    With --try, tell what another file would make of the articles that are stored: how many it
    would keep, which it would only just reject, and which it would only just keep.
    """
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
    if tried:
        _try(settings, tried)
        return
    found = load_topics(settings)
    click.echo(f"{topics_path(settings)} is valid (search {found.query_id})")
    for topic in found.topics:
        click.echo(
            f"  {topic.name}: {counted(len(topic.keywords), 'keyword')}, "
            f"{counted(len(topic.concepts), 'concept')}, "
            f"{counted(len(topic.categories), 'category')}"
        )
        if not topic.description:
            click.echo(
                "    no description: its keywords stand for it; say in one or two sentences what "
                "it is about, and articles are judged better"
            )
    click.echo(f"  languages: {', '.join(found.languages)}")
    click.echo(f"  data types: {', '.join(found.data_types)}")
    click.echo(f"  ignored sources: {', '.join(found.ignore_sources) or 'none'}")


def _try(settings: Settings, path: Path) -> None:
    from newsapi_dentsu.domain.topics import parse_topics
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.settings import read_file
    from newsapi_dentsu.stages.trying import attempt
    from newsapi_dentsu.warehouse import open_warehouse

    found = parse_topics(read_file(path, "--try", TopicsError), str(path))
    trial = attempt(open_warehouse(settings), found, open_embedder(settings))
    click.echo(
        f"{path} would keep {trial.kept:,} and reject {trial.rejected:,} of the stored articles "
        f"as off topic (threshold {found.relevance.asked}); nothing was stored"
    )
    if trial.by_words:
        click.echo(
            f"{trial.by_words:,} of them are judged by keywords and tags alone, as no vectors of "
            "their texts are stored: `newsapi run --full-refresh` makes them"
        )
    for heading, articles in (
        ("the nearest misses:", trial.misses),
        ("the doubtful ones that it would keep:", trial.doubtful),
    ):
        if articles:
            click.echo(heading)
        for one in articles:
            scores = ", ".join(f"{name} {value:.2f}" for name, value in one.topics.items())
            overall = found.relevance.beside(one.overall)
            click.echo(f"  {overall}  {one.title}  ({scores})\n        {one.link}")
