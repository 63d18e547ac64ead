"""The sentences about brands: their files, in which each has its label and its target marked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("sentences.txt")
FIT_ONLY = Path(__file__).with_name("fit_only.txt")
"""More sentences, about other brands, that were labelled in one pass and are never reported."""

COMPARISONS = Path(__file__).with_name("comparisons.txt")
"""Sentences that compare two brands, both asked about: some choose, the others are reported."""

INDEPENDENT = Path(__file__).with_name("independent.txt")
"""Another author's sentences about further brands, which are reported and nothing else."""

SETTLING = Path(__file__).with_name("settling.txt")
"""Sentences about further brands: they choose between trainings."""

CALIBRATING = Path(__file__).with_name("calibrating.txt")
"""Sentences about further brands: they tell how sure a model may be of what it says of brands."""

PATTERNS = Path(__file__).with_name("patterns.txt")
"""Sentences for fitting that leave open which brands they speak about."""

NAMES = Path(__file__).with_name("names.txt")
"""Invented brands that patterns may speak about."""

SIGNS = "-0+"
"""What stands for negative, neutral, positive."""

_LINE = re.compile(
    r"(?P<label>[-0+]) (?:\((?P<first>[-0+]) (?P<second>[-0+])\) )?"
    r"(?P<before>[^\[\]]*)\[(?P<target>[^\[\]]+)\](?P<after>[^\[\]]*)"
)
_OPEN = re.compile(r"\{(?P<label>[-0+])(?P<brand>[A-Z])\}")


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence with a marked target, and what it says of that: 0, 1 or 2 as in `SIGNS`."""

    sentence: str
    start: int
    end: int
    label: int


@dataclass(frozen=True, slots=True)
class BrandSentence:
    """A sentence about a brand, with what it says of it: 0 negative, 1 neutral, 2 positive.

    `first` and `second` are the labels of the two passes, of which `label` was made.
    """

    brand: str
    part: str
    sentence: str
    start: int
    end: int
    label: int
    first: int
    second: int


@cache
def brand_sentences(path: Path = FILE) -> tuple[BrandSentence, ...]:
    """All of them, in the file's order.

    Raises:
        ValueError: a line has another form.
    """
    found = []
    brand, part = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            brand, _, part = line.removeprefix("== ").rpartition(" | ")
            continue
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{path} has a line that can't be read: {line}")
        label = SIGNS.index(match["label"])
        first, second = (
            SIGNS.index(match[one]) if match[one] else label for one in ("first", "second")
        )
        start = len(match["before"])
        end = start + len(match["target"])
        sentence = match["before"] + match["target"] + match["after"]
        found.append(BrandSentence(brand, part, sentence, start, end, label, first, second))
    return tuple(found)


def lines_of(path: Path) -> list[str]:
    """The lines of a file of patterns or names."""
    return path.read_text(encoding="utf-8").splitlines()


def marked_of(part: str, *files: Path) -> list[Marked]:
    """The sentences about brands of one part."""
    return [
        Marked(one.sentence, one.start, one.end, one.label)
        for file in files
        for one in brand_sentences(file)
        if one.part == part
    ]


def read_newsmtsc(path: Path) -> list[Marked]:
    """The sentences of a file of NewsMTSC."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Marked(row["sentence"], row["from"], row["to"], row["polarity"] + 1) for row in rows]


def open_brands(pattern: str) -> list[str]:
    """The letters that stand for the brands of a pattern, in its order.

    Raises:
        ValueError: there is none, or one stands there twice.
    """
    letters = [match["brand"] for match in _OPEN.finditer(pattern)]
    if not letters or len(set(letters)) < len(letters):
        raise ValueError(f"a pattern must name each of its brands once: {pattern}")
    return letters


def filled(pattern: str, names: Mapping[str, str]) -> list[Marked]:
    """A pattern as a sentence: one entry for each of its brands, with what it says of that one.

    Args:
        pattern: a sentence in which `{+A}` stands for a brand of which it speaks well.
        names: the name for each letter.
    """
    sentence, at = "", 0
    spans = []
    for match in _OPEN.finditer(pattern):
        sentence += pattern[at : match.start()]
        start = len(sentence)
        sentence += names[match["brand"]]
        spans.append((start, len(sentence), SIGNS.index(match["label"])))
        at = match.end()
    sentence += pattern[at:]
    return [Marked(sentence, start, end, label) for start, end, label in spans]
