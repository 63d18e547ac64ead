"""A text is taken apart into its sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.sentences import LONGEST, sentences


def texts(text: str) -> list[str]:
    return [one.text for one in sentences(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("  \n ", []),
        ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
        ("A heading\nA line.", ["A heading", "A line."]),
        ('He said "no." She left.', ['He said "no."', "She left."]),
        ("Acme Inc. and Dr. Lee met Mr. Roe.", ["Acme Inc. and Dr. Lee met Mr. Roe."]),
        ("In the U.S. Senate J. K. Roe won.", ["In the U.S. Senate J. K. Roe won."]),
        ("He said no. No. 5 is it.", ["He said no.", "No. 5 is it."]),
        ("It rose 3.5 percent. Then 4.", ["It rose 3.5 percent.", "Then 4."]),
        ("Yahoo! is back. So?", ["Yahoo! is back.", "So?"]),
        ("Wait... what? Go.", ["Wait... what?", "Go."]),
        ("Ends at Apple. Apple wins.", ["Ends at Apple.", "Apple wins."]),
    ],
)
def test_where_sentences_end(text: str, parts: list[str]) -> None:
    assert texts(text) == parts


def test_a_sentence_without_an_end_is_cut_between_words() -> None:
    parts = texts("word " * 1_000)

    assert all(len(part) <= LONGEST and part.startswith("word") for part in parts)
    assert "".join(parts).count("word") == 1_000


@given(st.text(alphabet='aB. !?\n"’)…é\u3000', max_size=300))
def test_nothing_is_lost_and_each_stands_where_it_says(text: str) -> None:
    found = list(sentences(text))

    assert all(text[one.start :].startswith(one.text) and one.text.strip() for one in found)
    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())
