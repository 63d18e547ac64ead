"""What the index of searches beside the reader's copy consists of: its files, and what they hold.

It comes in chapters, the articles of one span of time each, the newest first: few enough that
making one takes seconds and bounded memory, and that the newest hits of the most frequent word are
found without a look at older ones. An index under way has the newest chapters only, and its stamp
tells how far back it goes.

    reading/search          leads to the newest state
    reading/.search-…       the states: a folder for each chapter, and a stamp that tells what they
                            hold. No file is ever altered: states share those that are the same.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import tantivy
from tantivy import FieldType, Query

from newsapi_dentsu.reading.entries import FOR_GOOD, Entry, topic_name
from newsapi_dentsu.reading.hits import Hit, Reach, hit_text, spelled
from newsapi_dentsu.reading.symlinks import clear

LINK: Final = "search"
STAMP: Final = "stamp.json"
_DAMAGED: Final = ".search-damaged"

SOURCE_LABEL, TOPIC_LABEL, LANGUAGE_LABEL = "source ", "topic ", "lang "
TONE_LABEL, BRAND_LABEL = "tone ", "brand "
"""Beginnings of the labels, by which hits are counted without a look at what is stored of each."""

_FORM: Final = 3
"""Of chapters; those of another one are made anew."""

_GAP: Final = "_"
"""Stands where no term is; none of them is written so."""

EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Chapter:
    """The articles of a span of time: from `since` up to where the next newer chapter begins."""

    name: str
    """Of its folder; no other chapter ever has the same."""

    since: int | None
    """In microseconds since 1970; None where all older ones are in it."""

    articles: int
    files: dict[str, list[int]] = field(default_factory=dict)
    """Size and time of each."""

    past: int = 0
    """The first change by which an entry of it ended; 0 where that isn't known."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a state of the index holds, and what made it."""

    state: int
    rules: int
    engine: str
    model: str
    newest: str
    """When the newest article was published."""

    of: int
    """How many articles there are, whether in it or not."""

    tone_seq: int
    """The change of tones that it knows."""

    chapters: tuple[Chapter, ...]
    """The newest first, without gaps between them."""

    articles_sum: tuple[str, int] | None = None
    """What tells the articles of its copy from others; states of earlier versions have none."""

    @property
    def since(self) -> datetime | None:
        """All articles from then on are in it; None where none is missing."""
        last = self.chapters[-1].since
        return None if last is None else moment_of(last)

    @property
    def articles(self) -> int:
        """How many of them are in it."""
        return sum(chapter.articles for chapter in self.chapters)

    @property
    def reach(self) -> Reach:
        """What can be searched."""
        return Reach(self.state, self.since, self.of - self.articles)


def engine() -> str:
    """What makes and reads chapters now."""
    return f"{version('tantivy')} {_FORM}"


def read_stamp(path: Path) -> Stamp | None:
    """The stamp of a state; None where it can't be read."""
    try:
        told = json.loads((path / STAMP).read_text("utf-8"))
        chapters = tuple(Chapter(**chapter) for chapter in told["chapters"])
        articles_sum = told.get("articles_sum")
        told |= {"chapters": chapters, "articles_sum": articles_sum and tuple(articles_sum)}
        return Stamp(**told) if chapters else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_stamp(path: Path, stamp: Stamp) -> None:
    """Write the stamp of a state."""
    (path / STAMP).write_text(json.dumps(asdict(stamp)), "utf-8")


def is_damage(error: BaseException) -> bool:
    """Whether an error is one of those by which tantivy tells what it can't read."""
    # A panic of its own is none of Python's usual errors.
    return isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException"


def note_damage(folder: Path, chapter: str) -> None:
    """Remember that a chapter can't be read, until it was made again."""
    with suppress(OSError), (folder / _DAMAGED).open("a", encoding="utf-8") as noted:
        noted.write(f"{chapter}\n")


def damaged(folder: Path) -> set[str]:
    """The chapters that could not be read."""
    try:
        return set((folder / _DAMAGED).read_text("utf-8", errors="replace").split())
    except OSError:
        return set()


def forget_damage(folder: Path) -> None:
    """Forget what could not be read."""
    clear(folder / _DAMAGED)


def schema_of_chapters() -> tantivy.Schema:
    """The schema of every chapter."""
    schema = tantivy.SchemaBuilder()
    for name in ("id", "domain", "topic", "lang", "tone"):
        schema.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("words", "title", "opening"):
        schema.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    schema.add_text_field("source", tokenizer_name="whitespace", index_option="basic")
    schema.add_text_field("label", tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("published", "change", "ended"):
        schema.add_integer_field(name, fast=True)
    schema.add_integer_field("past", indexed=True)
    schema.add_bytes_field("hit", stored=True)
    schema.add_bytes_field("vector", stored=True)
    return schema.build()


def document(one: Entry, shown: Hit, vector: bytes | None) -> tantivy.Document:
    """An entry as a chapter holds it."""
    made = tantivy.Document()
    made.add_text("id", one.article_id)
    made.add_text("words", _line(one.words))
    made.add_text("title", _line(one.title))
    made.add_text("opening", _line(one.opening))
    made.add_text("source", " ".join(sorted(one.sources)))
    made.add_text("domain", one.domain)
    made.add_text("lang", one.lang)
    for topic in one.topics:
        made.add_text("topic", topic_name(topic))
    for label in one.tones:
        made.add_text("tone", label)
    for label in _labels(shown):
        made.add_text("label", label)
    made.add_integer("published", microseconds(one.published_at))
    made.add_integer("change", one.change_seq)
    made.add_integer("ended", one.ended_seq)
    made.add_integer("past", int(one.ended_seq != FOR_GOOD))
    made.add_bytes("hit", hit_text(shown).encode())
    if vector is not None:
        made.add_bytes("vector", vector)
    return made


def _labels(shown: Hit) -> set[str]:
    labels = {f"{TOPIC_LABEL}{topic}" for topic in shown.topics}
    if shown.source_uri:
        labels.add(f"{SOURCE_LABEL}{shown.source_uri}")
    if shown.lang:
        labels.add(f"{LANGUAGE_LABEL}{shown.lang}")
    if shown.tone:
        labels.add(f"{TONE_LABEL}{shown.tone}")
    labels |= {f"{BRAND_LABEL}{name}" for name in spelled(shown.targets)}
    return labels


def _line(words: Sequence[str | None]) -> str:
    return " ".join([word or _GAP for word in words])


def microseconds(moment: datetime) -> int:
    """A moment as chapters know it."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(time: int) -> datetime:
    """A moment that a chapter knows."""
    return EPOCH + time * _MICROSECOND


def lasting(schema: tantivy.Schema) -> Query:
    """Articles that are there, and not as they were before."""
    return Query.boolean_query(
        [
            (tantivy.Occur.Must, Query.all_query()),
            (tantivy.Occur.MustNot, Query.term_query(schema, "past", 1)),
        ]
    )


def ended_up_to(schema: tantivy.Schema, state: int) -> Query:
    """What no state after this one has."""
    return Query.range_query(schema, "ended", FieldType.Integer, lower_bound=0, upper_bound=state)


def first_end(searcher: tantivy.Searcher, schema: tantivy.Schema) -> int:
    """The first change by which an entry ended; `FOR_GOOD` where none has."""
    ended = Query.term_query(schema, "past", 1)
    there = searcher.search(
        ended, limit=1, count=False, order_by_field="ended", order=tantivy.Order.Asc
    ).hits
    return int(there[0][0]) if there else FOR_GOOD


def count_of(searcher: tantivy.Searcher, query: Query) -> int:
    """How many documents a query finds."""
    # The package's types don't know of it.
    return int(searcher.search(query, limit=1).count)  # type: ignore[attr-defined]
