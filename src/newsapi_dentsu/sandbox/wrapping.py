"""What sites put around their articles: credits, related links, subscriptions, notes on the origin.

A site wraps in its own way, which its name decides, and does not wrap every article.
"""

import random
from collections.abc import Sequence
from datetime import datetime

from newsapi_dentsu.sandbox.grammar import Grammar
from newsapi_dentsu.sandbox.names import cast
from newsapi_dentsu.sandbox.sources import Publisher
from newsapi_dentsu.sandbox.texts import load
from newsapi_dentsu.sandbox.themes import SENTENCES
from newsapi_dentsu.sandbox.writer import WrittenText

_WAYS = load("wrapping")
_MOST_HEADS, _MOST_TAILS = 2, 3
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
    style = random.Random(source.uri)
    heads = style.sample(_WAYS["head"], style.randint(0, _MOST_HEADS))
    tails = style.sample(_WAYS["tail"], style.randint(0, _MOST_TAILS))
    gap = style.choice(("\n\n", "\n\n", "\n"))
    rng = random.Random(f"{source.uri}/{number}")
    grammar = _grammar(text, source, index_time, style, rng)
    shown = [
        [grammar.expand(line) for ways in part if rng.random() < _SHOWN for line in ways]
        for part in (heads, tails)
    ]
    paragraphs = body.split("\n\n")
    return gap.join(["\n".join(shown[0])] * bool(shown[0]) + paragraphs + shown[1])


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


def _grammar(
    text: WrittenText,
    source: Publisher,
    index_time: datetime,
    style: random.Random,
    rng: random.Random,
) -> Grammar:
    sections: Sequence[str] = _WAYS["sections"]
    section = rng.choice(sections)
    slots = {
        **text.cast.slots,
        **_named(source),
        "author": text.cast.author,
        "photographer": cast(rng).author,
        "heading": style.choice(_WAYS["headings"]),
        "platform": cast(style).slots["platform"],
        "section": section,
        "section_host": section.lower(),
        "hour": f"{index_time.hour}",
        "year": f"{index_time.year}",
        **{name: _link(rng) for name in ("link", "link2", "link3")},
    }
    return Grammar(slots, rng)


def _link(rng: random.Random) -> str:
    """Return the title of another article."""
    others = Grammar(cast(rng).slots, rng, SENTENCES)
    return others.expand("<title>")
