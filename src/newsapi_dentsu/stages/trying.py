"""Trying a topics file: what it would make of the stored articles, without storing anything."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from newsapi_dentsu.domain.assessment import relevance_of
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages.judging import meanings_of, measure_for
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import processed

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 12_000_000
SHOWN = 10
"""Articles of each kind that are named."""


@dataclass(frozen=True, slots=True, order=True)
class Scored:
    """An article with the score that the tried topics give it."""

    overall: float
    link: str
    title: str
    topics: Mapping[str, float] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a topics file would make of the articles that are stored.

    `misses` are the best of the rejected, `doubtful` the weakest of the kept. `by_words` of all
    have no vector of this model and are judged by keywords and tags alone. `missing` are examples
    of which no article is stored.
    """

    kept: int
    rejected: int
    by_words: int
    misses: Sequence[Scored]
    doubtful: Sequence[Scored]
    missing: Sequence[str] = ()


def attempt(
    warehouse: Warehouse,
    topics: Topics,
    embedder: Embedder,
    progress: Progress = no_progress,
) -> Trial:
    """Score every stored article by these topics, whatever else would reject it."""
    judged_by = warehouse.read(partial(measure_for, topics=topics, embedder=embedder))
    measure = judged_by.yardstick
    threshold = topics.relevance.threshold
    kept = rejected = by_words = 0
    misses: list[Scored] = []
    doubtful: list[Scored] = []
    waiting = warehouse.read(partial(processed.count_after, change_seq=0))
    for one, knew_meaning in _scored(warehouse, measure):
        by_words += not knew_meaning
        if one.overall >= threshold:
            kept += 1
            doubtful = heapq.nsmallest(SHOWN, [*doubtful, one])
        else:
            rejected += 1
            misses = heapq.nlargest(SHOWN, [*misses, one])
        progress(kept + rejected, max(waiting, kept + rejected))
    return Trial(kept, rejected, by_words, misses, doubtful, judged_by.missing)


def _scored(warehouse: Warehouse, measure: Yardstick) -> Iterator[tuple[Scored, bool]]:
    after = 0
    while True:
        found, after = warehouse.read(partial(_batch, measure=measure, after=after))
        if not found:
            return
        yield from found


def _batch(
    session: Session, *, measure: Yardstick, after: int
) -> tuple[list[tuple[Scored, bool]], int]:
    articles, last = processed.changes_after(
        session, after, rows=BATCH_ROWS, characters=BATCH_CHARACTERS
    )
    meanings = meanings_of(
        session,
        measure.model,
        {one.article_id: (one.title, one.own_text) for one in articles},
    )
    found = []
    for one in articles:
        _, relevance = relevance_of(
            measure,
            title=one.title,
            body=one.own_text,
            lang=one.lang,
            concepts=one.concepts,
            categories=one.categories,
            meaning=meanings.get(one.article_id),
        )
        scored = Scored(relevance.overall, one.link or "", one.title, relevance.topics)
        found.append((scored, one.article_id in meanings))
    return found, last
