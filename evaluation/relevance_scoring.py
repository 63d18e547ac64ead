"""Relevance: what the pipeline says of an article, and what plainer methods say.

All methods use the topics that the pipeline ships with.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from evaluation.judgements import PIPELINE, Item, Verdict
from evaluation.labelled_articles import LabelledArticle
from newsapi_dentsu.domain.passages import passages
from newsapi_dentsu.domain.relevance import Meaning, Yardstick, score
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.topics import Topic, Topics, parse_topics
from newsapi_dentsu.domain.wrapping import own_span
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.source import SHIPPED_TOPICS
from newsapi_dentsu.stages.judging import untaught_measure

Method = Callable[[LabelledArticle], Verdict]


def item(article: LabelledArticle) -> Item:
    """Return an article as an item of which a method says whether it is relevant."""
    return Item(
        id=article.id,
        part=article.part,
        kind=article.kind,
        language="eng",
        words=len(article.body.split()),
        label="relevant" if article.relevant else "not relevant",
        truth=article.relevant,
    )


def by_the_pipeline(article: LabelledArticle) -> Verdict:
    """Judge as the pipeline does: the overall score against the threshold of the topics."""
    title, body = clean_title(article.title), clean_text(article.body)
    own_text = own_span(body).of(body)
    vectors = sentence_model().embed(passages(title, own_text))
    found = score(
        title,
        own_text,
        json.dumps(article.concepts),
        json.dumps(article.categories),
        _measure(),
        Meaning(vectors[0], vectors[-1]),
    )
    return Verdict(
        said=found.overall >= _topics().relevance.threshold,
        figure=found.overall,
        detail=", ".join(f"{name} {value:.2f}" for name, value in found.topics.items()),
    )


def by_keywords(article: LabelledArticle) -> Verdict:
    """Call an article relevant which holds a keyword of every topic, wherever."""
    return _by_every_topic(lambda topic: _has_keyword(article, topic))


def by_tags(article: LabelledArticle) -> Verdict:
    """Call an article relevant which has a concept or a category of every topic."""
    return _by_every_topic(lambda topic: _has_tag(article, topic))


def by_search(article: LabelledArticle) -> Verdict:
    """Call an article relevant which the search for the topics finds: by keyword or tag."""
    return _by_every_topic(lambda topic: _has_keyword(article, topic) or _has_tag(article, topic))


METHODS: Final[Mapping[str, Method]] = {
    PIPELINE: by_the_pipeline,
    "keywords": by_keywords,
    "tags": by_tags,
    "keywords or tags": by_search,
}


def _by_every_topic(matches: Callable[[Topic], bool]) -> Verdict:
    said = all(matches(topic) for topic in _topics().topics)
    return Verdict(said, figure=float(said))


def _has_keyword(article: LabelledArticle, topic: Topic) -> bool:
    text = f"{article.title}\n{article.body}".lower()
    return any(keyword.lower() in text for keyword in topic.keywords)


def _has_tag(article: LabelledArticle, topic: Topic) -> bool:
    tags = {tag["uri"] for tag in (*article.concepts, *article.categories)}
    return bool(tags & {*topic.concepts, *topic.categories})


@cache
def _measure() -> Yardstick:
    return untaught_measure(_topics(), sentence_model())


@cache
def _topics() -> Topics:
    return parse_topics(SHIPPED_TOPICS.read_text(encoding="utf-8"), SHIPPED_TOPICS.name)
