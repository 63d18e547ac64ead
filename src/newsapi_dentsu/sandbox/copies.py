"""Echoes of an earlier article: url variants, updates, wire copies, cut copies, rewrites."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from newsapi_dentsu.sandbox.articles import SandboxArticle
from newsapi_dentsu.sandbox.records import stamp, time_fields
from newsapi_dentsu.sandbox.sources import Publisher, draw_source
from newsapi_dentsu.sandbox.wrapping import cut, syndicated, wrap
from newsapi_dentsu.sandbox.writer import Writer, WrittenText, stamped

# How often each kind of copy carries the index's duplicate flag: not often enough to rely on.
_FLAGGED: Mapping[str, float] = {
    "url_variant": 0.5,
    "update": 0.1,
    "wire_copy": 0.6,
    "cut_copy": 0.4,
    "rewrite": 0.3,
    "own_words": 0.0,
}
_LIVE_PAGES = 8
"""How much likelier an update is to be of a live page than of another article."""

_SENTENCE = re.compile(r"(?<=[.?!\"”]) (?=[A-Z\"“])")
_CORRECTIONS = (
    "Correction: an earlier version gave a wrong number of employees at {brand}.",
    "Correction: {person} was misspelled in an earlier version.",
    "Update: adds that {agency} declined to comment.",
    "Update: {vendor} has since confirmed the figures.",
    "Clarification: the test by {firm} took place in {city}.",
)
_EDITS = (
    ("said", "told reporters"),
    ("per cent", "percent"),
    ("about", "roughly"),
    ("the company", "the firm"),
    ("marketing", "marketing and media"),
    ("marketers", "marketing people"),
    ("advertisers", "companies that advertise"),
    ("according to", "in the words of"),
    ("is expected to", "should"),
    ("this year", "in the current year"),
    ("uses", "works with"),
    ("found", "discovered"),
    ("only", "no more than"),
    ("began", "started"),
    ("customers", "clients"),
    ("after", "following"),
    ("now", "today"),
    ("because", "since"),
    ("although", "even if"),
)


@dataclass(frozen=True)
class Original:
    """An article that others may repeat, with the text and the site behind its record."""

    article: SandboxArticle
    text: WrittenText
    source: Publisher


@dataclass(frozen=True)
class _Echo:
    """A record that is being made from an original's, and what for."""

    record: dict[str, Any]
    original: Original
    index_time: datetime
    rng: random.Random
    number: int


def copy_of(
    originals: Sequence[Original],
    kind: str,
    number: int,
    index_time: datetime,
    rng: random.Random,
) -> dict[str, Any]:
    """Return the record of a copy of one of the articles, indexed later under a uri of its own."""
    weights = [_LIVE_PAGES if kind == "update" and one.text.live else 1 for one in originals]
    original = rng.choices(originals, weights)[0]
    record = deepcopy(original.article.record)
    record["uri"] = str(number)
    record.update(time_fields(index_time))
    record["sim"] = round(rng.uniform(0.5, 0.99), 4)
    record["isDuplicate"] = rng.random() < _FLAGGED[kind]
    _CHANGES[kind](_Echo(record, original, index_time, rng, number))
    if record["isDuplicate"]:
        fields = ("uri", "title", "url", "date", "time", "source")
        record["originalArticle"] = {name: original.article.record.get(name) for name in fields}
    return record


def _other_url(echo: _Echo) -> None:
    url: str = echo.record["url"]
    host = urlsplit(url).netloc
    echo.record["url"] = echo.rng.choice(
        (
            f"{url}?utm_source=newsletter&utm_medium=email&utm_campaign=daily",
            f"{url}?fbclid=IwAR{echo.rng.randrange(16**8):08x}",
            f"{url}/",
            f"{url}#comments",
            url.replace("://www.", "://"),
            url.replace(host, host.upper()),
            url.replace("https://", "http://"),
        )
    )


def _updated(echo: _Echo) -> None:
    """The same page later: corrected, or with what has happened since."""
    text, rng = echo.original.text, echo.rng
    writer = Writer(rng, text.cast)
    title, paragraphs = text.title, text.body.split("\n\n")
    if text.live:
        minute = echo.index_time.hour * 60 + echo.index_time.minute
        news = [f"{stamped(minute)} {entry}" for entry in writer.go_on(text, rng.randint(1, 3))]
        paragraphs[1:1] = news
    elif rng.random() < 0.4:
        correction = rng.choice(_CORRECTIONS).format_map(text.cast.slots)
        paragraphs.insert(rng.choice((0, len(paragraphs))), correction)
    else:
        news = writer.go_on(text, rng.randint(1, 4))
        at = rng.choice((1, len(paragraphs)))
        paragraphs[at:at] = news
        title = rng.choice(("UPDATE: {}", "UPDATE {n}-{}", "{}", "{} (updated)")).format(
            title, n=rng.randint(1, 3)
        )
    record = echo.record
    record["title"] = title
    number = int(echo.original.article.uri.removeprefix("b-"))
    body = "\n\n".join(paragraphs)
    published = echo.original.article.index_time
    record["body"] = wrap(body, text, echo.original.source, number, published)


def _on_another_source(echo: _Echo) -> Publisher:
    record, original = echo.record, echo.original
    source = draw_source("news", original.source.lang, echo.rng, other_than=original.source.uri)
    path = urlsplit(record["url"]).path
    record["source"] = source.record()
    record["url"] = f"https://{source.uri}/wire{path}"
    record["dateTimePub"] = stamp(echo.index_time)
    return source


def _print(echo: _Echo, source: Publisher, title: str, body: str, text: WrittenText) -> None:
    """Give the record the title and the body, wrapped as the site does it."""
    echo.record["title"] = title
    echo.record["body"] = wrap(body, text, source, echo.number, echo.index_time)


def _wire_title(title: str, rng: random.Random) -> str:
    return rng.choice(
        (f"{title} - report", f"Business: {title}", f"{title} | Wire", title, title.split(",")[0])
    )


def _wired(echo: _Echo) -> None:
    source, text = _on_another_source(echo), echo.original.text
    body = syndicated(text.body, echo.original.source, echo.rng)
    _print(echo, source, _wire_title(text.title, echo.rng), body, text)


def _cut(echo: _Echo) -> None:
    source, text = _on_another_source(echo), echo.original.text
    body = cut(text.body, echo.original.source, echo.rng)
    _print(echo, source, _wire_title(text.title, echo.rng), body, text)


def _rewritten(echo: _Echo) -> None:
    text, rng = echo.original.text, echo.rng
    _on_another_source(echo)
    paragraphs = text.body.split("\n\n")
    if len(paragraphs) > 3:
        paragraphs.pop()
    staff = f"By our staff in {rng.choice(('London', 'New York', 'Chicago'))}"
    body = "\n\n".join([staff, *(_edited(paragraph, rng) for paragraph in paragraphs)])
    echo.record["title"] = f"{text.title}: what we know"
    echo.record["body"] = body


def _in_own_words(echo: _Echo) -> None:
    """Another site's story of the same event: the same people and figures, another text."""
    source, first = _on_another_source(echo), echo.original.text
    if first.theme is None:
        raise ValueError(f"{echo.original.article.uri} is no story.")
    text = Writer(echo.rng, first.cast).tell(first.theme)
    _print(echo, source, text.title, text.body, text)


def _edited(paragraph: str, rng: random.Random) -> str:
    """Change some of the sentences of a paragraph, so that 5 to 30 % of an article differs."""
    share = rng.uniform(0.05, 0.3)
    sentences = _SENTENCE.split(paragraph)
    return " ".join(
        _reworded(sentence) if rng.random() < share else sentence for sentence in sentences
    )


def _reworded(sentence: str) -> str:
    for old, new in _EDITS:
        sentence = re.sub(rf"\b{old}\b", new, sentence)
    return sentence


_CHANGES: Mapping[str, Callable[[_Echo], None]] = {
    "url_variant": _other_url,
    "update": _updated,
    "wire_copy": _wired,
    "cut_copy": _cut,
    "rewrite": _rewritten,
    "own_words": _in_own_words,
}
COPY_KINDS: Sequence[str] = tuple(_CHANGES)
