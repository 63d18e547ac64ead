"""What a method says of labelled items, be they pairs of texts or single articles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.parts import Part
from evaluation.scores import Scores, scores_of

PIPELINE: Final = "the pipeline"
"""The name of what is judged, among the methods that are compared with it."""

_LENGTHS: Final = (100, 200, 400)
"""Words at which the next group of lengths begins."""


@dataclass(frozen=True)
class Item:
    """A labelled item: a pair of texts, or an article. `label` is the truth in words."""

    id: str
    part: Part
    kind: str
    language: str
    words: int
    label: str
    truth: bool

    @property
    def length(self) -> str:
        """The group of lengths that it belongs to."""
        for low, high in zip((0, *_LENGTHS), _LENGTHS, strict=False):
            if self.words < high:
                return f"{low}-{high - 1} words"
        return f"{_LENGTHS[-1]} and more"


@dataclass(frozen=True)
class Verdict:
    """What a method says of an item, by which rule, and how sure it is (0 to 1) that it is true."""

    said: bool
    rule: str = ""
    figure: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class Judgement:
    """An item and a verdict on it."""

    item: Item
    verdict: Verdict

    @property
    def right(self) -> bool:
        """Whether the verdict is right."""
        return self.item.truth == self.verdict.said


def scores(judgements: Sequence[Judgement]) -> Scores:
    """Return the scores of some judgements."""
    return scores_of((one.item.truth, one.verdict.said) for one in judgements)


def grouped(
    judgements: Sequence[Judgement], name: Callable[[Judgement], str]
) -> dict[str, Sequence[Judgement]]:
    """Return judgements by name, names in order."""
    groups: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        groups.setdefault(name(judgement), []).append(judgement)
    return {group: groups[group] for group in sorted(groups)}


def wrong(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the wrong judgements, those furthest from the truth first."""
    return sorted(
        (one for one in judgements if not one.right),
        key=lambda one: (-abs(one.item.truth - one.verdict.figure), one.item.id),
    )
