"""What may enter the final table: each rule is one small function with its reason."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

REMOVED_MARK = "[removed]"


@dataclass(frozen=True, slots=True)
class Candidate:
    """The fields of a processed article that the rules look at."""

    title: str
    body: str
    published_at: datetime | None
    lang: str | None


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


def first_rejection(article: Candidate, languages: Collection[str]) -> Rejection | None:
    """Apply the rules in order and return the first reason to reject, or None."""
    rules = (title_present, body_present, date_credible, language_accepted(languages))
    return next((rejection for rule in rules if (rejection := rule(article))), None)
