"""What is thought of an article by itself: may it be read, and how much is it about the topics."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from newsapi_dentsu.domain import quality
from newsapi_dentsu.domain.language import verified_language
from newsapi_dentsu.domain.quality import Candidate, Rejection
from newsapi_dentsu.domain.relevance import Meaning, Relevance, Yardstick, score
from newsapi_dentsu.domain.topics import Topics

OFF_TOPIC: Final = "off_topic"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict on an article; `rejection` is None where it may be read."""

    lang: str | None
    rejection: Rejection | None
    flags: tuple[str, ...]
    relevance: Relevance


def assess(
    measure: Yardstick,
    *,
    title: str,
    body: str,
    published_at: datetime | None,
    lang: str | None,
    concepts: str,
    categories: str,
    meaning: Meaning | None,
) -> Assessment:
    """Judge an article by the rules of quality, language and relevance, in this order.

    `meaning` are the vectors of its text, None where there are none.
    """
    topics = measure.topics
    verified, relevance = relevance_of(
        measure,
        title=title,
        body=body,
        lang=lang,
        concepts=concepts,
        categories=categories,
        meaning=meaning,
    )
    candidate = Candidate(title, body, published_at, verified)
    rejection = quality.first_rejection(candidate, topics.languages, topics.quality.min_words)
    return Assessment(
        verified,
        rejection or _off_topic(relevance, topics),
        tuple(quality.flags(candidate)),
        relevance,
    )


def relevance_of(
    measure: Yardstick,
    *,
    title: str,
    body: str,
    lang: str | None,
    concepts: str,
    categories: str,
    meaning: Meaning | None,
) -> tuple[str | None, Relevance]:
    """An article's language and relevance, whatever else would reject it."""
    verified = verified_language(body, lang)
    return verified, score(title, body, concepts, categories, measure, meaning, verified)


def _off_topic(relevance: Relevance, topics: Topics) -> Rejection | None:
    rules = topics.relevance
    if relevance.overall >= rules.threshold:
        return None
    scores = ", ".join(f"{name} {value:.2f}" for name, value in relevance.topics.items())
    said = f"{scores}; {rules.beside(relevance.overall)} overall, {rules.asked} is asked for"
    if relevance.by == "words":
        said += "; judged by keywords and tags alone"
    return Rejection(OFF_TOPIC, said)
