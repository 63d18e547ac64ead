"""Terms are found again in the text that they were made of."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsapi_dentsu.domain.terms import term_places, terms

SCRIPTS = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("aé ﬁ½№ﷺ㍿ß東広한ᄒ\u1161\u0301\u00ad\u200dกำักहि’-_.\u00a0\u2028ΣİI"),
    ),
    max_size=40,
)


@given(SCRIPTS)
@example("№ 5 on ½ of ﷺ")
@example("ᄒ\u1161\u11ab ภาษาไทย 東京café")
def test_places_have_the_terms_of_the_text(text: str) -> None:
    places = term_places(text)
    assert [place.term for place in places] == terms(text)
    for place in places:
        assert place.term in terms(text[place.start : place.end])
    assert all(one.start <= other.start for one, other in itertools.pairwise(places))


@pytest.mark.parametrize(
    ("text", "stand"),
    [
        ("“Agency” tries AI.", ["Agency", "tries", "AI"]),
        ("McDonald's, l’accord", ["McDonald", "s", "l", "accord"]),
        ("cafe\u0301, Mar\u00adketing", ["cafe\u0301", "Mar\u00adketing"]),
        ("東京AI広告。", ["東", "京", "AI", "広", "告"]),
        ("GPT-4o: naïve—", ["GPT", "4o", "naïve"]),
    ],
)
def test_a_place_has_nothing_but_its_term(text: str, stand: list[str]) -> None:
    assert [text[place.start : place.end] for place in term_places(text)] == stand
