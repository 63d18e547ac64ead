"""How a text speaks about somebody: its mentions, their probabilities, and many together."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, NamedTuple

from newsapi_dentsu.domain.sentences import Sentence, sentences
from newsapi_dentsu.domain.targets import KINDS, Gazetteer, Target

Label = Literal["negative", "neutral", "positive", "uncertain"]

SURE: Final = 0.5
"""A label needs this probability; below it the text is `uncertain`."""

ARTICLE: Final = "article"
"""What a text is about that names nobody whom it is asked about: itself."""

SUBJECTS: Final = (*KINDS, ARTICLE)
"""What a text may be asked about. How sure a model is of each, and how often right, differs."""

ENGLISH: Final = "eng"
"""The only language that is scored: the model has learnt no other."""

SENTENCES_OF_TARGET: Final = 3
"""Sentences of an article that are scored for one target: the title and the first in the text."""

TARGETS: Final = 12
"""Targets of an article that are scored: those that are watched, then those that come first."""

_READ: Final = 20_000
"""Characters of a text in which targets are looked for."""

_TITLE_WEIGHT: Final = 2.0
"""A title is what most people read."""


class Tone(NamedTuple):
    """Three probabilities, which add up to 1."""

    negative: float
    neutral: float
    positive: float

    @property
    def label(self) -> Label:
        """What is said of it in a word."""
        likeliest = max(self)
        if likeliest < SURE:
            return "uncertain"
        labels: tuple[Label, ...] = ("negative", "neutral", "positive")
        return labels[self.index(likeliest)]

    @property
    def score(self) -> float:
        """From -1, negative, to 1, positive."""
        return self.positive - self.negative


@dataclass(frozen=True, slots=True)
class Mention:
    """A sentence that names a target; `start` and `end` are the name's place in it."""

    target: Target
    number: int
    """The sentence's number in the article; 0 is the title."""

    sentence: str
    start: int
    end: int


def tone_of(logits: Sequence[float], temperature: float) -> Tone:
    """The probabilities that a model's three figures stand for.

    Args:
        logits: for negative, neutral, positive.
        temperature: how much surer the model is than it should be, found on texts with labels
            (https://arxiv.org/abs/1706.04599).
    """
    most = max(logits)
    parts = [math.exp((one - most) / temperature) for one in logits]
    total = sum(parts)
    negative, neutral, positive = (part / total for part in parts)
    return Tone(negative, neutral, positive)


def together(tones: Sequence[Tone], titles: Sequence[bool]) -> Tone:
    """The tone of several mentions: their mean, in which a title counts twice."""
    weights = [_TITLE_WEIGHT if title else 1.0 for title in titles]
    total = sum(weights)
    negative, neutral, positive = (
        math.fsum(tone[at] * weight for tone, weight in zip(tones, weights, strict=True)) / total
        for at in range(3)
    )
    return Tone(negative, neutral, positive)


def mentions(title: str, own_text: str, names: Gazetteer) -> list[Mention]:
    """The mentions of an article that are scored.

    Args:
        title: the article's title, cleaned.
        own_text: the article's text without what its site wraps around it.
        names: who may be spoken about.
    """
    text = own_text[:_READ]
    parts = [Sentence(0, title), *sentences(text)] if title else list(sentences(text))
    first = 0 if title else 1
    # Looked for in the whole, so that a surname is understood in a title, too.
    whole = f"{title}\n{text}"
    offset = len(title) + 1
    starts = [0 if title and not n else offset + part.start for n, part in enumerate(parts)]
    by_target: dict[Target, list[Mention]] = {}
    at = 0
    for place in names.find(whole):
        while at + 1 < len(parts) and starts[at + 1] <= place.start:
            at += 1
        inside = place.start - starts[at]
        if not 0 <= inside < len(parts[at].text):
            continue
        known = by_target.setdefault(place.target, [])
        number = at + first
        if len(known) < SENTENCES_OF_TARGET and all(one.number != number for one in known):
            end = min(place.end - starts[at], len(parts[at].text))
            known.append(Mention(place.target, number, parts[at].text, inside, end))
    ordered = sorted(by_target, key=lambda target: target.kind != "brand")
    return list(chain.from_iterable(by_target[target] for target in ordered[:TARGETS]))


def opening(title: str, own_text: str) -> str:
    """The title and the text's first sentence, whose tone is the article's."""
    lead = next((one.text for one in sentences(own_text[:_READ])), "")
    return " ".join(part for part in (_closed(title), lead) if part)


def _closed(title: str) -> str:
    return title if not title or title[-1] in ".!?…" else f"{title}."


def text_hash(title: str, own_text: str, lang: str, concepts: Sequence[tuple[str, str]]) -> str:
    """The name of what is read of an article: another text, or other targets, have another one."""
    read = json.dumps([title, own_text, lang, sorted(concepts)])
    return hashlib.sha256(read.encode()).hexdigest()[:32]
