"""How much an article is about the topics, and which of its signs say so.

A topic is described in words. The sentence model gives a vector to each description and keyword,
to an article's title and opening, and to many other subjects of the news. An opening that stands
out to a topic, by so many of the spreads with which it lies among the other subjects, is about it.
A small logistic model turns these figures into the score; they are relative to the description, so
the model serves topics that nobody fitted it to. Where labelled articles taught more of a pair of
topics, likeness to these counts as well (`calibration.json`, made by `evaluation/fit.py`).

Only the title and the opening count: a score doesn't grow with a text's length.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Final, Literal
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from newsapi_dentsu.domain.calibration import Calibration, Lesson, Taught, calibration
from newsapi_dentsu.domain.passages import OPENING_WORDS
from newsapi_dentsu.domain.subjects import SUBJECTS
from newsapi_dentsu.domain.topics import Topic, Topics
from newsapi_dentsu.domain.vectors import Vector, Vectors

Figures = NDArray[np.float64]

METHOD: Final = "relevance-2"
"""The rules of this module; another name where they change, so that runs tell of it."""

ENGLISH: Final = "eng"

_NEAREST_KEYWORDS: Final = 2
"""A text is close to one or the other side of a topic, not to all."""

_LONGEST_ACRONYM: Final = 3

_MOST_SCORE: Final = 5.0
_MOST_WEIGHT: Final = 100.0
"""The API's scales for concepts and categories."""

_IN_TITLE, _IN_OPENING, _BY_TAG, _IN_BODY = 0.9, 0.7, 0.8, 0.3
"""What a keyword or tag says where the meaning of a text is unknown."""

_SHOWN_WORDS: Final = 12
_OPENING_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign that an article is about a topic, in words; of all topics where `topic` is empty.

    `weight` is what it adds to the overall score, in logits; where words alone are judged, the
    topic's score.
    """

    topic: str
    said: str
    weight: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """An article's score overall and for each topic, with the signs behind them.

    `by` tells what was judged: the meaning of the text, or only its words and tags. By meaning,
    the overall score is the logistic function of `constant` and the weights of all signs.
    """

    overall: float
    topics: Mapping[str, float]
    signals: tuple[Signal, ...] = ()
    by: Literal["meaning", "words"] = "words"
    constant: float = 0.0


NOTHING: Final = Relevance(0.0, {})
"""What is said of an article that nobody could look at."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vectors of an article's title and opening; of both at once where one is missing."""

    opening: Vector
    title: Vector


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What articles are measured by: the topics, with where they lie among all subjects.

    Without vectors (`poles` is empty) only words and tags are judged.
    """

    topics: Topics
    model: str = ""
    subjects: Vectors | None = None
    poles: tuple[Vectors, ...] = ()
    """Where each topic lies: a row for its description, one for all keywords, one for each."""

    shared: tuple[float, ...] = ()
    """How far each topic's neighbour among the topics stands out to it by its own words."""

    lesson: Lesson | None = None
    taught: tuple[Taught, ...] = ()
    """What examples and people's verdicts add (`teaching.teach`)."""


def rules(model: str, taught: Sequence[Taught] = ()) -> list[str]:
    """What verdicts depend on beside the topics file: another list, other verdicts.

    Args:
        model: the sentence model's name and version, empty where there is none.
        taught: what examples and people's verdicts add.
    """
    return [METHOD, model, calibration().digest, *SUBJECTS, *(one.digest for one in taught)]


def texts(topics: Topics) -> tuple[str, ...]:
    """The texts whose vectors, in this order, make a yardstick."""
    return (*SUBJECTS, *(text for topic in topics.topics for text in _texts_of(topic)))


def yardstick(topics: Topics, model: str, vectors: Vectors) -> Yardstick:
    """Make the yardstick of these topics from the vectors of their `texts`."""
    at = len(SUBJECTS)
    poles: list[Vectors] = []
    for topic in topics.topics:
        end = at + len(_texts_of(topic))
        poles.append(vectors[at:end])
        at = end
    known = calibration()
    lesson = known.lesson if known.model == model and known.lesson.is_about(topics) else None
    untold = Yardstick(topics, model, vectors[: len(SUBJECTS)], tuple(poles))
    return replace(untold, shared=_shared(untold), lesson=lesson)


def score(
    title: str,
    body: str,
    concepts: str,
    categories: str,
    measure: Yardstick,
    meaning: Meaning | None = None,
    lang: str | None = ENGLISH,
) -> Relevance:
    """Score an article.

    Args:
        title: the cleaned title.
        body: the cleaned body.
        concepts: JSON list of {uri, score}, the score from 1 to 5.
        categories: JSON list of {uri, wgt}, the weight from 1 to 100.
        measure: what to look for.
        meaning: the vectors of its text; None where there are none.
        lang: the text's language. The sentence model knows English; in others what keywords and
            tags say counts as well, if it is more.
    """
    named = list(_named(title, body, concepts, categories, measure.topics))
    if meaning is None or not measure.poles:
        return _by_words(named, measure, "the meaning of its text is unknown")
    by_meaning = _by_meaning(title, body, named, measure, meaning).relevance()
    if lang == ENGLISH:
        return by_meaning
    by_words = _by_words(named, measure, "it isn't in English, and says more than its meaning does")
    return max(by_meaning, by_words, key=lambda found: found.overall)


def logits(
    title: str, body: str, concepts: str, categories: str, measure: Yardstick, meaning: Meaning
) -> tuple[float, dict[str, float]]:
    """An article's scores by its meaning before they are squeezed into 0 to 1: overall, by topic.

    The arguments are those of `score`.
    """
    named = list(_named(title, body, concepts, categories, measure.topics))
    told = _by_meaning(title, body, named, measure, meaning)
    return told.logit, told.logits


def figures(
    title: str, body: str, concepts: str, categories: str, measure: Yardstick, meaning: Meaning
) -> Figures:
    """The figures that the calibration weighs, in the order of `Calibration.FIGURES`."""
    named = list(_named(title, body, concepts, categories, measure.topics))
    opening, heading = _stands(measure, meaning)
    return _figures(named, opening - measure.shared, heading - measure.shared)


@dataclass(frozen=True, slots=True)
class _Named:
    """How a topic is named in an article: by a keyword or a tag, and where."""

    place: Literal["title", "opening", "body", "tag", ""] = ""
    seen: str = ""
    share: float = 0.0
    """1 for a keyword in title or opening, a tag's share of its scale, 0 further down."""

    @property
    def alone(self) -> float:
        """What this says where nothing else is known, from 0 to 1."""
        levels = {"title": _IN_TITLE, "opening": _IN_OPENING, "body": _IN_BODY, "": 0.0}
        return levels.get(self.place, _BY_TAG * self.share)

    def __str__(self) -> str:
        if self.place == "tag":
            return f"the index tags it {self.seen} ({self.share:.0%} of the scale)"
        return f"its {self.place} names {self.seen}" if self.place else "nothing names it"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the meaning of an article says: the logits, and the signs that add up to the overall."""

    logit: float
    logits: dict[str, float]
    signals: tuple[Signal, ...]
    constant: float

    def relevance(self) -> Relevance:
        scores = {name: round(_logistic(logit), 4) for name, logit in self.logits.items()}
        overall = round(_logistic(self.logit), 4)
        return Relevance(overall, scores, self.signals, "meaning", self.constant)


def _by_meaning(
    title: str, body: str, named: Sequence[_Named], measure: Yardstick, meaning: Meaning
) -> _Told:
    known, lesson = calibration(), measure.lesson
    opening, heading = _stands(measure, meaning)
    names = [topic.name for topic in measure.topics.topics]
    alone = _alone(len(names))
    factor = lesson.scale if lesson else 1.0
    weights = known.weights * factor
    constant = (
        known.constant * factor + weights[_ALONE] * alone + (lesson.constant if lesson else 0)
    )
    # What is taught of one of several topics moves how far an article stands out to that topic.
    adds = {one.topics: one.adds(meaning.opening, meaning.title) for one in measure.taught}
    together = adds.pop(frozenset(names), 0.0)
    added = np.array([adds.get(frozenset([name]), 0.0) for name in names])
    added /= known.weights[_STANDING].sum()
    moved = added - measure.shared
    signals: list[Signal] = []
    taught, shared = np.zeros(len(names)), np.zeros(len(names))
    for stands, first, what in (
        (opening, _OPENING, f"its opening, {_shown(title, body)},"),
        (heading, _TITLE, "its title"),
    ):
        counts = np.full(len(names), weights[first + 1] / len(names))
        counts[int(np.argmin(stands + moved))] += weights[first]
        taught += counts * added
        shared -= counts * measure.shared
        for name, stand, count in zip(names, stands, counts, strict=True):
            signals.append(Signal(name, f"{what} {_standing(stand)}", float(count * stand)))
    for name, weight in zip(names, shared, strict=True):
        if weight:
            said = "what another of the topics has in common with it isn't counted"
            signals.append(Signal(name, said, float(weight)))
    for name, one, weight in zip(names, named, taught, strict=True):
        if one.share:
            share = weights[_NAMED] * one.share / len(names)
            signals.append(Signal(name, str(one), float(share)))
        if weight:
            signals.append(Signal(name, _likened(weight, "on this topic"), float(weight)))
    if lesson:
        likeness = lesson.likeness(meaning.opening, meaning.title)
        most = "like" if likeness > 0 else "unlike"
        said = f"it is {most} what people called relevant among the labelled articles"
        signals.append(Signal("", said, likeness))
    if together:
        signals.append(Signal("", _likened(together, "on the topics"), together))
    overall = float(constant) + sum(one.weight for one in signals)
    each = {
        name: float(known.constant + known.weights @ found)
        for name, found in zip(
            names,
            (
                np.array([stand, stand, head, head, alone, one.share])
                for stand, head, one in zip(opening + moved, heading + moved, named, strict=True)
            ),
            strict=True,
        )
    }
    if together and len(names) == 1:
        each[names[0]] += together
    return _Told(overall, each, tuple(signals), float(constant))


def _by_words(named: Sequence[_Named], measure: Yardstick, why: str) -> Relevance:
    """An article is about the topics as much as keywords or tags say so of the least named."""
    names = [topic.name for topic in measure.topics.topics]
    scores = {name: round(one.alone, 4) for name, one in zip(names, named, strict=True)}
    signals = tuple(
        Signal(name, f"{one}; {why}", round(one.alone, 4))
        for name, one in zip(names, named, strict=True)
    )
    return Relevance(min(scores.values()), scores, signals)


_OPENING, _TITLE, _ALONE, _NAMED = (
    Calibration.FIGURES.index(name) for name in ("opening", "title", "alone", "named")
)
_STANDING = [_OPENING, _OPENING + 1, _TITLE, _TITLE + 1]
"""What of the weights counts how far an article stands out."""


def _figures(named: Sequence[_Named], opening: Figures, heading: Figures) -> Figures:
    return np.array(
        [
            opening.min(),
            opening.mean(),
            heading.min(),
            heading.mean(),
            _alone(len(named)),
            sum(one.share for one in named) / len(named),
        ]
    )


def _alone(topics: int) -> float:
    """The weakest of several topics lies lower than a topic alone."""
    return float(topics == 1)


def _stands(measure: Yardstick, meaning: Meaning) -> tuple[Figures, Figures]:
    """How far the opening and the title stand out to each topic, in spreads."""
    return _stand_out(measure, meaning.opening), _stand_out(measure, meaning.title)


def _stand_out(measure: Yardstick, vector: Vector) -> Figures:
    if measure.subjects is None:
        raise ValueError("a yardstick without vectors measures no meaning")
    others = _similarities(measure.subjects, vector)
    close = [_closeness(_similarities(pole, vector)) for pole in measure.poles]
    stands: Figures = (np.array(close) - others.mean()) / max(float(others.std()), 1e-3)
    return stands


def _shared(measure: Yardstick) -> tuple[float, ...]:
    """What topics that are related have in common.

    An article that is about one of them alone stands out to the other as far as the words of that
    one do: to be about both it must stand out more.
    """
    own = []
    for pole in measure.poles:
        keywords = pole[1:].mean(axis=0)
        both = (pole[0], keywords / max(float(np.linalg.norm(keywords)), 1e-6))
        own.append(np.mean([_stand_out(measure, one) for one in both], axis=0))
    return tuple(
        round(max((0.0, *(row[at] for other, row in enumerate(own) if other != at))), 3)
        for at in range(len(own))
    )


def _similarities(rows: Vectors, vector: Vector) -> Figures:
    """Cosines, rounded so that no processor's way of adding up decides about an article."""
    cosines: Figures = np.asarray(rows @ vector, np.float64).round(5)
    return cosines


def _closeness(similarities: Figures) -> float:
    """To the description, to all keywords at once, and to those that are nearest."""
    whole, keywords, *each = similarities
    nearest = sorted(each)[-_NEAREST_KEYWORDS:]
    return float((whole + keywords + sum(nearest) / len(nearest)) / 3)


def _texts_of(topic: Topic) -> list[str]:
    # What is written twice counts once, and the order doesn't matter, as in the search.
    named: dict[str, str] = {}
    for keyword in sorted(topic.keywords or map(_last_part, _tags_of(topic)), reverse=True):
        named.setdefault(_even(keyword).casefold(), keyword)
    keywords = [named[even] for even in sorted(named)]
    joined = ", ".join(keywords)
    return [f"{topic.name}: {topic.description or joined}", joined, *keywords]


def _tags_of(topic: Topic) -> tuple[str, ...]:
    return (*topic.concepts, *topic.categories)


def _named(
    title: str, body: str, concepts: str, categories: str, topics: Topics
) -> Iterator[_Named]:
    opening = " ".join(islice(body[:_OPENING_CHARACTERS].split(), OPENING_WORDS))
    tags = [
        *_tags(concepts, "score", _MOST_SCORE),
        *_tags(categories, "wgt", _MOST_WEIGHT),
    ]
    title, opening, body = _even(title), _even(opening), _even(body)
    for topic, keywords in zip(topics.topics, _keywords(topics), strict=True):
        yield max(
            (
                *_in_text("title", title, keywords),
                *_in_text("opening", opening, keywords),
                *(
                    _Named("tag", _last_part(uri), share)
                    for uri, share in tags
                    if _is_of(uri, topic, keywords)
                ),
                *_in_text("body", body, keywords),
                _Named(),
            ),
            key=lambda one: (one.share, one.alone),
        )


def _in_text(
    place: Literal["title", "opening", "body"], text: str, keywords: re.Pattern[str] | None
) -> Iterator[_Named]:
    found = keywords.search(text) if keywords else None
    if found:
        yield _Named(place, found[0], 0.0 if place == "body" else 1.0)


def _is_of(uri: str, topic: Topic, keywords: re.Pattern[str] | None) -> bool:
    if uri in topic.concepts or any(
        uri == category or uri.startswith(f"{category}/") for category in topic.categories
    ):
        return True
    is_concept = uri.startswith("http")
    return bool(is_concept and keywords and keywords.search(_even(_last_part(uri))))


def _tags(attached: str, measure: str, most: float) -> Iterator[tuple[str, float]]:
    """The tags of a JSON list with their share of the scale, the middle where it isn't told."""
    for tag in json.loads(attached or "[]"):
        value = tag.get(measure)
        share = value / most if isinstance(value, (int, float)) else 0.5
        yield tag["uri"], min(1.0, max(0.0, share))


@lru_cache(maxsize=4)
def _keywords(topics: Topics) -> tuple[re.Pattern[str] | None, ...]:
    return tuple(_pattern(topic.keywords) for topic in topics.topics)


def _pattern(keywords: Sequence[str]) -> re.Pattern[str] | None:
    """Whole words, of several keywords the longest, in whatever case but for short acronyms."""
    even = sorted({_even(keyword) for keyword in keywords} - {""}, key=len, reverse=True)
    if not even:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_in_any_case, even))})(?!\w)")


def _in_any_case(keyword: str) -> str:
    """In small letters short acronyms are other words: it, us, who; ai in Italian, un in French."""
    is_acronym = keyword.isupper() and len(keyword) <= _LONGEST_ACRONYM
    return re.escape(keyword) if is_acronym else f"(?i:{re.escape(keyword)})"


def _even(text: str) -> str:
    """A text in which hyphens, apostrophes and line breaks are all the same."""
    return " ".join(text.replace("\u2019", "'").replace("-", " ").split())


def _last_part(uri: str) -> str:
    return unquote(uri.rpartition("/")[2]).replace("_", " ")


def _standing(stand: float) -> str:
    side = "closer to it" if stand >= 0 else "farther from it"
    return f"is {side} than to other subjects by {abs(stand):.1f} times their spread"


def _likened(added: float, to_what: str) -> str:
    which = "belong" if added > 0 else "don't belong"
    return f"it is like articles {to_what} that were said to {which}"


def _shown(title: str, body: str) -> str:
    words = list(islice(body[:_OPENING_CHARACTERS].split(), _SHOWN_WORDS)) or title.split()
    return f"“{' '.join(words[:_SHOWN_WORDS])} …”"


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, value))))
