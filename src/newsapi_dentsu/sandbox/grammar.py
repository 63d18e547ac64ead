"""A small text grammar: `[one|other]` picks, `<rule>` draws, `{name}` fills in, `{3-9}` rolls.

Choices may stand in choices. A rule is a list of patterns, and a text uses each of them once before
it uses one again. `{a}` becomes "a" or "an", as the word behind it asks for. A sentence may be
written without its capital, so that something can be put in front of it.
"""

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

_TOKEN = re.compile(r"\[|\]|\||<[a-z_]+>|\{[a-z_0-9-]+\}|[^\[\]|<{]+|[<{]")
_RANGE = re.compile(r"(\d+)-(\d+)")
_YEARS = (1900, 2100)
_ARTICLE = re.compile(r"\x00(?= (\S+))")
_SENTENCE_START = re.compile(r"""((?:^|[.?!]["”]? |: (?=["“]))["“]?)([a-zà-ÿ])""")
_POSSESSIVE = re.compile(r"s's\b")
_AN = re.compile(
    r"(?!one\b|once\b|uni(?!n|m)|eu|us[aeiu]|ut[ei]|ubi)[aeiou]|hour|honest|honour|heir|8|11\b|18\b",
    re.IGNORECASE,
)

# A pattern, parsed: texts, slots and rules by name, and choices between sequences of the same.
_Sequence = tuple["str | _Slot | _Rule | _Choice", ...]


class _Slot(str):
    __slots__ = ()


class _Rule(str):
    __slots__ = ()


class _Choice(tuple[_Sequence, ...]):
    __slots__ = ()


class Grammar:
    """Expands the patterns of one text; a range rolled under `remember` keeps its number."""

    def __init__(
        self,
        slots: Mapping[str, str],
        rng: random.Random,
        rules: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._slots = {"a": "\x00", **slots}
        self._rng = rng
        self._rules = rules or {}
        self._decks: dict[str, list[str]] = {}

    def expand(self, pattern: str, *, remember: bool = False) -> str:
        """Return one text of the pattern."""
        text = self._text(parse(pattern), remember)
        text = _ARTICLE.sub(lambda match: article(match[1]), text)
        text = _POSSESSIVE.sub("s'", text)
        return _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)

    @property
    def slots(self) -> Mapping[str, str]:
        """What the names stand for, with the numbers that were to be remembered."""
        return self._slots

    def draw(self, rule: str) -> str:
        """Take a pattern of a rule, each of them once before any comes again."""
        deck = self._decks.get(rule)
        if not deck:
            deck = self._decks[rule] = list(self._rules[rule])
            self._rng.shuffle(deck)
        return deck.pop()

    def _text(self, parts: _Sequence, remember: bool) -> str:
        texts = []
        for part in parts:
            if isinstance(part, _Slot):
                texts.append(self._fill(part, remember))
            elif isinstance(part, _Rule):
                texts.append(self._text(parse(self.draw(part)), remember))
            elif isinstance(part, _Choice):
                texts.append(self._text(self._rng.choice(part), remember))
            else:
                texts.append(part)
        return "".join(texts)

    def _fill(self, name: str, remember: bool) -> str:
        bounds = _RANGE.fullmatch(name)
        if not bounds or (remember and name in self._slots):
            return self._slots[name]
        first, last = int(bounds[1]), int(bounds[2])
        rolled = self._rng.randint(first, last)
        number = str(rolled) if _YEARS[0] <= first and last <= _YEARS[1] else f"{rolled:,}"
        if remember:
            self._slots[name] = number
        return number


def article(word: str) -> str:
    """Return the indefinite article that stands before a word."""
    return "an" if _AN.match(word.lstrip("\"'“‘(")) else "a"


@cache
def parse(pattern: str) -> _Sequence:
    """Take a pattern apart.

    Raises:
        ValueError: a bracket lacks its partner, or a brace or an angle bracket stands alone.
    """
    open_choices: list[list[list[str | _Slot | _Rule | _Choice]]] = [[[]]]
    for piece in _TOKEN.findall(pattern):
        here = open_choices[-1]
        if piece == "[":
            open_choices.append([[]])
        elif piece == "]" and len(open_choices) > 1:
            open_choices.pop()
            open_choices[-1][-1].append(_Choice(tuple(option) for option in here))
        elif piece == "|" and len(open_choices) > 1:
            here.append([])
        elif piece in ("]", "<", "{"):
            raise ValueError(f"A {piece} has no partner in {pattern!r}.")
        elif piece[0] == "{":
            here[-1].append(_Slot(piece[1:-1]))
        elif piece[0] == "<":
            here[-1].append(_Rule(piece[1:-1]))
        else:
            here[-1].append(piece)
    if len(open_choices) > 1:
        raise ValueError(f"A [ has no partner in {pattern!r}.")
    return tuple(open_choices[0][0])
