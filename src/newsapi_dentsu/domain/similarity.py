"""How alike two texts are: candidates by MinHash bands, then a verdict by the words themselves.

A text is its words, without case or punctuation. What two texts have in common is counted in words
that stand in a run of `RUN` words which the other text has too: an edited copy keeps most of its
runs, two reports of one event share few, and paragraphs may change places.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final, Literal

from rensa import RMinHash

from newsapi_dentsu.domain.normalization import normalize
from newsapi_dentsu.domain.words import AsciiWords

Degree = Literal["copy", "rewrite"]

RUN: Final = 3
"""Words in a row that two texts must share for one of them to count."""

PERMUTATIONS: Final = 128
BAND_SIZE: Final = 3
LEAD_WORDS: Final = 60
LEAD_PERMUTATIONS: Final = 32
"""Bands of the first words alone: a version that was cut short keeps them."""

COMPARED_CHARACTERS: Final = 100_000
"""How much of a body is compared: more than any article has (the longest of 23,000 real ones had
70,000 characters); what is longer is no article, and must not cost more."""

LEAST_WORDS: Final = 20
"""Shorter texts say too little to be compared."""

COPY_SIMILARITY: Final = 0.82
VERSION_SIMILARITY: Final = 0.54

COPY_CONTAINMENT: Final = 0.86
CUT_LENGTH_RATIO: Final = 0.9
"""A text is a cut version where it is shorter than this share of the one that contains it."""

LEAST_LENGTH_RATIO: Final = 0.25
"""A digest that holds a whole short report among others is no copy of it."""

ADDING_LENGTH_RATIO: Final = 0.4
"""A later text that adds more than this leaves of it has news of its own."""

SHORT_WORDS: Final = 60
SHORT_CONTAINMENT: Final = 0.9
"""Short texts share boilerplate easily: copies among them agree nearly whole."""

TEMPLATE_SHARE: Final = 0.25
TEMPLATE_PLACES: Final = 2
TEMPLATE_FACTOR: Final = 1.5
TEMPLATE_LEAST_SHARE: Final = 0.15
TEMPLATE_PLAIN_SHARE: Final = 0.035
"""A template was filled in again where `TEMPLATE_SHARE` of the names and numbers differ, more than
`TEMPLATE_PLACES` of them in as many places, and more so than the other words do, by
`TEMPLATE_FACTOR`. Less is enough, `TEMPLATE_LEAST_SHARE`, where half of the numbers differ; and a
single place where at most `TEMPLATE_PLAIN_SHARE` of the other words differ and names stand against
names."""

METHOD: Final = (
    f"rensa-0.5 runs:{RUN} {PERMUTATIONS}/{BAND_SIZE} lead:{LEAD_WORDS}/{LEAD_PERMUTATIONS}"
)
"""How bands are made; bands of another method can't be compared with these."""

_SEED: Final = 1
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff]"  # scripts without spaces
    r"|[^\W_]+(?:[.,:'\u2019][^\W_]+)*"
)
_UNUSUAL = re.compile(r"[^\Wa-z_]\S*")
"""From what is no plain letter to the next white space: there are the numbers and capitals."""

_ASCII_WORDS = AsciiWords(".,:'")
"""The same in plain ASCII."""

# What a number has to stand before is looked at second: it would be tried at every character.
_GROUPING = re.compile(r"[,.'](?<=\d[,.'])(?=\d{3}(?!\d))")
_SENTENCE_END = frozenset(".!?:\n\"'\u201c\u201d\u2018\u00bb\u00ab\u2022-\u2013\u2014")


@dataclass(frozen=True)
class Text:
    """A text as it is compared: its words in order, without case, and how it was written."""

    words: tuple[str, ...]
    body: str

    @cached_property
    def runs(self) -> Sequence[str]:
        """Every `RUN` words that stand in a row; of a text with fewer words, all of them."""
        return _runs(self.words)

    @cached_property
    def distinct_runs(self) -> frozenset[str]:
        """The runs, each once."""
        return frozenset(self.runs)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words, each once."""
        return frozenset(self.words)

    @cached_property
    def details(self) -> frozenset[str]:
        """The words that are numbers, or names: with a capital inside a sentence."""
        body = self.body
        found: set[str] = set()
        end = 0
        for hit in _UNUSUAL.finditer(body):
            # Not before the hit that came before, which went to the end of its word.
            begin, start = end, hit.start()
            before = max(body.rfind(" ", begin, start), body.rfind("\n", begin, start), begin - 1)
            end = hit.end()
            found.update(
                _plain(match[0])
                for match in _WORD.finditer(body, before + 1, hit.end())
                if any(map(str.isdigit, match[0]))
                or (match[0][0].isupper() and not _opens_sentence(body, match.start()))
            )
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts belong together.

    `similarity` is the share of both texts' words that they have in common, `containment` the
    share of the shorter text's words that the longer has; both from 0 to 1. `rule` says what
    decided: `same_text`, `similar`, `contained` or `reworked`.
    """

    degree: Degree
    rule: str
    similarity: float
    containment: float


def prepare(body: str) -> Text:
    """Read a cleaned body for comparing: its first `COMPARED_CHARACTERS`."""
    body = body[:COMPARED_CHARACTERS]
    plain = _plain(body)
    words = _ASCII_WORDS.find(plain) if plain.isascii() else _WORD.findall(plain)
    return Text(tuple(words), body)


def comparable(text: Text) -> bool:
    """Whether a text is long enough to be compared with others."""
    return len(text.words) >= LEAST_WORDS


def bands(text: Text) -> frozenset[int]:
    """The MinHash bands of a text, as signed 32-bit numbers; candidates share at least one.

    42 bands of 3 permutations over the runs of the whole text, 10 over those of the first
    `LEAD_WORDS` words: half of the runs in common are as good as sure to meet, a tenth hardly do.
    """
    runs = text.runs
    lead = runs[: LEAD_WORDS - RUN + 1]
    return frozenset(_bands(runs, PERMUTATIONS, 0) + _bands(lead, LEAD_PERMUTATIONS, PERMUTATIONS))


def compare(earlier: Text, later: Text) -> Comparison | None:
    """Tell whether a text is a copy or a rewrite of one that was published before it.

    Returns:
        None where they don't belong together: other subjects, independent reports, a template
        that was filled in again, a quotation.
    """
    if not (comparable(earlier) and comparable(later)):
        return None
    if earlier.words == later.words:
        return Comparison("copy", "same_text", 1.0, 1.0)
    shorter, longer = sorted((earlier, later), key=lambda text: len(text.words))
    common, other = _common(shorter, longer), _common(longer, shorter)
    lengths = len(shorter.words), len(longer.words)
    similarity = (common.words + other.words) / sum(lengths)
    containment = common.words / lengths[0]
    degree, rule = _degree(similarity, containment, lengths, cut=shorter is later)
    if degree is None or _fills_same_template(shorter, longer, common.gaps, other.gaps):
        return None
    return Comparison(degree, rule, round(similarity, 4), round(containment, 4))


def _degree(
    similarity: float, containment: float, lengths: tuple[int, int], *, cut: bool
) -> tuple[Degree | None, str]:
    shorter, longer = lengths
    least = SHORT_CONTAINMENT if shorter < SHORT_WORDS else COPY_CONTAINMENT
    if similarity >= COPY_SIMILARITY and (shorter >= SHORT_WORDS or containment >= least):
        return "copy", "similar"
    if containment >= least and LEAST_LENGTH_RATIO * longer <= shorter < CUT_LENGTH_RATIO * longer:
        adds = not cut and shorter < ADDING_LENGTH_RATIO * longer
        return ("rewrite" if adds else "copy"), "contained"
    if similarity >= VERSION_SIMILARITY and shorter >= SHORT_WORDS:
        return "rewrite", "reworked"
    return None, ""


@dataclass(frozen=True, slots=True)
class _Common:
    """How many words of a text stand in runs that another has too, and the words between them."""

    words: int
    gaps: list["_Gap"]


@dataclass(frozen=True, slots=True)
class _Gap:
    """Words that only one of two texts has, and the last common words before them."""

    before: tuple[str, ...]
    words: tuple[str, ...]


def _common(text: Text, other: Text) -> _Common:
    words, theirs = text.words, other.distinct_runs
    gaps: list[_Gap] = []
    end = 0
    for start, run in enumerate(text.runs):
        if run in theirs:
            if start > end:
                gaps.append(_Gap(words[max(0, end - RUN + 1) : end], words[end:start]))
            end = start + RUN
    if end < len(words):
        gaps.append(_Gap(words[max(0, end - RUN + 1) : end], words[end:]))
    return _Common(len(words) - sum(len(gap.words) for gap in gaps), gaps)


def _fills_same_template(
    shorter: Text, longer: Text, gaps: Sequence[_Gap], other_gaps: Sequence[_Gap]
) -> bool:
    """Whether two texts differ in what a template leaves open."""
    other = shorter.details - longer.vocabulary
    if not other:
        return False
    of_details = len(other) / len(shorter.details)
    plain = shorter.vocabulary - shorter.details
    of_plain = len(plain - longer.vocabulary) / len(plain) if plain else 0.0
    places = [gap for gap in gaps if not other.isdisjoint(gap.words)]
    if len(places) >= TEMPLATE_PLACES and of_details >= TEMPLATE_FACTOR * of_plain:
        several = min(len(places), len(other)) > TEMPLATE_PLACES
        if several and of_details >= TEMPLATE_SHARE:
            return True
        numbers = {word for word in shorter.details if any(map(str.isdigit, word))}
        if 2 * len(numbers & other) >= max(4, len(numbers)) and of_details >= TEMPLATE_LEAST_SHARE:
            return True
    if of_details < TEMPLATE_SHARE or of_plain > TEMPLATE_PLAIN_SHARE:
        return False
    theirs = {gap.before for gap in other_gaps if not longer.details.isdisjoint(gap.words)}
    return len(other) >= TEMPLATE_PLACES and any(gap.before in theirs for gap in places)


def _runs(words: Sequence[str]) -> list[str]:
    if len(words) < RUN:
        return [" ".join(words)] if words else []
    return list(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def _bands(runs: Sequence[str], permutations: int, offset: int) -> list[int]:
    if not runs:
        return []
    sketch = RMinHash(permutations, _SEED)
    sketch.update(runs)
    values = struct.pack(f"<{permutations}I", *sketch.digest())
    hashes = [
        zlib.crc32(values[start : start + 4 * BAND_SIZE], beginning)
        for start, beginning in _beginnings(permutations, offset)
    ]
    return list(struct.unpack(f"<{len(hashes)}i", struct.pack(f"<{len(hashes)}I", *hashes)))


@cache
def _beginnings(permutations: int, offset: int) -> list[tuple[int, int]]:
    """Where each band's values begin, in bytes, and the hash of what tells the band apart."""
    return [
        (4 * at, zlib.crc32(struct.pack("<I", offset + at)))
        for at in range(0, permutations - BAND_SIZE + 1, BAND_SIZE)
    ]


def _plain(text: str) -> str:
    """A text without case, typographic apostrophes and the grouping of digits."""
    if not text.isascii():
        text = normalize("NFKC", text).replace("\u2019", "'")
    return _GROUPING.sub("", text.casefold())


def _opens_sentence(body: str, start: int) -> bool:
    at = start - 1
    while at >= 0 and body[at] == " ":
        at -= 1
    return at < 0 or body[at] in _SENTENCE_END
