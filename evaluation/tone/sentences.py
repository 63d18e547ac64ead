"""The sentences about brands: their file, in which each has its label and its target marked."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("sentences.txt")
FIT_ONLY = Path(__file__).with_name("fit_only.txt")
"""More sentences, about other brands, that were labelled in one pass and are never reported."""

SIGNS = "-0+"
"""What stands for negative, neutral, positive."""

_LINE = re.compile(
    r"(?P<label>[-0+]) (?:\((?P<first>[-0+]) (?P<second>[-0+])\) )?"
    r"(?P<before>[^\[\]]*)\[(?P<target>[^\[\]]+)\](?P<after>[^\[\]]*)"
)


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
