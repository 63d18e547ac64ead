"""Writes the texts of the generated articles."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsapi_dentsu.sandbox.grammar import expand, pick
from newsapi_dentsu.sandbox.names import cast
from newsapi_dentsu.sandbox.themes import PHRASES, THEMES

BOTH_TOPICS = ("ai", "marketing")
_SENTENCES_PER_PARAGRAPH = 3


@dataclass(frozen=True)
class Text:
    """A title and a body, and what the tagger will make of them."""

    title: str
    body: str
    topics: Sequence[str]
    category: str
    mood: float
    city: str
    author: str


class Writer:
    """Writes one article: everything it says comes from its own random numbers."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._slots: Mapping[str, str] = cast(rng)

    def write(self, kind: str) -> Text:
        """Write an English article of a kind that is not a copy of another."""
        if kind == "press_release":
            return self._press_release()
        if kind == "blog":
            return self._blog()
        theme = self._rng.choice(THEMES[kind if kind in THEMES else "story"])
        details = pick(theme.details, self._rng.randint(4, len(theme.details)), self._rng)
        sentences = [self._rng.choice(theme.leads), *details]
        if kind not in THEMES or kind == "story":
            # The first detail stays next to the lead, the rest mixes with voices and background.
            rest = details[1:] + self._background(
                facts=self._rng.randint(1, 9), quotes=self._rng.randint(1, 5)
            )
            self._rng.shuffle(rest)
            sentences = [*sentences[:2], *rest, self._rng.choice(PHRASES["closings"])]
        return self._text(theme.titles, sentences, theme.topics, theme.category, theme.mood)

    def write_in(self, language: str) -> Text:
        """Write an article in a language other than English."""
        words = PHRASES["languages"][language]
        sentences = pick(words["sentences"], self._rng.randint(6, 9), self._rng)
        return self._text(words["titles"], sentences)

    def _press_release(self) -> Text:
        words = PHRASES["press_release"]
        sentences = [
            self._rng.choice(words["leads"]),
            *self._background(facts=4, quotes=2),
            words["about"],
        ]
        return self._text(words["titles"], sentences, mood=0.6)

    def _blog(self) -> Text:
        words = PHRASES["blog"]
        background = self._background(facts=self._rng.randint(4, 7), quotes=2)
        sentences = [self._rng.choice(words["leads"]), *background]
        return self._text(words["titles"], sentences, category="news/Technology")

    def _background(self, *, facts: int, quotes: int) -> list[str]:
        return [
            *pick(PHRASES["facts"], facts, self._rng),
            *pick(PHRASES["quotes"], quotes, self._rng),
        ]

    def _text(
        self,
        titles: Sequence[str],
        sentences: Sequence[str],
        topics: Sequence[str] = BOTH_TOPICS,
        category: str = "news/Business",
        mood: float = 0.1,
    ) -> Text:
        written = [expand(sentence, self._slots, self._rng) for sentence in sentences]
        paragraphs = []
        while written:
            length = self._rng.randint(1, _SENTENCES_PER_PARAGRAPH)
            paragraphs.append(" ".join(written[:length]))
            written = written[length:]
        return Text(
            expand(self._rng.choice(titles), self._slots, self._rng),
            "\n\n".join(paragraphs),
            topics,
            category,
            mood,
            self._slots["city"],
            self._slots["analyst"],
        )
