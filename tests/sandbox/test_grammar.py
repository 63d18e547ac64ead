"""The grammar that the sandbox's texts are written in."""

import random

import pytest

from newsapi_dentsu.sandbox.grammar import Grammar, article, parse


def _grammar(**rules: list[str]) -> Grammar:
    return Grammar({"city": "Oslo", "city2": "Lima"}, random.Random(1), rules)


def test_choices_may_stand_in_choices() -> None:
    written = {_grammar().expand("[one|two [three|four]]") for _ in range(1)}
    grammar = _grammar()
    written |= {grammar.expand("[one|two [three|four]]") for _ in range(60)}
    assert written == {"One", "Two three", "Two four"}


def test_a_rule_gives_each_of_its_patterns_before_it_repeats_one() -> None:
    grammar = _grammar(colour=["red", "green", "blue"])
    assert {grammar.expand("<colour>") for _ in range(3)} == {"Red", "Green", "Blue"}


def test_the_article_goes_by_the_word_behind_it() -> None:
    assert _grammar().expand("{a} {city} firm and {a} {city2} firm") == (
        "An Oslo firm and a Lima firm"
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Amsterdam", "an"),
        ("AI", "an"),
        ("8-week", "an"),
        ("18-month", "an"),
        ("hour", "an"),
        ("unit", "a"),
        ("European", "a"),
        ("used", "a"),
        ("one-off", "a"),
        ("umbrella", "an"),
        ("80", "an"),
        ("110", "a"),
        ("“idea”", "an"),
        ("hotel", "a"),
    ],
)
def test_article(word: str, expected: str) -> None:
    assert article(word) == expected


def test_sentences_get_their_capitals_and_names_their_apostrophes() -> None:
    grammar = Grammar({"brand": "Halden Foods"}, random.Random(1))
    assert grammar.expand('it works. {brand}\'s team said: "we know."') == (
        'It works. Halden Foods\' team said: "We know."'
    )


def test_numbers_are_grouped_and_years_are_not() -> None:
    grammar = _grammar()
    assert grammar.expand("{1500-1500} in {2027-2027}") == "1,500 in 2027"


@pytest.mark.parametrize("pattern", ["[one|two", "one]", "{City}", "<no end"])
def test_a_bracket_without_its_partner_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="has no partner"):
        parse(pattern)
