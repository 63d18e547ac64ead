"""Precision, recall and F1, against their definitions."""

from evaluation.scores import Scores, scores_of
from hypothesis import given
from hypothesis import strategies as st

JUDGEMENTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1)


def test_scores_of_a_known_table() -> None:
    scores = Scores(true_yes=6, false_yes=2, true_no=10, false_no=4)
    assert scores.precision == 6 / 8
    assert scores.recall == 6 / 10
    assert scores.f1 == 12 / 18
    assert scores.right == 16 / 22


def test_nothing_called_so_has_full_precision_and_no_recall() -> None:
    scores = scores_of([(True, False), (False, False)])
    assert (scores.precision, scores.recall, scores.f1) == (1.0, 0.0, 0.0)


@given(JUDGEMENTS)
def test_f1_lies_between_precision_and_recall(judgements: list[tuple[bool, bool]]) -> None:
    scores = scores_of(judgements)
    if scores.true_yes:
        assert min(scores.precision, scores.recall) - 1e-9 <= scores.f1
        assert scores.f1 <= max(scores.precision, scores.recall) + 1e-9


@given(JUDGEMENTS)
def test_every_judgement_counts_once(judgements: list[tuple[bool, bool]]) -> None:
    assert scores_of(judgements).count == len(judgements)


@given(JUDGEMENTS)
def test_judging_by_the_truth_is_always_right(judgements: list[tuple[bool, bool]]) -> None:
    scores = scores_of((truth, truth) for truth, _ in judgements)
    assert scores.right == scores.precision == scores.recall == scores.f1 == 1
