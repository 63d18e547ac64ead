"""A text, parted into what may be tags and what is between them, as the tokenizer of HTML does.

Whether a piece is a tag, or text that only looks like one, is for `markup_tags` to judge.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from turbohtml import TokenType, tokenize

from newsapi_dentsu.domain.markup_elements import ELEMENTS, SWALLOWING

_MOST_RESTARTS: Final = 20
"""Tags without an end, after each of which the reading begins anew."""

TEXT_BRACKET: Final = "\ufdd0"
"""Stands for a < that is text until the end; Unicode has it for such uses."""

_UNCLOSED: Final = "unclosed-"

_NAME: Final = r"[a-z][a-z0-9]*(?:[-:.][a-z0-9]+)*+"
_DECLARATION: Final = r"!--|!doctype\b|!\[(?:if|endif)\b|\?xml\b"
_NO_TAG = re.compile(rf"<(?!/?{_NAME}(?=[\s/>])|{_DECLARATION})", re.IGNORECASE)
# "Sign up <Oct 20th to get a <b>discount</b>": another tag begins before this one ends.
_NO_END = re.compile(r"<([a-z][a-z0-9]*)(?=\s+[^\s<>=\"'/][^<>=\"']*<)", re.IGNORECASE)
_PHP = re.compile(r"<\?(?:php\b|=).*?\?>", re.DOTALL | re.IGNORECASE)
_SWALLOWING_TAG = re.compile(rf"<(/?)({'|'.join(sorted(SWALLOWING))})(?=[\s/>])", re.IGNORECASE)
_CUT_OFF_TAG = re.compile(rf"<{_NAME}\s+[\w:-]+\s*=[^<>]*\Z|</{_NAME}\s*\Z", re.IGNORECASE)
ANY_TAG = re.compile(r"<[^<>]*>")
_BARE = re.compile(r"</?[^\s<>]+?\s*/?\s*>")
_QUOTE = re.compile(r"[\"'<]")


class Piece(NamedTuple):
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


def pieces(text: str) -> list[Piece]:
    """Part a text; its pieces, joined, are the text but for brackets that were no tags."""
    return list(_tokens(_prepared(text)))


def _tokens(text: str) -> Iterator[Piece]:
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
            yield Piece(
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
        yield Piece(TokenType.COMMENT, text[at:start])
    yield Piece(TokenType.TEXT, ANY_TAG.sub("", text[start:]))


def without_declarations(text: str) -> str:
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


def _is_tag_name(word: str) -> bool:
    """Whether a word in brackets is rather a tag's name than one of a sentence, or a variable."""
    return word in ELEMENTS and (len(word) > 1 or word == "p")


def _prepared(text: str) -> str:
    """A text in which no bracket opens a tag that isn't one or would never end."""
    text = _NO_TAG.sub(TEXT_BRACKET, text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _NO_END.sub(
        lambda word: word[0] if _is_tag_name(word[1].lower()) else TEXT_BRACKET + word[1], text
    )
    head, end, tail = text.rpartition(">")
    text = head + end + tail.replace("<", TEXT_BRACKET)
    last_end = {tag[2].lower(): tag.start() for tag in _SWALLOWING_TAG.finditer(text) if tag[1]}
    return _SWALLOWING_TAG.sub(
        lambda tag: (
            f"<{_UNCLOSED}{tag[2]}"
            if not tag[1] and tag.start() > last_end.get(tag[2].lower(), -1)
            else tag[0]
        ),
        text,
    )
