"""The sentences about brands are as their README says, and figures of them are right."""

from collections import Counter
from pathlib import Path

import pytest
from evaluation.tone.figures import (
    LABELS,
    agreement,
    ece_by_chance,
    expected_calibration_error,
    sets,
)
from evaluation.tone.scores import macro_f1
from evaluation.tone.sentences import (
    CALIBRATING,
    COMPARISONS,
    FILE,
    FIT_ONLY,
    INDEPENDENT,
    NAMES,
    PATTERNS,
    SETTLING,
    Marked,
    brand_sentences,
    filled,
    lines_of,
    open_brands,
)

FILES = (FILE, FIT_ONLY, SETTLING, CALIBRATING, COMPARISONS, INDEPENDENT)


def test_there_are_enough_of_each_label_in_each_part() -> None:
    found = Counter((one.part, one.label) for one in brand_sentences())

    assert sum(found.values()) >= 500
    assert set(found) == {(part, label) for part in ("fit", "report") for label in range(3)}
    assert min(found.values()) > 80


def test_no_brand_is_in_two_parts() -> None:
    def of(part: str) -> set[str]:
        whole = (one for path in FILES for one in brand_sentences(path))
        return {
            name
            for one in whole
            if one.part == part
            for name in (one.brand, one.sentence[one.start : one.end])
        }

    to_learn_from = of("fit") | set(lines_of(NAMES))

    parts = [to_learn_from, of("settle"), of("calibrate"), of("report")]
    assert len(set().union(*parts)) == sum(map(len, parts))


def test_no_sentence_that_is_reported_is_in_another_part() -> None:
    whole = [one for path in FILES for one in brand_sentences(path)]
    texts = Counter((one.sentence.replace(one.brand, "B"), one.part == "report") for one in whole)
    patterns = {
        one.sentence
        for pattern in lines_of(PATTERNS)
        for one in filled(pattern, dict.fromkeys(open_brands(pattern), "B"))
    }

    assert not {text for text, reported in texts if reported} & (
        {text for text, reported in texts if not reported} | patterns
    )


def test_a_pattern_speaks_of_each_of_its_brands() -> None:
    assert filled("{+A} overtakes {-B}, at last", {"A": "Koru", "B": "Elm & Co"}) == [
        Marked("Koru overtakes Elm & Co, at last", 0, 4, 2),
        Marked("Koru overtakes Elm & Co, at last", 15, 23, 0),
    ]


@pytest.mark.parametrize("pattern", ["No brand", "{+A} is no {-A}"])
def test_a_pattern_names_each_of_its_brands_once(pattern: str) -> None:
    with pytest.raises(ValueError, match="each of its brands once"):
        open_brands(pattern)


def test_patterns_and_names_can_be_told_apart_and_used() -> None:
    patterns, names = lines_of(PATTERNS), lines_of(NAMES)

    assert len(set(patterns)) == len(patterns)
    assert len(set(names)) == len(names)
    assert max(len(open_brands(one)) for one in patterns) <= len(names)
    assert not any(
        mark in one.sentence
        for pattern in patterns
        for one in filled(pattern, dict.fromkeys(open_brands(pattern), "B"))
        for mark in "{}[]"
    )


def test_every_target_is_marked_where_it_stands() -> None:
    for one in (one for path in FILES for one in brand_sentences(path)):
        marked = one.sentence[one.start : one.end]
        assert marked.strip() == marked != ""
        assert "[" not in one.sentence


def test_a_sentence_that_compares_is_asked_about_both() -> None:
    about = Counter(one.sentence for one in brand_sentences(COMPARISONS))

    assert set(about.values()) == {2}
    assert len({(one.sentence, one.part) for one in brand_sentences(COMPARISONS)}) == len(about)
    assert len(about) >= 40


def test_agreement_is_what_the_readme_says() -> None:
    alike, kappa = agreement(brand_sentences())

    readme = Path(FIT_ONLY).with_name("README.md").read_text("utf-8")
    assert f"{len(brand_sentences()) - alike} of {len(brand_sentences())}" in readme
    assert f"kappa {kappa:.3f}" in readme


def test_a_line_of_another_form_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("== B | fit\n+ No target\n")

    with pytest.raises(ValueError, match="No target"):
        brand_sentences(path)


def test_figures_by_hand() -> None:
    assert macro_f1([0, 1, 2, 2], [0, 1, 2, 2]) == 1
    assert macro_f1([0, 0, 1, 2], [0, 1, 1, 2]) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert expected_calibration_error([1.0, 1.0], [True, False]) == pytest.approx(0.5)
    assert expected_calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)


def test_the_error_of_right_probabilities_is_smaller_the_more_texts_there_are() -> None:
    assert ece_by_chance([1.0] * 10) == 0
    # Of one text with probability 0.75 the error is 0.25 in three of four cases, else 0.75.
    assert ece_by_chance([0.75]) == pytest.approx(0.375, abs=0.05)
    assert 0 < ece_by_chance([0.75] * 1_000) < ece_by_chance([0.75] * 100) < 0.1


def test_without_newsmtsc_the_brands_are_reported(tmp_path: Path) -> None:
    assert list(sets(tmp_path)) == ["brands", "independent", "comparisons"]
    assert len(LABELS) == 3
