"""Fields of another type than documented are read as far as they can be, and told."""

from typing import Any

import pytest

from newsapi_dentsu.domain.record import read_content, read_record
from newsapi_dentsu.domain.text import clean_text
from support.articles import record
from support.clock import NOON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["One.", "Two."], "One.\n\nTwo."),
        ([{"text": "One."}, {"type": "image"}, 3], "One.\n\nimage\n\n3"),
        ({"deu": "Zwei", "eng": "Two"}, "Two"),
        ({"fra": "Deux"}, "Deux"),
        (1984, "1984"),
        (True, ""),
        (10**400, ""),
        (float("nan"), ""),
        ([[[["too deep"]]]], ""),
        ({}, ""),
    ],
)
def test_a_text_of_another_type_is_read_and_told(value: Any, text: str) -> None:
    for name in ("title", "body"):
        given = record("x", NOON, **{name: value})
        content = read_content(given, "https://e.example/")
        assert {"title": content.title, "body": content.body}[name] == text
        assert read_record(given, NOON).problems == (name,)


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("Ads\x1b[31m and AI\x07", "Ads and AI"),
        ("Ads \u202eIA dna\u202c today", "Ads IA dna today"),
        ("\u2067Ads\u2069 and AI", "Ads and AI"),
    ],
)
def test_a_title_that_steers_a_screen_is_cleaned_and_told(title: str, clean: str) -> None:
    read = read_record(record("x", NOON, title=title), NOON)
    assert (read.title, read.problems) == (clean, ("title",))


def test_line_breaks_and_hyphenation_in_a_title_are_nothing_to_tell() -> None:
    read = read_record(record("x", NOON, title="Adver\u00adtising\r\nand\tAI"), NOON)
    assert (read.title, read.problems) == ("Advertising and AI", ())


def test_an_article_of_parts_reads_like_its_text() -> None:
    content = read_content(record("x", NOON, body=["<p>One</p>", "Two"]), "https://e.example/")
    assert clean_text(content.body) == "One\n\nTwo"
