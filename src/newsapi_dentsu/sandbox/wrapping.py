"""What sites put around their articles: credits, related links, subscriptions, notes on the origin.

A site wraps in its own way, which its name decides, and does not wrap every article.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from newsapi_dentsu.sandbox.grammar import Grammar
from newsapi_dentsu.sandbox.names import cast
from newsapi_dentsu.sandbox.sources import Publisher
from newsapi_dentsu.sandbox.texts import load
from newsapi_dentsu.sandbox.themes import SENTENCES
from newsapi_dentsu.sandbox.writer import WrittenText

_WAYS = load("wrapping")
_MOST_HEADS, _MOST_TAILS = 2, 3
_LINKS = ("link", "link2", "link3")
_SHOWN = 0.5
"""How often an article has one of its site's lines."""


def wrap(body: str, text: WrittenText, source: Publisher, number: int, index_time: datetime) -> str:
    """Return the body as the site shows it.

    Args:
        body: what the article says.
        text: the article that the body belongs to.
        source: the site; those in other languages than English show nothing but the body.
        number: the number of the article, on which the lines depend.
        index_time: when it was indexed.
    """
    if source.lang != "eng":
        return body
    style = _style(source)
    rng = random.Random(f"{source.uri}/{number}")
    shown = [
        [line for ways in part if rng.random() < _SHOWN for line in ways]
        for part in (style.heads, style.tails)
    ]
    grammar = Grammar(_slots(shown, text, source, index_time, style, rng), rng)
    head, tail = ([grammar.expand(line) for line in lines] for lines in shown)
    paragraphs = body.split("\n\n")
    return style.gap.join(["\n".join(head)] * bool(head) + paragraphs + tail)


def syndicated(body: str, source: Publisher, rng: random.Random) -> str:
    """Return a body with the note that it comes from another site."""
    note = Grammar(_named(source), rng).expand(rng.choice(_WAYS["syndication"]))
    return rng.choice((f"{note}\n\n{body}", f"{body}\n\n{note}"))


def cut(body: str, source: Publisher, rng: random.Random) -> str:
    """Return the beginning of a body, and where the rest is."""
    paragraphs = body.split("\n\n")
    kept = max(1, round(len(paragraphs) * rng.uniform(0.25, 0.7)))
    note = Grammar(_named(source), rng).expand(rng.choice(_WAYS["cut_short"]))
    return "\n\n".join([*paragraphs[:kept], note])


def _named(source: Publisher) -> dict[str, str]:
    return {"source": source.name, "host": source.uri}


@dataclass(frozen=True)
class _Style:
    """What a site may put before and behind its articles, and between their paragraphs."""

    heads: Sequence[Sequence[str]]
    tails: Sequence[Sequence[str]]
    gap: str
    heading: str
    platform: str


@cache
def _style(source: Publisher) -> _Style:
    rng = random.Random(source.uri)
    return _Style(
        rng.sample(_WAYS["head"], rng.randint(0, _MOST_HEADS)),
        rng.sample(_WAYS["tail"], rng.randint(0, _MOST_TAILS)),
        rng.choice(("\n\n", "\n\n", "\n")),
        rng.choice(_WAYS["headings"]),
        cast(rng).slots["platform"],
    )


def _slots(
    shown: Sequence[Sequence[str]],
    text: WrittenText,
    source: Publisher,
    index_time: datetime,
    style: _Style,
    rng: random.Random,
) -> dict[str, str]:
    """Return what the names in the lines stand for; what takes time only if a line has it."""
    section = rng.choice(_WAYS["sections"])
    slots = {
        **text.cast.slots,
        **_named(source),
        "author": text.cast.author,
        "heading": style.heading,
        "platform": style.platform,
        "section": section,
        "section_host": section.lower(),
        "hour": f"{index_time.hour}",
        "year": f"{index_time.year}",
    }
    lines = "".join(line for part in shown for line in part)
    if "{photographer}" in lines:
        slots["photographer"] = cast(rng).author
    slots.update({name: _link(rng) for name in _LINKS if f"{{{name}}}" in lines})
    return slots


def _link(rng: random.Random) -> str:
    """Return the title of another article."""
    others = Grammar(cast(rng).slots, rng, SENTENCES)
    return others.expand("<title>")
