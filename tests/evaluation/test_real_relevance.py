"""Relevance on real articles: what is counted, and that no source is in both fit and test."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from evaluation.real_news import ARTICLES, other_sets, shipped_set
from evaluation.real_relevance import FOLDS, _folds, auc, f1


def test_no_source_is_in_two_folds_and_each_fold_has_both_labels() -> None:
    rng = np.random.default_rng(3)
    sources = np.array([f"site{number}" for number in rng.integers(0, 60, 600)])
    truth = rng.random(600) < 0.25
    fold = _folds(sources, truth, seed=0)
    assert all(len(set(fold[sources == source])) == 1 for source in set(sources))
    for number in range(FOLDS):
        assert set(truth[fold == number]) == {True, False}
        assert 40 <= (fold == number).sum() <= 80
    assert (_folds(sources, truth, seed=1) != fold).any()


@pytest.mark.parametrize(
    ("figures", "chance"),
    [([4, 3, 2, 1], 1.0), ([1, 2, 3, 4], 0.0), ([1, 1, 1, 1], 0.5), ([4, 2, 3, 1], 0.75)],
)
def test_auc_is_the_chance_that_what_is_relevant_stands_above(
    figures: list[float], chance: float
) -> None:
    assert auc(np.array([True, True, False, False]), np.array(figures, float)) == chance


def test_f1_counts_what_was_missed_and_what_was_wrong() -> None:
    truth, said = np.array([True, True, True, False]), np.array([True, True, False, True])
    assert f1(truth, said) == pytest.approx(2 / 3)


def test_articles_on_which_readers_differ_are_left_out(tmp_path: Path) -> None:
    lines = [
        {"source": "a.example", "title": f"Title {label}", "body": "A text.", "label": label}
        for label in ("y", "n", "b")
    ]
    with lzma.open(tmp_path / ARTICLES, "wt") as target:
        target.writelines(f"{json.dumps(line)}\n" for line in lines)
    found = shipped_set(tmp_path)
    assert [(one.title, one.relevant) for one in found.articles] == [
        ("Title y", True),
        ("Title n", False),
    ]


def test_records_of_other_topics_are_found_by_their_uris(tmp_path: Path) -> None:
    topics = [{"name": "Tea", "description": "Tea.", "keywords": ["tea"]}]
    labels = {"7": "y", "8": "n", "9": "b"}
    sets = tmp_path / "sets.json"
    one = {"name": "tea", "topics": topics, "labels": labels, "held_out": False}
    sets.write_text(json.dumps([one]))
    record = {"source": {"uri": "a.example"}, "title": "Tea", "body": "Tea.", "concepts": "[]"}
    with lzma.open(tmp_path / "records-1.jsonl.xz", "wt") as target:
        target.writelines(f"{json.dumps(record | {'uri': uri})}\n" for uri in ("6", "7", "8", "9"))
    (found,) = other_sets(tmp_path, sets)
    assert [one.relevant for one in found.articles] == [True, False]
