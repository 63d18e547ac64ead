"""Text as people should read it, and as both warehouses accept it.

Titles and bodies arrive with HTML entities (escaped twice at times), stray markup, control
characters, lone surrogates and invisible characters. PostgreSQL refuses NUL and lone surrogates;
readers and comparisons are better off without the rest.
"""

import hashlib
import json
import math
import re
from typing import Final

from newsapi_dentsu.domain.encoding import repaired
from newsapi_dentsu.domain.json_text import is_broken
from newsapi_dentsu.domain.markup import harmless, without_markup
from newsapi_dentsu.domain.normalization import normalize

CLEANING: Final = "cleaning-6"
"""Names what `clean_text` does: whoever changes what comes out changes it, too."""

_MOST_PASSES: Final = 8
"""Times that a text is tidied until nothing changes; two are usual."""

_HASH_LENGTH: Final = 32
"""Hex digits kept of a SHA-256: 128 bits, no collision in sight for any number of articles."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
# What colours or moves the text of a terminal, with all that says how.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\))")
# Controls but for white space and line breaks, then soft hyphen, zero-width space, word joiner,
# BOM, the marks that only set the direction of writing, and what Unicode says is no character.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
# Those of them that move the cursor or the direction of what is written after them.
_STEERING = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# Between two letters beyond ASCII a joiner spells (Persian, Hindi) or builds an emoji.
_IDLE_JOINER = re.compile(
    r"(?<![^\x00-\x7f\s])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\x7f\s])"
)

_BLANK_LINES = re.compile(r"\n\n\n+")


def clean_text(text: str) -> str:
    """Return a body as plain text.

    Characters that were read in a wrong encoding are what they were (`encoding`), markup, comments
    and code are gone and entities unescaped (`markup`); the text is in NFC with rows of at most 30
    marks, without control and invisible characters; lone surrogates become U+FFFD. White space
    collapses to one space, single line breaks stay, any run of blank lines becomes one, so that
    paragraphs stay apart.

    Not for a text that was cleaned before: its markup would be text about markup.
    """
    text = _tidied(text)
    if _may_have_markup(text):
        # Entities may bring any character, halves of wrongly read ones among them.
        text = harmless(_tidied(without_markup(text)))
    return text


def clean_title(text: str) -> str:
    """Return a title as plain text on one line; otherwise as `clean_text`."""
    if not _is_plain(text):
        text = clean_text(text)
    return " ".join(text.split())


def _is_plain(text: str) -> bool:
    """Whether there is nothing to clean in a line: most of the labels and addresses of a record."""
    return text.isascii() and text.isprintable() and not _may_have_markup(text)


def _may_have_markup(text: str) -> bool:
    """Whether a text has what all markup, and every entity, has one of."""
    return "<" in text or "&" in text or "]]>" in text


def has_controls(text: str) -> bool:
    """Tell whether a text has characters that steer a screen: controls, directions of writing."""
    return _STEERING.search(text) is not None


def text_hash(title: str, body: str) -> str:
    """Return what identifies a text: the first 32 hex digits of a SHA-256.

    Both are cleaned before. Texts which differ only in white space share it. Both parts are hashed
    as single lines with a line feed between them, so no words can move from one to the other
    unnoticed.
    """
    text = f"{' '.join(title.split())}\n{' '.join(body.split())}"
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def canonical_json(value: object) -> str:
    """Return a JSON value as text that a ``text`` column of DuckDB and PostgreSQL accepts.

    Compact, readable (only control characters and lone surrogates are escaped) and with sorted
    keys: the order of fields makes no difference. ``json.loads`` gives back an equal value, with
    two exceptions that JSON forces: NaN and the infinities become null, and a high surrogate
    right before a low one comes back as the one character that they encode.

    Raises:
        TypeError: if the value holds something that JSON doesn't know.
    """
    try:
        text = _dumps(value)
    except ValueError:
        text = _dumps(_without_non_finite(value))
    if not is_broken(text):
        return text
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _tidied(text: str) -> str:
    """A text without the characters that nobody sees or any warehouse refuses, in NFC and lines."""
    for _ in range(_MOST_PASSES):
        before, text = text, _tidied_once(text)
        # What a dropped character held apart may be a wrongly read one.
        if text == before or text.isascii():
            break
    return text


def _tidied_once(text: str) -> str:
    if is_broken(text):
        # Two halves of one character are joined, halves alone replaced.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    # Repaired before any character is dropped, as controls are parts of wrongly read ones, too.
    text = _INVISIBLE.sub("", _TERMINAL.sub("", repaired(text)))
    if "\u200c" in text or "\u200d" in text:
        text = _IDLE_JOINER.sub("", text)
    text = normalize("NFC", text)
    lines = [" ".join(line.split()) for line in text.replace("\u2029", "\n\n").splitlines()]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _dumps(value: object) -> str:
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def _without_non_finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_non_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
