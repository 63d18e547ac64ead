"""What of an article is given to the sentence model."""

import pytest

from newsapi_dentsu.domain.passages import OPENING_WORDS, passage_hash, passages


def test_the_title_stands_with_the_first_words_and_alone() -> None:
    words = [f"word{number}" for number in range(OPENING_WORDS + 10)]
    opening = " ".join(words[:OPENING_WORDS])
    assert passages("A title", "\n".join(words)) == (f"A title. {opening}", "A title")


def test_an_opening_without_blanks_has_an_end() -> None:
    (passage,) = passages("", "x" * 10_000_000)
    assert len(passage) == 1_000


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [("Only a title", " \n", ("Only a title",)), ("", "Text", ("Text",)), ("", "", ())],
)
def test_what_is_missing_is_left_out(title: str, text: str, expected: tuple[str, ...]) -> None:
    assert passages(title, text) == expected


def test_a_passage_is_known_by_its_text() -> None:
    assert passage_hash("one") == passage_hash("o" + "ne") != passage_hash("two")
    # What is no valid Unicode has a name, too.
    assert passage_hash("\ud800") != passage_hash("\ud801")
