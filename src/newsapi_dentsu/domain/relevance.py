"""How much an article is about the topics, and which of its signs say so.

Each topic gets a score from 0 to 1 out of its signs: its terms in the title, in the lead and in the
rest of the body, and the concepts and categories that the index attached. Signs add up as
independent chances do, 1 - (1 - a)(1 - b)..., so that several weak ones make a strong one and
none makes more than 1. An article is as relevant as the topic that it is least about.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from newsapi_dentsu.domain.topics import RelevanceRules, Topic, Topics

LEAD_WORDS: Final = 60
"""The first words of a body say what it is about."""

USUAL_WORDS: Final = 300
"""In a longer text a single term says less, in proportion."""

_MOST_SCORE: Final = 5.0
_MOST_WEIGHT: Final = 100.0
"""The API's scales for concepts and categories."""

_KEY_LETTERS: Final = 2
_WORD = re.compile(r"[^\W_]+(?:['&.][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign that an article is about a topic: where it was seen, what, and its weight (0 to 1)."""

    topic: str
    place: str
    seen: str
    weight: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """An article's score overall and for each topic, with the signs behind them."""

    overall: float
    topics: Mapping[str, float]
    signals: tuple[Signal, ...]


def score(title: str, body: str, concepts: str, categories: str, topics: Topics) -> Relevance:
    """Score an article.

    Args:
        title: the cleaned title.
        body: the cleaned body.
        concepts: JSON list of {uri, score}, the score from 1 to 5.
        categories: JSON list of {uri, wgt}, the weight from 1 to 100.
        topics: what to look for, with the weights to give.
    """
    rules = topics.relevance
    words = _normal(body)
    dilution = min(1.0, USUAL_WORDS / max(1, len(words)))
    places = (
        ("title", _normal(title), rules.title),
        ("lead", words[:LEAD_WORDS], rules.lead),
        ("body", words[LEAD_WORDS:], rules.body * dilution),
    )
    attached = _attached(concepts, "score", _MOST_SCORE), _attached(categories, "wgt", _MOST_WEIGHT)
    signals: list[Signal] = []
    scores: dict[str, float] = {}
    for topic in topics.topics:
        found = [
            *_signals_of_terms(topic, places, rules),
            *_signals_of_tags(topic, *attached, rules),
        ]
        signals += found
        scores[topic.name] = round(
            1.0 - math.prod((1 - signal.weight for signal in found), start=1.0), 4
        )
    return Relevance(min(scores.values()), scores, tuple(signals))


def _signals_of_terms(
    topic: Topic, places: Sequence[tuple[str, list[str], float]], rules: RelevanceRules
) -> Iterator[Signal]:
    index = _index(topic)
    for place, words, weight in places:
        for (term, strong), count in _count(index, words).items():
            each = weight if strong else weight * rules.weak
            # What is repeated says more, but ever less so.
            yield Signal(
                topic.name, place, term, round(1 - (1 - each) ** (1 + math.log2(count)), 4)
            )


def _signals_of_tags(
    topic: Topic,
    concepts: Mapping[str, float],
    categories: Mapping[str, float],
    rules: RelevanceRules,
) -> Iterator[Signal]:
    """The tags that the topic names, and those whose own names hold one of its terms."""
    index = _index(topic)
    for uri, share in concepts.items():
        strength = 1.0 if uri in topic.concepts else _strength(index, _last_part(uri), rules)
        if strength:
            yield Signal(topic.name, "concept", uri, round(rules.concepts * strength * share, 4))
    # Categories lie below each other: the one that says most speaks for all.
    strongest = max(
        (
            (_category_strength(topic, index, uri, rules) * share, uri)
            for uri, share in categories.items()
        ),
        default=(0.0, ""),
    )
    if strongest[0]:
        yield Signal(
            topic.name, "category", strongest[1], round(rules.categories * strongest[0], 4)
        )


def _category_strength(topic: Topic, index: "_Index", uri: str, rules: RelevanceRules) -> float:
    if any(uri == category or uri.startswith(f"{category}/") for category in topic.categories):
        return 1.0
    return _strength(index, uri.replace("/", " "), rules)


def _strength(index: "_Index", name: str, rules: RelevanceRules) -> float:
    found = _count(index, _normal(name.replace("_", " ")))
    return max((1.0 if strong else rules.weak for _, strong in found), default=0.0)


def _last_part(uri: str) -> str:
    return unquote(uri.rpartition("/")[2])


def _attached(tags: str, measure: str, most: float) -> dict[str, float]:
    """The uris of a JSON list of tags, each with its measure as a share of the most."""
    found: dict[str, float] = {}
    for tag in json.loads(tags or "[]"):
        value = tag.get(measure)
        share = value / most if isinstance(value, (int, float)) else 0.5
        found[tag["uri"]] = max(found.get(tag["uri"], 0.0), min(1.0, max(0.0, share)))
    return found


_Term = tuple[tuple[str, ...], bool, str, bool]
"""Its words, whether the last one is but a beginning, how it is written, whether it is strong."""

_Index = Mapping[str, Sequence[_Term]]
"""Terms by the first letters of their first word, the longest first."""


@lru_cache(maxsize=64)
def _terms(strong: tuple[str, ...], weak: tuple[str, ...]) -> dict[str, list[_Term]]:
    index: dict[str, list[_Term]] = {}
    for terms, is_strong in ((strong, True), (weak, False)):
        for term in terms:
            words = tuple(_normal(term.removesuffix("*")))
            if words:
                index.setdefault(words[0][:_KEY_LETTERS], []).append(
                    (words, term.endswith("*"), term, is_strong)
                )
    for found in index.values():
        found.sort(key=lambda term: (-len(term[0]), -len(term[0][-1])))
    return index


def _index(topic: Topic) -> _Index:
    return _terms((*topic.keywords, *topic.terms), tuple(topic.weak_terms))


def _count(index: Mapping[str, Sequence[_Term]], words: Sequence[str]) -> Counter[tuple[str, bool]]:
    """How often each term stands in a text; longer terms take their words from shorter ones."""
    found: Counter[tuple[str, bool]] = Counter()
    taken_to = 0
    for at, word in enumerate(words):
        if at < taken_to:
            continue
        for parts, prefix, term, strong in index.get(word[:_KEY_LETTERS], ()):
            if _stands(parts, words, at, prefix=prefix):
                found[term, strong] += 1
                taken_to = at + len(parts)
                break
    return found


def _stands(parts: Sequence[str], words: Sequence[str], at: int, *, prefix: bool) -> bool:
    last = at + len(parts) - 1
    if last >= len(words) or list(words[at:last]) != list(parts[:-1]):
        return False
    return words[last].startswith(parts[-1]) if prefix else words[last] == parts[-1]


def _normal(text: str) -> list[str]:
    """A text's words without case; the parts of a hyphenated word stand alone."""
    return _WORD.findall(text.replace("\u2019", "'").casefold())
