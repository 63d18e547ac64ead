"""What a reader sees of a text that may hold HTML.

The index gives bodies as plain text, into which embedded players, links and whole escaped pages
slip; other texts speak of markup, of tickers (<XOM.N>), of addresses (<jane@example.org>) or of
arithmetic. So one decision comes first, for the text as a whole: it is HTML if at least one of its
tags can be nothing else. What stands in angle brackets and is no tag stays even then, and so does
what such a text holds escaped, unless it is an embedded player or a whole page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from turbohtml import TokenType, tokenize

from newsapi_dentsu.domain.entities import unescaped


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST_PASSES: Final = 8
"""Levels of escaping undone; real text needs three at most."""

_MOST_TAGS: Final = 30_000
"""A text with more, or with more entities, is no prose, and loses what angle brackets hold."""

_MOST_RESTARTS: Final = 20
"""Tags without an end, after each of which the reading begins anew."""

_PARAGRAPHS: Final = _names(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main "
    "menu nav ol optgroup option p pre search section summary table tbody tfoot thead ul"
)
_LINES: Final = frozenset({"br", "caption", "tr"})
"""What these begin stands on a line of its own."""

_GAPS: Final = _names("area button embed img input map meter progress select td textarea th")
_INLINE: Final = _names(
    "a abbr acronym b base basefont bdi bdo big cite code col colgroup data datalist del dfn em "
    "font frame i image ins kbd label link mark math meta nobr output param q rb rp rt rtc ruby s "
    "samp slot small source span strike strong sub sup time track tt u var wbr xmp"
)
_UNSEEN: Final = _names(
    "applet audio canvas head iframe noembed noframes noscript object script style svg template "
    "title video"
)
"""What these hold no reader sees: code, or a substitute for what browsers show."""

_SWALLOWING: Final = _UNSEEN | {"plaintext", "textarea", "xmp"}
"""Without its end tag, each of these would take the rest of the text with it."""

_ELEMENTS: Final = _PARAGRAPHS | _LINES | _GAPS | _INLINE | _SWALLOWING
_VOID: Final = _names("br embed hr img wbr")
"""These have no end tag and a place in a sentence; others without an end tag are spoken of."""

_HEAD: Final = _names("base body head html link meta")
"""These have no place in a sentence at all."""

_EMBEDDED: Final = _names("applet audio embed iframe object script style svg video")
"""What is code or a player even where it came escaped."""

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

_GAP: Final = "\ufdd1"
"""Stands for a blank that must not move the end of a sentence away from its last word."""

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
_TALK_BEFORE = re.compile(
    r"\b(?:the|an?|as|and|or|of|use|using|with|like|insert|add|put|write|every|each|any|no|your)"
    r"\s\Z",
    re.IGNORECASE,
)
_TALK_AFTER = re.compile(r"\s(?:tags?|elements?|and|or|in|is|to)\b")
_TALK_BETWEEN = re.compile(r"\s(?:and|or|to|with|,|-|–)\s|\s?(?:\.\.\.?|…)\s?", re.IGNORECASE)
_LONGEST_TALK: Final = 12
"""Characters beside a tag in which the words are looked for that speak of it."""

_SENTENCE_GOES_ON = re.compile(r" [a-z]")
_CODE_TAG = re.compile(r"<(code|kbd|samp)>")
_QUOTE = re.compile(r"[\"'<]")
_CODE = re.compile(r"[;{}=]")
_CLOSING = re.compile(rf"{_GAP}+(?=[.,;:!?…)\]”’»])")
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
        if _is_endless(text):
            text = _ANY_TAG.sub(" ", text)
        elif _BRACKET.search(text):
            text = _without_declarations(text)
            page = _Page(text)
            if page.is_html:
                text = page.text()
                break
        text = unescaped(text)
        if text == before:
            break
    else:
        text = text.replace("&", " ").replace("<", " ")
    return _CLOSING.sub("", text).replace(_GAP, " ").replace(_TEXT_BRACKET, "<")


def harmless(text: str) -> str:
    """Return a plain text whose brackets are no code, even where it is shown as HTML.

    A tag that it speaks of, and that would do something there, gets other brackets: ‹script›.
    """
    return _ACTIVE.sub(lambda tag: f"‹{tag[1]}{'›' if tag[2] else ''}", text)


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
        self._partners = _partners(self._pieces)
        self._names = Counter(piece.name for piece in self._pieces)

    @cached_property
    def is_html(self) -> bool:
        """Whether at least one of the tags can be nothing else."""
        return any(self._proves_html(at) for at in range(len(self._pieces)))

    def text(self, *, was_escaped: bool = False) -> str:
        """What a reader sees, with entities unescaped.

        Args:
            was_escaped: the text was escaped in a page: its tags are text, but for what is embedded
                and breaks that hold two words apart.
        """
        is_tag = self._is_tag_though_escaped if was_escaped else self._is_tag
        blocks: list[str] = []
        block: list[str] = []
        unseen: int | None = None
        quoting = 0
        for at, piece in enumerate(self._pieces):
            starts, ends = piece.kind is TokenType.START_TAG, piece.kind is TokenType.END_TAG
            if unseen is not None:
                if ends and piece.name == self._pieces[unseen].name:
                    unseen = None
            elif piece.kind is TokenType.TEXT:
                if not self._is_code_left_open(at):
                    block.append(piece.source)
            elif piece.kind is TokenType.CHARACTER_REFERENCE:
                character = unescaped(piece.source)
                block.append(_TEXT_BRACKET if quoting and character == "<" else character)
            elif not (starts or ends):
                continue
            elif not is_tag(at):
                block.append(unescaped(_TEXT_BRACKET + piece.source[1:]))
            else:
                if piece.name in _QUOTING and at in self._partners:
                    quoting += 1 if starts else -1
                if starts and piece.name in _UNSEEN and not piece.unclosed:
                    unseen = at
                if left := _break(piece.name, starts=starts):
                    blocks += (_block("".join(block)), left)
                    block = []
        return "".join((*blocks, _block("".join(block))))

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
        if piece.kind is not TokenType.START_TAG or self._is_mentioned(at):
            return False
        if not piece.is_bare:
            return self._has_known_attributes(piece)
        return piece.name == "br" or (
            not self._stands_alone(at) and (at in self._partners or self._touches_what_follows(at))
        )

    def _is_tag(self, at: int) -> bool:
        """Whether, in HTML, a piece in angle brackets is a tag and not text."""
        piece = self._pieces[at]
        if self._is_quoted(at):
            return False
        if piece.name not in _ELEMENTS:
            if at in self._partners:
                return True
            return _is_custom(piece.name) and self._has_known_attributes(piece)
        if self._is_mentioned(at) and (piece.is_bare or piece.name not in _VOID):
            return False
        if piece.kind is TokenType.END_TAG:
            return at in self._partners or not self._stands_alone(at)
        if at in self._partners or self._has_known_attributes(piece):
            return True
        return piece.is_bare and (piece.name in _VOID or not self._stands_alone(at))

    def _is_tag_though_escaped(self, at: int) -> bool:
        """Whether, of what was escaped in HTML, a piece is a tag that nobody speaks of."""
        name, partner = self._pieces[at].name, self._partners.get(at, at)
        if name in _EMBEDDED:
            first = self._pieces[min(at, partner)]
            return self._is_tag(at) and (not first.is_bare or not self._stands_alone(partner))
        before, after = self._before(at)[-1:], self._after(at)[:1]
        is_break = name in _PARAGRAPHS | _LINES and partner == at
        return is_break and before.isalnum() and after.isalnum()

    def _is_mentioned(self, at: int) -> bool:
        """Whether a sentence speaks of the tag: "put <meta name=x> there", "<b> and </b>"."""
        piece, partner = self._pieces[at], self._partners.get(at)
        if partner is not None:
            return self._is_mentioned_pair(min(at, partner), max(at, partner))
        if piece.kind is not TokenType.START_TAG or not self._stands_alone(at):
            return False
        before, after = self._before(at), self._after(at)
        if piece.name in _HEAD:
            return before != "" or _SENTENCE_GOES_ON.match(after) is not None
        if not (before and after):
            speaks = _TALK_AFTER.match(after) is not None
            return piece.is_bare and (piece.name not in _VOID or speaks)
        if piece.name not in _VOID or (piece.is_bare and piece.name not in ("br", "hr")):
            return True
        if before[-1] != " " or after[0] != " ":
            return piece.is_bare
        return (
            _TALK_BEFORE.search(before[-_LONGEST_TALK:]) is not None
            or _TALK_AFTER.match(after) is not None
            or (
                self._names["br"] == 1
                and piece.is_bare
                and _SENTENCE_GOES_ON.match(after) is not None
            )
        )

    def _is_mentioned_pair(self, start: int, end: int) -> bool:
        before, after = self._before(start), self._after(end)
        if (before[-1:] or " ") not in _BEFORE_MENTION or (after[:1] or " ") not in _AFTER_MENTION:
            return False
        if end - start == 1:
            is_code = self._pieces[start].name in _EMBEDDED
            return is_code and _TALK_BEFORE.search(before[-_LONGEST_TALK:]) is not None
        between = "".join(piece.source for piece in self._pieces[start + 1 : min(end, start + 3)])
        return end - start <= 3 and _TALK_BETWEEN.fullmatch(between) is not None

    def _has_known_attributes(self, piece: _Piece) -> bool:
        """Whether a tag has attributes, of which none is just a word: not so "<b and c>"."""
        return bool(piece.attributes) and (
            _VALUED.search(piece.source) is not None
            or all(name in _FLAGS or "-" in name for name in piece.attributes)
        )

    def _is_quoted(self, at: int) -> bool:
        """Whether a tag is marked as code: in Markdown, or alone in <code>."""
        before, after = self._before(at), self._after(at)
        code = _CODE_TAG.fullmatch(before)
        return before[-1:] == after[:1] == "`" or bool(code and after == f"</{code[1]}>")

    def _stands_alone(self, at: int) -> bool:
        """Whether a tag stands like a word in a sentence: "the <b> tag"."""
        name, before, after = self._pieces[at].name, self._before(at), self._after(at)
        if not before and name in _PARAGRAPHS:
            ends = self._pieces[at].kind is TokenType.END_TAG
            return ends and _SENTENCE_GOES_ON.match(after) is not None
        if before and after.startswith("</") and name not in _PARAGRAPHS | _VOID:
            after = ""
        return (before[-1:] or " ") in _BEFORE_MENTION and (after[:1] or " ") in _AFTER_MENTION

    def _touches_what_follows(self, at: int) -> bool:
        before, after = self._before(at)[-1:], self._after(at)[:1]
        if len(self._pieces[at].name) == 1 and before.isalnum() and after.isalnum():
            return False
        return after != "" and not after.isspace() and after not in ".,;:!?)"

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


def _partners(pieces: Sequence[_Piece]) -> dict[int, int]:
    """The end tag of each start tag, and the other way round, by their numbers."""
    begun: dict[str, list[int]] = {}
    partners: dict[int, int] = {}
    for at, piece in enumerate(pieces):
        if piece.kind is TokenType.START_TAG:
            begun.setdefault(piece.name, []).append(at)
        elif piece.kind is TokenType.END_TAG and begun.get(piece.name):
            start = begun[piece.name].pop()
            partners |= {start: at, at: start}
    return partners


def _is_endless(text: str) -> bool:
    return text.count("<") > _MOST_TAGS or text.count("&") > _MOST_TAGS


def _block(text: str) -> str:
    """The text of a block, in which what was escaped is text, unless it is a page of its own."""
    for _ in range(_MOST_PASSES):
        before, text = text, unescaped(text)
        if text == before:
            break
    if _is_endless(text):
        return _ANY_TAG.sub(" ", text)
    if not _BRACKET.search(text):
        return text
    whole = text.strip()
    page = _Page(_without_declarations(text))
    is_page = whole.startswith("<") and whole.endswith(">") and page.is_html
    return page.text(was_escaped=not is_page)


def _without_declarations(text: str) -> str:
    """A text without PHP, the marks of CDATA, and what was cut off at the end of a comment or tag.

    In what is left, a tokenizer and `_PHP` find the end of everything they find the beginning of.
    """
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", "").replace("]]>", "").removesuffix("]]")
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
    return _GAP if name in _GAPS or (name in _UNSEEN and starts) else ""
