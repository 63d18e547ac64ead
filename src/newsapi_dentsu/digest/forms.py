"""A digest as plain text, Markdown, HTML and JSON."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from newsapi_dentsu.digest.words import web_link, words
from newsapi_dentsu.reading.digest import Digest, Figures, Told
from newsapi_dentsu.visible import inert
from newsapi_dentsu.wording import utc_text

MAIL_WIDTH: Final = 76

MOST_BYTES: Final = 100_000
"""Size of a page in a mail; Gmail cuts those over 102 kB."""

_NARROWEST: Final = 30

_MARKED: Final = re.compile(r"[\\`*_{}\[\]<>#|~&!$@^]|:(?=\S)|(?<=www)\.", re.IGNORECASE)
"""What Markdown, or GitHub's, may take for more than itself within a line."""


def as_text(digest: Digest, width: int = MAIL_WIDTH, page: str | None = None) -> str:
    """Plain text, wrapped to so many columns; links are left whole, each on a line of its own."""
    told = words(digest, page)
    width = max(width, _NARROWEST)
    lines = [*_wrapped(told.title, width), ""]
    for note in told.notes:
        lines += [*_wrapped(note, width), ""]
    lines += _columns([(one.now, one.name, one.compared) for one in told.figures], width)
    if told.stories:
        lines += ["", "TOP STORIES"]
        for number, story in enumerate(told.stories, 1):
            lines += ["", *_wrapped(story.title, width, f"{number:>2}. ")]
            # Whatever direction a title is written in, it has its lines for itself.
            lines += _wrapped(story.about, width, "    ")
            lines += [f"    {address}" for address in (story.link, story.page) if address]
    for section in told.sections:
        lines += ["", *_wrapped(section.heading.upper(), width), ""]
        for label, detail in section.rows:
            lines += _wrapped(f"{label}: {detail}" if detail else label, width, "  ")
    if told.page:
        lines += ["", f"All the news: {told.page}"]
    return "\n".join(lines) + "\n"


def as_markdown(digest: Digest, page: str | None = None) -> str:
    """Markdown (CommonMark, and GitHub's with its tables)."""
    told = words(digest, page)
    lines = [f"# {_plain(told.title)}", ""]
    for note in told.notes:
        lines += [f"*{_plain(note)}*", ""]
    lines += [f"| | {_plain(told.period)} | |", "| --- | ---: | --- |"]
    lines += [f"| {one.name} | {one.now} | {_plain(one.compared)} |" for one in told.figures]
    if told.stories:
        lines += ["", "## Top stories", ""]
        for number, story in enumerate(told.stories, 1):
            title = _plain(story.title)
            # Bold, as a title may begin with what begins a list.
            shown = f"[{title}](<{story.link}>)" if story.link else f"**{title}**"
            about = _plain(story.about)
            if story.page:
                about += f" ([read here](<{story.page}>))"
            lines += [f"{number}. {shown}  ", f"{' ' * len(f'{number}. ')}{about}"]
    for section in told.sections:
        lines += ["", f"## {section.heading}", ""]
        lines += [
            f"- **{_plain(label)}**{f': {_plain(detail)}' if detail else ''}"
            for label, detail in section.rows
        ]
    if told.page:
        lines += ["", f"[All the news](<{told.page}>)"]
    return "\n".join(lines) + "\n"


def as_html(digest: Digest, page: str | None = None) -> str:
    """A whole HTML page for mail: no pictures, no scripts, nothing that is loaded.

    It has as many stories as find room before mail programs cut it.
    """
    told = words(digest, page)
    for count in reversed(range(1, len(told.stories) + 1)):
        html = _template().render(digest=told.of_stories(count))
        if len(html.encode()) <= MOST_BYTES:
            return html
    return _template().render(digest=told.of_stories(0))


def as_json(digest: Digest) -> str:
    """JSON, with all that the other forms shorten."""
    return json.dumps(_values(digest), ensure_ascii=False, indent=2) + "\n"


def _values(digest: Digest) -> dict[str, Any]:
    return {
        "since": digest.period.since.isoformat(),
        "until": digest.period.until.isoformat(),
        "topic": digest.topic,
        "origin": digest.origin,
        "newest": digest.newest.isoformat() if digest.newest else None,
        "change_seq": digest.change_seq,
        "figures": _figures(digest.figures),
        "before": _figures(digest.before) if digest.before else None,
        "stories": [_story(told) for told in digest.stories],
        "rising": [
            {"label": one.label, "articles": one.articles, "before": one.before}
            for one in digest.rising
        ],
        "new_sources": [
            {
                "source_uri": one.source_uri,
                "source_name": one.source_name,
                "articles": one.articles,
            }
            for one in digest.new_sources
        ],
        "new_source_count": digest.new_source_count,
        "tone_weeks": {
            "since": digest.tone_weeks.since.isoformat(),
            "until": digest.tone_weeks.until.isoformat(),
        },
        "tones": [
            {
                "brand": one.brand,
                **one.tone._asdict(),
                "before": one.before._asdict() if one.before else None,
            }
            for one in digest.tones
        ],
    }


def _figures(figures: Figures) -> dict[str, int]:
    return {
        "articles": figures.articles,
        "stories": figures.stories,
        "sources": figures.sources,
    }


def _story(told: Told) -> dict[str, Any]:
    story = told.story
    return {
        "story_id": story.story_id,
        "article_id": story.article_id,
        "title": story.title,
        "link": web_link(story.link),
        "lang": story.lang,
        "first_source": story.first_source,
        "first_published_at": utc_text(story.first_published_at),
        "last_published_at": utc_text(story.last_published_at),
        "sources": story.sources or [],
        "source_count": story.source_count,
        "rewrites": story.rewrites,
        "updates": story.updates,
        "relevance": story.relevance,
        "topics": story.topics,
    }


def _columns(rows: Sequence[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Rows whose first cells stand under each other."""
    number, noun = (max(len(row[place]) for row in rows) for place in (0, 1))
    for now, what, compared in rows:
        begin = f"  {now:>{number}} {what:<{noun}}  "
        yield from _wrapped(compared, width, begin)


def _wrapped(text: str, width: int, begin: str = "") -> list[str]:
    """A text in lines of so many columns, the first of which begins with a mark."""
    from rich.console import Console
    from rich.text import Text

    room = max(width - len(begin), 10)
    lines = Text(inert(text)).wrap(Console(width=room, file=None), room)
    return [
        f"{begin if number == 0 else ' ' * len(begin)}{line.plain}".rstrip()
        for number, line in enumerate(lines)
    ] or [begin.rstrip()]


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _MARKED.sub(lambda found: "\\" + found[0], text)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("newsapi_dentsu.digest"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("digest.html")
