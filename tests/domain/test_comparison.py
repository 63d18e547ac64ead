"""What a later text is to an earlier one, and by what that is told."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.comparison import Comparison, compare
from newsapi_dentsu.domain.similarity import LEAST_WORDS, prepare
from newsapi_dentsu.domain.wrapping_rules import is_aside

CAPTION = "A crowd waits at the gates of the fair on Monday, May 4, 2026. (AP Photo/Jo Weiss)"


def story(seed: int, words: int = 300) -> str:
    """Sentences of words without digits, so that none counts as a number."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefgh", k=6)) for _ in range(words))


def edited(body: str, share: float, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(
        "".join(rng.choices("stuvwxyz", k=6)) if rng.random() < share else word
        for word in body.split()
    )


def found(
    earlier: str, later: str, titles: tuple[str, str] = ("", ""), site: str | None = None
) -> Comparison | None:
    return compare(prepare(earlier, titles[0], "one.example"), prepare(later, titles[1], site))


def degree(earlier: str, later: str, titles: tuple[str, str] = ("", "")) -> str | None:
    result = found(earlier, later, titles)
    return result.degree if result else None


def test_the_same_words_are_a_copy_under_any_title() -> None:
    result = found(story(1), story(1).upper(), titles=("One thing", "Quite another"))
    assert result == Comparison("copy", "same_text", 1.0, 1.0, "word for word the same")


def test_a_paragraph_of_news_at_the_beginning_makes_an_update() -> None:
    lead = story(2, 70)
    assert degree(story(1), f"{lead}\n{story(1)}", titles=("", lead[:60])) == "update"


def test_background_at_the_end_under_the_same_title_makes_the_fuller_text() -> None:
    titles = ("Harbour bridge closes", "Harbour bridge closes")
    later = f"{story(1)}\n{story(2, 120)}"
    assert degree(story(1), later, titles=titles) == "fuller"


def test_the_shorter_of_two_texts_is_never_the_fuller_one() -> None:
    titles = ("Harbour bridge closes", "Harbour bridge closes")
    assert degree(f"{story(1)}\n{story(2, 120)}", story(1), titles=titles) == "copy"


def test_a_text_that_drops_a_paragraph_of_the_earlier_one_is_not_shown_in_its_place() -> None:
    titles = ("Harbour bridge closes", "Harbour bridge closes")
    earlier, later = f"{story(1)}\n{story(3, 60)}", f"{story(1)}\n{story(2, 160)}"
    assert degree(earlier, later, titles=titles) in ("update", "rewrite")


def test_texts_with_nearly_all_runs_in_common_are_never_two() -> None:
    earlier = story(1, 900)
    assert degree(earlier, f"{story(2, 60)}\n{earlier}") == "fuller"
    assert degree(f"{story(2, 60)}\n{earlier}", f"{story(3, 30)}\n{earlier}") == "copy"


@pytest.mark.parametrize(
    "aside",
    [
        CAPTION,
        "Get the headlines of the day sent to your inbox by us every single morning for free",
        "Related content Ten more things about fairs that nobody has ever told you until now",
        "Thousands at the gates this morning, what a sight to see! pic.twitter.com/ab12cd34",
    ],
)
def test_asides_are_no_news(aside: str) -> None:
    text = story(1, 120)
    assert degree(text, f"{text}\n" + "\n".join([aside] * 4)) == "copy"


@pytest.mark.parametrize(
    "aside",
    [
        "Jo Weiss, second from left, greets Ann Bell and two guests at the gates of the fair",
        "Two guests of the fair, third from left, look on as its owner opens the gates at noon",
        "https://images.example.com/news/fair/2026/gates/crowd/waiting/morning-4da1-9f0e.jpg",
        "By: Our Desk | Leeds | Updated: May 4, 2026 9:12 am Ann Bell at the gates Top News Ten",
        "Ann Bell has written on fairs for forty years; follow her on Twitter @annbellfairs.",
        "Get the morning post of the fair and all of its owners in your inboxSign Up",
        "You have been generous to us. "
        + "Fairs need your trust, and we answer. " * 18
        + "Every subscription counts.",
    ],
)
def test_lines_of_the_site_or_of_a_picture_are_no_news_alone(aside: str) -> None:
    assert is_aside(aside)
    assert degree(story(1, 120), f"{aside}\n{story(1, 120)}") == "copy"


@pytest.mark.parametrize(
    "line",
    [
        "Nobody had been able to reach him on Friday, and the police began to search at noon.",
        "Votes for Labour, left, right and centre, were lost to those who promised new bridges.",
        "The paper wrote that the fair's report is at https://fair.example.com/report by noon.",
    ],
)
def test_a_sentence_that_looks_like_an_aside_is_none(line: str) -> None:
    assert not is_aside(line)


def test_captions_longer_than_the_text_are_no_news() -> None:
    known = story(1, 120)
    captions = [f"{story(seed, 30)} (AP Photo/Jo Weiss)" for seed in range(2, 12)]
    assert degree(known, "\n".join([known, *captions])) == "copy"


def test_a_text_about_what_asides_tell_counts_whole() -> None:
    frame = "read the whole story in the newsletter that comes to your inbox each weekday morning"
    assert found(f"{story(1, 12)} {frame}", f"{story(2, 12)} {frame}") is None


def test_what_a_text_says_twice_is_new_once() -> None:
    result = found(story(1), f"{story(2, 15)}\n{story(1)}\n{story(2, 15)}")
    assert result is not None
    assert result.reasons.startswith("15 of 330 words are new")


def test_the_same_site_says_the_same_thing_twice_less_often() -> None:
    later = f"{story(1)}\n{story(2, 22)}"
    elsewhere, here = (
        found(story(1), later, site="two.example"),
        found(story(1), later, site="one.example"),
    )
    assert elsewhere is not None
    assert here is not None
    assert elsewhere.degree == "copy"
    assert here.degree != "copy"


def test_the_reasons_tell_what_is_new() -> None:
    result = found(story(1), f"{story(2, 30)} {story(1)}", titles=("Game 1", story(2, 4) + " 2"))
    assert result is not None
    assert "30 of 330 words are new, at most 30 in a row, with 29 words" in result.reasons
    assert "4 of these are in the title; the titles have different numbers" in result.reasons


@given(st.integers(0, 10**6), st.integers(45, 150), st.integers(0, 60))
def test_nothing_is_dropped_that_says_much_anew(seed: int, words: int, place: int) -> None:
    known = story(seed, 120).split()
    later = " ".join([*known[:place], *story(seed + 1, words).split(), *known[place:]])
    assert degree(story(seed, 120), later) != "copy"


@pytest.mark.parametrize(
    ("in_a_row", "told", "dropped"), [(11, 20, True), (22, 20, False), (22, 8, True)]
)
def test_new_sentences_among_much_that_is_new_are_read_where_they_tell_something(
    in_a_row: int, told: int, dropped: bool
) -> None:
    known, new = story(1, 600).split(), edited(story(2, told), 1).split()
    later, sentences = list(known), 44 // in_a_row
    for place in range(sentences):
        sentence = known[300:440:5][:in_a_row]
        random.Random(place).shuffle(sentence)
        telling = new[place * told // sentences : (place + 1) * told // sentences]
        sentence[2 : 2 + len(telling)] = telling
        later[place * 100 + 50 : place * 100 + 50] = sentence
    assert (degree(story(1, 600), " ".join(later)) == "copy") is dropped


@given(st.integers(0, 10**6), st.integers(LEAST_WORDS, 110))
def test_a_cut_is_always_a_copy(seed: int, kept: int) -> None:
    text = story(seed, 120)
    assert degree(text, " ".join(text.split()[:kept])) == "copy"
