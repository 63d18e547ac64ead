"""Companies, people and watched brands are found in a text by their names."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.brands import Brand, parse_brands
from newsapi_dentsu.domain.targets import Found, Target, folded, gazetteer
from newsapi_dentsu.errors import BrandsError

CONCEPTS = [
    ("org", "Acme Holdings, Inc."),
    ("org", "Marrowby's"),
    ("org", "The Tollgate Group"),
    ("org", "Rovers F.C."),
    ("person", "Mesut Özil"),
    ("wiki", "Marketing"),
    ("loc", "London"),
]


def found(text: str, *brands: Brand) -> list[tuple[str, str]]:
    places = gazetteer(CONCEPTS, brands).find(text)
    return [(text[one.start : one.end], one.target.name) for one in places]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Acme rose.", [("Acme", "Acme Holdings, Inc.")]),
        ("ACME HOLDINGS rose", [("ACME HOLDINGS", "Acme Holdings, Inc.")]),
        ("acme is the peak of a thing", []),
        ("Acmeist poets", []),
        ("Acme's results, non-Acme goods", [("Acme", "Acme Holdings, Inc.")] * 2),
        ("Marrowby’s opens", [("Marrowby’s", "Marrowby's")]),
        ("Tollgate pays", [("Tollgate", "The Tollgate Group")]),
        ("Rovers win", [("Rovers", "Rovers F.C.")]),
        ("Mesut Ozil left. Özil said", [("Mesut Ozil", "Mesut Özil"), ("Özil", "Mesut Özil")]),
        ("Özil said", []),
        ("Marketing in London", []),
        ("write to info@Acme.com or see www.Acme.com/Acme", []),
    ],
)
def test_where_a_concept_is_named(text: str, names: list[tuple[str, str]]) -> None:
    assert found(text) == names


def test_the_longest_name_is_meant() -> None:
    brands = [Brand(name="Nova"), Brand(name="Nova Air", aliases=["NovaAir"])]

    assert found("Nova Air, Nova and NovaAir", *brands) == [
        ("Nova Air", "Nova Air"),
        ("Nova", "Nova"),
        ("NovaAir", "Nova Air"),
    ]


def test_what_a_brand_ignores_is_not_the_brand() -> None:
    apple = Brand(name="Apple", ignore=["Big Apple", "Apple pie"])

    assert found("Apple in the Big Apple sells no Apple pie", apple) == [("Apple", "Apple")]


def test_a_brand_with_a_small_letter_may_begin_a_sentence() -> None:
    assert found("Adidas and adidas", Brand(name="adidas")) == [
        ("Adidas", "adidas"),
        ("adidas", "adidas"),
    ]


def test_a_concept_with_a_brands_name_is_the_brand() -> None:
    acme = Brand(name="Acme")

    assert found("Acme Holdings, Inc. is Acme", acme) == [
        ("Acme Holdings, Inc.", "Acme"),
        ("Acme", "Acme"),
    ]


@given(st.text(max_size=200))
def test_folding_keeps_places(text: str) -> None:
    assert len(folded(text)) == len(text)


@given(st.lists(st.sampled_from(["Acme", "acme", "Nova", "Air", ".", " ", "é", "'s", "\n"])))
def test_places_are_in_order_and_name_what_stands_there(parts: list[str]) -> None:
    text = "".join(parts)
    places: list[Found] = gazetteer(CONCEPTS, [Brand(name="Nova Air"), Brand(name="Nova")]).find(
        text
    )

    assert all(one.end <= other.start for one, other in pairwise(places))
    assert {one.target for one in places} <= {
        Target("Acme Holdings, Inc.", "org"),
        Target("Nova Air", "brand"),
        Target("Nova", "brand"),
    }
    for one in places:
        around = text[one.start - 1 : one.start] + text[one.end : one.end + 1]
        assert not any(char.isalnum() for char in around)


def test_a_file_of_brands_names_mistakes_with_their_line() -> None:
    with pytest.raises(BrandsError, match=r"brands.yaml, line 3: .*alias"):
        parse_brands("brands:\n  - name: Nova\n    alias: [N]\n", "brands.yaml")
    with pytest.raises(BrandsError, match="Nova several times"):
        parse_brands("brands:\n  - name: Nova\n  - name: Nova\n", "brands.yaml")


def test_another_file_has_another_version() -> None:
    one = parse_brands("brands: [{name: Nova}]", "a.yaml")
    other = parse_brands("brands: [{name: Nova, ignore: [Nova Scotia]}]", "a.yaml")

    assert one.version != other.version
    assert one.version == parse_brands("brands:\n  - name: Nova\n", "b.yaml").version
