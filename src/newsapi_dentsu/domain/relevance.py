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
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, count
from operator import itemgetter
from typing import Final
from urllib.parse import unquote

from newsapi_dentsu.domain.topics import BEGINNING_LETTERS, RelevanceRules, Topic, Topics
from newsapi_dentsu.domain.words import AsciiWords

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

_WORDS_KEPT: Final = 50_000
"""Words whose terms are remembered; texts have more, but most of them hardly ever."""

_WORD = re.compile(r"[^\W_]+(?:['&.][^\W_]+)*")
_ASCII_WORDS = AsciiWords("'&.")


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


_Starts = tuple[Sequence[tuple[str, _Term]], ...]
"""For each topic, the terms that may start with a word, each with how the next word must begin."""


class _Index(dict[str, _Starts]):
    """What to try where a text has a word, the longest terms first; worked out when first asked.

    Empty for a word with which no term of any topic starts.
    """

    def __init__(self, topics: Iterable[Iterable[_Term]]) -> None:
        super().__init__()
        self._topics: list[dict[str, list[_Term]]] = []
        """The terms of each topic by the first letters of their first words."""
        for terms in topics:
            starts: dict[str, list[_Term]] = {}
            for term in terms:
                starts.setdefault(term.words[0][:BEGINNING_LETTERS], []).append(term)
            self._topics.append(starts)

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return len(self._topics)

    def __missing__(self, word: str) -> _Starts:
        if len(self) >= _WORDS_KEPT:
            self.clear()
        beginning = word[:BEGINNING_LETTERS]
        found = tuple(
            [
                (term.words[1] if len(term.words) > 1 else "", term)
                for term in _longest_first(starts.get(beginning, ()))
                if _starts(term, word)
            ]
            for starts in self._topics
        )
        self[word] = found if any(found) else ()
        return self[word]


def _starts(term: _Term, word: str) -> bool:
    only_a_beginning = term.prefix and len(term.words) == 1
    return word.startswith(term.words[0]) if only_a_beginning else word == term.words[0]


def _longest_first(terms: Iterable[_Term]) -> list[_Term]:
    return sorted(terms, key=lambda term: (-len(term.words), term.prefix, -len(term.words[-1])))


@dataclass(frozen=True, slots=True)
class _Tag:
    """A concept or category that the index attached."""

    uri: str
    share: float
    """How sure the index is of it, from 0 to 1."""

    strengths: Sequence[float]
    """The strength of each topic's strongest term in its name."""


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
    index = _index(topics)
    concept_tags = _tags(
        concepts, "score", _MOST_SCORE, lambda uri: _strengths(index, _last_part(uri))
    )
    category_tags = _tags(
        categories, "wgt", _MOST_WEIGHT, lambda uri: _strengths(index, uri.replace("/", " "))
    )
    in_title, in_body = _find(index, title_words), _find(index, body_words)
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
            *_signals_of_concepts(topic, number, concept_tags, rules),
            *_signals_of_categories(topic, number, category_tags, rules),
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
                if all(_is_near(start, end, other) for other in spans if other is not own)
            ),
            "",
        )
        for own in spans
    ]


def _is_near(start: int, end: int, spans: Sequence[tuple[int, int, str]]) -> bool:
    """Whether one of these spans, in order and apart, is close to the one from start to end."""
    at = bisect_left(spans, start, key=itemgetter(0))
    return any(
        max(start, s) - min(end, e) <= NEAR_WORDS for s, e, _ in spans[max(0, at - 1) : at + 1]
    )


def _signals_of_concepts(
    topic: Topic, number: int, tags: Iterable[_Tag], rules: RelevanceRules
) -> Iterator[Signal]:
    """The concepts that the topic names, and those whose own names hold one of its terms."""
    for tag in tags:
        strength = 1.0 if tag.uri in topic.concepts else tag.strengths[number]
        if weight := strength * tag.share:
            yield Signal(topic.name, "concept", tag.uri, round(rules.concepts * weight, 4))


def _signals_of_categories(
    topic: Topic, number: int, tags: Iterable[_Tag], rules: RelevanceRules
) -> Iterator[Signal]:
    """Categories lie below each other: the one that says most speaks for all."""
    weight, uri = max(
        (
            (
                tag.share * (1.0 if _lies_in(tag.uri, topic.categories) else tag.strengths[number]),
                tag.uri,
            )
            for tag in tags
        ),
        default=(0.0, ""),
    )
    if weight:
        yield Signal(topic.name, "category", uri, round(rules.categories * weight, 4))


def _lies_in(uri: str, categories: Iterable[str]) -> bool:
    return any(uri == category or uri.startswith(f"{category}/") for category in categories)


def _strengths(index: _Index, name: str) -> list[float]:
    """The strength of each topic's strongest term in a tag's name."""
    found = _find(index, _words(name.replace("_", " ")))
    return [max((term.strength for _, term in terms), default=0.0) for terms in found]


def _last_part(uri: str) -> str:
    return unquote(uri.rpartition("/")[2])


def _tags(
    attached: str, measure: str, most: float, strengths: Callable[[str], Sequence[float]]
) -> list[_Tag]:
    """The tags of a JSON list, each once, with its highest measure as a share of the most."""
    shares: dict[str, float] = {}
    for tag in json.loads(attached or "[]"):
        value = tag.get(measure)
        share = value / most if isinstance(value, (int, float)) else 0.5
        shares[tag["uri"]] = max(shares.get(tag["uri"], 0.0), min(1.0, max(0.0, share)))
    return [_Tag(uri, share, strengths(uri)) for uri, share in shares.items()]


@lru_cache(maxsize=4)
def _index(topics: Topics) -> _Index:
    return _Index(_terms(topic, topics.relevance) for topic in topics.topics)


def _terms(topic: Topic, rules: RelevanceRules) -> Iterator[_Term]:
    own = dict.fromkeys((keyword.casefold() for keyword in topic.keywords), 1.0)
    graded = (
        (1.0, topic.terms.strong),
        (rules.clear, topic.terms.clear),
        (rules.weak, topic.terms.weak),
        (0.0, topic.terms.ignored),
    )
    strengths = own | {term.casefold(): strength for strength, terms in graded for term in terms}
    for written, strength in strengths.items():
        if words := tuple(_words(written.removesuffix("*"))):
            near = strength == 1.0 or written in own
            yield _Term(written, words, written.endswith("*"), strength, near)


def _find(index: _Index, words: Sequence[str]) -> list[_Found]:
    """Where each topic's terms stand in a text; longer ones take their words from shorter."""
    starts = list(map(index.__getitem__, words))
    positions = list(compress(count(), starts))
    return [_find_topic(starts, positions, words, number) for number in range(index.topics)]


def _find_topic(
    starts: Sequence[_Starts], positions: Sequence[int], words: Sequence[str], number: int
) -> _Found:
    found: list[tuple[int, _Term]] = []
    taken_to = 0
    for at in positions:
        if at < taken_to:
            continue
        following = words[at + 1] if at + 1 < len(words) else ""
        for second, term in starts[at][number]:
            if following.startswith(second) and _stands(term, words, at):
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
    text = text.replace("\u2019", "'").casefold()
    return _ASCII_WORDS.find(text) if text.isascii() else _WORD.findall(text)
