"""`newsapi topics`: what the pipeline looks for, and teaching it."""

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.errors import TopicsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.wording import counted

if TYPE_CHECKING:
    from newsapi_dentsu.domain.teaching import Learnt
    from newsapi_dentsu.domain.topics import Topics
    from newsapi_dentsu.meaning import Embedder
    from newsapi_dentsu.stages.teaching import Lesson
    from newsapi_dentsu.warehouse import Warehouse

_of_topic = click.option(
    "--topic", metavar="NAME", help="The only topic that is meant (default: all together)."
)


@click.group(invoke_without_command=True)
@click.option("--init", is_flag=True, help="Copy the shipped file to ./topics.yaml, to edit it.")
@click.option(
    "--try",
    "tried",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Score the stored articles by this file, and store nothing.",
)
@click.pass_context
def topics(context: click.Context, *, init: bool, tried: Path | None) -> None:
    """Check the topics file and show what it asks for.

    With --try, tell what another file would make of the articles that are stored: how many it
    would keep, which it would only just reject, and which it would only just keep.
    """
    if context.invoked_subcommand:
        return
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
    for example in trial.missing:
        click.echo(f"no stored article is at {example}: as an example it is passed over")
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


@topics.command()
@click.argument("article", required=False, metavar="URL")
@click.argument("verdict", required=False, type=click.Choice(["yes", "no"], case_sensitive=False))
@_of_topic
@click.option("--forget", is_flag=True, help="Take back what was said of URL; without one, all.")
def teach(*, article: str | None, verdict: str | None, topic: str | None, forget: bool) -> None:
    """Say whether an article belongs to the topics, and learn from it.

    URL is an article's address in any spelling, its id, or a link of its records. Verdicts count
    in the next run, for articles that come then; `newsapi run --full-refresh` judges all again.
    Without arguments, list what was said.
    """
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages import teaching
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    asked, warehouse, embedder = (
        load_topics(settings),
        open_warehouse(settings),
        open_embedder(settings),
    )
    if forget:
        if verdict:
            raise click.UsageError("--forget takes a verdict back: leave yes or no out")
        wanted = teaching.asked_of(asked, topic)
        taken = teaching.forget(warehouse, wanted, article)
        click.echo(f"took back {counted(len(taken), 'verdict')} on {teaching.on(wanted)}")
        if taken:
            _tell_effect(warehouse, asked, embedder)
        return
    if article is None:
        _list(warehouse, asked, embedder)
        return
    if verdict is None:
        raise click.UsageError(f"does {article} belong? Say yes or no after it")
    lesson = teaching.teach(
        warehouse,
        asked,
        embedder,
        article,
        belongs=verdict == "yes",
        topic=topic,
        by=_who(),
        now=datetime.now(UTC),
    )
    for line in _lesson_lines(lesson):
        click.echo(line)
    _tell_effect(warehouse, asked, embedder)


@topics.command()
def verdicts() -> None:
    """List what people said of articles, and what was learnt of it."""
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    _list(open_warehouse(settings), load_topics(settings), open_embedder(settings))


def _list(warehouse: "Warehouse", asked: "Topics", embedder: "Embedder") -> None:
    from functools import partial

    from newsapi_dentsu.stages import teaching
    from newsapi_dentsu.stages.judging import measure_for
    from newsapi_dentsu.warehouse.tables.verdicts import verdicts as said

    found = warehouse.read(said)
    if not found:
        click.echo("nothing was said yet: newsapi topics teach URL yes|no")
        return
    names = {one.name for one in asked.topics}
    used = [{name} for name in names] + [names]
    rows = [
        (
            f"{one.said_at:%Y-%m-%d %H:%M}",
            one.said_by,
            "yes" if one.belongs else "no",
            teaching.on(one.names) + ("" if one.names in used else " (not in the topics file)"),
            one.title,
            one.link,
        )
        for one in found
    ]
    print_rows(console(stderr=False), ("when", "who", "verdict", "topics", "title", "link"), rows)
    measured = warehouse.read(partial(measure_for, topics=asked, embedder=embedder))
    for one in measured.learnt:
        click.echo(f"{teaching.on(one.topics)}: {_learnt_line(one)}")


def _lesson_lines(lesson: "Lesson") -> Iterator[str]:
    from newsapi_dentsu.stages import teaching

    said = lesson.said
    verdict = "belongs" if said.belongs else "doesn't belong"
    yield f"kept: “{said.title}” {verdict} to {teaching.on(said.names)}"
    if lesson.before and lesson.before.belongs != said.belongs:
        yield (
            f"  in the place of what {lesson.before.said_by} said on "
            f"{lesson.before.said_at:%Y-%m-%d}: that it {'does' if not said.belongs else 'did not'}"
        )
    if not lesson.readable:
        yield "  the sentence model can't read its text: nothing can be learnt from it"
    if lesson.learnt:
        yield f"  {_learnt_line(lesson.learnt)}"


def _learnt_line(one: "Learnt") -> str:
    from newsapi_dentsu.domain.teaching import LEAST_OF_EACH

    count = f"{counted(one.yes + one.no, 'verdict')} ({one.yes} yes, {one.no} no)"
    if one.too_few:
        return (
            f"{count}: scores stay as they are until {LEAST_OF_EACH} say yes and "
            f"{LEAST_OF_EACH} say no"
        )
    held_out = (
        f"of {one.yes + one.no} verdicts, each judged by what the others teach, "
        f"{one.right_after} would be right, and {one.right_before} without teaching"
    )
    if one.used:
        return f"{count} are learnt from: {held_out}"
    return f"{count}: learning from them would not help, so that scores stay ({held_out})"


def _tell_effect(warehouse: "Warehouse", asked: "Topics", embedder: "Embedder") -> None:
    from newsapi_dentsu.stages import teaching

    found = teaching.effect(warehouse, asked, embedder)
    click.echo(
        f"Of the {counted(found.looked_at, 'article')} stored last, {found.entering:,} would become"
        f" relevant and {found.leaving:,} would no longer be. Articles that come from now on are "
        "judged so; to judge all again, and to see before what that changes:\n"
        "  newsapi run --full-refresh --plan\n"
        "  newsapi run --full-refresh"
    )


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
