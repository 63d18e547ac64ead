"""What articles are judged by: the topics' yardstick, and what the articles' texts mean."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from typing_extensions import override

from newsapi_dentsu.domain.passages import opening_of, passage_hash, passages
from newsapi_dentsu.domain.relevance import Meaning, Yardstick, texts, yardstick
from newsapi_dentsu.domain.teaching import Labelled, Learnt, teach
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.domain.vectors import Vector, Vectors
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.stages.workers import Workers
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.queries.explanation import articles_called
from newsapi_dentsu.warehouse.tables import embeddings, processed, verdicts

logger = logging.getLogger(__name__)

_LINK: Final = re.compile(r"(?i)(https?:)?//\S+|[\w-]+(\.[\w-]+)+/\S*")
"""How an example is written that isn't a title."""


class InWorkers(Embedder):
    """An embedder whose model the workers load: where they are other processes, this one needn't.

    A model takes 100 MB.
    """

    def __init__(self, embedder: Embedder, helpers: Workers) -> None:
        self._embedder, self._helpers = embedder, helpers

    @property
    @override
    def model(self) -> str:
        return self._embedder.model

    @property
    @override
    def dimensions(self) -> int:
        return self._embedder.dimensions

    @override
    def reads(self, text: str) -> bool:
        return self._embedder.reads(text)

    @override
    def embed(self, texts: Sequence[str]) -> Vectors:
        (made,) = self._helpers.map(
            partial(_embedded, self._embedder),
            [texts],
            lambda text: self._embedder.embed([text])[0],
        )
        return np.stack(made)


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Sequence[Vector]:
    return list(embedder.embed(texts))


@dataclass(frozen=True, slots=True)
class Measure:
    """What articles are judged by, and what was learnt on the way.

    `missing` are examples of the topics file of which no article is stored.
    """

    yardstick: Yardstick
    learnt: Sequence[Learnt] = ()
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """An article that somebody labelled: an example, or a person's verdict."""

    topics: frozenset[str]
    belongs: bool
    title: str
    opening: str
    concepts: str
    categories: str
    source: str


def measure_for(session: Session, topics: Topics, embedder: Embedder | None) -> Measure:
    """What these topics are judged by, in the vectors of this embedder; without one, by words.

    Args:
        session: a transaction or snapshot, in which verdicts and examples are looked up.
        topics: the topics.
        embedder: what makes vectors.

    Raises:
        ModelError: the model can't be used.
    """
    if embedder is None:
        return Measure(Yardstick(topics))
    untaught = untaught_measure(topics, embedder)
    examples, missing = _examples(session, topics)
    said = _verdicts(session, topics)
    taught, learnt = teach(
        untaught, _labelled(session, embedder, examples), _labelled(session, embedder, said)
    )
    return Measure(taught, learnt, missing)


def untaught_measure(topics: Topics, embedder: Embedder) -> Yardstick:
    """What these topics are judged by before anything is learnt.

    Raises:
        ModelError: the model can't be used.
    """
    known = _untaught.get((topics, embedder.model))
    if known is None:
        _untaught.clear()
        known = yardstick(topics, embedder.model, embedder.embed(texts(topics)))
        _untaught[topics, embedder.model] = known
    return known


_untaught: Final[dict[tuple[Topics, str], Yardstick]] = {}
"""The one that was made last: making it takes as long as judging a hundred articles."""


def is_taught(session: Session, topics: Topics) -> bool:
    """Whether there are examples or verdicts to learn from."""
    of_file = (one.examples for one in topics.topics)
    return any(one.belong or one.do_not_belong for one in of_file) or bool(
        _verdicts(session, topics)
    )


def tell_missing(measure: Measure) -> None:
    """Log which examples can't be learnt from."""
    for example in measure.missing:
        logger.warning(
            "%s: no stored article is at this address; as an example of the topics file it is "
            "passed over until there is one",
            example,
        )


def _verdicts(session: Session, topics: Topics) -> list[_Said]:
    names = {topic.name for topic in topics.topics}
    return [
        _Said(
            one.names,
            one.belongs,
            one.title,
            one.opening,
            one.concepts,
            one.categories,
            one.source_uri or "",
        )
        for one in verdicts.verdicts(session)
        if one.names == names or (len(one.names) == 1 and one.names <= names)
    ]


def _examples(session: Session, topics: Topics) -> tuple[list[_Said], list[str]]:
    found: list[_Said] = []
    missing: list[str] = []
    for topic in topics.topics:
        of = topic.examples
        for belongs, written in ((True, of.belong), (False, of.do_not_belong)):
            for example in sorted(set(written)):
                name = frozenset([topic.name])
                if not _LINK.fullmatch(example):
                    found.append(_Said(name, belongs, example, "", "[]", "[]", ""))
                    continue
                keys = articles_called(session, example)
                if not keys:
                    missing.append(example)
                found += [
                    _Said(
                        name,
                        belongs,
                        one.title,
                        opening_of(one.own_text),
                        one.concepts,
                        one.categories,
                        one.source_uri or "",
                    )
                    for _, one in sorted(processed.articles(session, keys).items())
                ]
    return found, missing


def _labelled(session: Session, embedder: Embedder, said: Sequence[_Said]) -> list[Labelled]:
    """With what their texts mean; of what the model can't read it can't be learnt."""
    parts = [passages(one.title, one.opening) for one in said]
    found = _vectors(session, embedder, {part for of in parts for part in of})
    return [
        Labelled(
            one.topics,
            one.belongs,
            one.title,
            one.opening,
            one.concepts,
            one.categories,
            one.source,
            Meaning(found[of[0]], found.get(of[-1], found[of[0]])),
        )
        for one, of in zip(said, parts, strict=True)
        if of and of[0] in found
    ]


def _vectors(session: Session, embedder: Embedder, wanted: Iterable[str]) -> Mapping[str, Vector]:
    """The vectors of passages: those that are stored, and others made now."""
    hashes = {part: passage_hash(part) for part in sorted(wanted)}
    stored = embeddings.vectors(session, embedder.model, set(hashes.values()))
    return {
        part: stored[key] if key in stored else embedder.embed([part])[0]
        for part, key in hashes.items()
        if key in stored or embedder.reads(part)
    }


def meanings_of(
    session: Session, model: str, articles: Mapping[str, tuple[str, str]]
) -> Mapping[str, Meaning]:
    """What a model made of articles' texts, of those whose vectors are stored.

    Args:
        session: a transaction or snapshot.
        model: the model's name and version; empty where there is none.
        articles: title and own text by article.
    """
    if not model:
        return {}
    parts = {
        key: [passage_hash(passage) for passage in passages(title, own_text)]
        for key, (title, own_text) in articles.items()
    }
    found = embeddings.vectors(
        session, model, {text_hash for hashes in parts.values() for text_hash in hashes}
    )
    meanings = {key: meaning_of([found.get(one) for one in of]) for key, of in parts.items()}
    return {key: meaning for key, meaning in meanings.items() if meaning}


def meaning_of(vectors: Sequence[Vector | None]) -> Meaning | None:
    """What the vectors of an article's passages say; None where the first is missing."""
    if not vectors or vectors[0] is None:
        return None
    # Of a title that the model can't read, what follows tells.
    return Meaning(vectors[0], vectors[0] if vectors[-1] is None else vectors[-1])
