"""JSON from outside is read whatever it holds: what can't be taken apart is kept as text."""

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.json_text import DEEPEST, Verbatim, parse_json, problems_in
from newsapi_dentsu.domain.text import canonical_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


def nested(levels: int, inside: str = "") -> str:
    return "[" * levels + inside + "]" * levels


@given(VALUES)
def test_ordinary_json_is_read_as_ever(value: Any) -> None:
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 700, 950, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]":', "}]"), ('[0, [], "[", ', "]")]
)
def test_what_is_nested_too_deep_stays_as_text(levels: int, opening: str, closing: str) -> None:
    deep = opening * levels + '"end \\" ]"' + closing * levels
    value = parse_json(f'{{"good": [1, {{"a": "b"}}], "bad": {deep}, "after": 2}}')
    assert (value["good"], value["after"]) == ([1, {"a": "b"}], 2)
    assert list(problems_in(value)) == ["bad: nested too deep"]
    inner = value["bad"]
    while not isinstance(inner, str):
        inner = next(iter(inner.values())) if isinstance(inner, dict) else inner[-1]
    assert inner in deep
    assert '"end \\" ]"' in inner
    again = canonical_json(value)
    assert canonical_json(json.loads(again)) == again


def test_every_level_up_to_the_deepest_is_taken_apart() -> None:
    assert parse_json(nested(DEEPEST)) == json.loads(nested(DEEPEST))
    assert list(problems_in(parse_json(nested(DEEPEST)))) == []


def test_lists_and_objects_count_alike_as_levels() -> None:
    pairs = DEEPEST // 2
    assert list(problems_in(parse_json('[{"a":' * pairs + "0" + "}]" * pairs))) == []
    deep = '[{"a":' * pairs + "[]" + "}]" * pairs
    assert list(problems_in(parse_json(deep))) == ["nested too deep"]


def test_it_reads_where_little_stack_is_left() -> None:
    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else parse_json(nested(5_000))

    used, frame = 0, sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        used += 1
    assert deeper(sys.getrecursionlimit() - used - 120)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("-" + "7" * 5_000, "-" + "7" * 5_000),
        ("0." + "3" * 5_000, "0." + "3" * 5_000),
    ],
    ids=lambda text: text[:9],
)
def test_numbers_without_a_value_stay_as_text(text: str, kept: str) -> None:
    value = parse_json(f'{{"x": [{text}]}}')
    assert value == {"x": [kept]}
    assert list(problems_in(value)) == ["x: number out of range"]


def test_all_values_of_equal_keys_are_kept() -> None:
    value = parse_json(
        '{"uri": 1, "a": {"b": 1, "b": 2}, "uri": 2, "uri": [3], "uri (repeated)": 0}'
    )
    assert value == {
        "uri": [3],
        "uri (repeated)": 0,
        "uri (repeated) (repeated)": [1, 2],
        "a": {"b": 2, "b (repeated)": [1]},
    }
    assert list(problems_in(value)) == ["repeated keys", "a: repeated keys"]


def test_control_characters_in_strings_are_read() -> None:
    assert parse_json('["a\x00b\nc"]') == ["a\x00b\nc"]


def test_lone_surrogates_are_told() -> None:
    value = parse_json(r'{"a": "\ud83d", "b": "\ud83d\ude00", "c\udc00": [{"\udc00": 1}]}')
    assert list(problems_in(value)) == [
        "broken characters",
        "a: broken characters",
        "c\udc00: broken characters",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        nested(99)[:-1],
        nested(5_000)[:-1],
        nested(99) + "]",
        "]" * 9,
        '{"a": 1,}',
        "nul",
        "'a'",
        '"a',
    ],
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize("text", ["[" * 5_000, '{"a":' * 5_000])
def test_brackets_that_never_close_are_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="close"):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        nested(1_000_000),
        '"' + '\\"' * 1_000_000,
        '"' * 2_000_001,
        "[" * 2_000_000,
        "]" * 2_000_000,
        '["' + "x" * 20_000_000 + '"]',
        "[" + "7" * 2_000_000 + "]",
        "[0." + "7" * 2_000_000 + "]",
        "[" + ("7" * 999 + ",") * 2_000 + "1]",
        "{" + '"a":1,' * 300_000 + '"a":2}',
        "[" + nested(DEEPEST) + (", " + nested(DEEPEST)) * 16_000 + "]",
    ],
    ids=lambda text: f"{text[:8]}-{len(text)}",
)
def test_hostile_json_is_read_or_refused_in_no_time(text: str) -> None:
    started = time.process_time()
    try:
        value = parse_json(text)
        list(problems_in(value))
    except ValueError:
        pass
    assert time.process_time() - started < 4


def test_nobody_outside_can_feign_a_cut() -> None:
    assert not isinstance(parse_json('{"cut-": "x"}'), Verbatim)
