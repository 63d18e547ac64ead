"""`newsapi trends`: how much there was week by week, what rises, and how brands are spoken of."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.cli.outputs import output_file
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.visible import raw, visible

if TYPE_CHECKING:
    from rich.console import Console

    from newsapi_dentsu.reading.trends import Trends, Week

_DAYS = 7
_MOST_WEEKS = 52
"""As `reading.trends` has it, which is imported where it is used."""


@click.command()
@click.option(
    "--weeks",
    type=click.IntRange(1, _MOST_WEEKS),
    default=12,
    show_default=True,
    help="Weeks up to the newest day with news.",
)
@click.option(
    "--concept",
    "concepts",
    multiple=True,
    metavar="NAME",
    help="A concept to compare with the others that are named; several times.",
)
@click.option(
    "--brand",
    "brands",
    multiple=True,
    metavar="NAME",
    help="A brand, company or person to compare by how stories speak of them; several times.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json is what /api/v1/trends answers.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file, all or nothing.")
def trends(
    *,
    weeks: int,
    concepts: tuple[str, ...],
    brands: tuple[str, ...],
    format_: str,
    out: Path | None,
) -> None:
    """Tell how much there was week by week, where from, and what it is more and more about.

    A concept rises that has more articles in the last seven days than in a usual week of the four
    before. A week that isn't over, or of which not all days are known, says so.

    \b
    newsapi trends --concept Robot --concept Chatbot --brand "Nova Motors" --weeks 26
    """
    if out is not None and format_ == "text":
        raise click.UsageError("--out goes with --format json")
    concepts, brands = _named(concepts, "--concept"), _named(brands, "--brand")
    found = _read(weeks, concepts, brands)
    _unheard(concepts, (share.label for share in found.shares), "is about")
    _unheard(brands, (tone.brand for tone in found.tones), "speaks about")
    if format_ == "text":
        _show(console(stderr=False), found)
        return
    text = json.dumps(asdict(found), ensure_ascii=False, default=str, indent=2) + "\n"
    if out is None:
        raw(sys.stdout).write(text)
        return
    with output_file(out) as part:
        part.write_text(text, encoding="utf-8", newline="")
    click.echo(f"wrote the trends to {out}", err=True)


def _named(names: Sequence[str], option: str) -> tuple[str, ...]:
    from newsapi_dentsu.reading.trends import MOST_CONCEPTS

    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(found) > MOST_CONCEPTS:
        raise click.UsageError(f"{option} can be given {MOST_CONCEPTS} times at most")
    return found


def _read(weeks: int, concepts: Sequence[str], brands: Sequence[str]) -> "Trends":
    from newsapi_dentsu.reading import trends as trending
    from newsapi_dentsu.reading.library import open_library
    from newsapi_dentsu.reading.stories import read_state

    with closing(open_library(load_settings())) as library:
        return library.read(
            lambda session: trending.trends(
                session,
                read_state(session).newest or datetime.now(UTC).date(),
                weeks=weeks,
                concepts=concepts,
                brands=brands,
            )
        )


def _show(screen: "Console", found: "Trends") -> None:
    print_rows(
        screen,
        ["WEEK OF", "ARTICLES", "STORIES", "SOURCES", ""],
        [
            [
                f"{week.week}",
                *(f"{count:,}" for count in (week.articles, week.stories, week.sources)),
                "" if week.complete else _lacking(week),
            ]
            for week in reversed(found.weeks)
        ],
    )
    if found.rising:
        rows = [[one.label, f"{one.articles:,}", f"{one.before:.1f}"] for one in found.rising]
        _table(screen, ["RISING", "LAST 7 DAYS", "A WEEK BEFORE"], rows)
    shares = {(one.week, one.label): f"{one.share:.0%} ({one.articles:,})" for one in found.shares}
    _by_week(screen, found.weeks, "SHARE", shares)
    tones = {
        (one.week, one.brand): f"{one.score:+.2f} ({one.stories:,}, {one.share:.0%})"
        for one in found.tones
    }
    _by_week(screen, found.weeks, "TONE", tones)
    if found.sources:
        rows = [[one.source_name or one.source_uri, f"{one.articles:,}"] for one in found.sources]
        _table(screen, ["MOST ARTICLES", ""], rows)


def _lacking(week: "Week") -> str:
    """Why a week can't be compared with others."""
    return f"not complete: {week.days} of 7 days" if week.days < _DAYS else "not over yet"


def _unheard(asked: Sequence[str], told: Iterable[str], what: str) -> None:
    """Say of whom or what there is nothing: no column of a table does."""
    from newsapi_dentsu.domain.names import name_key

    there = {name_key(name) for name in told}
    for name in asked:
        if name_key(name) not in there:
            click.echo(f"no article of these weeks {what} {visible(name)}", err=True)


def _by_week(
    screen: "Console", weeks: Sequence["Week"], title: str, told: dict[tuple[date, str], str]
) -> None:
    names = list(dict.fromkeys(name for _, name in told))
    rows = [
        [f"{week.week}", *(told.get((week.week, name), "–") for name in names)]
        for week in reversed(weeks)
    ]
    if names:
        _table(screen, [title, *names], rows)


def _table(screen: "Console", heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    screen.print()
    print_rows(screen, heads, rows)
