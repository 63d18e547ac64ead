"""Copies of an earlier article: url variants, updates, wire copies, rewrites."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from newsapi_dentsu.sandbox.articles import SandboxArticle
from newsapi_dentsu.sandbox.records import stamp, time_fields
from newsapi_dentsu.sandbox.sources import sources_of

# How often each kind of copy carries the index's duplicate flag: not often enough to rely on.
_FLAGGED: Mapping[str, float] = {
    "url_variant": 0.5,
    "update": 0.1,
    "wire_copy": 0.6,
    "rewrite": 0.3,
}
_SENTENCE = re.compile(r"(?<=[.?!\"”]) (?=[A-Z\"“])")
_UPDATE_LINES = (
    "Update: the company has since confirmed the figures.",
    "Update: this story has been corrected to give the right number of employees.",
    "Update: adds a response from the trade body, which called the plan premature.",
)
_EDITS = (
    ("said", "told reporters"),
    ("per cent", "percent"),
    ("about", "roughly"),
    ("The company", "The firm"),
    ("marketing", "marketing and media"),
    ("Some", "Around"),
    ("according to", "says"),
    ("is expected to", "should"),
    ("this year", "in the current year"),
)


def copy_of(
    original: SandboxArticle, kind: str, number: int, index_time: datetime, rng: random.Random
) -> dict[str, Any]:
    """Return the record of a copy of an article, indexed later under a uri of its own."""
    record = deepcopy(original.record)
    record["uri"] = str(number)
    record.update(time_fields(index_time))
    record["sim"] = round(rng.uniform(0.5, 0.99), 4)
    record["isDuplicate"] = rng.random() < _FLAGGED[kind]
    _CHANGES[kind](record, index_time, rng)
    if record["isDuplicate"]:
        fields = ("uri", "title", "url", "date", "time", "source")
        record["originalArticle"] = {name: original.record.get(name) for name in fields}
    return record


def _other_url(record: dict[str, Any], _: datetime, rng: random.Random) -> None:
    url: str = record["url"]
    host = urlsplit(url).netloc
    record["url"] = rng.choice(
        (
            f"{url}?utm_source=newsletter&utm_medium=email&utm_campaign=daily",
            f"{url}?fbclid=IwAR{rng.randrange(16**8):08x}",
            f"{url}/",
            f"{url}#comments",
            url.replace("://www.", "://"),
            url.replace(host, host.upper()),
            url.replace("https://", "http://"),
        )
    )


def _updated(record: dict[str, Any], _: datetime, rng: random.Random) -> None:
    record["body"] = f"{record['body']}\n\n{rng.choice(_UPDATE_LINES)}"
    if rng.random() < 0.5:
        record["title"] = f"UPDATE: {record['title']}"


def _on_another_source(record: dict[str, Any], index_time: datetime, rng: random.Random) -> None:
    others = [
        source
        for source in sources_of("news", record["lang"])
        if source.uri != record["source"]["uri"]
    ]
    source = rng.choice(others)
    path = urlsplit(record["url"]).path
    record["source"] = source.record()
    record["url"] = f"https://{source.uri}/wire{path}"
    record["dateTimePub"] = stamp(index_time)


def _wired(record: dict[str, Any], index_time: datetime, rng: random.Random) -> None:
    _on_another_source(record, index_time, rng)
    title = record["title"]
    record["title"] = rng.choice(
        (f"{title} - report", f"Business: {title}", f"{title} | Wire", title.split(",")[0])
    )


def _rewritten(record: dict[str, Any], index_time: datetime, rng: random.Random) -> None:
    _on_another_source(record, index_time, rng)
    paragraphs = record["body"].split("\n\n")
    if len(paragraphs) > 3:
        paragraphs.pop()
    record["body"] = "\n\n".join(
        [f"By our staff in {rng.choice(('London', 'New York', 'Chicago'))}"]
        + [_edited(paragraph, rng) for paragraph in paragraphs]
    )
    record["title"] = f"{record['title']}: what we know"


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


_CHANGES: Mapping[str, Callable[[dict[str, Any], datetime, random.Random], None]] = {
    "url_variant": _other_url,
    "update": _updated,
    "wire_copy": _wired,
    "rewrite": _rewritten,
}
COPY_KINDS: Sequence[str] = tuple(_CHANGES)
