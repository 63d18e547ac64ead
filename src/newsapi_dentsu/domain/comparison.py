"""What a later text is to an earlier one: a copy, the fuller text, an update, a rewrite, another.

A copy is what a reader may miss: whoever has the earlier text has its news. How sure that is, is
reckoned from `Evidence` with `Figures` that were fitted to labelled pairs of real articles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final, Literal

from newsapi_dentsu.domain import pair_figures
from newsapi_dentsu.domain.novelty import (
    Evidence,
    New,
    Stretches,
    evidence_by,
    revised,
    stretches_of,
    titles_alike,
)
from newsapi_dentsu.domain.similarity import Gap, Text, comparable, gaps, in_common

Degree = Literal["copy", "fuller", "update", "rewrite"]

METHOD: Final = "pairs-7"
"""Names the rules below and the figures: whoever changes them changes it, too."""

COPY_CERTAINTY: Final = 0.45
"""How sure it must be that a text has no news, for it to be dropped, and the fuller one shown."""

UPDATE_CERTAINTY: Final = 0.35
"""A text of which it is less sure than this that it has no news is told as an update."""

FULLER_CERTAINTY: Final = 0.3
"""How sure it must be that a text with something new is the fuller report of the same news."""

MORE_GAINED: Final = 1.5
"""How many times as many words must be new in the fuller text as are lacking in it."""

MOST_IN_A_ROW: Final = 60
STRETCH_WORDS: Final = 20
STRETCH_AMONG: Final = 40
STRETCH_FACTS: Final = 10
MOST_SHARE: Final = 0.2
FEW_WORDS: Final = 30
FEW_WORDS_SHARE: Final = 0.4
MANY_FACTS: Final = 7
MANY_FACTS_SHARE: Final = 0.3
"""A text with so many new words in a row is never dropped, however much shorter than the other one
it is; nor one with `STRETCH_WORDS` in a row among `STRETCH_AMONG` new words that tell at least
`STRETCH_FACTS`; nor one with such a share of new words, but for a few words, if they don't tell
`MANY_FACTS`."""

TOLD_FACTS: Final = 4
LIVE_FACTS: Final = 2
"""A new sentence that tells so many facts is news; in reports that are updated as it happens, fewer
are."""

MOST_LOST_SHARE: Final = 0.35
MOST_LOST_IN_A_ROW: Final = 40
"""A fuller text may put more of the earlier one in other words: it has more of everything. It must
not lack as much of it in a row."""

NEARLY_SAME: Final = 0.9
"""Share of two texts' runs of words that both have, from which on a reader sees one text."""

NEARLY_ALL_WORDS: Final = 0.9
FEW_IN_A_ROW: Final = 8
"""Texts that differ in a word here and there have so much of their words in common, and fewer words
in a row that only one of them has; however short they are."""

SERIES_WORDS: Final = 200
"""Shorter texts under titles with other numbers may be parts of a series: one game, the next. Of
longer ones, the later has the newer numbers."""

RELATED_SIMILARITY: Final = 0.54
RELATED_CONTAINMENT: Final = 0.86
LEAST_LENGTH_RATIO: Final = 0.25
"""Texts belong to one story with `RELATED_SIMILARITY`, or where one contains the other. A digest
that holds a whole short report among others, `LEAST_LENGTH_RATIO` of it, is another story."""

FULLER_CONTAINMENT: Final = 0.5
FULLER_TITLES_ALIKE: Final = 0.2
"""Under a title like the earlier one's, a text with less of it may be the fuller one, too."""

SHORT_WORDS: Final = 60
SHORT_CONTAINMENT: Final = 0.9
"""Short texts share boilerplate easily: those of one story agree nearly whole."""

STRANGE_SIMILARITY: Final = 0.2
STRANGE_CONTAINMENT: Final = 0.5
"""Texts with less in common are not looked at any further."""
LONGEST_SLOT: Final = 20
"""Words in a row that a template leaves open at most."""

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


_MOST: Final = 700.0
"""The greatest logarithm of odds that can be reckoned with."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much each sign of `Evidence` counts, and the constant: logarithms of odds.

    `copy` tells that a reader of the earlier text has the later one's news; `fuller` that a text
    with something new is the fuller report of the same news, rather than one of later news.
    """

    copy: Mapping[str, float]
    fuller: Mapping[str, float]


FITTED: Final = Figures(pair_figures.COPY, pair_figures.FULLER)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts belong together.

    `rule` says what decided: `same_text`, `no_news`, `revised`, `nearly_same`, `fuller`, `told`,
    `news` or `reworked`.
    `similarity` is the share of both texts' words that they have in common, `containment` the share
    of the shorter text's words that the longer has; both from 0 to 1. `reasons` tells in words what
    decided.
    """

    degree: Degree
    rule: str
    similarity: float
    containment: float
    reasons: str = ""


def compare(earlier: Text, later: Text, figures: Figures = FITTED) -> Comparison | None:
    """Tell what a text is to one that was published before it.

    Returns:
        None where they don't belong together: other subjects, independent reports, a template
        that was filled in again, a quotation.
    """
    if not (comparable(earlier) and comparable(later)):
        return None
    if earlier.words == later.words:
        return Comparison("copy", "same_text", 1.0, 1.0, "word for word the same")
    shorter, longer = sorted((earlier, later), key=lambda text: len(text.words))
    theirs, other = in_common(shorter, longer), in_common(longer, shorter)
    alike = _alike(theirs, other)
    if _too_little(*alike):
        return None
    of_earlier, of_later = (theirs, other) if shorter is earlier else (other, theirs)
    gained = stretches_of(later, of_later)
    if _adds_too_much(gained) and not (
        _holds(earlier, later, alike) or _nearly_same(earlier, later)
    ):
        return None
    lost = stretches_of(earlier, of_earlier)
    seen = evidence_by(lost, gained)
    certainties = (
        certainty(seen.of_copies, figures.copy),
        certainty(seen.of_fuller, figures.fuller),
        certainty(seen.turned.of_copies, figures.copy),
    )
    verdict = _verdict(lost, gained, seen, certainties, alike)
    if verdict is None:
        return None
    degree, rule = verdict
    slots = max(seen.gained.longest, seen.lost.longest)
    if slots < LONGEST_SLOT and _fills_same_template(
        shorter, longer, gaps(shorter, theirs), gaps(longer, other)
    ):
        return None
    reasons = _reasons(seen, certainties, rule)
    return Comparison(degree, rule, round(alike[0], 4), round(alike[1], 4), reasons)


def strangers(one: Text, other: Text) -> bool:
    """Whether two texts have so little in common that comparing them can't find anything.

    It is much quicker than `compare`, which gives None for strangers in either order.
    """
    if not (comparable(one) and comparable(other)):
        return True
    shorter, longer = sorted((one, other), key=lambda text: len(text.words))
    found = _alike(in_common(shorter, longer), in_common(longer, shorter))
    return one.words != other.words and _too_little(*found)


def _alike(shorter: bytes, longer: bytes) -> tuple[float, float]:
    """Similarity and containment of two texts, by which words each has in common with the other."""
    both = shorter.count(1) + longer.count(1)
    return both / (len(shorter) + len(longer)), shorter.count(1) / len(shorter)


def _too_little(similarity: float, containment: float) -> bool:
    return similarity < STRANGE_SIMILARITY and containment < STRANGE_CONTAINMENT


def certainty(signs: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """How sure the signs make it, from 0 to 1."""
    total = weights["constant"] + sum(weights[name] * value for name, value in signs.items())
    return 1 / (1 + exp(-max(-_MOST, min(_MOST, total))))


def _verdict(
    only_earlier: Stretches,
    only_later: Stretches,
    seen: Evidence,
    certainties: tuple[float, float, float],
    alike: tuple[float, float],
) -> tuple[Degree, str] | None:
    earlier, later = only_earlier.text, only_later.text
    gained, lost = seen.gained, seen.lost
    no_news, fuller, no_loss = certainties
    known = _adds_nothing(gained, no_news, MOST_SHARE, MOST_IN_A_ROW)
    in_series = seen.other_numbers and gained.words < SERIES_WORDS
    nearly = not in_series and _nearly_same(earlier, later)
    if known and not _tells(seen):
        here_and_there = (
            not in_series
            and alike[0] >= NEARLY_ALL_WORDS
            and max(gained.longest, lost.longest) < FEW_IN_A_ROW
        )
        if gained.added and (nearly or here_and_there) and revised(only_earlier, only_later):
            return "fuller", "revised"
        return "copy", "no_news"
    if nearly:
        newer = gained.added > lost.added or seen.other_numbers
        return ("fuller" if newer else "copy"), "nearly_same"
    more = gained.added >= MORE_GAINED * lost.added
    keeps = _adds_nothing(lost, no_loss, MOST_LOST_SHARE, MOST_LOST_IN_A_ROW)
    if more and keeps and fuller >= FULLER_CERTAINTY and _holds(earlier, later, alike):
        return "fuller", "fuller"
    if known:
        return "update", "told"
    if not _related(earlier, later, alike):
        return None
    return ("update", "news") if no_news < UPDATE_CERTAINTY else ("rewrite", "reworked")


def _adds_nothing(new: New, certainty_of_it: float, most_share: float, most_in_a_row: int) -> bool:
    if new.added < FEW_WORDS:
        most_share = FEW_WORDS_SHARE if new.facts < MANY_FACTS else MANY_FACTS_SHARE
    return (
        certainty_of_it >= COPY_CERTAINTY and new.longest < most_in_a_row and new.share < most_share
    )


def _adds_too_much(new: Stretches) -> bool:
    """Whether a text has more new words than one that is known to add nothing may have."""
    most_share = FEW_WORDS_SHARE if new.added < FEW_WORDS else MOST_SHARE
    return new.longest >= MOST_IN_A_ROW or new.share >= most_share


def _tells(seen: Evidence) -> bool:
    """Whether something new in the later text is news, however little it is."""
    new = seen.gained
    return (
        new.told >= (LIVE_FACTS if seen.live else TOLD_FACTS)
        or (seen.other_numbers and new.figures > 0)
        or (
            new.longest >= STRETCH_WORDS
            and new.added >= STRETCH_AMONG
            and new.facts >= STRETCH_FACTS
        )
    )


def _holds(earlier: Text, later: Text, alike: tuple[float, float]) -> bool:
    """Whether two texts have so much in common that the later may be the fuller report."""
    if _related(earlier, later, alike):
        return True
    return alike[1] >= FULLER_CONTAINMENT and titles_alike(earlier, later) >= FULLER_TITLES_ALIKE


def _related(earlier: Text, later: Text, alike: tuple[float, float]) -> bool:
    similarity, containment = alike
    shorter, longer = sorted((len(earlier.words), len(later.words)))
    if similarity >= RELATED_SIMILARITY and shorter >= SHORT_WORDS:
        return True
    least = SHORT_CONTAINMENT if shorter < SHORT_WORDS else RELATED_CONTAINMENT
    return containment >= least and shorter >= LEAST_LENGTH_RATIO * longer


def _nearly_same(earlier: Text, later: Text) -> bool:
    one, other = earlier.distinct_runs, later.distinct_runs
    fewer, more = sorted((len(one), len(other)))
    if fewer / more < NEARLY_SAME:
        return False
    both = len(one & other)
    return both / (fewer + more - both) >= NEARLY_SAME


def _reasons(seen: Evidence, certainties: tuple[float, float, float], rule: str) -> str:
    """What decided, in words."""
    gained = seen.gained
    told = [
        f"{gained.added} of {gained.words} words are new, at most {gained.longest} in a row, with "
        f"{gained.facts} words that the earlier article lacks"
    ]
    if gained.headline:
        told.append(f"{gained.headline} of these are in the title")
    if gained.told:
        told.append(f"one new sentence has {gained.told} of these")
    if gained.figures:
        told.append("the title has a number that the earlier article lacks")
    elif seen.other_numbers:
        told.append("the titles have different numbers")
    told.append(f"{seen.lost.added} of the earlier article's {seen.lost.words} words are missing")
    told.append("on the same site" if seen.same_site else "on another site")
    told.append(f"no news with a certainty of {certainties[0]:.2f}")
    if rule in ("fuller", "news"):
        told.append(f"the fuller text of the same news with one of {certainties[1]:.2f}")
        told.append(f"nothing of the earlier article lost with one of {certainties[2]:.2f}")
    return "; ".join(told)


def _fills_same_template(
    shorter: Text, longer: Text, own_gaps: Sequence[Gap], other_gaps: Sequence[Gap]
) -> bool:
    """Whether two texts differ in what a template leaves open.

    What stands before the first and after the last common words is none of it: credits do.
    """
    own_gaps, other_gaps = _inner(own_gaps, shorter), _inner(other_gaps, longer)
    within = {word for gap in own_gaps for word in gap.words}
    other = (shorter.details & within) - longer.vocabulary
    if not other:
        return False
    of_details = len(other) / len(shorter.details)
    plain = shorter.vocabulary - shorter.details
    of_plain = len(plain - longer.vocabulary) / len(plain) if plain else 0.0
    places = [gap for gap in own_gaps if not other.isdisjoint(gap.words)]
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


def _inner(found: Sequence[Gap], text: Text) -> list[Gap]:
    """The gaps of a text but for those at its ends."""
    return [gap for gap in found if gap.before and gap.end < len(text.words)]
