"""What is read of an article, and what many figures say together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain import tone
from newsapi_dentsu.domain.brands import Brand
from newsapi_dentsu.domain.targets import gazetteer, watching
from newsapi_dentsu.domain.tone import Tone, mentions, opening, text_hash, together, tone_of
from newsapi_dentsu.domain.windows import window

NAMES = gazetteer([("org", "Acme"), ("person", "Jane Roe")], watching([Brand(name="Nova")]))
LOGITS = st.lists(st.floats(-50, 50), min_size=3, max_size=3)


def test_each_sentence_with_a_name_is_a_mention_of_it() -> None:
    found = mentions("Acme rises", "Acme sold Acme. Jane Roe of Acme left. It rains.", NAMES)

    assert [(one.target.name, one.number, one.sentence[one.start : one.end]) for one in found] == [
        ("Acme", 0, "Acme"),
        ("Acme", 1, "Acme"),
        ("Acme", 2, "Acme"),
        ("Jane Roe", 2, "Jane Roe"),
    ]
    assert found[2].sentence == "Jane Roe of Acme left."


def test_a_surname_in_the_title_is_understood_by_the_text() -> None:
    assert [one.number for one in mentions("Roe leaves", "Jane Roe has left.", NAMES)] == [0, 1]


def test_watched_brands_come_first_and_both_numbers_are_bounded() -> None:
    many = gazetteer([("org", f"Org{n}") for n in range(40)], watching([Brand(name="Nova")]))
    body = " ".join(f"Org{n} fell." for n in range(40)) + " Nova rose." * 9

    found = mentions("", body, many)

    assert found[0].target.name == "Nova"
    assert sum(one.target.name == "Nova" for one in found) == tone.SENTENCES_OF_TARGET
    assert len({one.target for one in found}) == tone.TARGETS


@pytest.mark.parametrize(
    ("title", "body", "read"),
    [
        ("Acme rises", "It did. More.", "Acme rises. It did."),
        ("Acme rises?", "", "Acme rises?"),
        ("", "Only text. More.", "Only text."),
        ("", "", ""),
    ],
)
def test_the_opening_is_title_and_first_sentence(title: str, body: str, read: str) -> None:
    assert opening(title, body) == read


@given(LOGITS, st.floats(0.5, 5))
def test_probabilities_add_up_and_keep_their_order(logits: list[float], by: float) -> None:
    told = tone_of(logits, by)

    assert sum(told) == pytest.approx(1)
    assert told[logits.index(max(logits))] == max(told)


def test_what_is_not_likely_enough_is_uncertain() -> None:
    assert Tone(0.49, 0.3, 0.21).label == "uncertain"
    assert Tone(0.5, 0.3, 0.2).label == "negative"
    assert Tone(0.1, 0.2, 0.7).label == "positive"
    assert Tone(0.1, 0.2, 0.7).score == pytest.approx(0.6)


def test_a_title_counts_twice() -> None:
    told = together([Tone(1, 0, 0), Tone(0, 0, 1)], [True, False])

    assert told == pytest.approx((2 / 3, 0, 1 / 3))


@given(st.lists(LOGITS, min_size=1, max_size=5))
def test_many_together_are_between_them(several: list[list[float]]) -> None:
    tones = [tone_of(one, 1) for one in several]
    whole = together(tones, [False] * len(tones))

    assert sum(whole) == pytest.approx(1)
    for at in range(3):
        assert min(one[at] for one in tones) - 1e-9 <= whole[at]
        assert whole[at] <= max(one[at] for one in tones) + 1e-9


def test_other_text_or_targets_are_read_again() -> None:
    known = text_hash("T", "b", "eng", [("org", "Acme"), ("org", "Nova")])

    assert known == text_hash("T", "b", "eng", [("org", "Nova"), ("org", "Acme")])
    assert known != text_hash("T", "b", "eng", [("org", "Acme")])
    assert known != text_hash("Tb", "", "eng", [("org", "Acme"), ("org", "Nova")])
    assert text_hash("\ud800", "", "eng", [])


@given(st.lists(st.integers(0, 1), min_size=2, max_size=60), st.integers(3, 20))
def test_a_window_has_the_ends_and_is_in_order(marked: list[int], size: int) -> None:
    read = window(marked, size)

    assert len(read) == min(len(marked), size)
    assert read == sorted(set(read))
    assert read[0] == 0
    assert read[-1] == len(marked) - 1


def test_a_window_is_about_the_target() -> None:
    marked = [0] * 100
    marked[90] = 1

    assert 90 in window(marked, 10)
    assert 90 in range(window(marked, 10)[1], window(marked, 10)[-2] + 1)
