"""Companies, people and watched brands are found in a text by their names."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.brands import Brand, parse_brands
from newsapi_dentsu.domain.names import folded
from newsapi_dentsu.domain.targets import Found, Target, gazetteer, watching
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
    places = gazetteer(CONCEPTS, watching(brands)).find(text)
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
    watched = watching([Brand(name="Nova Air"), Brand(name="Nova")])
    places: list[Found] = gazetteer(CONCEPTS, watched).find(text)

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
    with pytest.raises(BrandsError, match="Nova is there several times"):
        parse_brands("brands:\n  - name: Nova\n  - name: Nova\n", "brands.yaml")


def test_another_file_has_another_version() -> None:
    one = parse_brands("brands: [{name: Nova}]", "a.yaml")
    other = parse_brands("brands: [{name: Nova, ignore: [Nova Scotia]}]", "a.yaml")

    assert one.version != other.version
    assert one.version == parse_brands("brands:\n  - name: Nova\n", "b.yaml").version


def test_a_name_that_another_brand_ignores_is_still_whose_name_it_is() -> None:
    nova = Brand(name="Nova", ignore=["Nova Motors", "Acme", "Nova Scotia"])

    assert found("Nova Motors left Nova Scotia, Acme did not", nova, Brand(name="Nova Motors")) == [
        ("Nova Motors", "Nova Motors"),
        ("Acme", "Acme Holdings, Inc."),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("C++", "We write C++, no C"),
        ("Yahoo!", "Yahoo! is back; yahoo"),
        ("[a-z]*", "Buy [a-z]* today"),
        ("Coca-Cola", "Coca–Cola's anti-sugar ad"),
        ("Nestlé", "Nestle-owned brands"),
        ("Ne\u0301stor", "Néstor pays"),
        ("\u200fשלום", "ask שלום now"),
        ("🍎", "the 🍎 event"),
        ("AT&amp;T", "AT&T's network"),
        ("Nova", "post-Nova, Nova-like, NOVA’S and “Nova”"),
    ],
)
def test_names_of_any_characters_are_found(name: str, text: str) -> None:
    (brand,) = parse_brands(f'brands: [{{name: "{name}"}}]', "brands.yaml").brands

    assert {target for _, target in found(text, brand)} == {brand.name}


def test_a_plural_is_another_word() -> None:
    assert found("three Novas", Brand(name="Nova")) == []
    assert found("three Novas", Brand(name="Nova", aliases=["Novas"])) == [("Novas", "Nova")]


@pytest.mark.parametrize(
    ("entries", "mistake"),
    [
        ("[{name: Nova}, {name: NOVA}]", r"Nova \(also as NOVA\) is there several times"),
        ("[{name: Café}, {name: cafe}]", r"Café \(also as cafe\) is there several times"),
        ("[{name: A-B}, {name: A–B}]", "A-B .* is there several times"),
        ("[{name: Nova, aliases: [NV]}, {name: Novo, aliases: [nv]}]", "nv is a name of Nova and"),
        ("[{name: Nova, aliases: [Novo]}, {name: Novo}]", "Novo is a name of Nova and of Novo"),
        ("[{name: Nova, ignore: [nova]}]", "Nova ignores its own name nova"),
        ("[{name: '...'}]", r"line 1: brands\[1\].name: needs a letter"),
        ("[{name: '\u200b'}]", r"line 1: brands\[1\].name: needs a letter"),
        ('[{name: "\\0"}]', r"line 1: brands\[1\].name: needs a letter"),
        ("[{name: ' '}]", r"line 1: brands\[1\].name: must not be empty"),
        ("[{name: Nova, aliases: [NV, '']}]", r"brands\[1\].aliases\[2\]: must not be empty"),
        (f"[{', '.join(f'{{name: B{n}}}' for n in range(1001))}]", "at most 1,000 entries"),
        (f"[{', '.join('{name: A}' for _ in range(99))}]", "and 88 more mistakes"),
    ],
)
def test_brands_that_cannot_be_told_apart_or_found(entries: str, mistake: str) -> None:
    with pytest.raises(BrandsError, match=mistake):
        parse_brands(f"brands: {entries}", "brands.yaml")


def test_a_thousand_brands_cost_an_article_little() -> None:
    brands = [
        Brand(name=f"Brand {n}", aliases=[f"B{n}x{m}" for m in range(50)]) for n in range(1_000)
    ]
    watched = watching(brands)
    started = time.process_time()
    for _ in range(100):
        places = gazetteer(CONCEPTS, watched).find("Brand 7 and Acme")

    assert [one.target.name for one in places] == ["Brand 7", "Acme Holdings, Inc."]
    assert time.process_time() - started < 0.5
