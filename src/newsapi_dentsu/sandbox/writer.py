"""Writes the texts of the generated articles."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsapi_dentsu.sandbox.grammar import Grammar, pick
from newsapi_dentsu.sandbox.names import Cast, cast
from newsapi_dentsu.sandbox.themes import PHRASES, THEMES, Theme

BOTH_TOPICS = ("ai", "marketing")
_SENTENCES_PER_PARAGRAPH = 3


@dataclass(frozen=True)
class WrittenText:
    """A title and a body, and what the tagger will make of them."""

    title: str
    body: str
    topics: Sequence[str]
    category: str
    mood: float
    cast: Cast


class Writer:
    """Writes one article: everything it says comes from its own random numbers."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._cast = cast(rng)
        self._grammar = Grammar(self._cast.slots, rng)

    def write(self, kind: str) -> WrittenText:
        """Write an English article of a kind that is not a copy of another."""
        text = self._draft(kind)
        body = text.body
        for person in self._cast.people:
            body = person.introduce(body)
        return replace(text, body=body)

    def write_in(self, language: str) -> WrittenText:
        """Write an article in a language other than English."""
        words = PHRASES["languages"][language]
        sentences = pick(words["sentences"], self._rng.randint(6, 9), self._rng)
        return self._text(words["titles"], sentences)

    def _draft(self, kind: str) -> WrittenText:
        if kind == "press_release":
            return self._press_release()
        if kind == "blog":
            return self._blog()
        if kind in THEMES and kind != "story":
            return self._brief_news(self._rng.choice(THEMES[kind]))
        return self._story(self._rng.choice(THEMES["story"]))

    def _story(self, theme: Theme) -> WrittenText:
        first, *rest = pick(theme.details, self._rng.randint(4, len(theme.details)), self._rng)
        rest += self._background(facts=self._rng.randint(1, 9), quotes=self._rng.randint(1, 3))
        # The first detail stays next to the lead, the rest mixes with voices and background.
        self._rng.shuffle(rest)
        lead, closing = self._rng.choice(theme.leads), self._rng.choice(PHRASES["closings"])
        return self._themed(theme, [lead, first, *rest, closing])

    def _brief_news(self, theme: Theme) -> WrittenText:
        details = pick(theme.details, self._rng.randint(4, len(theme.details)), self._rng)
        return self._themed(theme, [self._rng.choice(theme.leads), *details])

    def _themed(self, theme: Theme, sentences: Sequence[str]) -> WrittenText:
        return self._text(theme.titles, sentences, theme.topics, theme.category, theme.mood)

    def _press_release(self) -> WrittenText:
        words = PHRASES["press_release"]
        sentences = [
            self._rng.choice(words["leads"]),
            *self._background(facts=4, quotes=2),
            words["about"],
        ]
        return self._text(words["titles"], sentences, mood=0.6)

    def _blog(self) -> WrittenText:
        words = PHRASES["blog"]
        sentences = [
            self._rng.choice(words["leads"]),
            *pick(words["own"], self._rng.randint(4, 6), self._rng),
            *self._background(facts=self._rng.randint(1, 3), quotes=1),
        ]
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
    ) -> WrittenText:
        # The title and the lead tell the same numbers.
        title = self._grammar.expand(self._rng.choice(titles), remember=True)
        written = [self._grammar.expand(sentences[0], remember=True)]
        written += [self._grammar.expand(sentence) for sentence in sentences[1:]]
        paragraphs = []
        while written:
            length = self._rng.randint(1, _SENTENCES_PER_PARAGRAPH)
            paragraphs.append(" ".join(written[:length]))
            written = written[length:]
        return WrittenText(title, "\n\n".join(paragraphs), topics, category, mood, self._cast)
