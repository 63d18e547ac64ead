"""A small text grammar: `[one|other]` picks, `{name}` fills in, `{3-9}` rolls a number."""

import random
import re
from collections.abc import Mapping, Sequence

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_0-9-]+)\}")
_RANGE = re.compile(r"(\d+)-(\d+)")


def expand(pattern: str, slots: Mapping[str, str], rng: random.Random) -> str:
    """Return one text of the pattern."""
    chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), pattern)
    text = _SLOT.sub(lambda match: _fill(match[1], slots, rng), chosen)
    return text[:1].upper() + text[1:]


def pick(patterns: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Return that many different patterns, in random order."""
    return rng.sample(patterns, min(count, len(patterns)))


def _fill(name: str, slots: Mapping[str, str], rng: random.Random) -> str:
    bounds = _RANGE.fullmatch(name)
    return f"{rng.randint(int(bounds[1]), int(bounds[2])):,}" if bounds else slots[name]
