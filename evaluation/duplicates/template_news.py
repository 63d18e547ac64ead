"""News from templates, and short texts under shared boilerplate."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from evaluation.parts import Part

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Template:
    """A text with slots: for words out of lists, and for numbers (low, high, decimals).

    `kept` are the slots that stay the same in a series about one subject.
    """

    id: str
    language: str
    title: str
    body: str
    kept: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, float, int]]

    @property
    def subjects(self) -> int:
        """How many series there can be."""
        return min(len(choices) for choices in self.words.values())

    def fill(self, subject: int, rng: random.Random) -> tuple[str, str]:
        """Return title and body about a subject (from 0), all else drawn at random."""
        values = {
            slot: choices[subject] if slot in self.kept else rng.choice(choices)
            for slot, choices in self.words.items()
        }
        for slot, (low, high, decimals) in self.numbers.items():
            values[slot] = _number(rng.uniform(low, high), decimals, self.language)
        return self.title.format(**values), self.body.format(**values).strip()


@dataclass(frozen=True)
class ShortText:
    """A few sentences of its own, then boilerplate that the whole group carries."""

    id: str
    group: str
    language: str
    title: str
    body: str


@cache
def templates(part: Part) -> tuple[Template, ...]:
    """Return the templates of a part."""
    content = yaml.safe_load((_FOLDER / "templates" / f"{part}.yaml").read_text(encoding="utf-8"))
    return tuple(
        Template(
            id=item["id"],
            language=item["language"],
            title=item["title"],
            body=item["body"],
            kept=tuple(item["kept"]),
            words={slot: tuple(choices) for slot, choices in item["words"].items()},
            numbers={slot: tuple(bounds) for slot, bounds in item["numbers"].items()},
        )
        for item in content["templates"]
    )


@cache
def short_texts(part: Part) -> tuple[ShortText, ...]:
    """Return the short texts of a part."""
    content = yaml.safe_load((_FOLDER / "shorts" / f"{part}.yaml").read_text(encoding="utf-8"))
    return tuple(
        ShortText(
            id=f"{group['id']}-{number}",
            group=group["id"],
            language=group["language"],
            title=group["title"].format(n=number),
            body=f"{own}\n\n{group['boilerplate']}",
        )
        for group in content["groups"]
        for number, own in enumerate(group["texts"], 1)
    )


def _number(value: float, decimals: int, language: str) -> str:
    # Years and references have four digits and no separator.
    text = f"{value:,.{decimals}f}" if value >= 10_000 else f"{value:.{decimals}f}"
    return text if language == "eng" else text.translate(str.maketrans(",.", ".,"))
