"""Search requests, built with the SDK's own query classes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from eventregistry import (
    ArticleInfoFlags,
    BaseQuery,
    CombinedQuery,
    ComplexArticleQuery,
    QueryArticles,
    QueryItems,
    RequestArticlesInfo,
    ReturnInfo,
)

from newsapi_dentsu.domain.listing import PAGE_SIZE
from newsapi_dentsu.domain.topics import Topic, Topics


def search_parameters(
    topics: Topics, day: date, page: int, size: int = PAGE_SIZE
) -> dict[str, Any]:
    """Build the body of one search: a page of the articles that the index dates on `day`.

    The order is ascending by date, in which new arrivals come last and pages already read don't
    shift.
    """
    conditions: list[BaseQuery | CombinedQuery] = [_any_of(topic) for topic in topics.topics]
    conditions.append(BaseQuery(lang=QueryItems.OR(topics.languages), dateStart=day, dateEnd=day))
    ignored = (
        BaseQuery(sourceUri=QueryItems.OR(topics.ignore_sources)) if topics.ignore_sources else None
    )
    query = QueryArticles.initWithComplexQuery(
        ComplexArticleQuery(
            CombinedQuery.AND(conditions, exclude=ignored), dataType=list(topics.data_types)
        )
    )
    query.setRequestedResult(
        RequestArticlesInfo(
            page=page,
            count=min(size, PAGE_SIZE),  # The SDK refuses more, though a server may give them.
            sortBy="date",
            sortByAsc=True,
            returnInfo=ReturnInfo(
                articleInfo=ArticleInfoFlags(
                    concepts=True, categories=True, location=True, originalArticle=True
                )
            ),
        )
    )
    parameters: dict[str, Any] = query._getQueryParams()
    return parameters


def _any_of(topic: Topic) -> BaseQuery | CombinedQuery:
    alternatives: list[BaseQuery | CombinedQuery] = []
    if topic.keywords:
        alternatives.append(BaseQuery(keyword=_or(topic.keywords), keywordLoc="body,title"))
    if topic.concepts:
        alternatives.append(BaseQuery(conceptUri=_or(topic.concepts)))
    if topic.categories:
        alternatives.append(BaseQuery(categoryUri=_or(topic.categories)))
    return alternatives[0] if len(alternatives) == 1 else CombinedQuery.OR(alternatives)


def _or(values: Sequence[str]) -> QueryItems:
    items: QueryItems = QueryItems.OR(list(values))
    return items
