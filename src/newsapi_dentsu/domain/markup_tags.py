"""Which of a text's pieces are tags, and which are text that speaks of markup.

Both stand in angle brackets: a sentence may put <meta name="robots"> into the <head>. What tells
them apart is what stands around them, and what they hold.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from turbohtml import TokenType

from newsapi_dentsu.domain.markup_elements import (
    CONTROLS,
    ELEMENTS,
    EMBEDDED,
    FLAGS,
    HEAD,
    LINES,
    PARAGRAPHS,
    VOID,
)
from newsapi_dentsu.domain.markup_pieces import Piece, pieces

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
_TALK_OF_MARKUP = re.compile(
    r"\b(?:x?html\d?|css|markup|markdown)\b|\A\s(?:tags?|elements?|pairs?|attributes?)\b",
    re.IGNORECASE,
)
"""Said anywhere, or right behind a tag."""

_TALK_BEFORE_PAIR = re.compile(r"\b(?:tags?|elements?)(?:[ :]\w{0,9}){0,3}\Z", re.IGNORECASE)

_TOLD_TO_WRITE = re.compile(
    r"(?:(?:\A|[.!?:;,(])\s*|\b(?:to|you|we|can|should|must|please|then|and|or|simply|just|always"
    r"|never|instead)\s)(?:use|write|put|add|insert|type|wrap|enter|try|paste|prefer|replace)\s\Z",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[\W_]*|[a-z]|(?:some |your |the )?(?:text|content|title|heading|headline|link|bold|italics?"
    r"|strong|emphasis|words?|foo|bar)",
    re.IGNORECASE,
)
"""What examples put between two tags."""

_PLURAL = re.compile(r"s\b")
_END_MISSING = re.compile(
    r"\b(?:the|an?|as|and|or|of|with|without|like|for|to|about|from|than|by|on|in|is|are|use|using"
    r"|every|each|any|no|your)\s\Z",
    re.IGNORECASE,
)
"""Words that no sentence ends with."""

_LONGEST_TALK: Final = 12
_LONGEST_LEAD: Final = 40
"""Characters beside a tag in which the word, or the words, are looked for that speak of it."""

_SENTENCE_GOES_ON = re.compile(r" [a-z]")
_CODE_TAG = re.compile(r"<(code|kbd|samp)>")


class Tags:
    """A text, looked at as HTML."""

    def __init__(self, text: str) -> None:
        self.pieces = pieces(text)
        self.partners = _partners(self.pieces)
        self._names = Counter(piece.name for piece in self.pieces)

    @cached_property
    def is_html(self) -> bool:
        """Whether at least one of the tags can be nothing else."""
        return any(self._proves_html(at) for at in range(len(self.pieces)))

    def _proves_html(self, at: int) -> bool:
        piece = self.pieces[at]
        if piece.kind in (TokenType.COMMENT, TokenType.DOCTYPE):
            return True
        if self._is_quoted(at):
            return False
        if piece.name not in ELEMENTS:
            return _is_custom(piece.name) and self.is_tag(at)
        if piece.kind is TokenType.END_TAG:
            return not self._stands_alone(at)
        if piece.kind is not TokenType.START_TAG or self._is_mentioned(at):
            return False
        if not piece.is_bare:
            return self._has_known_attributes(piece)
        return piece.name == "br" or (
            not self._stands_alone(at) and (at in self.partners or self._touches_what_follows(at))
        )

    def is_tag(self, at: int) -> bool:
        """Whether, in HTML, a piece in angle brackets is a tag and not text."""
        piece = self.pieces[at]
        if self._is_quoted(at):
            return False
        if piece.name not in ELEMENTS:
            if at in self.partners:
                return True
            return _is_custom(piece.name) and self._has_known_attributes(piece)
        if self._is_mentioned(at) and (piece.is_bare or piece.name not in VOID):
            return False
        if piece.kind is TokenType.END_TAG:
            is_alone = at not in self.partners and self._stands_alone(at)
            return not is_alone or self._is_left_over(at)
        if at in self.partners or self._has_known_attributes(piece):
            return True
        return piece.is_bare and (piece.name in VOID or not self._stands_alone(at))

    def is_tag_though_escaped(self, at: int) -> bool:
        """Whether, of what was escaped in HTML, a piece is a tag that nobody speaks of."""
        name, partner = self.pieces[at].name, self.partners.get(at, at)
        if name in EMBEDDED:
            first = self.pieces[min(at, partner)]
            return self.is_tag(at) and (not first.is_bare or not self._stands_alone(partner))
        if self._speaks_of_markup:
            return False
        if partner != at:
            return name in ELEMENTS and self._is_formatting(min(at, partner), max(at, partner))
        before, after = self._before(at), self._after(at)
        return (
            name in PARAGRAPHS | LINES
            and not _stand_alone(before, after)
            and _PLURAL.match(after) is None
        )

    @cached_property
    def _speaks_of_markup(self) -> bool:
        """Whether a text that was escaped in a page is about tags."""
        return any(
            _TALK_OF_MARKUP.search(piece.source) or self._leads_to_a_tag(at)
            if piece.kind is TokenType.TEXT
            else piece.name in ELEMENTS - VOID - EMBEDDED
            and at not in self.partners
            and _stand_alone(self._before(at), self._after(at))
            for at, piece in enumerate(self.pieces)
        )

    def _leads_to_a_tag(self, at: int) -> bool:
        """Whether a text ends with words that speak of the tag behind it."""
        following = self.pieces[at + 1 : at + 2]
        return (
            bool(following)
            and following[0].kind is TokenType.START_TAG
            and _TALK_BEFORE_PAIR.search(self.pieces[at].source[-_LONGEST_LEAD:]) is not None
        )

    def _is_formatting(self, start: int, end: int) -> bool:
        """Whether two tags that were escaped in a page format what is between them."""
        before, after = self._before(start), self._after(end)
        return (
            end - start > 1
            and not (before[-1:] == after[:1] == "`")
            and not _TOLD_TO_WRITE.search(before[-_LONGEST_LEAD:])
            and not (
                end - start == 2 and _PLACEHOLDER.fullmatch(self.pieces[start + 1].source.strip())
            )
        )

    def _is_mentioned(self, at: int) -> bool:
        """Whether a sentence speaks of the tag: "put <meta name=x> there", "<b> and </b>"."""
        piece, partner = self.pieces[at], self.partners.get(at)
        if partner is not None:
            return self._is_mentioned_pair(min(at, partner), max(at, partner))
        if piece.kind is not TokenType.START_TAG or not self._stands_alone(at):
            return False
        before, after = self._before(at), self._after(at)
        if piece.name in HEAD:
            return before != "" or _SENTENCE_GOES_ON.match(after) is not None
        if not (before and after):
            speaks = _TALK_AFTER.match(after) is not None
            if not piece.is_bare:
                ends = before != "" and not after.strip() and self._is_one_sentence
                return piece.name in CONTROLS and (speaks or ends)
            waits = _END_MISSING.search(before[-_LONGEST_TALK:]) is not None
            return piece.name not in VOID or speaks or (waits and self._is_one_sentence)
        if piece.name not in VOID or (piece.is_bare and piece.name not in ("br", "hr")):
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
        if not _stand_alone(before, after):
            return False
        if end - start == 1:
            is_code = self.pieces[start].name in EMBEDDED
            return is_code and _TALK_BEFORE.search(before[-_LONGEST_TALK:]) is not None
        between = "".join(piece.source for piece in self.pieces[start + 1 : min(end, start + 3)])
        return end - start <= 3 and _TALK_BETWEEN.fullmatch(between) is not None

    @cached_property
    def _is_one_sentence(self) -> bool:
        """Whether nothing in the text is parted or formatted by tags."""
        return not self.partners and self._names["br"] <= 1 and not self._names["p"]

    def _has_known_attributes(self, piece: Piece) -> bool:
        """Whether a tag has attributes, of which none is just a word: not so "<b and c>"."""
        return bool(piece.attributes) and (
            _VALUED.search(piece.source) is not None
            or all(name in FLAGS or "-" in name for name in piece.attributes)
        )

    def _is_quoted(self, at: int) -> bool:
        """Whether a tag is marked as code: in Markdown, or alone in <code>."""
        before, after = self._before(at), self._after(at)
        code = _CODE_TAG.fullmatch(before)
        return before[-1:] == after[:1] == "`" or bool(code and after == f"</{code[1]}>")

    def _stands_alone(self, at: int) -> bool:
        """Whether a tag stands like a word in a sentence: "the <b> tag"."""
        name, before, after = self.pieces[at].name, self._before(at), self._after(at)
        if not before and name in PARAGRAPHS:
            ends = self.pieces[at].kind is TokenType.END_TAG
            return ends and _SENTENCE_GOES_ON.match(after) is not None
        if before and after.startswith("</") and name not in PARAGRAPHS | VOID:
            after = ""
        return _stand_alone(before, after)

    def _is_left_over(self, at: int) -> bool:
        """Whether an end tag that lost its beginning stands right beside a tag: "</p> </div>"."""
        return any(
            0 <= beside < len(self.pieces)
            and not self.pieces[(at + beside) // 2].source.strip()
            and self.pieces[beside].name in (ELEMENTS if beside < at else PARAGRAPHS)
            and (beside > at or self.pieces[beside].kind is TokenType.END_TAG)
            and (beside in self.partners or not self._stands_alone(beside))
            for beside in (at - 2, at + 2)
        )

    def _touches_what_follows(self, at: int) -> bool:
        before, after = self._before(at)[-1:], self._after(at)[:1]
        if len(self.pieces[at].name) == 1 and before.isalnum() and after.isalnum():
            return False
        return after != "" and not after.isspace() and after not in ".,;:!?)"

    def _before(self, at: int) -> str:
        return self.pieces[at - 1].source if at else ""

    def _after(self, at: int) -> str:
        return self.pieces[at + 1].source if at + 1 < len(self.pieces) else ""


def _partners(pieces: Sequence[Piece]) -> dict[int, int]:
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


def _stand_alone(before: str, after: str) -> bool:
    """Whether what stands between two texts stands there like a word."""
    return (before[-1:] or " ") in _BEFORE_MENTION and (after[:1] or " ") in _AFTER_MENTION


def _is_custom(name: str) -> bool:
    """Whether a name is one that HTML leaves to others, as in <amp-ad> and <o:p>."""
    return "-" in name or ":" in name
