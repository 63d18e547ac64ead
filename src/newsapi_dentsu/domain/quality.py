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

REMOVED_MARK: Final = "[removed]"

STUB_WORDS: Final = 150
"""Longer texts are articles, even where they end in a paywall or begin with a notice."""

_PAYWALL = re.compile(
    r"subscribe (?:now )?to (?:continue|keep|read|unlock|access)|to continue reading"
    r"|already a (?:subscriber|member)|for subscribers only|(?:only )?available to subscribers"
    r"|(?:sign|log) in to (?:read|continue|view)|register (?:for free )?to (?:read|continue)"
    r"|this (?:content|article|story) is (?:reserved|exclusive|only|for)"
    r"|free articles? (?:left|remaining|this month)|start your (?:free )?trial",
    re.IGNORECASE,
)
_COOKIES = re.compile(
    r"we value your privacy|(?:accept|reject|manage) (?:all )?(?:cookies|options|preferences)"
    r"|store and/?(?: or)? access information on a device|uses? cookies (?:to|and|for)"
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
    def word_count(self) -> int:
        """How many words, as white space parts them, its body has."""
        return len(self.body.split())


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
    """Reject a text that nobody could repair: one broken character in 50 words."""
    broken = damage(article.body)
    if broken >= 3 and 50 * broken >= article.word_count:
        return Rejection("encoding_damage", f"{broken} broken characters")
    return None


def no_cookie_notice(article: Candidate) -> Rejection | None:
    """Reject a cookie banner in place of an article."""
    return _stub(article, _COOKIES, "cookie_notice")


def no_paywall_stub(article: Candidate) -> Rejection | None:
    """Reject what a paywall leaves of an article."""
    return _stub(article, _PAYWALL, "paywall_stub")


def no_error_page(article: Candidate) -> Rejection | None:
    """Reject the page of a server, a bot check or a browser in place of an article."""
    return _stub(article, _ERROR_PAGE, "error_page")


def _stub(article: Candidate, sign: re.Pattern[str], reason: str) -> Rejection | None:
    if article.word_count > STUB_WORDS:
        return None
    found = sign.search(article.body)
    return Rejection(reason, f"the body says: {found[0]}") if found else None


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
    """Reject lists of offers, prices or figures: mostly short lines, or full of prices."""
    lines = [line for line in article.body.splitlines() if line.strip()]
    if len(lines) >= 8:
        short = sum(len(line.split()) <= 8 for line in lines)
        if short >= 0.7 * len(lines):
            return Rejection("listing", f"{short} of {len(lines)} lines have at most 8 words")
    prices = len(_PRICE.findall(article.body))
    if prices >= 6 and 15 * prices >= article.word_count:
        return Rejection("listing", f"{prices} prices in {article.word_count} words")
    return None


def press_release(article: Candidate) -> bool:
    """Whether a text carries the marks of a press release: two of them."""
    body = article.body.casefold()
    marks = sum(mark in body for mark in _RELEASE_MARKS)
    return marks >= 2 or (marks == 1 and _ABOUT_THE_COMPANY.search(article.body) is not None)


FLAGS: Final[tuple[Callable[[Candidate], bool], ...]] = (press_release,)


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
