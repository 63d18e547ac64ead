"""What a later text has that an earlier one lacks: the evidence of whether it brings news.

What stands in a run of words that both have is old. The rest are stretches of new words. Of these,
lines that say nothing of the subject don't count (captions, players, sign-ups), nor what the text
says for the second time.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from math import log, log1p
from typing import Final, NamedTuple

from newsapi_dentsu.domain.numbers import numbers_of
from newsapi_dentsu.domain.similarity import (
    RUN,
    Text,
    amount,
    facts_of,
    gaps,
    in_common,
    rows_of,
    runs_of,
    sentences_of,
)
from newsapi_dentsu.domain.wrapping_rules import is_aside

JOINED: Final = 4
"""Stretches with fewer old words between them are one: an editor changed a sentence."""

LEAD_WORDS: Final = 60
LONG_STRETCH: Final = 8

SENTENCE_NEW: Final = 13
SENTENCE_SHARE: Final = 0.7
"""A sentence with so many new words, and this share of its words, is new."""

BRIEF_NEW: Final = 4
BRIEF_FACTS: Final = 2
FIRST_NEW: Final = 8
"""Of two texts that are nearly the same, a new sentence with so many new words and facts is enough
to prefer the one that has it; a first one has more words than a byline."""

MOST_EXCHANGED: Final = 8
"""More words that stand in another text's place for others are a passage in other words."""

LEAST_KEPT: Final = 0.4
ENOUGH_KEPT: Final = 100
"""What is left without asides is such a share of a text's words, or so many of them."""

REPEATED: Final = 0.6
"""A stretch that has this share of its runs in the text's own earlier stretches is no new one."""

_LIVE = frozenset(("live", "latest", "update", "updates"))
_DENIALS = frozenset(
    (
        *("not", "never", "cannot", "nicht", "kein", "keine", "keinen", "nie"),
        *("pas", "jamais", "nunca", "niet", "geen"),
    )
)
_GROUPED = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_POINT = re.compile(r"(?<=\d)[.,:](?=\d)")
_ZEROS = re.compile(r"\x000+(?!\d)")
_MARKS = re.compile(r"[^\w\0]|[_\u02bc]")
_BROKEN = re.compile(r"\ufffd|(?<=[a-z])\?(?:d|ll|m|re|s|t|ve)\b(?!=)")
_CORRECTING = ("correct", "clarif", "korrigier", "korrektur", "richtigstell", "rectif", "corrig")


@dataclass(frozen=True, slots=True)
class New:
    """What is new in a text, beside another.

    `words` are all of its words but for asides, `added` those in new stretches, `longest` the
    words of the longest stretch. `facts` are the telling words that the other text and title lack
    altogether, by their stems (of scripts without spaces, what comes to as many), `most_facts` the
    most of them in one stretch, `headline` those which the title has, too; `lead` is how many the
    beginning has. `until` says where the last long stretch ends, as a share of the text. `told` is
    the most facts in one new sentence; each site words the first one anew, so it counts where the
    title has some of them. `figures` are the numbers of the title that stand in the text, too, and
    nowhere in the other one.
    """

    words: int
    added: int
    longest: int
    facts: int
    most_facts: int
    headline: int
    lead: int
    until: float
    told: int
    figures: int

    @property
    def share(self) -> float:
        """The share of the words that are new."""
        return self.added / self.words if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two texts say about which of them has more.

    `gained` is what is new in the later one, `lost` what only the earlier has, but for what its
    sentences tell. `titles_alike` is the share of the titles' telling words that both have, from 0
    to 1; `other_numbers` says that each title has numbers which the other lacks.
    """

    gained: New
    lost: New
    same_site: bool
    titles_alike: float
    other_numbers: bool
    live: bool

    @property
    def turned(self) -> "Evidence":
        """The same with the texts in each other's place: what the earlier one would add."""
        return replace(self, gained=self.lost, lost=self.gained)

    @property
    def of_copies(self) -> Mapping[str, float]:
        """What tells whether the later text has news, under the names of its weights."""
        return {
            "facts": log1p(self.gained.facts),
            "longest": log1p(self.gained.longest),
            "share": self.gained.share,
            "longer": log(max(1, self.gained.words) / max(1, self.lost.words)),
            "headline": log1p(self.gained.headline),
            "same_site": float(self.same_site),
            "other_numbers": float(self.other_numbers),
        }

    @property
    def of_fuller(self) -> Mapping[str, float]:
        """What tells whether a text that has more is the fuller report or one of later news."""
        return {
            "titles_alike": self.titles_alike,
            "until": self.gained.until,
            "lead": log1p(self.gained.lead),
            "lost_facts": log1p(self.lost.most_facts),
            "same_site": float(self.same_site),
            "other_numbers": float(self.other_numbers),
            "live": float(self.live),
        }


class Stretches(NamedTuple):
    """The stretches of new words in a text beside another, among its words but for asides.

    `old` says of each word of the text whether it is `in_common` with the other; `words` and
    `stems` are without asides, `places` is where those words stand in the text, and `spans` are
    where the stretches begin and end among them.
    """

    text: Text
    old: bytes
    places: Sequence[int]
    words: Sequence[str]
    stems: Sequence[str]
    spans: Sequence[tuple[int, int]]

    @property
    def added(self) -> int:
        """The words in the stretches."""
        return sum(end - start for start, end in self.spans)

    @property
    def longest(self) -> int:
        """The words of the longest stretch."""
        return max((end - start for start, end in self.spans), default=0)

    @property
    def share(self) -> float:
        """The share of the words that are in the stretches."""
        return self.added / len(self.words) if self.words else 0.0

    def facts_in(self, start: int, end: int) -> set[str]:
        """The facts of the words between two places, as in `facts_of`."""
        return self.text.facts_in(self.words[start:end], self.stems[start:end])


def evidence(earlier: Text, later: Text) -> Evidence:
    """Compare what two texts have that the other lacks."""
    return evidence_by(
        stretches_of(earlier, in_common(earlier, later)),
        stretches_of(later, in_common(later, earlier)),
    )


def evidence_by(lost: Stretches, gained: Stretches) -> Evidence:
    """The same, where it is known which stretches the earlier text and the later have alone."""
    earlier, later = lost.text, gained.text
    one, other = earlier.of_title, later.of_title
    return Evidence(
        gained=_new(gained, earlier, told=True),
        lost=_new(lost, later, told=False),
        same_site=earlier.site is not None and earlier.site == later.site,
        titles_alike=titles_alike(earlier, later),
        other_numbers=bool(one.numbers - other.numbers and other.numbers - one.numbers),
        live=not (_LIVE.isdisjoint(one.words) and _LIVE.isdisjoint(other.words)),
    )


def titles_alike(earlier: Text, later: Text) -> float:
    """The share of two titles' telling words that both have."""
    one, other = earlier.of_title.facts, later.of_title.facts
    both = one | other
    return len(one & other) / len(both) if both else 0.0


def new_stretches(text: Text, other: Text) -> list[str]:
    """The stretches of words that are new in a text, beside another."""
    found = stretches_of(text, in_common(text, other))
    return [" ".join(found.words[start:end]) for start, end in found.spans]


def revised(lost: Stretches, gained: Stretches) -> bool:
    """Whether a text has another state of things than one that it is nearly the same as.

    Known are the stretches that only the earlier text has, and those that only the later has.

    It has another figure in the place of one, or another word that its title tells of; it says no
    where that says yes, or the other way round; it corrects something; or it has a sentence more,
    however short. What is written otherwise alone doesn't count ("don t", "74 000"), unless the
    earlier text is the broken one.
    """
    earlier, later = lost.text, gained.text
    headline = later.of_title.facts - earlier.of_title.facts - earlier.facts
    theirs: dict[tuple[str, ...], list[Sequence[str]]] = {}
    for gap in gaps(earlier, lost.old):
        theirs.setdefault(gap.before, []).append(gap.words)
    for gap in gaps(later, gained.old):
        if any(map(_corrects, gap.words)):
            return True
        told = facts_of(gap.words)
        for words in theirs.get(gap.before, [()]):
            if _spelled(words) == _spelled(gap.words):
                continue
            if _exchanged(words, gap.words):
                return True
            if words and not headline.isdisjoint(told):
                return True
    if _broken_characters(earlier) > _broken_characters(later):
        return True
    if gained.added < BRIEF_NEW:
        return False
    every = {
        fact for start, end in gained.spans for fact in gained.facts_in(start, end)
    } - earlier.facts
    brief = _new_sentences(gained, every, BRIEF_NEW)
    return any(
        amount(one.facts) >= BRIEF_FACTS and (one.words >= FIRST_NEW or not one.first)
        for one in brief
    )


def _spelled(words: Sequence[str]) -> str:
    """Words as they are spelled without marks, blanks and decimals that are zero."""
    text = _POINT.sub("\0", _GROUPED.sub("", " ".join(words)))
    return _MARKS.sub("", _ZEROS.sub("", text))


def _broken_characters(text: Text) -> int:
    """How often a character was lost for certain, as in "don\ufffdt" or "don?t"."""
    return len(_BROKEN.findall(text.body))


def _corrects(word: str) -> bool:
    return word.startswith(_CORRECTING)


def _exchanged(former: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words tell other figures than those in whose place they stand, or deny them."""
    if max(len(former), len(words)) > MOST_EXCHANGED:
        return False
    one, other = numbers_of(former), numbers_of(words)
    return bool(one - other and other - one) or _denies(former) != _denies(words)


def _denies(words: Sequence[str]) -> bool:
    return any(word in _DENIALS or word.endswith("n't") for word in words)


def stretches_of(text: Text, old: bytes) -> Stretches:
    """The stretches of new words in a text, where it is known which words are `in_common`."""
    words, stems = text.words, text.stems
    spans = _without_asides(text, old)
    if spans is None:
        new = _said_once(_spans(old), lambda: text.runs)
        return Stretches(text, old, range(len(words)), words, stems, new)
    kept = tuple(chain.from_iterable(words[begin:end] for begin, end in spans))
    new = _spans(b"".join(old[begin:end] for begin, end in spans))
    return Stretches(
        text,
        old,
        list(chain.from_iterable(range(begin, end) for begin, end in spans)),
        kept,
        tuple(chain.from_iterable(stems[begin:end] for begin, end in spans)),
        _said_once(new, lambda: runs_of(kept)),
    )


def _new(stretches: Stretches, other: Text, *, told: bool) -> New:
    text, words = stretches.text, stretches.words

    def facts_in(start: int, end: int) -> set[str]:
        return stretches.facts_in(start, end).difference(other.facts, other.of_title.facts)

    facts = [facts_in(start, end) for start, end in stretches.spans]
    every = set().union(*facts)
    added = stretches.added
    last = max((end for start, end in stretches.spans if end - start >= LONG_STRETCH), default=0)
    return New(
        words=len(words),
        added=added,
        longest=stretches.longest,
        facts=amount(every),
        most_facts=max(map(amount, facts), default=0),
        headline=amount(text.of_title.facts & every),
        lead=amount(facts_in(0, LEAD_WORDS)),
        until=last / max(1, len(words)),
        told=_told(stretches, every) if told and added >= SENTENCE_NEW else 0,
        figures=len(
            text.of_title.numbers & text.vocabulary - other.vocabulary - other.of_title.words
        ),
    )


def _told(stretches: Stretches, facts: Set[str]) -> int:
    """The most facts in one new sentence."""
    title = stretches.text.of_title
    return max(
        (
            amount(one.facts)
            for one in _new_sentences(stretches, facts, SENTENCE_NEW)
            if not one.first or one.facts & title.facts
        ),
        default=0,
    )


class _NewSentence(NamedTuple):
    """A sentence that is new: whether it is its text's first one, its words, which facts it has."""

    first: bool
    words: int
    facts: Set[str]


def _new_sentences(stretches: Stretches, facts: Set[str], least: int) -> Iterator[_NewSentence]:
    """The sentences that have at least so many new words, which are most of them."""
    text = stretches.text
    fresh = bytearray(len(text.words))
    for start, end in stretches.spans:
        for at in stretches.places[start:end]:
            fresh[at] = 1
    line_begin = 0
    for line, line_words in text.lines:
        begin, line_begin = line_begin, line_begin + line_words
        if fresh.count(1, begin, line_begin) < least:
            continue
        for count, ends in sentences_of(line):
            first, begin, end = begin == 0, begin + count, begin + count
            new = fresh.count(1, end - count, end)
            if ends and new >= least and new >= SENTENCE_SHARE * count:
                words, stems = text.words[end - count : end], text.stems[end - count : end]
                yield _NewSentence(first, count, facts & text.facts_in(words, stems))


def _without_asides(text: Text, old: bytes) -> Sequence[tuple[int, int]] | None:
    """Where the words begin and end that are no asides which are mostly new; None if all are.

    Of a text that would lose most of its words, all count: it is about what such lines tell.
    """
    if 0 not in old:
        return None
    spans: list[tuple[int, int]] = []
    begin = 0
    for line, count in text.lines:
        end = begin + count
        if 2 * old.count(1, begin, end) >= count or not is_aside(line):
            spans.append((begin, end))
        begin = end
    if len(spans) == len(text.lines):
        return None
    kept = sum(end - begin for begin, end in spans)
    return spans if kept >= min(ENOUGH_KEPT, LEAST_KEPT * len(old)) else None


def _spans(old: bytes) -> list[tuple[int, int]]:
    """Where the stretches of new words begin and end."""
    found: list[tuple[int, int]] = []
    for start, end in rows_of(0, old):
        if found and start - found[-1][1] < JOINED:
            start = found.pop()[0]
        found.append((start, end))
    return found


def _said_once(
    spans: list[tuple[int, int]], runs_of_all: Callable[[], Sequence[str]]
) -> list[tuple[int, int]]:
    """Stretches without those that say it again; `runs_of_all` gives the runs of all words."""
    if all(end - start < LONG_STRETCH for start, end in spans[1:]):
        return spans
    every = runs_of_all()
    said: set[str] = set()
    once = []
    for start, end in spans:
        runs = set(every[start : max(start, end - RUN + 1)])
        if end - start < LONG_STRETCH or len(runs & said) <= REPEATED * len(runs):
            once.append((start, end))
        said |= runs
    return once
