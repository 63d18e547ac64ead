"""What is left of a title or a body after cleaning, and how records become text."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi_dentsu.domain.text import canonical_json, clean_text, clean_title, text_hash

# A shared machine can take long over any one example.
UNHURRIED = settings(deadline=None)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        ("Plain text stays.", "Plain text stays."),
        # entities
        ("Johnson &amp; Johnson", "Johnson & Johnson"),
        ("AT&amp;amp;T", "AT&T"),
        ("&amp;amp;amp;lt;3", "<3"),
        ("caf&eacute; &#8217;&#x27;&#150;", "café ’'–"),
        ("R&D, AT&T, Q&A", "R&D, AT&T, Q&A"),
        ("caf&eacute, fianc&eacutee, &Uumlber, 5 &lt 6 &gt 3", "café, fiancée, Über, 5 < 6 > 3"),
        ("rings: &string &Xacute ?a=1&eacute=2&gt=3", "rings: &string &Xacute ?a=1&eacute=2&gt=3"),
        ("?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
        ("&unknown; &notice;", "&unknown; &notice;"),
        ("nul&#0;l", "nul\ufffdl"),
        # markup
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br/>Two<BR>Three", "One\nTwo\nThree"),
        ('a <b>bold</b> <a href="https://e.com/?a=1&amp;b=2">link</a>', "a bold link"),
        ("&lt;p&gt;escaped&lt;/p&gt;", "escaped"),
        ("a < b and c > d", "a < b and c > d"),
        ("x <b and c> y", "x <b and c> y"),
        ("1<2, I <3 you, <unknown>", "1<2, I <3 you, <unknown>"),
        ("5 &lt; 6 &amp;lt; 7", "5 < 6 < 7"),
        ("<em>half a tag", "half a tag"),
        # characters
        ("a\x00b\x07c\x7fd\x9fe", "abcde"),
        ("\x1b[1;31mred\x1b[0m, \x1b]8;;https://e.com/\x07linked\x1b]8;;\x1b\\", "red, linked"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffbom \u202eback", "softhyphen zerowidth bom back"),
        ("mar\u200dketing", "marketing"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("👩\u200d💻", "👩\u200d💻"),
        ("half \ud83d gone", "half \ufffd gone"),
        ("joined \ud83d\ude00", "joined 😀"),
        ("e\u0301", "é"),
        # white space
        ("  a \t b\u00a0\u3000c  ", "a b c"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("one \n  \n\n\t two\u2029three", "one\n\ntwo\n\nthree"),
    ],
)
def test_bodies_are_cleaned(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  One\n\n two\u2028three ", "One two three"),
        ("<b>Ads &amp;amp; AI</b><br>now", "Ads & AI now"),
    ],
)
def test_titles_are_one_line(raw: str, clean: str) -> None:
    assert clean_title(raw) == clean


PIECES = st.sampled_from(
    [
        *(
            *"&<>;#=/ \n\r\t\"'",
            "amp",
            "&amp;",
            "&lt;",
            "&gt;",
            "&#38;",
            "&#x26;",
            "&semi;",
            "&#59;",
        ),
        *(
            "&#97;",
            "mp;",
            "<b",
            "<b>",
            "</b>",
            "<p>",
            "p>",
            "<br>",
            "a=b",
            "lt;",
            "\u037e",
            "\u0338",
        ),
        *(
            "\x00",
            "\x1f",
            "\x85",
            "\u200b",
            "\u200c",
            "\u200d",
            "\u00ad",
            "\ufeff",
            "\u00a0",
            "\u2029",
        ),
        *("\ud800", "\udc00", "é", "e", "\u0301", "\u2000", "&#8203;", "&#769;", "&#13;", "&nbsp;"),
    ]
)
SURROGATES = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])
ANY_TEXT = st.text(st.characters() | SURROGATES)
NASTY_TEXT = ANY_TEXT | st.lists(PIECES, max_size=25).map("".join)


@UNHURRIED
@given(NASTY_TEXT)
def test_clean_text_stays_as_it_is_where_no_bracket_could_be_markup(text: str) -> None:
    text = text.replace("&", "+").replace("<", "(")
    body = clean_text(text)
    title = clean_title(text)
    assert clean_text(body) == body
    assert clean_title(title) == title
    assert clean_title(body) == title
    assert clean_text(title) == title


@UNHURRIED
@given(NASTY_TEXT | st.text(st.characters(max_codepoint=0x7F)))
def test_a_title_is_the_same_text_on_one_line(text: str) -> None:
    assert clean_title(text) == " ".join(clean_text(text).split())


@UNHURRIED
@given(NASTY_TEXT)
def test_clean_text_holds_nothing_that_a_warehouse_refuses(text: str) -> None:
    for cleaned, allowed in ((clean_text(text), "\n"), (clean_title(text), "")):
        cleaned.encode()
        assert not [
            character
            for character in cleaned
            if character not in allowed
            and (
                character < " "
                or "\x7f" <= character <= "\x9f"
                or "\ud800" <= character <= "\udfff"
            )
        ]
        assert cleaned == cleaned.strip()


@pytest.mark.parametrize(
    "text",
    [
        "&" * 1_000_000,
        "&" + "amp;" * 250_000,
        "&semi" * 200_000 + ";",
        "<" * 1_000_000,
        "<b" * 500_000,
        "<b>" * 333_333,
        "<div>" * 200_000,
        "".join(f"<b id={number}><p>" for number in range(60_000)),
        "<b" * 100_000 + ">" * 100_000,
        "<b " + "a=b " * 250_000,
        "<b" + " " * 1_000_000,
        '<a href="' * 110_000,
        '<a href="' * 25_000 + ">",
        "<script>" * 125_000,
        "<!--" * 250_000,
        "<?php " * 160_000,
        "<![CDATA[" * 110_000,
        "â€™\n" * 250_000,
        *("â€™<" * 250_000, "(Ã©)" * 250_000, "Ã©" * 250_000 + "\x80" * 500_000, "\x85é" * 500_000),
        *("ÃƒÂ" * 170_000 + "<?php" * 100_000, "\ude00€" * 500_000, "IRMÃ–[" * 160_000),
        *("â€™ \n<p>" * 100_000, "&#195;&#169;" * 80_000, "Ã&lt;©" * 160_000, "{Â }" * 250_000),
        *('<p style="' + "display:" * 120_000 + '">', "<p hidden>{;" * 80_000, ");" * 500_000),
        "<p hidden>" + "{:" * 480_000 + "</p>",
        "<p>" + "&lt;b&gt;tags " * 70_000 + "</p>",
        "<p>&lt;b&gt;" + " " * 1_000_000 + "x y&lt;/b&gt;</p>",
        "é" + "\u200d" * 1_000_000 + "é",
        "\n " * 500_000 + "x",
    ],
    ids=lambda text: text[:9],
)
def test_a_million_hostile_characters_cost_less_than_a_second(text: str) -> None:
    # Time of this process alone: a shared machine can take long over anything.
    started = time.process_time()
    clean_text(text)
    assert time.process_time() - started < 1


def test_a_text_hash_is_32_hex_digits_and_stable() -> None:
    # printf 'Title\nBody' | sha256sum | cut -c1-32
    assert text_hash("Title", "Body") == "b93e9074bf0f60db9ff2f517fe8ce3ce"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("AI & ads", "One. Two."), ("AI  & ads ", "One.\n\n Two."), True),
        (("Tags", "The <b> tag"), ("Tags", "The tag"), False),
        (("Title", "One.\nTwo."), ("Title", "One.\n\nTwo."), True),
        (("a b", "c"), ("a", "b c"), False),
        (("a", ""), ("", "a"), False),
        (("Title", "Body"), ("title", "Body"), False),
    ],
)
def test_a_text_hash_identifies_the_same_text(
    one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    assert (text_hash(*one) == text_hash(*other)) is same


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("Überschrift 記事 😀", '"Überschrift 記事 😀"'),
        ("nul \x00", '"nul \\u0000"'),
        ("half \ud83d", '"half \\ud83d"'),
        ({"\udfff": "\ud800"}, '{"\\udfff":"\\ud800"}'),
        ([float("nan"), {"a": float("inf")}, -float("inf"), 1.5], '[null,{"a":null},null,1.5]'),
    ],
)
def test_records_become_canonical_json(value: object, text: str) -> None:
    assert canonical_json(value) == text


# Without pairs of halves, which JSON can't tell from the character that they encode.
STRINGS = st.text(
    st.characters() | st.characters(min_codepoint=0xDC00, max_codepoint=0xDFFF, categories=["Cs"])
) | st.builds("{}{}".format, st.text(), st.sampled_from(["\ud800", "\udbff", "\x00"]))
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | STRINGS,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(STRINGS, values, max_size=4),
    max_leaves=15,
)


@UNHURRIED
@given(JSON_VALUES)
def test_canonical_json_reads_back_as_the_same_value(value: object) -> None:
    text = canonical_json(value)
    assert "\x00" not in text
    text.encode()
    assert json.loads(text) == value


@UNHURRIED
@given(st.dictionaries(STRINGS, JSON_VALUES, max_size=5), st.data())
def test_the_order_of_fields_makes_no_difference(
    record: dict[str, object], data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(record.items()))))
    assert canonical_json(shuffled) == canonical_json(record)


def test_canonical_json_of_a_huge_text() -> None:
    value = {"body": "x\x00\ud800é" * 500_000}
    text = canonical_json(value)
    text.encode()
    assert json.loads(text) == value


def test_canonical_json_refuses_what_json_does_not_know() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        canonical_json({"when": object()})
