"""What an article says by itself: the verdict on it, and the bands by which others find it."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from newsapi_dentsu.domain import assessment, similarity
from newsapi_dentsu.domain.assessment import Assessment
from newsapi_dentsu.domain.quality import Rejection
from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.relevance import NOTHING, Meaning, Yardstick
from newsapi_dentsu.domain.similarity import Text, prepare
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.processed import Article

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What an article says by itself: its row, without a place, and the bands of its text."""

    row: Assessed
    bands: Sequence[int] | None
    """None where they may be stored already."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An article to look at, with what its text means, and whether its bands are to be made."""

    article: Article
    meaning: Meaning | None
    banded: bool


def looks_at(measure: Yardstick, articles: Sequence[Asked]) -> Sequence[Look]:
    """Look at articles, and make the bands of those where that is asked for."""
    return [look_at(measure, one) for one in articles]


def look_at(measure: Yardstick, one: Asked) -> Look:
    """Look at an article; one that can't be looked at is set aside."""
    article = one.article
    try:
        bands = bands_of(prepare(article.own_text)) if one.banded else None
        return Look(_assessed(measure, article, one.meaning), bands)
    except Exception as error:
        # Whatever it is about this article, the others must go on.
        return set_aside(article, setting_aside.told(error))


def set_aside(article: Article, why: str) -> Look:
    """What stands for the look at an article at which no code can look."""
    rejection = Rejection(FAILED, why)
    return Look(_row(article, Assessment(article.lang, rejection, (), NOTHING)), ())


def _assessed(measure: Yardstick, article: Article, meaning: Meaning | None) -> Assessed:
    """The row of an article before it has its place."""
    found = assessment.assess(
        measure,
        title=article.title,
        body=article.own_text,
        published_at=article.published_at,
        lang=article.lang,
        concepts=article.concepts,
        categories=article.categories,
        meaning=meaning,
    )
    return _row(article, found)


def _row(article: Article, found: Assessment) -> Assessed:
    rejection = found.rejection
    return Assessed(
        article_id=article.article_id,
        text_hash=article.text_hash,
        published_at=article.published_at,
        source_uri=article.source_uri,
        lang=found.lang,
        rejection=rejection.reason if rejection else None,
        detail=rejection.detail if rejection else None,
        flags=json.dumps(found.flags),
        relevance=found.relevance.overall,
        topic_relevance=json.dumps(found.relevance.topics),
        story_id="",
        role="original",
        reference_id=None,
        rule=None,
        similarity=None,
        containment=None,
        reasons=None,
    )


def bands_of(text: Text) -> Sequence[int]:
    """A text's bands; none of a text that can't be compared."""
    return tuple(similarity.bands(text)) if similarity.comparable(text) else ()


def prepared(article_id: str, body: str, title: str = "", source: str | None = None) -> Text:
    """A body as it is compared; an empty one where that can't be made, which is like no other."""
    try:
        return prepare(body, title, source)
    except Exception as error:
        logger.warning("%s can't be compared: %s", article_id, setting_aside.told(error))
        return prepare("")
