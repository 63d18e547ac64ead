"""A small text grammar: `[one|other]` picks, `{name}` fills in, `{3-9}` rolls a number."""

import random
import re
from collections.abc import Mapping, Sequence

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_0-9-]+)\}")
_RANGE = re.compile(r"(\d+)-(\d+)")


class Grammar:
    """Expands the patterns of one text; a range rolled under `remember` keeps its number."""

    def __init__(self, slots: Mapping[str, str], rng: random.Random) -> None:
        self._slots = dict(slots)
        self._rng = rng

    def expand(self, pattern: str, *, remember: bool = False) -> str:
        """Return one text of the pattern."""
        chosen = _CHOICE.sub(lambda match: self._rng.choice(match[1].split("|")), pattern)
        text = _SLOT.sub(lambda match: self._fill(match[1], remember), chosen)
        return text[:1].upper() + text[1:]

    def _fill(self, name: str, remember: bool) -> str:
        bounds = _RANGE.fullmatch(name)
        if not bounds or (remember and name in self._slots):
            return self._slots[name]
        number = f"{self._rng.randint(int(bounds[1]), int(bounds[2])):,}"
        if remember:
            self._slots[name] = number
        return number


def pick(patterns: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Return that many different patterns, in random order."""
    return rng.sample(patterns, min(count, len(patterns)))
