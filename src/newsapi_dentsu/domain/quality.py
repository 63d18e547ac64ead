"""What may enter the final table: each rule is one small function with its reason.

A new rule is a new function, named in `first_rejection` or, where it only notes something, in
`FLAGS`.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from newsapi_dentsu.domain.encoding import damage
from newsapi_dentsu.domain.language import LEAST_WORDS, common_share
from newsapi_dentsu.domain.notices import COOKIES_BESIDE, LEAST_TOLD, TO_READERS

METHOD: Final = "quality-3"
"""Names the rules below: whoever changes them changes it, too."""

REMOVED_MARK: Final = "[removed]"

STUB_WORDS: Final = 150
"""Longer texts are articles, even where they end in a paywall or begin with a notice."""

LEAST_DAMAGE: Final = 3
"""Broken characters from which on they are told; reading stops at one in `WORDS_TO_READ` words."""

WORDS_TO_READ: Final = 10

# A line that only invites or greets subscribers says nothing of the text before it.
_CUT_OFF = re.compile(
    r"^\W*(?:please |you must |you need to |to |want to )?"
    r"(?:(?:subscribe|sign[ -]?(?:in|up)|log[ -]?in|register|become a (?:member|subscriber)|join)\b"
    r"[^.!?]{0,60}\bto (?:continue|keep|read|unlock|access|view|see|get (?:full )?access)\b"
    r"|(?:continue|keep) reading\b[^.!?]{0,60}\b(?:subscri|sign|log|register|member|account|plan)"
    r"|this (?:content|article|story|post)(?: is|’s|'s) (?:reserved|exclusive|only|available|for)"
    r"\b[^.!?]{0,40}\b(?:subscribers|members)"
    r"|(?:for|only for|available (?:only )?(?:to|for)) (?:\w+ )?(?:subscribers|members) only\W*$"
    r"|you(?: have|’ve|'ve) (?:reached|used|read)\b[^.!?]{0,40}\b(?:limit|free|articles?)\b"
    r"|you have \w+ free articles? (?:left|remaining)"
    r"|the (?:rest|remainder|full (?:text|version)) of this (?:article|story|post) is )",
    re.IGNORECASE,
)
_COOKIES = re.compile(
    r"we value your privacy|(?:accept|reject|manage) (?:all )?(?:cookies|options|preferences)"
    r"|store and/?(?: or)? access information on a device|uses? cookies\b"
    r"|cookie (?:policy|settings|preferences|consent)|our \d* ?partners (?:store|process|use)"
    r"|consent to (?:the use of|our use of) cookies",
    re.IGNORECASE,
)
_ERROR_PAGE = re.compile(
    r"enable javascript|javascript is (?:disabled|required)"
    r"|access (?:to this page )?(?:is |has been )?denied"
    r"|are you a (?:robot|human)|verify (?:that )?you are (?:a )?human|captcha"
    r"|page (?:you requested )?(?:was |could )?not (?:be )?found|unusual traffic|\b(?:403|404|503) "
    r"(?:error|forbidden|not found)",
    re.IGNORECASE,
)
_ERROR_BESIDE = re.compile(
    r"javascript|browser|robot|human|captcha|permission|server|reference|request|address|network"
    r"|home ?page|support|blocked|cookies|try again|reload|refresh",
    re.IGNORECASE,
)
_REPORTED = re.compile(r",[”\"]? (?:\w+ ){0,4}(?:said|says|told|wrote|asked|read|reads|warned)\b")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")

LEAST_COMMON_WORDS: Final = 0.15
"""Share of a text's words that are its language's commonest; a list with less has no sentences."""

LONGEST_OUTLINE: Final = 300
"""Words of a list without figures; what is longer is a guide in notes, not a list of things."""

_TELLING_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "that which who said says has have had were will would they he she its their but because "
        "while when after since than what how why did does do is are",
    )
)
"""What tells of prices rather than naming them."""

LEAST_TELLING: Final = 0.02

_WORD = re.compile(r"[^\W\d_]+")
_FIGURE = re.compile(r"\W*\d")
_SHORT_LINE: Final = 8
_LONGEST_END: Final = 500
"""Characters of a text's beginning and end in which a paywall is looked for."""

# What it may begin with stands in front alone: there the search jumps from one to the next.
_PRICE = re.compile(r"[$€£¥\d](?:(?<=[$€£¥])\s?\d|(?<=\d)\s?(?:€|EUR|USD|GBP)\b)")
_RELEASE_MARKS = (
    *("for immediate release", "newswire", "business wire", "ein presswire", "prweb"),
    *("media contact", "press contact", "forward-looking statements"),
)
_ABOUT_THE_COMPANY = re.compile(r"^About [A-Z][^.\n]{1,60}$", re.MULTILINE)


@dataclass(frozen=True)
class Candidate:
    """The fields of a processed article that the rules look at."""

    title: str
    body: str
    published_at: datetime | None
    lang: str | None

    @cached_property
    def words(self) -> list[str]:
        """The words of its body, as white space parts them."""
        return self.body.split()

    @property
    def word_count(self) -> int:
        """How many words its body has."""
        return len(self.words)

    @cached_property
    def prices(self) -> int:
        """How many prices its body has."""
        return len(_PRICE.findall(self.body))

    @cached_property
    def figures(self) -> int:
        """How many of the words begin with a digit, whatever sign is before it."""
        return sum(not word.isalpha() and bool(_FIGURE.match(word)) for word in self.words)

    @cached_property
    def looks_like_a_list(self) -> bool:
        """Whether most lines are short, or figures or prices are many."""
        lines = [line for line in self.body.split("\n") if line]
        short = sum(line.count(" ") < _SHORT_LINE for line in lines)
        return (
            (len(lines) >= 8 and short >= 0.7 * len(lines))
            or 6 * self.figures >= self.word_count
            or (self.prices >= 6 and 15 * self.prices >= self.word_count)
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an article stays out of the final table."""

    reason: str
    detail: str


def title_present(article: Candidate) -> Rejection | None:
    """Reject an article without a title, or whose publisher withdrew it."""
    if not article.title:
        return Rejection("no_title", "the title is empty")
    if article.title.casefold() == REMOVED_MARK:
        return Rejection("removed", "the title reads [Removed]")
    return None


def body_present(article: Candidate) -> Rejection | None:
    """Reject an article without a body, or whose publisher withdrew it."""
    if not article.body:
        return Rejection("no_body", "the body is empty")
    if article.body.casefold() == REMOVED_MARK:
        return Rejection("removed", "the body reads [Removed]")
    return None


def date_credible(article: Candidate) -> Rejection | None:
    """Reject an article for which neither publisher nor index gave a believable date."""
    if article.published_at is None:
        return Rejection("no_credible_date", "neither the publisher's nor the index's date holds")
    return None


def text_undamaged(article: Candidate) -> Rejection | None:
    """Reject a text that nobody could repair or read: one broken character in ten words."""
    broken = damage(article.body)
    if broken >= LEAST_DAMAGE and WORDS_TO_READ * broken >= article.word_count:
        return Rejection("encoding_damage", f"{broken} broken characters")
    return None


def no_cookie_notice(article: Candidate) -> Rejection | None:
    """Reject a cookie banner in place of an article."""
    return _stub(article, _COOKIES, COOKIES_BESIDE, "cookie_notice")


def no_paywall_stub(article: Candidate) -> Rejection | None:
    """Reject the beginning that a paywall leaves of an article: it ends in asking for a key."""
    sign = _cut_off_by(article) if article.word_count <= STUB_WORDS else None
    return Rejection("paywall_stub", f"the body says: {sign}") if sign else None


def no_error_page(article: Candidate) -> Rejection | None:
    """Reject the page of a server, a bot check or a browser in place of an article."""
    return _stub(article, _ERROR_PAGE, _ERROR_BESIDE, "error_page")


def _stub(
    article: Candidate, sign: re.Pattern[str], beside: re.Pattern[str], reason: str
) -> Rejection | None:
    """Reject a short text that has a sign of a notice, and little beside the notice."""
    if article.word_count > STUB_WORDS or not (found := sign.search(article.body)):
        return None
    told = sum(
        len(sentence.split())
        for sentence in _SENTENCE.findall(article.body)
        if not (TO_READERS.search(sentence) and beside.search(sentence))
        and not sign.search(sentence)
    )
    return Rejection(reason, f"the body says: {found[0]}") if told < LEAST_TOLD else None


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]


def _cut_off_by(article: Candidate) -> str | None:
    """The sentence that asks for a key: among the last three, or the first two of a stub."""
    last = _sentences(article.body[-_LONGEST_END:])[-3:]
    is_stub = article.word_count < 2 * LEAST_TOLD
    first = _sentences(article.body[:_LONGEST_END])[:2] if is_stub else []
    asking = (
        text[:80] for text in (*first, *last) if _CUT_OFF.match(text) and not _REPORTED.search(text)
    )
    return next(asking, None)


def more_than_the_title(article: Candidate) -> Rejection | None:
    """Reject a body that only repeats the title, once or more often."""
    if article.title.casefold() not in article.body.casefold():
        return None
    title, body = _letters(article.title), _letters(article.body)
    if title in body and len(body.replace(title, "")) <= len(title) // 4:
        return Rejection("title_repeated", "the body says no more than the title")
    return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def long_enough(min_words: int) -> Callable[[Candidate], Rejection | None]:
    """Make the rule that rejects bodies with fewer words; scripts without spaces aren't counted."""

    def rule(article: Candidate) -> Rejection | None:
        count = article.word_count
        if count >= min_words or len(article.body) > 20 * max(1, count):
            return None
        return Rejection("too_short", f"{count} words, at least {min_words} are asked for")

    return rule


def language_accepted(languages: Collection[str]) -> Callable[[Candidate], Rejection | None]:
    """Make the rule that rejects articles in other languages than `languages` (ISO 639-2)."""
    accepted = frozenset(languages)

    def rule(article: Candidate) -> Rejection | None:
        if article.lang in accepted:
            return None
        return Rejection(
            "language", f"{article.lang or 'unknown'}, accepted: {', '.join(sorted(accepted))}"
        )

    return rule


def no_listing(article: Candidate) -> Rejection | None:
    """Reject lists of offers, prices, results or headlines: what holds no sentences.

    In languages whose commonest words are not known, prices and figures alone tell.
    """
    count = article.word_count
    if count < LEAST_WORDS or len(article.body) > 20 * count:  # a script without spaces
        return None
    if not article.looks_like_a_list:
        return None
    words = [word.casefold() for word in _WORD.findall(article.body)]
    if article.prices >= 6 and 12 * article.prices >= count:
        telling = sum(word in _TELLING_WORDS for word in words)
        if telling < LEAST_TELLING * len(words):
            return Rejection("listing", f"{article.prices} prices in {count} words")
    share = common_share(words, article.lang)
    if share is None:
        if article.figures >= 12 and 3 * article.figures >= count:
            return Rejection("listing", f"{article.figures} figures in {count} words")
    elif share < LEAST_COMMON_WORDS and (count <= LONGEST_OUTLINE or 12 * article.figures >= count):
        return Rejection("listing", f"{share:.0%} of the words are such as all sentences have")
    return None


def list_like(article: Candidate) -> bool:
    """Whether a text is mostly short lines, or full of figures or prices: galleries, tables."""
    return article.looks_like_a_list


def cut_off(article: Candidate) -> bool:
    """Whether a text ends, or begins, in asking for a subscription to read on."""
    return _cut_off_by(article) is not None


def damaged(article: Candidate) -> bool:
    """Whether a text has broken characters that nobody could repair."""
    return damage(article.body) >= LEAST_DAMAGE


def press_release(article: Candidate) -> bool:
    """Whether a text carries the marks of a press release: two of them."""
    body = article.body.casefold()
    marks = sum(mark in body for mark in _RELEASE_MARKS)
    return marks >= 2 or (marks == 1 and _ABOUT_THE_COMPANY.search(article.body) is not None)


FLAGS: Final[tuple[Callable[[Candidate], bool], ...]] = (
    press_release,
    list_like,
    cut_off,
    damaged,
)


def flags(article: Candidate) -> list[str]:
    """What is worth knowing about an article without keeping it from anybody."""
    return [rule.__name__ for rule in FLAGS if rule(article)]


def first_rejection(
    article: Candidate, languages: Collection[str], min_words: int
) -> Rejection | None:
    """Apply the rules in order and return the first reason to reject, or None."""
    rules = (
        title_present,
        body_present,
        date_credible,
        text_undamaged,
        no_cookie_notice,
        no_paywall_stub,
        no_error_page,
        more_than_the_title,
        long_enough(min_words),
        language_accepted(languages),
        no_listing,
    )
    return next((rejection for rule in rules if (rejection := rule(article))), None)
