"""What a reader sees of a text that may hold HTML.

The index gives bodies as plain text, into which embedded players, links and whole escaped pages
slip; other texts speak of markup, of tickers (<XOM.N>), of addresses (<jane@example.org>) or of
arithmetic. So one decision comes first, for the text as a whole: it is HTML if at least one of its
tags can be nothing else. What stands in angle brackets and is no tag stays even then.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from html import unescape
from html.entities import html5
from typing import Final, NamedTuple

from turbohtml import TokenType, tokenize


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST_PASSES: Final = 8
"""Levels of escaping undone; real text needs three at most."""

_MOST_TAGS: Final = 30_000
"""A text with more is no prose, and loses whatever stands in angle brackets."""

_MOST_RESTARTS: Final = 20
"""Tags without an end, after each of which the reading begins anew."""

_PARAGRAPHS: Final = _names(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main "
    "menu nav ol optgroup option p pre search section summary table tbody tfoot thead ul"
)
_LINES: Final = frozenset({"br", "caption", "tr"})
"""What these begin stands on a line of its own."""

_GAPS: Final = frozenset({"button", "img", "input", "select", "td", "th"})
_INLINE: Final = _names(
    "a abbr acronym area b base basefont bdi bdo big cite code col colgroup data datalist del dfn "
    "em embed font frame i image ins kbd label link map mark math meta meter nobr output param "
    "progress q rb rp rt rtc ruby s samp slot small source span strike strong sub sup textarea "
    "time track tt u var wbr xmp"
)
_UNSEEN: Final = _names(
    "applet audio canvas head iframe noembed noframes noscript object script style svg template "
    "title video"
)
"""What these hold no reader sees: code, or a substitute for what browsers show."""

_SWALLOWING: Final = _UNSEEN | {"plaintext", "textarea", "xmp"}
"""Without its end tag, each of these would take the rest of the text with it."""

_ELEMENTS: Final = _PARAGRAPHS | _LINES | _GAPS | _INLINE | _SWALLOWING
_VOID: Final = _names("area base br col embed hr img input link meta source track wbr")
_QUOTING: Final = frozenset({"code", "kbd", "pre", "samp", "textarea", "xmp"})
"""What these hold escaped is text about markup."""

_FLAGS: Final = _names(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled "
    "formnovalidate hidden inert ismap itemscope loop multiple muted nomodule noshade novalidate "
    "nowrap open playsinline readonly required reversed selected"
)
"""Attributes without a value."""

_TEXT_BRACKET: Final = "\ufdd0"
"""Stands for a < that is text until the end; Unicode has it for such uses."""

_UNCLOSED: Final = "unclosed-"

_NAME: Final = r"[a-z][a-z0-9]*(?:[-:.][a-z0-9]+)*+"
_DECLARATION: Final = r"!--|!doctype\b|!\[(?:if|endif)\b|\?xml\b"
_BRACKET = re.compile(r"<[a-zA-Z/!?]")
_NO_TAG = re.compile(rf"<(?!/?{_NAME}(?=[\s/>])|{_DECLARATION})", re.IGNORECASE)
_PHP = re.compile(r"<\?(?:php\b|=).*?\?>", re.DOTALL | re.IGNORECASE)
_SWALLOWING_TAG = re.compile(rf"<(/?)({'|'.join(sorted(_SWALLOWING))})(?=[\s/>])", re.IGNORECASE)
_CUT_OFF_TAG = re.compile(rf"<{_NAME}\s+[\w:-]+\s*=[^<>]*\Z|</{_NAME}\s*\Z", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
_BARE = re.compile(r"</?[^\s<>]+?\s*/?>")
_VALUED = re.compile(r"""[\w:-]\s*=\s*["'\w#/.]""")
_BEFORE_MENTION: Final = frozenset(" \u00a0\"'`(\u201c\u2018\u00ab/,")
_AFTER_MENTION: Final = frozenset(" \u00a0\"'`),.;:!?\u201d\u2019\u00bb/-")
_TALK_BEFORE = re.compile(r"\b(?:the|an?|as|and|or|of|use|using|with|like|insert|add)\s\Z", re.I)
_TALK_AFTER = re.compile(r"\s(?:tags?|elements?|and|or|in|is|to)\b", re.I)
_QUOTE = re.compile(r"[\"'<]")
_CODE = re.compile(r"[;{}=]")
# With its semicolon: without, "?a=1&copy=2" would lose its parameter. Some are never meant so.
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7};|#[0-9]{2,7}(?![0-9;])|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:nbsp|quot|amp)(?![A-Za-z0-9=;]))"
)
_ACTIVE = re.compile(
    r"<(/?(?:applet|base|embed|form|frame|iframe|link|meta|object|script|style|svg)"
    r"(?![\w.@:-])[^<>\n]*)(>?)",
    re.IGNORECASE,
)


def without_markup(text: str) -> str:
    """Return a text without tags, comments and code, and with its entities unescaped.

    Blocks leave a paragraph break, lines a line break, inline elements nothing. The same goes for a
    text that was escaped as a whole, however often. Text about markup stays.

    Takes linear time. What still unfolds after `_MOST_PASSES` isn't prose, and loses each ``&`` and
    ``<`` instead.
    """
    for _ in range(_MOST_PASSES):
        before = text
        if text.count("<") > _MOST_TAGS:
            text = unescaped(_ANY_TAG.sub(" ", text))
        elif _BRACKET.search(text):
            text = _without_declarations(text)
            page = _Page(text)
            text = page.text() if page.is_html else unescaped(text)
        elif "&" in text:
            text = unescaped(text)
        if text == before:
            break
    else:
        text = text.replace("&", " ").replace("<", " ")
    return text.replace(_TEXT_BRACKET, "<")


def harmless(text: str) -> str:
    """Return a plain text whose brackets are no code, even where it is shown as HTML.

    A tag that it speaks of, and that would do something there, gets other brackets: ‹script›.
    """
    return _ACTIVE.sub(lambda tag: f"‹{tag[1]}{'›' if tag[2] else ''}", text)


def unescaped(text: str) -> str:
    """Return a text with its entities replaced, once; those of unknown names stay."""
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    entity = match[0]
    # Unknown names stay whole; unescape() would take "&notice;" for "&not" and "ice;".
    return unescape(entity) if entity[1] == "#" or entity[1:] in html5 else entity


class _Piece(NamedTuple):
    """A part of a text as the tokenizer of HTML parts it."""

    kind: TokenType
    source: str
    name: str = ""
    attributes: tuple[str, ...] = ()
    unclosed: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether it is a tag without attributes."""
        return _BARE.fullmatch(self.source) is not None


class _Page:
    """A text, looked at as HTML."""

    def __init__(self, text: str) -> None:
        self._pieces = list(_pieces(_prepared(text)))
        self._ended = {piece.name for piece in self._pieces if piece.kind is TokenType.END_TAG}
        self._begun = {piece.name for piece in self._pieces if piece.kind is TokenType.START_TAG}

    @cached_property
    def is_html(self) -> bool:
        """Whether at least one of the tags can be nothing else."""
        return any(self._proves_html(at) for at in range(len(self._pieces)))

    def text(self) -> str:
        """What a reader sees, with entities unescaped once."""
        parts: list[str] = []
        unseen = ""
        quoting = 0
        for at, piece in enumerate(self._pieces):
            starts, ends = piece.kind is TokenType.START_TAG, piece.kind is TokenType.END_TAG
            if unseen:
                unseen = "" if ends and piece.name == unseen else unseen
            elif piece.kind is TokenType.TEXT:
                if not self._is_code_left_open(at):
                    parts.append(piece.source)
            elif piece.kind is TokenType.CHARACTER_REFERENCE:
                character = unescaped(piece.source)
                parts.append(_TEXT_BRACKET if quoting and character == "<" else character)
            elif not (starts or ends):
                continue
            elif not self._is_tag(at):
                parts.append(unescaped(_TEXT_BRACKET + piece.source[1:]))
            else:
                if piece.name in _QUOTING and piece.name in self._ended:
                    quoting = max(0, quoting + (1 if starts else -1))
                if starts and piece.name in _UNSEEN and not piece.unclosed:
                    unseen = piece.name
                parts.append(_break(piece.name, starts=starts))
        return "".join(parts)

    def _proves_html(self, at: int) -> bool:
        piece = self._pieces[at]
        if piece.kind in (TokenType.COMMENT, TokenType.DOCTYPE):
            return True
        if self._is_quoted(at):
            return False
        if piece.name not in _ELEMENTS:
            return _is_custom(piece.name) and self._is_tag(at)
        if piece.kind is TokenType.END_TAG:
            return not self._stands_alone(at)
        if piece.kind is not TokenType.START_TAG:
            return False
        if not piece.is_bare:
            return self._has_known_attributes(piece)
        return not self._stands_alone(at) and (
            piece.name in self._ended or piece.name == "br" or self._touches_what_follows(at)
        )

    def _is_tag(self, at: int) -> bool:
        """Whether, in HTML, a piece in angle brackets is a tag and not text."""
        piece = self._pieces[at]
        if self._is_quoted(at):
            return False
        if piece.name not in _ELEMENTS:
            if piece.name in self._begun and piece.name in self._ended:
                return True
            return _is_custom(piece.name) and self._has_known_attributes(piece)
        if piece.kind is TokenType.END_TAG:
            return piece.name in self._begun or not self._stands_alone(at)
        if piece.name in self._ended or self._has_known_attributes(piece):
            return True
        return piece.is_bare and (piece.name in _VOID or not self._stands_alone(at))

    def _has_known_attributes(self, piece: _Piece) -> bool:
        """Whether a tag has attributes, of which none is just a word: not so "<b and c>"."""
        return bool(piece.attributes) and (
            _VALUED.search(piece.source) is not None
            or all(name in _FLAGS or "-" in name for name in piece.attributes)
        )

    def _is_quoted(self, at: int) -> bool:
        """Whether a tag is marked as code, as in Markdown."""
        return self._before(at)[-1:] == self._after(at)[:1] == "`"

    def _stands_alone(self, at: int) -> bool:
        """Whether a tag stands like a word in a sentence: "the <b> tag"."""
        name, before, after = self._pieces[at].name, self._before(at), self._after(at)
        if name == "br" and before[-1:] == after[:1] == " ":
            return bool(_TALK_BEFORE.search(before) or _TALK_AFTER.match(after))
        if not before and name in _PARAGRAPHS:
            return False
        return (before[-1:] or " ") in _BEFORE_MENTION and (after[:1] or " ") in _AFTER_MENTION

    def _touches_what_follows(self, at: int) -> bool:
        before, after = self._before(at)[-1:], self._after(at)[:1]
        if len(self._pieces[at].name) == 1 and before.isalnum() and after.isalnum():
            return False
        return after != "" and not after.isspace()

    def _before(self, at: int) -> str:
        return self._pieces[at - 1].source if at else ""

    def _after(self, at: int) -> str:
        return self._pieces[at + 1].source if at + 1 < len(self._pieces) else ""

    def _is_code_left_open(self, at: int) -> bool:
        """Whether a text follows a tag of code that never ends, and is code."""
        if at == 0:
            return False
        before = self._pieces[at - 1]
        return (
            before.unclosed
            and before.name in ("script", "style")
            and _CODE.search(self._pieces[at].source) is not None
        )


def _without_declarations(text: str) -> str:
    """A text without PHP, the marks of CDATA, and what was cut off at the end of a comment or tag.

    In what is left, a tokenizer and `_PHP` find the end of everything they find the beginning of.
    """
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    head, end, tail = text.rpartition("?>")
    if end:
        text = _PHP.sub("", head + end) + tail
    head, end, tail = text.rpartition("-->")
    text = head + end + tail.replace("<!--", "")
    head, end, tail = text.rpartition(">")
    return head + end + _CUT_OFF_TAG.sub("", tail)


def _prepared(text: str) -> str:
    """A text in which no bracket opens a tag that isn't one or would never end."""
    text = _NO_TAG.sub(_TEXT_BRACKET, text.replace("\r\n", "\n").replace("\r", "\n"))
    head, end, tail = text.rpartition(">")
    text = head + end + tail.replace("<", _TEXT_BRACKET)
    last_end = {tag[2].lower(): tag.start() for tag in _SWALLOWING_TAG.finditer(text) if tag[1]}
    return _SWALLOWING_TAG.sub(
        lambda tag: (
            f"<{_UNCLOSED}{tag[2]}"
            if not tag[1] and tag.start() > last_end.get(tag[2].lower(), -1)
            else tag[0]
        ),
        text,
    )


def _pieces(text: str) -> Iterator[_Piece]:
    start = 0
    for _ in range(_MOST_RESTARTS):
        at = start
        for token in tokenize(text[start:], resolve_references=False, capture_source=True):
            source = token.source or token.data or ""
            attributes = tuple(name for name, _ in token.attrs or ())
            if any(map(_QUOTE.search, attributes)):
                break
            name = token.tag or ""
            unclosed = name.startswith(_UNCLOSED)
            yield _Piece(
                token.type,
                source.replace(_UNCLOSED, "", 1) if unclosed else source,
                name.removeprefix(_UNCLOSED),
                attributes,
                unclosed,
            )
            at += len(source)
        if at >= len(text):
            return
        # A quote that nobody closes: the tag ends where it would without.
        start = text.index(">", at) + 1
        yield _Piece(TokenType.COMMENT, text[at:start])
    yield _Piece(TokenType.TEXT, _ANY_TAG.sub("", text[start:]))


def _is_custom(name: str) -> bool:
    """Whether a name is one that HTML leaves to others, as in <amp-ad> and <o:p>."""
    return "-" in name or ":" in name


def _break(name: str, *, starts: bool) -> str:
    if name in _PARAGRAPHS:
        return "\n\n"
    if name in _LINES:
        return "\n" if starts else ""
    return " " if name in _GAPS else ""
