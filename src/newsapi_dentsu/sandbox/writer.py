"""Writes the texts of the generated articles."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from newsapi_dentsu.sandbox.grammar import Grammar
from newsapi_dentsu.sandbox.names import Cast, cast
from newsapi_dentsu.sandbox.themes import PHRASES, SENTENCES, THEMES, Theme

BOTH_TOPICS = ("ai", "marketing")
LIVE_SHARE = 0.05
BRIEF_SHARE = 0.07

_SENTENCES_PER_PARAGRAPH = 3
# Words of a story: half of them have more than the median, one in twenty more than 1,400.
_MEDIAN_WORDS, _SPREAD, _FEWEST_WORDS, _MOST_WORDS = 450, 0.68, 60, 1_700
_BRIEF_WORDS = (35, 90)
_WORDS_FOR_SUBHEADS, _PARAGRAPHS_PER_SUBHEAD = 700, (4, 7)
_GENERAL_TITLES = 0.35
_FRAMED = 0.95
# How often each kind of sentence follows in a story.
_MIX: Mapping[str, int] = {
    "quote": 6,
    "practice": 5,
    "figure": 5,
    "compare": 3,
    "money": 2,
    "law": 2,
    "labour": 2,
    "caveat": 2,
    "scene": 2,
    "plan": 1,
}


@dataclass(frozen=True)
class WrittenText:
    """A title and a body, what the tagger will make of them, and what they were written from."""

    title: str
    body: str
    topics: Sequence[str]
    category: str
    mood: float
    cast: Cast
    theme: Theme | None = None
    live: bool = False


class Writer:
    """Writes one article: everything it says comes from its own random numbers."""

    def __init__(self, rng: random.Random, known: Cast | None = None) -> None:
        """Begin an article, on people and things of its own or on those that are known."""
        self._rng = rng
        self._cast = known or cast(rng)
        self._grammar = Grammar(self._cast.slots, rng, SENTENCES)

    def write(self, kind: str) -> WrittenText:
        """Write an English article of a kind that is not a copy of another."""
        if kind == "press_release":
            return self._introduced(self._press_release())
        if kind == "blog":
            return self._introduced(self._blog())
        if kind in THEMES and kind != "story":
            theme = self._rng.choice(THEMES[kind])
            return self._introduced(self._brief_news(theme), described=kind == "marketing_only")
        return self.tell(self._rng.choice(THEMES["story"]))

    def tell(self, theme: Theme) -> WrittenText:
        """Write a story of a theme."""
        return self._introduced(self._story(theme))

    def write_in(self, language: str) -> WrittenText:
        """Write an article in a language other than English."""
        words = PHRASES["languages"][language]
        patterns = words["sentences"]
        sentences = self._rng.sample(patterns, self._rng.randint(5, len(patterns)))
        return self._text(words["titles"], [self._rng.choice(words["leads"]), *sentences])

    def go_on(self, text: WrittenText, count: int) -> list[str]:
        """Write what an update of an article adds to it: that many paragraphs."""
        added = []
        for _ in range(count):
            rules = ["follow_up", *self._mixed(self._rng.randint(0, 2))]
            added.append(" ".join(self._grammar.expand(f"<{rule}>") for rule in rules))
        joined = "\n\n".join(added)
        for person in self._cast.people:
            again = person.name in text.body
            joined = person.name_again(joined) if again else person.introduce(joined)
        return joined.split("\n\n")

    def _introduced(self, text: WrittenText, *, described: bool = True) -> WrittenText:
        body = text.body
        for person in self._cast.people:
            if described:
                body = person.introduce(body)
            else:
                before, name, after = body.partition(person.name)
                body = f"{before}{name}{person.name_again(after)}"
        return replace(text, body=body)

    def _story(self, theme: Theme) -> WrittenText:
        rng = self._rng
        brief = rng.random() < BRIEF_SHARE
        words = (
            rng.uniform(*_BRIEF_WORDS)
            if brief
            else min(
                _MOST_WORDS, max(_FEWEST_WORDS, rng.lognormvariate(0, _SPREAD) * _MEDIAN_WORDS)
            )
        )
        details = rng.sample(theme.details, rng.randint(2, 5))
        first, *rest = (
            f"<frame>{detail}" if rng.random() < _FRAMED else detail for detail in details
        )
        general = rng.random() < _GENERAL_TITLES
        text = self._text(
            SENTENCES["title"] if general else theme.titles,
            self._patterns(rng.choice(theme.leads), first, rest),
            theme.topics,
            theme.category,
            theme.mood,
            words=words,
        )
        text = replace(text, theme=theme)
        return self._as_live(text) if not brief and rng.random() < LIVE_SHARE else text

    def _patterns(self, lead: str, first: str, rest: Sequence[str]) -> Iterator[str]:
        # The first detail stays next to the lead, the rest mixes with voices and background.
        yield from (lead, first)
        waiting = list(rest)
        for rule in self._mixed():
            if waiting and self._rng.random() < 0.3:
                yield waiting.pop()
            yield f"<{rule}>"

    def _mixed(self, count: int | None = None) -> Iterator[str]:
        rules, weights = list(_MIX), list(_MIX.values())
        while count is None or count > 0:
            yield self._rng.choices(rules, weights)[0]
            count = None if count is None else count - 1

    def _brief_news(self, theme: Theme) -> WrittenText:
        rules = SENTENCES[theme.sentences]
        count = self._rng.randint(5, len(rules))
        sentences = [self._rng.choice(theme.leads), *[f"<{theme.sentences}>"] * count]
        return self._text(theme.titles, sentences, theme.topics, theme.category, theme.mood)

    def _press_release(self) -> WrittenText:
        words = PHRASES["press_release"]
        own = self._rng.sample(words["own"], self._rng.randint(4, len(words["own"])))
        more = [f"<{rule}>" for rule in self._mixed(self._rng.randint(2, 8))]
        lead = self._rng.choice(words["leads"])
        return self._text(words["titles"], [lead, *own, *more, words["about"]], mood=0.6)

    def _blog(self) -> WrittenText:
        words = PHRASES["blog"]
        own = self._rng.sample(words["own"], self._rng.randint(5, len(words["own"])))
        more = [f"<{rule}>" for rule in self._mixed(self._rng.randint(2, 20))]
        lead = self._rng.choice(words["leads"])
        return self._text(words["titles"], [lead, *own, *more], category="news/Technology")

    def _text(
        self,
        titles: Sequence[str],
        sentences: Iterable[str],
        topics: Sequence[str] = BOTH_TOPICS,
        category: str = "news/Business",
        mood: float = 0.1,
        *,
        words: float | None = None,
    ) -> WrittenText:
        """Write all sentences, or with `words` as many as it takes to have that many words."""
        # The title and the lead tell the same numbers.
        title = self._grammar.expand(self._rng.choice(titles), remember=True)
        patterns = iter(sentences)
        written = [self._grammar.expand(next(patterns), remember=True)]
        count = len(written[0].split())
        for pattern in patterns:
            written.append(self._grammar.expand(pattern))
            count += len(written[-1].split())
            if words is not None and count >= words:
                break
        if words is not None and words > _BRIEF_WORDS[1]:
            written.append(self._grammar.expand("<closing>"))
        paragraphs = self._paragraphs(written)
        if words is not None and words > _WORDS_FOR_SUBHEADS:
            paragraphs = self._with_subheads(paragraphs)
        known = replace(self._cast, slots=self._grammar.slots)
        return WrittenText(title, "\n\n".join(paragraphs), topics, category, mood, known)

    def _paragraphs(self, sentences: Sequence[str]) -> list[str]:
        waiting, paragraphs = list(sentences), []
        while waiting:
            length = self._rng.randint(1, _SENTENCES_PER_PARAGRAPH)
            paragraphs.append(" ".join(waiting[:length]))
            waiting = waiting[length:]
        return paragraphs

    def _with_subheads(self, paragraphs: Sequence[str]) -> list[str]:
        result, until_next = [], self._rng.randint(*_PARAGRAPHS_PER_SUBHEAD)
        for paragraph in paragraphs:
            if until_next == 0:
                result.append(self._grammar.expand("<subhead>"))
                until_next = self._rng.randint(*_PARAGRAPHS_PER_SUBHEAD)
            result.append(paragraph)
            until_next -= 1
        return result

    def _as_live(self, text: WrittenText) -> WrittenText:
        """Turn a story into a page that was written as things happened, the newest first."""
        lead, *others = text.body.split("\n\n")
        minute = self._rng.randint(17 * 60, 22 * 60)
        entries = []
        for entry in others:
            entries.append(f"{stamped(minute)} {entry}")
            minute -= self._rng.randint(4, 50)
        title = self._rng.choice(("{} – live", "Live: {}", "{}: as it happened")).format(text.title)
        return replace(text, title=title, body="\n\n".join([lead, *entries]), live=True)


def stamped(minute: int) -> str:
    """Return a minute of the day as live pages put it before an entry."""
    return f"{minute // 60 % 24}:{minute % 60:02} GMT"
