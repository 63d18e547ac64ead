"""What makes two texts copies, rewrites, or strangers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.comparison import Comparison, compare
from newsapi_dentsu.domain.similarity import (
    LEAST_WORDS,
    RUN,
    bands,
    comparable,
    gaps,
    in_common,
    prepare,
    words_of,
)


def story(seed: int, words: int = 300) -> str:
    """Words without digits, so that none counts as a number."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefgh", k=5)) for _ in range(words))


def edited(body: str, share: float, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(
        "".join(rng.choices("stuvwxyz", k=5)) if rng.random() < share else word
        for word in body.split()
    )


def found(earlier: str, later: str) -> Comparison | None:
    return compare(prepare(earlier), prepare(later))


def degree(earlier: str, later: str) -> str | None:
    result = found(earlier, later)
    return result.degree if result else None


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_a_copy_with_some_words_edited_is_a_copy(share: float) -> None:
    assert degree(story(1), edited(story(1), share)) == "copy"


def test_a_text_with_a_quarter_of_its_words_edited_is_no_copy() -> None:
    assert degree(story(1), edited(story(1), 0.25)) in ("rewrite", "update")


@pytest.mark.parametrize("kept", [0.9, 0.6, 0.3])
def test_a_text_that_was_cut_is_a_copy(kept: float) -> None:
    words = story(1).split()
    result = found(" ".join(words), " ".join(words[: int(len(words) * kept)]))
    assert result is not None
    assert result.degree == "copy"
    assert result.containment == 1.0


def test_paragraphs_may_change_places() -> None:
    words = story(1).split()
    assert degree(story(1), " ".join(words[150:] + words[:150])) == "copy"


def test_a_digest_that_holds_a_report_among_others_is_no_copy_of_it() -> None:
    digest = " ".join(story(seed, 100) for seed in range(6))
    assert found(story(0, 100), digest) is None


def test_a_follow_up_that_quotes_half_of_a_report_stands_alone() -> None:
    half = " ".join(story(1).split()[:150])
    assert found(story(1), f"{half} {story(2, 150)}") is None


def test_two_texts_of_their_own_have_nothing_in_common() -> None:
    assert found(story(1), story(2)) is None


def report(company: str, day: str, *figures: int) -> str:
    revenue, profit, share, staff = figures
    return (
        f"The board of {company} published its results on {day} after the close of trading and "
        f"said that revenue came to {revenue} million dollars in the quarter, while the profit "
        f"before tax was {profit} million dollars. Earnings for each share were {share} cents, "
        "more than the analysts who follow the company had expected on average. The number of "
        f"people who work for {company} rose to {staff}. The board confirmed its outlook for the "
        "year and said that it would pay the usual dividend to its owners after their meeting."
    )


def test_a_template_with_other_names_and_numbers_is_no_copy() -> None:
    one = report("Wexley Foods", "Monday", 812, 96, 41, 12800)
    other = report("Norvana Media", "Thursday", 377, 52, 19, 4100)
    assert found(one, other) is None


def test_the_same_report_with_a_byline_is_a_copy() -> None:
    one = report("Wexley Foods", "Monday", 812, 96, 41, 12800)
    assert degree(one, f"By Jo Weiss, London. {one}") == "copy"


def test_grouped_digits_and_apostrophes_are_one_word_in_either_spelling() -> None:
    assert prepare("It\u2019s 1,200,000").words == prepare("it's 1200000").words


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert len(prepare("人工知能は広告を変える").words) == 11


def test_copies_become_candidates() -> None:
    body = story(1)
    missed = 0
    for seed in range(100):
        words = story(seed).split()
        kept = " ".join(words[: int(len(words) * 0.6)])
        own = bands(prepare(" ".join(words)))
        missed += not own & bands(prepare(edited(kept, 0.03, seed)))
        assert own & bands(prepare(edited(" ".join(words), 0.05, seed)))
    assert missed <= 2
    assert not bands(prepare(body)) & bands(prepare(story(1000)))


def test_bands_are_numbers_that_an_integer_column_holds() -> None:
    assert all(-(2**31) <= band < 2**31 for band in bands(prepare(story(1))))


def test_texts_of_a_few_words_are_not_compared() -> None:
    few = prepare(story(1, LEAST_WORDS - 1))
    assert not comparable(few)
    assert compare(few, few) is None


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_two_texts_can_be_compared_and_figures_are_shares(one: str, other: str) -> None:
    result = found(one, other)
    assert result is None or (0 <= result.similarity <= 1 and 0 <= result.containment <= 1)


@given(st.text(max_size=400))
def test_a_text_is_a_copy_of_itself_if_it_is_long_enough(body: str) -> None:
    own = prepare(body)
    assert (compare(own, own) is not None) == comparable(own)


FEW_WORDS = st.lists(st.sampled_from("abcd"), max_size=30).map(tuple)


@given(st.text("aB1.,:'\u2019\u0301\u0345\ufb01\u00e9\u0e01\u4eba\u2028\r\n \"", max_size=40))
def test_a_body_has_the_words_of_its_lines(body: str) -> None:
    text = prepare(body)
    assert text.words == tuple(words_of(body))
    assert text.lines == [(line, len(words_of(line))) for line in body.split("\n")]


@given(FEW_WORDS, FEW_WORDS)
def test_words_in_common_stand_in_a_run_of_both(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    starts = [
        start
        for start in range(len(one) - RUN + 1)
        if any(one[start : start + RUN] == other[at : at + RUN] for at in range(len(other)))
    ]
    expected = [any(start <= at < start + RUN for start in starts) for at in range(len(one))]
    text = prepare(" ".join(one))
    shared = in_common(text, prepare(" ".join(other)))
    if len(one) >= RUN <= len(other):
        assert list(map(bool, shared)) == expected
    assert len(shared) == len(one)

    between = gaps(text, shared)
    assert sum(len(gap.words) for gap in between) == shared.count(0)
    for gap in between:
        start = gap.end - len(gap.words)
        assert one[start : gap.end] == gap.words
        assert one[:start][1 - RUN :] == gap.before
        assert not any(shared[start : gap.end])
        assert all(shared[max(0, start - 1) : start])
