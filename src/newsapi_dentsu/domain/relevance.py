"""How much an article is about the topics, and which of its signs say so.

Each topic gets a score from 0 to 1 out of its signs: its terms in the title, in the lead and in the
rest of the body, terms close to those of the other topics, and the concepts and categories that the
index attached. Signs add up as independent chances do, 1 - (1 - a)(1 - b)..., so that several weak
ones make a strong one and none makes more than 1. An article's score is the geometric mean of those
of its topics: 0 where one of them is missing.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final
from urllib.parse import unquote

from newsapi_dentsu.domain.topics import BEGINNING_LETTERS, RelevanceRules, Topic, Topics

LEAD_WORDS: Final = 60
"""The first words of a body say what it is about."""

OPENING_WORDS: Final = 25
"""About the first sentence."""

NEAR_WORDS: Final = 5
"""The most words between terms that speak of each other."""

USUAL_WORDS: Final = 300
"""In a longer text a term says less: there is more room for what it isn't about."""

_DILUTION: Final = 0.6
"""Terms grow slower than texts do, as many are repeated."""

_REPEATED: Final = 0.5
"""Each further time a term says this share of the time before."""

_MOST_SCORE: Final = 5.0
_MOST_WEIGHT: Final = 100.0
"""The API's scales for concepts and categories."""

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


@dataclass(frozen=True, slots=True)
class _Term:
    """A term as written, its words, whether the last is but a beginning, and its strength."""

    written: str
    words: tuple[str, ...]
    prefix: bool
    strength: float
    near: bool
    """Whether it counts as close to other topics' terms: strong ones and keywords do."""


@dataclass(frozen=True, slots=True)
class _Index:
    """Terms by what a text's word must be for them to begin there, those to try first in front."""

    whole: Mapping[str, Sequence[_Term]]
    """Those whose first word stands there as it is."""

    beginnings: Mapping[str, Sequence[_Term]]
    """Single words of which any ending counts, by their first letters."""


_Found = Sequence[tuple[int, _Term]]
"""Terms with the number of their first word in a text."""


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
    title_words, body_words = _words(title), _words(body)
    concept_shares = _attached(concepts, "score", _MOST_SCORE)
    category_shares = _attached(categories, "wgt", _MOST_WEIGHT)
    indexes = [_index(topic, rules.clear, rules.weak) for topic in topics.topics]
    in_title = [_find(index, title_words) for index in indexes]
    in_body = [_find(index, body_words) for index in indexes]
    openings = [[(at, term) for at, term in found if at < OPENING_WORDS] for found in in_body]
    together = [
        title_term or opening_term
        for title_term, opening_term in zip(_together(in_title), _together(openings), strict=True)
    ]
    signals: list[Signal] = []
    scores: dict[str, float] = {}
    for number, topic in enumerate(topics.topics):
        found = [
            *_signals_of_terms(topic, in_title[number], in_body[number], len(body_words), rules),
            *_signals_of_concepts(topic, indexes[number], concept_shares, rules),
            *_signals_of_categories(topic, indexes[number], category_shares, rules),
        ]
        if together[number]:
            found.append(Signal(topic.name, "together", together[number], rules.together))
        signals += found
        scores[topic.name] = round(
            1.0 - math.prod((1 - signal.weight for signal in found), start=1.0), 4
        )
    overall = math.prod(scores.values()) ** (1 / len(scores))
    return Relevance(round(overall, 4), scores, tuple(signals))


def _signals_of_terms(
    topic: Topic, in_title: _Found, in_body: _Found, body_length: int, rules: RelevanceRules
) -> Iterator[Signal]:
    dilution = min(1.0, (USUAL_WORDS / max(1, body_length)) ** _DILUTION)
    # A weight is the chance that a sign tells of the topic; the logarithms of the rest add up.
    places = {
        "title": -math.log1p(-rules.title),
        "lead": -math.log1p(-rules.lead),
        "body": -math.log1p(-rules.body) * dilution,
    }
    seen = [
        *(("title", term) for _, term in in_title),
        *(("lead" if at < LEAD_WORDS else "body", term) for at, term in in_body),
    ]
    times: Counter[str] = Counter()
    sums: dict[tuple[str, str], float] = {}
    for place, term in seen:
        value = places[place] * term.strength * _REPEATED ** times[term.written]
        times[term.written] += 1
        sums[place, term.written] = sums.get((place, term.written), 0.0) + value
    for (place, written), value in sums.items():
        if value:
            yield Signal(topic.name, place, written, round(-math.expm1(-value), 4))


def _together(found: Sequence[_Found]) -> list[str]:
    """A term of each topic that stands close to one of every other; '' where there is none."""
    spans = [
        [(at, at + len(term.words), term.written) for at, term in terms if term.near]
        for terms in found
    ]
    if len(spans) == 1:
        return [""]
    return [
        next(
            (
                written
                for start, end, written in own
                if all(
                    any(max(start, s) - min(end, e) <= NEAR_WORDS for s, e, _ in other)
                    for other in spans
                    if other is not own
                )
            ),
            "",
        )
        for own in spans
    ]


def _signals_of_concepts(
    topic: Topic, index: _Index, shares: Mapping[str, float], rules: RelevanceRules
) -> Iterator[Signal]:
    """The concepts that the topic names, and those whose own names hold one of its terms."""
    for uri, share in shares.items():
        strength = 1.0 if uri in topic.concepts else _strength(index, _last_part(uri))
        if strength * share:
            yield Signal(topic.name, "concept", uri, round(rules.concepts * strength * share, 4))


def _signals_of_categories(
    topic: Topic, index: _Index, shares: Mapping[str, float], rules: RelevanceRules
) -> Iterator[Signal]:
    """Categories lie below each other: the one that says most speaks for all."""
    strength, uri = max(
        ((_category_strength(topic, index, uri) * share, uri) for uri, share in shares.items()),
        default=(0.0, ""),
    )
    if strength:
        yield Signal(topic.name, "category", uri, round(rules.categories * strength, 4))


def _category_strength(topic: Topic, index: _Index, uri: str) -> float:
    if any(uri == category or uri.startswith(f"{category}/") for category in topic.categories):
        return 1.0
    return _strength(index, uri.replace("/", " "))


def _strength(index: _Index, name: str) -> float:
    """The strength of the strongest term in a tag's name."""
    found = _find(index, _words(name.replace("_", " ")))
    return max((term.strength for _, term in found), default=0.0)


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


def _index(topic: Topic, clear: float, weak: float) -> _Index:
    terms = topic.terms
    return _indexed(
        tuple(topic.keywords),
        (
            (1.0, tuple(terms.strong)),
            (clear, tuple(terms.clear)),
            (weak, tuple(terms.weak)),
            (0.0, tuple(terms.ignored)),
        ),
    )


@lru_cache(maxsize=64)
def _indexed(
    keywords: tuple[str, ...], graded: tuple[tuple[float, tuple[str, ...]], ...]
) -> _Index:
    own = dict.fromkeys((keyword.casefold() for keyword in keywords), 1.0)
    strengths = own | {term.casefold(): strength for strength, terms in graded for term in terms}
    whole: dict[str, list[_Term]] = {}
    beginnings: dict[str, list[_Term]] = {}
    for written, strength in strengths.items():
        words = tuple(_words(written.removesuffix("*")))
        if not words:
            continue
        term = _Term(
            written, words, written.endswith("*"), strength, near=strength == 1.0 or written in own
        )
        if term.prefix and len(words) == 1:
            beginnings.setdefault(words[0][:BEGINNING_LETTERS], []).append(term)
        else:
            whole.setdefault(words[0], []).append(term)
    for terms in (*whole.values(), *beginnings.values()):
        terms.sort(key=lambda term: (-len(term.words), term.prefix, -len(term.words[-1])))
    return _Index(whole, beginnings)


def _find(index: _Index, words: Sequence[str]) -> _Found:
    """Where terms stand in a text; longer terms take their words from shorter ones."""
    found: list[tuple[int, _Term]] = []
    taken_to = 0
    none: Sequence[_Term] = ()
    whole, beginnings = index.whole, index.beginnings
    starts = [
        (at, word)
        for at, word in enumerate(words)
        if word in whole or word[:BEGINNING_LETTERS] in beginnings
    ]
    for at, word in starts:
        if at < taken_to:
            continue
        beginning = word[:BEGINNING_LETTERS]
        for term in chain(whole.get(word, none), beginnings.get(beginning, none)):
            if _stands(term, words, at):
                found.append((at, term))
                taken_to = at + len(term.words)
                break
    return found


def _stands(term: _Term, words: Sequence[str], at: int) -> bool:
    parts = term.words
    if len(parts) > 1:
        end = at + len(parts) - 1
        if end >= len(words) or tuple(words[at:end]) != parts[:-1]:
            return False
        at = end
    return words[at].startswith(parts[-1]) if term.prefix else words[at] == parts[-1]


def _words(text: str) -> list[str]:
    """A text's words without case; the parts of a hyphenated word stand alone."""
    return _WORD.findall(text.replace("\u2019", "'").casefold())
