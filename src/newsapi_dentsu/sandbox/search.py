"""Running a search: what to read, in which order, which page of it, and what it costs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from newsapi_dentsu.sandbox.articles import Corpus, SandboxArticle
from newsapi_dentsu.sandbox.conditions import SearchCondition, compile_search
from newsapi_dentsu.sandbox.fields import FieldChoice
from newsapi_dentsu.sandbox.values import NotExecutedError, is_on, whole

RECENT_DAYS = 31
_PAGE_LIMIT = 100
_FIRST_DAY = date(2014, 1, 1)
_TOKENS_PER_ARCHIVE_YEAR = 5

_SORT_KEYS: Mapping[str, Callable[[SandboxArticle], Any]] = {
    "date": lambda article: article.index_time,
    "id": lambda article: article.index_time,
    "rel": lambda article: article.record.get("relevance") or 0,
    "sourceImportance": lambda article: -article.source_percentile,
}


@dataclass(frozen=True)
class Cost:
    """What a search costs and whether it reads the archive."""

    tokens: int
    archive: bool


class Search:
    """One search request, checked and compiled; raises `NotExecutedError` otherwise."""

    def __init__(self, params: Mapping[str, Any], now: datetime) -> None:
        self._now = now
        self._check_result_type(params.get("resultType", "articles"))
        self._condition: SearchCondition = compile_search(params)
        self._page = whole(params, "articlesPage", 1, at_least=1)
        self._count = min(whole(params, "articlesCount", _PAGE_LIMIT, at_least=1), _PAGE_LIMIT)
        self._sort_by = str(params.get("articlesSortBy") or "date")
        self._ascending = is_on(params.get("articlesSortByAsc", False))
        self._fields = FieldChoice(params)
        self._first, self._last = self._days(params.get("forceMaxDataTimeWindow"))
        self.cost = self._cost()

    def run(self, corpus: Corpus) -> dict[str, Any]:
        """Return the answer of the API over what the corpus shows at this moment."""
        test, now = self._condition.test, self._now
        articles = corpus.articles(self._first, self._last) if self._first <= self._last else ()
        found = [article for article in articles if article.arrives_at <= now and test(article)]
        self._sort(found)
        start = (self._page - 1) * self._count
        page = found[start : start + self._count]
        return {
            "articles": {
                "results": [self._fields.apply(article.record) for article in page],
                "totalResults": len(found),
                "page": self._page,
                "count": self._count,
                "pages": math.ceil(len(found) / self._count),
            }
        }

    def _sort(self, found: list[SandboxArticle]) -> None:
        # The uri settles ties, so that paging through equal keys is stable.
        found.sort(key=lambda article: article.uri, reverse=not self._ascending)
        key = _SORT_KEYS.get(self._sort_by)
        if key is None:
            # An unknown order is ignored: any stable order that is not by date will do.
            found.sort(key=lambda article: article.uri[::-1])
        else:
            found.sort(key=key, reverse=not self._ascending)

    def _days(self, window: Any) -> tuple[date, date]:
        today = self._now.astimezone(UTC).date()
        first = max(self._condition.first or _FIRST_DAY, _FIRST_DAY)
        last = min(self._condition.last or today, today)
        if window not in (None, ""):
            if str(window) not in ("7", str(RECENT_DAYS)):
                raise NotExecutedError(f"forceMaxDataTimeWindow must be 7 or 31, got {window}.")
            first = max(first, today - timedelta(days=int(window)))
        return first, last

    def _cost(self) -> Cost:
        today = self._now.astimezone(UTC).date()
        if self._first >= today - timedelta(days=RECENT_DAYS):
            return Cost(1, archive=False)
        years = self._last.year - self._first.year + 1
        return Cost(_TOKENS_PER_ARCHIVE_YEAR * max(years, 1), archive=True)

    @staticmethod
    def _check_result_type(result_type: Any) -> None:
        if result_type not in ("articles", ["articles"]):
            raise NotExecutedError(
                f"The sandbox answers resultType articles only, got {result_type}."
            )
