"""Reading JSON from outside so that no value in it can harm the values beside it.

Whatever a parser has to refuse, bend or drop is taken as its own text instead: containers nested
deeper than `DEEPEST`, numbers without a finite value or longer than `LONGEST_NUMBER`, all but the
last of equal keys. So what is read can be written, read again, and handed on by code that recurses,
and nothing is lost. `problems_in` tells where that has happened.
"""

import json
import math
import re
import secrets
from collections.abc import Iterator
from typing import Any, Final

DEEPEST: Final = 60
"""Levels of lists and objects that are taken apart. The API's own records need seven; Python's
parser and writer give up between 300 and 1,000 levels, by how deep their caller stands."""

LONGEST_NUMBER: Final = 1_000
"""Characters of a number: reading one takes the square of its length."""

LONGEST_NAME: Final = 100
"""How much of a key is told."""

REPEATED: Final = " (repeated)"
"""Ends the key under which the values are listed that a later one of the same key hides."""

NESTED, NUMBER, SEVERAL, BROKEN = (
    *("nested too deep", "number out of range", "repeated keys", "broken characters"),
)

# A string, also one that never ends. Possessive: nothing is tried twice.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_TOKEN = re.compile(rf"{_STRING}|[\[{{\]}}]", re.DOTALL)
_NO_BRACKETS = re.compile(rf'{_STRING}|[^"\[{{\]}}]++', re.DOTALL)
_SAME_BRACKETS: Final = str.maketrans("{}", "[]")

_CUT: Final = f"cut-{secrets.token_hex(16)}"
"""Marks a container that was cut out; nobody outside can know it."""


class Verbatim(str):
    """The text of a value that could not be read as what it is."""

    __slots__ = ("problem",)
    problem: str


class _Ambiguous(dict[str, Any]):
    """An object in which a key came more than once."""


def parse_json(text: str) -> Any:
    """Read a JSON value, in time and stack that don't depend on what it holds.

    More is accepted than JSON allows: NaN, the infinities, control characters inside strings.

    Raises:
        ValueError: the text is not JSON.
    """
    try:
        return json.loads(
            _flattened(text),
            strict=False,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_unreadable_number,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("its brackets don't close") from None


def problems_in(value: object) -> Iterator[str]:
    """Tell what could not be read as it is in a value from `parse_json`.

    Each kind of problem once; in an object once for each of its keys, whose name stands before it.
    """
    if not isinstance(value, dict):
        yield from _kinds([value])
        return
    if problem := _problem(value):
        yield problem
    for key, item in value.items():
        yield from (f"{key[:LONGEST_NAME]}: {problem}" for problem in _kinds([item]))


def _kinds(waiting: list[object]) -> Iterator[str]:
    told = set()
    while waiting:
        item = waiting.pop()
        if (problem := _problem(item)) and problem not in told:
            told.add(problem)
            yield problem
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _problem(value: object) -> str | None:
    """What is wrong with a value itself, apart from those inside it."""
    if isinstance(value, Verbatim):
        return value.problem
    if isinstance(value, str):
        return BROKEN if is_broken(value) else None
    if isinstance(value, _Ambiguous):
        return SEVERAL
    return BROKEN if isinstance(value, dict) and any(map(is_broken, value)) else None


def is_broken(text: str) -> bool:
    """Whether half of a character stands alone in a text, so that no UTF-8 can be made of it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _flattened(text: str) -> str:
    """The same JSON with all that is nested too deep made into marked strings."""
    if _is_flat(text):
        return text
    pieces: list[str] = []
    depth = done = start = 0
    for token in _TOKEN.finditer(text):
        at = token.start()
        character = text[at]
        if character == '"':
            continue
        if character in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                start = at
        else:
            if depth == DEEPEST + 1:
                pieces += text[done:start], json.dumps({_CUT: text[start : at + 1]})
                done = at + 1
            depth -= 1
    return "".join((*pieces, text[done:])) if pieces else text


def _is_flat(text: str) -> bool:
    """Whether its brackets close, and nothing is nested too deep."""
    brackets = _NO_BRACKETS.sub("", text).translate(_SAME_BRACKETS)
    for _ in range(DEEPEST):
        if not brackets:
            break
        # Those of the innermost containers.
        brackets = brackets.replace("[]", "")
    return not brackets


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if _CUT in found:
        return _verbatim(found[_CUT], NESTED)
    return found if len(found) == len(pairs) else _with_repeated(pairs)


def _with_repeated(pairs: list[tuple[str, Any]]) -> _Ambiguous:
    hidden: dict[str, list[Any]] = {}
    found = _Ambiguous()
    for key, value in pairs:
        if key in found:
            hidden.setdefault(key, []).append(found[key])
        found[key] = value
    for key, values in hidden.items():
        name = key + REPEATED
        while name in found:
            name += REPEATED
        found[name] = values
    return found


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _verbatim(digits, NUMBER)


def _float(digits: str) -> Any:
    if len(digits) <= LONGEST_NUMBER and math.isfinite(number := float(digits)):
        return number
    return _verbatim(digits, NUMBER)


def _unreadable_number(name: str) -> Verbatim:
    return _verbatim(name, NUMBER)


def _verbatim(text: str, problem: str) -> Verbatim:
    value = Verbatim(text)
    value.problem = problem
    return value
