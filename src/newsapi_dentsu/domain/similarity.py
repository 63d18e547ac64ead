"""How alike two texts are: candidates by MinHash bands, then the words that they have in common.

A text is its words, without case or punctuation. What two texts have in common is counted in words
that stand in a run of `RUN` words which the other text has too: an edited copy keeps most of its
runs, two reports of one event share few, and paragraphs may change places.
"""

import re
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import Final

from rensa import RMinHash

from newsapi_dentsu.domain.normalization import normalize
from newsapi_dentsu.domain.sentences import sentences
from newsapi_dentsu.domain.words import AsciiWords

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

METHOD: Final = (
    f"rensa-0.5 words-2 runs:{RUN} {PERMUTATIONS}/{BAND_SIZE} "
    f"lead:{LEAD_WORDS}/{LEAD_PERMUTATIONS} whole"
)
"""How bands are made; bands of another method can't be compared with these."""

_SEED: Final = 1
_WHOLE: Final = 1
"""Tells the band of the whole text apart from the others."""

_STEMS_KEPT: Final = 50_000
_LINES_KEPT: Final = 10_000
_STEM: Final = 5
_SHORT_STEM: Final = 4
_TELLING_LENGTH: Final = 4
_UNSPACED: Final = (
    r"\u0e00-\u0eff\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Characters of scripts without spaces: each is a word. What stands beside them is another one."""

_FIRST_UNSPACED: Final = "\u0e00"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_IS_HIRAGANA = re.compile(r"[\u3040-\u309f]+")
_LAST_OF_LETTERS: Final = "\u0eff"
_LETTERS_TOLD: Final = 4
_IDEOGRAMS_TOLD: Final = 2
"""So many characters in a row tell about as much as a word: of a script of letters, as Thai; and of
one of ideograms or syllables."""

_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:[.,:'\u2019][^\W_{_UNSPACED}]+)*")
_UNUSUAL = re.compile(r"[^\Wa-z_]\S*")
"""From what is no plain letter to the next white space: there are the numbers and capitals."""

_ASCII_WORDS = AsciiWords(".,:'")
"""The same in plain ASCII."""

# What a number has to stand before is looked at second: it would be tried at every character.
_GROUPING = re.compile(r"[,.'](?<=\d[,.'])(?=\d{3}(?!\d))")
_STOP = re.compile(r"(?<=[\u0589\u06d4\u0964\u1362\u17d4\u3002\uff01\uff1f\uff61])")
"""Behind the full stops of other scripts, which need no space."""

_ENDED = re.compile(
    r"[.!?\u2026\u0589\u061f\u06d4\u0964\u1362\u17d4\u3002\uff01\uff1f\uff61\u0e00-\u0eff]"
    r"[\"'\u2019\u201d\u00bb\u300d\u300f)\]\s]*\Z"
)
"""A full stop and what closes behind it; Thai and Lao have no such stop."""

_SENTENCE_END = frozenset(".!?:\n\"'\u201c\u201d\u2018\u00bb\u00ab\u2022-\u2013\u2014")


@dataclass(frozen=True)
class Text:
    """A text as it is compared: its words in order, without case, and how it was written.

    `lines` are those of the body, each with the number of its words. `title` stands above it, and
    `site` is where it stands; both say what the words alone don't.
    """

    words: tuple[str, ...]
    lines: Sequence[tuple[str, int]]
    body: str
    title: str = ""
    site: str | None = None

    @cached_property
    def runs(self) -> Sequence[str]:
        """Every `RUN` words that stand in a row; of a text with fewer words, all of them."""
        return runs_of(self.words)

    @cached_property
    def distinct_runs(self) -> frozenset[str]:
        """The runs, each once."""
        return frozenset(self.runs)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words, each once."""
        return frozenset(self.words)

    @cached_property
    def facts(self) -> frozenset[str]:
        """The stems of the words that tell something, as `facts_of` gives them."""
        return frozenset(self.facts_in(self.words, self.stems))

    @cached_property
    def stems(self) -> Sequence[str]:
        """The stem of each word, empty where that tells little."""
        return tuple(map(_stem, self.words))

    @cached_property
    def _unspaced(self) -> bool:
        return _is_in_unspaced(self.words)

    def facts_in(self, words: Sequence[str], stems: Iterable[str]) -> set[str]:
        """The facts of words of this text that stand in a row, and have these stems."""
        return _facts(words, stems, unspaced=self._unspaced)

    @cached_property
    def of_title(self) -> "Title":
        """What the words of the title tell."""
        words = words_of(self.title)
        return Title(frozenset(words), frozenset(facts_of(words)))

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
class Title:
    """The words of a title, each once, and the stems of those that tell something."""

    words: frozenset[str]
    facts: frozenset[str]

    @property
    def numbers(self) -> frozenset[str]:
        """The words that are numbers, or have one in them."""
        return frozenset(filter(has_digit, self.words))


def prepare(body: str, title: str = "", site: str | None = None) -> Text:
    """Read a cleaned body for comparing: its first `COMPARED_CHARACTERS`."""
    body = body[:COMPARED_CHARACTERS]
    words = list(map(_words, _plain(body).split("\n")))
    lines = list(zip(body.split("\n"), map(len, words), strict=True))
    return Text(tuple(chain.from_iterable(words)), lines, body, title, site)


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared, in order."""
    return _words(_plain(text))


def _words(plain: str) -> list[str]:
    return _ASCII_WORDS.find(plain) if plain.isascii() else _WORD.findall(plain)


def runs_of(words: Sequence[str]) -> list[str]:
    """Every `RUN` words that stand in a row; of fewer words, all of them."""
    if len(words) < RUN:
        return [" ".join(words)] if words else []
    return list(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


@lru_cache(_LINES_KEPT)
def sentences_of(line: str) -> Sequence[tuple[int, bool]]:
    """How many words each sentence of a line has, in order, and whether it ends like one.

    Headings, links and captions seldom do.
    """
    parts = chain.from_iterable(_STOP.split(one.text) for one in sentences(line))
    return [(len(words_of(part)), _ENDED.search(part) is not None) for part in parts]


def facts_of(words: Sequence[str]) -> set[str]:
    """What words that stand in a row tell, without the small ones among them.

    That are the stems of the longer words, and numbers. Where a script has no spaces, it is every
    few characters in a row.
    """
    return _facts(words, map(_stem, words), unspaced=_is_in_unspaced(words))


def _facts(words: Sequence[str], stems: Iterable[str], *, unspaced: bool) -> set[str]:
    found = set(stems)
    found.discard("")
    return found | _characters_told(words) if unspaced else found


def _is_in_unspaced(words: Sequence[str]) -> bool:
    """Whether there are words of a script without spaces."""
    return max(words, default="") >= _FIRST_UNSPACED


def amount(facts: Collection[str]) -> int:
    """How many words facts amount to: rows of characters overlap, and are many to a word."""
    if max(facts, default="") < _FIRST_UNSPACED:
        return len(facts)
    rows = spaced = 0.0
    for one in facts:
        if one[0] >= _FIRST_UNSPACED and _is_unspaced(one[0]):
            rows += 1 / len(one)
        else:
            spaced += 1
    return round(spaced + rows)


def _characters_told(words: Sequence[str]) -> set[str]:
    found: set[str] = set()
    row = ""
    for word in words:
        row = row + word if _is_unspaced(word) else ""
        told = _LETTERS_TOLD if row[-1:] <= _LAST_OF_LETTERS else _IDEOGRAMS_TOLD
        row = row[-_LETTERS_TOLD:]
        if len(row) >= told and not _IS_HIRAGANA.fullmatch(end := row[-told:]):
            found.add(end)
    return found


@lru_cache(_STEMS_KEPT)
def _is_unspaced(character: str) -> bool:
    return _IS_UNSPACED.fullmatch(character) is not None


@lru_cache(_STEMS_KEPT)
def has_digit(word: str) -> bool:
    """Whether a word is a number, or has one in it."""
    return any(map(str.isdigit, word))


@lru_cache(_STEMS_KEPT)
def _stem(word: str) -> str:
    """A word without what is bent of it, roughly: its beginning; empty where it tells little."""
    if has_digit(word):
        return word
    if len(word) < _TELLING_LENGTH:
        return ""
    word = word.removesuffix("'s")
    return word[:_STEM] if len(word) > _STEM else word[:_SHORT_STEM]


def comparable(text: Text) -> bool:
    """Whether a text is long enough to be compared with others."""
    return len(text.words) >= LEAST_WORDS


def bands(text: Text) -> frozenset[int]:
    """The MinHash bands of a text, as signed 32-bit numbers; candidates share at least one.

    42 bands of 3 permutations over the runs of the whole text, 10 over those of the first
    `LEAD_WORDS` words: half of the runs in common are as good as sure to meet, a tenth hardly do.
    One more is of all words in order: the same text is found among any number of like ones.
    """
    runs = text.runs
    lead = runs[: LEAD_WORDS - RUN + 1]
    whole = zlib.crc32(" ".join(text.words).encode("utf-8", "surrogatepass"), _WHOLE)
    return frozenset(
        [
            *_bands(runs, PERMUTATIONS, 0),
            *_bands(lead, LEAD_PERMUTATIONS, PERMUTATIONS),
            *struct.unpack("<i", struct.pack("<I", whole)),
        ]
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """Words that only one of two texts has, the common words before them, and where they end."""

    before: tuple[str, ...]
    words: tuple[str, ...]
    end: int


def in_common(text: Text, other: Text) -> bytes:
    """For each word of a text 1 where it stands in a run that the other text has too, else 0."""
    runs = bytes(map(other.distinct_runs.__contains__, text.runs))
    # A run reaches so many words further; as one number, all bytes are shifted at once.
    count = len(text.words)
    reached = int.from_bytes(runs, "little")
    for shift in range(1, min(RUN, count)):
        reached |= int.from_bytes(runs, "little") << 8 * shift
    return reached.to_bytes(count, "little")


def gaps(text: Text, shared: bytes) -> list[Gap]:
    """What lies between the words that a text has in common with another, by `in_common`."""
    words = text.words
    return [
        Gap(words[max(0, start - RUN + 1) : start], words[start:end], end)
        for start, end in rows_of(0, shared)
    ]


def rows_of(value: int, flags: bytes) -> Iterator[tuple[int, int]]:
    """Where the longest rows of a value, which is 0 or 1, begin and end among such values."""
    start = flags.find(value)
    while start >= 0:
        end = flags.find(1 - value, start)
        yield start, end if end >= 0 else len(flags)
        start = flags.find(value, end) if end >= 0 else -1


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
