"""Text as people should read it, and as both warehouses accept it.

Titles and bodies arrive with HTML entities (escaped twice at times), stray markup, control
characters, lone surrogates and invisible characters. PostgreSQL refuses NUL and lone surrogates;
readers and comparisons are better off without the rest.
"""

import hashlib
import json
import math
import re
import unicodedata
from html import unescape
from html.entities import html5
from typing import Final

_MAX_PASSES: Final = 8
"""Levels of escaping and nesting undone; real text needs three at most."""

_HASH_LENGTH: Final = 32
"""Hex digits kept of a SHA-256: 128 bits, no collision in sight for any number of articles."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Controls but for white space and line breaks, then soft hyphen, zero-width space, word joiner,
# BOM, and the marks that only set the direction of writing.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
# Between two letters beyond ASCII a joiner spells (Persian, Hindi) or builds an emoji.
_IDLE_JOINER = re.compile(
    r"(?<![^\x00-\x7f])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\x7f])"
)

_INLINE_TAGS = (
    "a|abbr|b|big|cite|code|del|em|font|i|img|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup"
    "|time|tt|u|var|wbr"
)
_BLOCK_TAGS = (
    "address|article|aside|blockquote|center|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header"
    "|hr|li|main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)
# Attributes have values here: "<b and c>" is arithmetic, "<b class=c>" is markup.
_TAG = re.compile(
    rf"</?(?:(?P<inline>{_INLINE_TAGS})|(?P<line>br)|(?P<block>{_BLOCK_TAGS}))"
    r"""(?:\s+[a-z][\w:.-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?>""",
    re.IGNORECASE,
)
# With its semicolon only: without, "?a=1&copy=2" would lose its parameter.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_BLANK_LINES = re.compile(r"\n\n\n+")


def clean_text(text: str) -> str:
    """Return a body as plain text.

    HTML entities are unescaped however often they were escaped; tags of HTML's text elements go
    (blocks leave a paragraph break, ``<br>`` a line break; any other ``<`` stays); the text is in
    NFC, without control and invisible characters; lone surrogates become U+FFFD. White space
    collapses to one space, single line breaks stay, any run of blank lines becomes one, so that
    paragraphs stay apart.

    Idempotent, because it is applied until nothing changes; text which still unfolds after
    `_MAX_PASSES` isn't prose, and loses each ``&`` and ``<`` instead of the run its time.
    """
    for _ in range(_MAX_PASSES):
        cleaned = _clean_once(text)
        if cleaned == text:
            return cleaned
        text = cleaned
    return clean_text(text.replace("&", " ").replace("<", " "))


def clean_title(text: str) -> str:
    """Return a title as plain text on one line; otherwise as `clean_text`. Idempotent."""
    return " ".join(clean_text(text).split())


def text_hash(title: str, body: str) -> str:
    """Return what identifies a text: the first 32 hex digits of a SHA-256.

    Texts which differ only in what cleaning evens out, or in line breaks, share it. Both parts
    are hashed as single lines with a line feed between them, so no words can move from one to the
    other unnoticed.
    """
    text = f"{clean_title(title)}\n{clean_title(body)}"
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
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _clean_once(text: str) -> str:
    if _SURROGATE.search(text):
        # Two halves of one character are joined, halves alone replaced.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _INVISIBLE.sub("", text)
    if "\u200c" in text or "\u200d" in text:
        text = _IDLE_JOINER.sub("", text)
    text = unicodedata.normalize("NFC", text)
    if "<" in text:
        text = _TAG.sub(_tag_as_text, text)
    if "&" in text:
        text = _ENTITY.sub(_entity_as_text, text)
    lines = [" ".join(line.split()) for line in text.replace("\u2029", "\n\n").splitlines()]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _tag_as_text(match: re.Match[str]) -> str:
    if match["inline"]:
        return ""
    return "\n" if match["line"] else "\n\n"


def _entity_as_text(match: re.Match[str]) -> str:
    entity = match[0]
    # Unknown names stay whole; unescape() would take "&notice;" for "&not" and "ice;".
    return unescape(entity) if entity[1] == "#" or entity[1:] in html5 else entity


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
