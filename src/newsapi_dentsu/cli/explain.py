"""`newsapi explain`: an article's whole path."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.domain.text import clean_title
from newsapi_dentsu.errors import BrandsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.wording import counted, utc_text

if TYPE_CHECKING:
    from newsapi_dentsu.domain.relevance import Meaning, Relevance, Yardstick
    from newsapi_dentsu.domain.topics import RelevanceRules
    from newsapi_dentsu.warehouse.queries.explanation import ArticlePath, Departed
    from newsapi_dentsu.warehouse.tables.tone import ArticleRow, MentionRow, TargetRow

_LONGEST_LINK = 2000


@click.command()
@click.argument("name", metavar="URL_OR_ID")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def explain(*, name: str, as_json: bool) -> None:
    """Tell what became of an article, from its raw records to the final table.

    URL_OR_ID is an article's address, in any spelling and without https:// too, a link that a
    record gave and nobody can open, the uri of a record, or the id of an article or a story.
    """
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages.judging import meanings_of, measure_for
    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.queries.explanation import explain as follow

    settings = load_settings()
    warehouse = open_warehouse(settings)
    embedder = open_embedder(settings)
    topics = load_topics(settings)
    brands = _version_of_brands(settings)
    with warehouse.snapshot() as session:
        paths = follow(session, name)
        meanings = meanings_of(
            session,
            embedder.model,
            {
                path.article_id: (path.text.title, path.text.own_text)
                for path in paths
                if path.article_id and path.text
            },
        )
        measure = measure_for(session, topics, embedder if meanings else None).yardstick
    found = [_relevance(path, measure, meanings) for path in paths]
    if as_json:
        click.echo(json.dumps(list(map(_as_json, paths, found)), default=utc_text))
        return
    if not paths:
        raise click.ClickException(
            f"no record has the url, uri or id {name}: take one that `newsapi articles` lists"
        )
    screen = console(stderr=False)
    for path, relevance in zip(paths, found, strict=True):
        screen.print(path.link or "no article", style="bold", markup=False)
        if path.title:
            screen.print(f"  title      {path.title}", markup=False)
        for record in path.records:
            reason = f" ({record.reason})" if record.reason else ""
            screen.print(
                f"  raw        record {record.uri} version {record.version}, "
                f"fetched {record.fetched_at:%Y-%m-%d %H:%M}: {record.outcome}{reason}",
                markup=False,
            )
            if record.url:
                link = clean_title(record.url[:_LONGEST_LINK])
                screen.print(f"             {link}", markup=False)
            if record.problems:
                screen.print(f"             unexpected fields: {record.problems}", markup=False)
        if path.article_id is None:
            continue
        published = f"{path.published_at:%Y-%m-%d %H:%M} UTC" if path.published_at else "unknown"
        screen.print(
            f"  processed  article {path.article_id}, version {path.version}, "
            f"published {published}",
            markup=False,
        )
        screen.print(f"             known by {path.url}", markup=False)
        for line in _version_lines(path):
            screen.print(line, markup=False)
        lines = _relevance_lines(relevance, topics.relevance)
        for line in (*_text_lines(path), *_story_lines(path), *lines):
            screen.print(line, markup=False)
        why = f": {path.reason} ({path.detail})" if path.reason else ""
        screen.print(f"  final      {path.verdict}{why}", markup=False)
        for line in _tone_lines(path, brands):
            screen.print(line, markup=False)
        if path.text_of:
            screen.print(f"             with the fuller text of {path.text_of}", markup=False)
        for departed in path.departures:
            screen.print(f"             {_departure(departed)}", markup=False)


def _departure(departed: "Departed") -> str:
    at = f"{departed.at:%Y-%m-%d %H:%M}"
    if departed.reason == "fuller_text":
        return f"{at}: shows the fuller text of {departed.replaced_by}"
    if departed.reason == "own_text":
        return f"{at}: shows its own text again"
    instead = f", read {departed.replaced_by} instead" if departed.replaced_by else ""
    return f"left it {at}: {departed.reason}{instead}"


def _version_lines(path: "ArticlePath") -> Iterator[str]:
    if len(path.versions) < 2:
        return
    yield "  versions   whole in final.article_versions, the earliest first:"
    for version in path.versions:
        published = f"{version.published_at:%Y-%m-%d %H:%M}" if version.published_at else "?"
        words = len((version.body or "").split())
        yield f"             {published} {version.title} ({counted(words, 'word')})"
        yield f"                 {version.link}"


def _text_lines(path: "ArticlePath") -> Iterator[str]:
    text = path.text
    if text and text.end is not None and (text.start, text.end) != (0, text.length):
        yield (
            f"             its own text: characters {text.start} to {text.end} of {text.length}, "
            "the rest is its site's wrapping"
        )


def _story_lines(path: "ArticlePath") -> Iterator[str]:
    standing = path.standing
    if standing is None:
        return
    yield f"  story      {standing.story_id}: {standing.role}{_likeness(path)}"
    yield from _reason_lines(path)
    for member in path.story:
        if member.article_id != path.article_id:
            where = "in final" if member.is_final else "not in final"
            published = f"{member.published_at:%Y-%m-%d %H:%M}" if member.published_at else "?"
            yield f"             {member.role:<8} {published} {member.link} ({where})"
    if standing.flags != "[]":
        yield f"             flags: {', '.join(json.loads(standing.flags))}"


def _likeness(path: "ArticlePath") -> str:
    standing = path.standing
    if standing is None or standing.reference_id is None:
        return ""
    links = {member.article_id: member.link for member in path.story}
    return (
        f" of {links.get(standing.reference_id, standing.reference_id)} ({standing.rule}: "
        f"similarity {standing.similarity:.2f}, containment {standing.containment:.2f})"
    )


def _reason_lines(path: "ArticlePath") -> Iterator[str]:
    if path.standing and path.standing.reasons:
        for reason in path.standing.reasons.split("; "):
            yield f"             {reason}"


def _relevance(
    path: "ArticlePath", measure: "Yardstick", meanings: Mapping[str, "Meaning"]
) -> "Relevance | None":
    from newsapi_dentsu.domain.relevance import score

    text = path.text
    if text is None:
        return None
    return score(
        text.title,
        text.own_text,
        text.concepts,
        text.categories,
        measure,
        meanings.get(path.article_id or ""),
        path.standing.lang if path.standing else None,
    )


def _relevance_lines(found: "Relevance | None", rules: "RelevanceRules") -> Iterator[str]:
    if found is None:
        return
    how = "" if found.by == "meaning" else " (by keywords and tags alone)"
    overall = rules.beside(found.overall)
    yield f"  relevance  {overall} by the topics of now, {rules.asked} is asked for{how}"
    for name, value in found.topics.items():
        yield f"             {name} {value:.2f}:"
        yield from _signal_lines(found, name)
    yield from _signal_lines(found, "")
    if found.by == "meaning":
        yield f"             {found.constant:+7.2f}  the same for all articles"


def _signal_lines(found: "Relevance", topic: str) -> Iterator[str]:
    for signal in found.signals:
        if signal.topic == topic:
            sign = "+" if found.by == "meaning" else ""
            yield f"             {signal.weight:{sign}7.2f}  {signal.said}"


def _version_of_brands(settings: Settings) -> str | None:
    """Which brands are watched now; None where their file has a mistake, which others tell."""
    from newsapi_dentsu.source import load_brands

    try:
        return load_brands(settings).version
    except BrandsError:
        return None


def _tone_lines(path: "ArticlePath", brands: str | None) -> Iterator[str]:
    tone = path.tone
    if path.verdict != "final":
        return
    if tone is None:
        yield "  tone       not read yet: one of the next runs reads it, the newest articles first"
        return
    if path.tone_waits or tone.brands != (brands or tone.brands):
        yield "  tone       what follows is of before: the article, the model or the file of brands"
        yield "             has changed since, and one of the next runs reads it again"
    if tone.label == "not_scored":
        lang = path.standing.lang if path.standing else None
        yield (
            f"  tone       not scored: the article's language is {lang or 'unknown'}, and only "
            "English (eng) is read"
        )
        return
    if tone.label == "failed":
        yield "  tone       it couldn't be read; the log of the run that tried says why"
        return
    yield f"  tone       {_told(tone)} in title and first sentence, by {tone.model}"
    if not path.targets:
        yield "             it names no watched brand, and no company or person of its concepts"
    for target in path.targets:
        yield f"             of {target.target} ({target.kind}): {_told(target)}"
        for mention in path.mentions:
            if mention.target == target.target:
                where = (
                    f"sentence {mention.sentence_number}" if mention.sentence_number else "title"
                )
                yield f"                 {_told(mention)}, {where}: {mention.sentence}"


def _told(row: "ArticleRow | TargetRow | MentionRow") -> str:
    """A label with its probability, and that of the likeliest where none is likely enough."""
    told = {"negative": row.negative, "neutral": row.neutral, "positive": row.positive}
    known = {name: value for name, value in told.items() if value is not None}
    likeliest = max(known, key=lambda name: known[name])
    if row.label == likeliest:
        return f"{row.label} {known[likeliest]:.2f}"
    return f"{row.label} ({likeliest} {known[likeliest]:.2f})"


def _as_json(path: "ArticlePath", found: "Relevance | None") -> dict[str, object]:
    values = dataclasses.asdict(path)
    del values["text"]
    for record in values["records"]:
        record["problems"] = json.loads(record["problems"] or "[]")
    if standing := values["standing"]:
        for name in ("flags", "topic_relevance"):
            standing[name] = json.loads(standing[name])
    return (
        {"title": path.title} | values | {"relevance": dataclasses.asdict(found) if found else None}
    )
