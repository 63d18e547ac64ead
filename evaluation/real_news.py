"""Real articles labelled by reading, which lie beside the project and never in it."""

import ast
import json
import lzma
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.domain.wrapping import own_span
from newsapi_dentsu.source import SHIPPED_TOPICS

FOLDER: Final = Path(
    os.environ.get("REAL_NEWS") or Path(__file__).parents[2] / "shared" / "real-news"
)
"""Where the material is, if it is there; its README describes it."""

OTHER_TOPICS: Final = Path(__file__).parent / "real_topics.json"
"""Other people's topics, each with the uris of records and whether these belong to it."""

ARTICLES: Final = "articles.jsonl.xz"
_RECORDS: Final = "records-*.jsonl.xz"


@dataclass(frozen=True, slots=True)
class RealArticle:
    """An article as the pipeline judges it, and whether a reader found it relevant."""

    source: str
    title: str
    body: str
    relevant: bool
    concepts: str = "[]"
    categories: str = "[]"

    @property
    def words(self) -> int:
        """How many words its own text has."""
        return len(self.body.split())


@dataclass(frozen=True, slots=True)
class RealSet:
    """Topics, and the articles that were labelled for them."""

    name: str
    topics: Topics
    articles: Sequence[RealArticle]
    held_out: bool = False
    """Whether nothing may ever be fitted to it."""


def shipped_set(folder: Path = FOLDER) -> RealSet:
    """The articles labelled for the shipped topics; those that divide readers are left out."""
    topics = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), SHIPPED_TOPICS.name)
    articles = [
        _article(one["source"], one, one["label"])
        for one in _lines(folder / ARTICLES)
        if one["label"] in ("y", "n")
    ]
    return RealSet("AI in marketing", topics, articles)


def other_sets(folder: Path = FOLDER, topics: Path = OTHER_TOPICS) -> list[RealSet]:
    """The records labelled for other topics, of those that the folder has."""
    sets = json.loads(topics.read_text("utf-8"))
    wanted = {uri for one in sets for uri in one["labels"]}
    records = {
        record["uri"]: record
        for archive in sorted(folder.glob(_RECORDS))
        for record in _lines(archive)
        if record["uri"] in wanted
    }
    return [
        RealSet(
            one["name"],
            parse_topics(json.dumps({"topics": one["topics"]}), one["name"]),
            [
                _article(records[uri]["source"].get("uri", ""), records[uri], label)
                for uri, label in one["labels"].items()
                if label in ("y", "n") and uri in records
            ],
            one["held_out"],
        )
        for one in sets
    ]


def _article(source: str, record: Mapping[str, Any], label: str) -> RealArticle:
    body = clean_text(record["body"])
    return RealArticle(
        source,
        clean_title(record["title"]),
        own_span(body).of(body),
        label == "y",
        json.dumps(_tags(record.get("concepts"))),
        json.dumps(_tags(record.get("categories"))),
    )


def _tags(found: object) -> object:
    """The tags of a record; the older form has them as Python's text of a list."""
    return ast.literal_eval(found) if isinstance(found, str) else found or []


def _lines(path: Path) -> Iterator[Any]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
