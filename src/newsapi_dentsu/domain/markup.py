"""What a reader sees of a text that may hold HTML.

The index gives bodies as plain text, into which embedded players, links and whole escaped pages
slip; other texts speak of markup, of tickers (<XOM.N>), of addresses (<jane@example.org>) or of
arithmetic. So one decision comes first, for the text as a whole: it is HTML if at least one of its
tags can be nothing else. What stands in angle brackets and is no tag stays even then, and so does
what such a text holds escaped and speaks of.

`markup_pieces` parts a text, `markup_tags` tells its tags from what only looks like one.
"""

import re
from itertools import islice
from typing import Final

from turbohtml import TokenType

from newsapi_dentsu.domain.entities import unescaped
from newsapi_dentsu.domain.markup_elements import (
    CONTROLS,
    GAPS,
    LINES,
    PARAGRAPHS,
    QUOTING,
    UNSEEN,
    UNSEEN_IN_FORMULAS,
)
from newsapi_dentsu.domain.markup_pieces import ANY_TAG, TEXT_BRACKET, without_declarations
from newsapi_dentsu.domain.markup_tags import Tags

_MOST_PASSES: Final = 8
"""Levels of escaping undone; real text needs three at most."""

_MOST_TAGS: Final = 30_000
"""A text with more, or with more entities, is no prose, and loses what angle brackets hold."""

_GAP: Final = "\ufdd1"
"""Stands for a blank that must not move the end of a sentence away from its last word."""

# A feed escaped the marks of CDATA, and not what is between them.
_ESCAPED_CDATA = re.compile(r"\s*&(?:amp;)*lt;!\[CDATA\[")
_ESCAPED_CDATA_END = re.compile(r"\]\]&(?:amp;)*gt;\Z")
_BRACKET = re.compile(r"<[a-zA-Z/!?]")
_CODE = re.compile(r"[;{}=]|\A\s*[\w$.]+\([^()]*\)\s*\Z")
_CLOSING = re.compile(rf"{_GAP}+(?=[.,;:!?…)\]”’»])")
_MOST_HIDDEN: Final = 20
"""Parts of a hidden element that are looked at, and thousands of characters of them."""

_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.IGNORECASE)
_SOURCE_CODE = re.compile(
    r"\{[^{}:;=(]*+[:;=(][^{}]*+\}|\);\s*\Z|\A\s*(?:var|let|const|function)\s"
)
_ACTIVE = re.compile(
    r"<(/?(?:applet|base|embed|form|frame|iframe|link|meta|object|script|style|svg)"
    r"(?![\w.@:-])[^<>\n]*)(>?)",
    re.IGNORECASE,
)


def without_markup(text: str) -> str:
    """Return a text without tags, comments and code, and with its entities unescaped.

    Blocks leave a paragraph break, lines a line break, players and pictures a blank, other inline
    elements nothing. The same goes for a text that was escaped as a whole, however often. Text
    about markup stays; in HTML, what is escaped counts as such.

    Takes linear time. What still unfolds after `_MOST_PASSES` isn't prose, and loses each ``&`` and
    ``<`` instead.
    """
    for _ in range(_MOST_PASSES):
        text = before = text.removesuffix("]]>")
        if _ESCAPED_CDATA.match(text):
            text = _ESCAPED_CDATA_END.sub("", _ESCAPED_CDATA.sub("", text, count=1))
        if _is_endless(text):
            text = ANY_TAG.sub(" ", text)
        elif _BRACKET.search(text):
            text = without_declarations(text)
            tags = Tags(text)
            if tags.is_html:
                text = _text(tags)
                break
        text = unescaped(text)
        if text == before:
            break
    else:
        text = text.replace("&", " ").replace("<", " ")
    return _CLOSING.sub("", text).replace(_GAP, " ").replace(TEXT_BRACKET, "<")


def harmless(text: str) -> str:
    """Return a plain text whose brackets are no code, even where it is shown as HTML.

    A tag that it speaks of, and that would do something there, gets other brackets: ‹script›.
    """
    return _ACTIVE.sub(lambda tag: f"‹{tag[1]}{'›' if tag[2] else ''}", text)


def _text(tags: Tags, *, was_escaped: bool = False) -> str:
    """What a reader sees, with entities unescaped.

    Args:
        was_escaped: the text was escaped in a page, so that most of its tags are text
            (`Tags.is_tag_though_escaped`).
    """
    is_tag = tags.is_tag_though_escaped if was_escaped else tags.is_tag
    blocks: list[str] = []
    block: list[str] = []
    unseen: int | None = None
    quoting = 0
    for at, piece in enumerate(tags.pieces):
        starts, ends = piece.kind is TokenType.START_TAG, piece.kind is TokenType.END_TAG
        if unseen is not None:
            if ends and piece.name == tags.pieces[unseen].name:
                unseen = None if tags.partners.get(unseen, at) <= at else unseen
        elif piece.kind is TokenType.TEXT:
            if not _is_code_left_open(tags, at):
                block.append(piece.source)
        elif piece.kind is TokenType.CHARACTER_REFERENCE:
            character = unescaped(piece.source)
            block.append(TEXT_BRACKET if quoting and character == "<" else character)
        elif not (starts or ends):
            continue
        elif not is_tag(at):
            block.append(unescaped(TEXT_BRACKET + piece.source[1:]))
        else:
            if piece.name in QUOTING and at in tags.partners:
                quoting += 1 if starts else -1
            if starts and not piece.unclosed and _is_unseen(tags, at):
                unseen = at
            # Browsers take </br> for <br>.
            is_break = ends and piece.name == "br" and tags.partners.get(at) != at - 1
            if left := _break(piece.name, starts=starts or is_break):
                blocks += (_block("".join(block)), left)
                block = []
    return "".join((*blocks, _block("".join(block))))


def _is_unseen(tags: Tags, at: int) -> bool:
    """Whether a reader sees nothing of an element: code, players, controls that are hidden."""
    piece, end = tags.pieces[at], tags.partners.get(at)
    if piece.name in UNSEEN or (end is not None and piece.name in UNSEEN_IN_FORMULAS):
        return True
    if end is None or not ("hidden" in piece.attributes or _HIDDEN.search(piece.source)):
        return False
    if piece.name in CONTROLS - {"details", "dialog"}:
        return True
    held = islice(tags.pieces, at + 1, min(end, at + _MOST_HIDDEN))
    text = "".join(inner.source for inner in held if inner.kind is TokenType.TEXT)
    return _SOURCE_CODE.search(text[: 1000 * _MOST_HIDDEN]) is not None


def _is_code_left_open(tags: Tags, at: int) -> bool:
    """Whether a text follows a tag of code that never ends, and is code."""
    if at == 0:
        return False
    before = tags.pieces[at - 1]
    return (
        before.unclosed
        and before.name in ("script", "style")
        and _CODE.search(tags.pieces[at].source) is not None
    )


def _is_endless(text: str) -> bool:
    return text.count("<") > _MOST_TAGS or text.count("&") > _MOST_TAGS


def _block(text: str) -> str:
    """The text of a block, in which what was escaped is text, unless it is a page of its own."""
    for _ in range(_MOST_PASSES):
        before, text = text, unescaped(text)
        if text == before:
            break
    if _is_endless(text):
        return ANY_TAG.sub(" ", text)
    if not _BRACKET.search(text):
        return text
    whole = text.strip()
    tags = Tags(without_declarations(text))
    is_page = whole.startswith("<") and whole.endswith(">") and tags.is_html
    return _text(tags, was_escaped=not is_page)


def _break(name: str, *, starts: bool) -> str:
    if name in PARAGRAPHS:
        return "\n\n"
    if name in LINES:
        return "\n" if starts else ""
    return _GAP if name in GAPS or (name in UNSEEN and starts) else ""
