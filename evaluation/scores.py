"""Precision, recall and F1 of yes-or-no judgements."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scores:
    """How often a judgement said yes and no, rightly and wrongly."""

    true_yes: int = 0
    false_yes: int = 0
    true_no: int = 0
    false_no: int = 0

    @property
    def count(self) -> int:
        """How many were judged."""
        return self.true_yes + self.false_yes + self.true_no + self.false_no

    @property
    def precision(self) -> float:
        """The share of those called yes which are; 1 where none were called so."""
        return _share(self.true_yes, self.true_yes + self.false_yes)

    @property
    def recall(self) -> float:
        """The share found of those which are; 1 where none are."""
        return _share(self.true_yes, self.true_yes + self.false_no)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.true_yes, 2 * self.true_yes + self.false_yes + self.false_no)

    @property
    def right(self) -> float:
        """The share of right judgements."""
        return _share(self.true_yes + self.true_no, self.count)


def scores_of(judgements: Iterable[tuple[bool, bool]]) -> Scores:
    """Count judgements, given as pairs of the truth and what was said."""
    counts = {(truth, said): 0 for truth in (True, False) for said in (True, False)}
    for judgement in judgements:
        counts[judgement] += 1
    return Scores(
        true_yes=counts[True, True],
        false_yes=counts[False, True],
        true_no=counts[False, False],
        false_no=counts[True, False],
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
