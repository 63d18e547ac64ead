"""Search conditions: plain fields and the advanced query language, compiled once per request."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from newsapi_dentsu.sandbox.articles import SandboxArticle
from newsapi_dentsu.sandbox.keywords import Test, compile_keyword
from newsapi_dentsu.sandbox.values import NotExecutedError, day, given, one_of, texts

_LOCATIONS = ("body", "title")
_MODES = ("phrase", "exact", "simple")
_DATA_TYPES = ("news", "pr", "blog")


@dataclass(frozen=True)
class SearchCondition:
    """A compiled condition: a test, whether it selects anything, and the days it is limited to."""

    test: Test
    positive: bool = True
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class _UriField:
    """A condition on a set of uris: how to read them, and how several values combine by default."""

    read: Callable[[SandboxArticle], Set[str]]
    default_oper: str
    oper_name: str | None = None


_URI_FIELDS: Mapping[str, _UriField] = {
    "conceptUri": _UriField(lambda article: article.concepts, "and", "conceptOper"),
    "categoryUri": _UriField(lambda article: article.categories, "or", "categoryOper"),
    "sourceUri": _UriField(lambda article: {article.source}, "or", "sourceOper"),
    "sourceLocationUri": _UriField(lambda article: article.source_locations, "or"),
    "authorUri": _UriField(lambda article: article.authors, "or", "authorOper"),
    "locationUri": _UriField(lambda article: article.locations, "or"),
    "lang": _UriField(lambda article: {article.record.get("lang", "")}, "or"),
}
_OPER_NAMES = {field.oper_name for field in _URI_FIELDS.values() if field.oper_name}
_ADVANCED_NAMES = {
    *_URI_FIELDS,
    *_OPER_NAMES,
    *("keyword", "keywordOper", "keywordLoc", "keywordSearchMode", "dateStart", "dateEnd"),
    *("$and", "$or", "$not"),
}
# Conditions that the sandbox has no data for: refused, as ignoring them would widen the search.
_UNSUPPORTED = (
    "articleUri",
    "articleUriWgtList",
    "dateMention",
    "dateMentionEnd",
    "dateMentionStart",
    "ignoreSourceGroupUri",
    "sourceGroupUri",
)
_UNSUPPORTED_FILTERS = (
    "eventFilter",
    "hasAuthorsFilter",
    "hasDuplicate",
    "hasDuplicateFilter",
    "hasEvent",
    "hasLinksFilter",
    "hasVideosFilter",
)


def compile_search(params: Mapping[str, Any]) -> SearchCondition:
    """Compile the conditions of a request: its `query` if it has one, else its plain fields."""
    if params.get("query"):
        condition, filters = _advanced(params["query"])
    else:
        condition, filters = _plain(params), _compile_filters(params, "isDuplicateFilter")
    if not condition.positive:
        raise NotExecutedError(
            "The query has no positive condition: give at least one that is not an ignore."
        )
    return all_of([condition, filters])


def all_of(conditions: Sequence[SearchCondition]) -> SearchCondition:
    """Combine conditions that must all hold."""
    tests = [condition.test for condition in conditions]
    firsts = [condition.first for condition in conditions if condition.first]
    lasts = [condition.last for condition in conditions if condition.last]
    return SearchCondition(
        tests[0] if len(tests) == 1 else lambda article: all(test(article) for test in tests),
        any(condition.positive for condition in conditions),
        max(firsts, default=None),
        min(lasts, default=None),
    )


def any_of(conditions: Sequence[SearchCondition]) -> SearchCondition:
    """Combine conditions of which one must hold."""
    tests = [condition.test for condition in conditions]
    firsts = [condition.first for condition in conditions]
    lasts = [condition.last for condition in conditions]
    known_firsts = [first for first in firsts if first]
    known_lasts = [last for last in lasts if last]
    return SearchCondition(
        lambda article: any(test(article) for test in tests),
        all(condition.positive for condition in conditions),
        min(known_firsts) if len(known_firsts) == len(firsts) else None,
        max(known_lasts) if len(known_lasts) == len(lasts) else None,
    )


def _none_of(condition: SearchCondition) -> SearchCondition:
    return SearchCondition(lambda article: not condition.test(article), positive=False)


def _advanced(query: Any) -> tuple[SearchCondition, SearchCondition]:
    if isinstance(query, str):
        try:
            query = json.loads(query)
        except ValueError as error:
            raise NotExecutedError(f"The query is not valid JSON: {error}") from None
    if not isinstance(query, dict) or not isinstance(query.get("$query"), dict):
        raise NotExecutedError('The query must be an object with a "$query" object in it.')
    _refuse_unknown(query, {"$query", "$filter"}, "the query")
    filters = query.get("$filter") or {}
    if not isinstance(filters, dict):
        raise NotExecutedError('"$filter" must be an object.')
    return _node(query["$query"]), _compile_filters(filters, "isDuplicate")


def _node(node: Any) -> SearchCondition:
    if not isinstance(node, dict) or not node:
        raise NotExecutedError(f"A condition must be a non-empty object, got {json.dumps(node)}.")
    _refuse_unsupported(node)
    _refuse_unknown(node, _ADVANCED_NAMES, "a condition")
    parts = _leaves(node)
    for name, combine in (("$and", all_of), ("$or", any_of)):
        if name in node:
            children = node[name]
            if not isinstance(children, list) or not children:
                raise NotExecutedError(f'"{name}" must be a non-empty list of conditions.')
            parts.append(combine([_node(child) for child in children]))
    if "$not" in node:
        parts.append(_none_of(_node(node["$not"])))
    if not parts:
        raise NotExecutedError(f"A condition must say what to look for, got {json.dumps(node)}.")
    return all_of(parts)


def _plain(params: Mapping[str, Any]) -> SearchCondition:
    _refuse_unsupported(params)
    parts = _leaves(params)
    ignored = {
        name.removeprefix("ignore")[:1].lower() + name.removeprefix("ignore")[1:]: value
        for name, value in params.items()
        if name.startswith("ignore")
    }
    # Several ignored values always mean "any of them".
    opers = dict.fromkeys((*_OPER_NAMES, "keywordOper"), "or")
    parts += [_none_of(condition) for condition in _leaves({**ignored, **opers})]
    return all_of(parts or [SearchCondition(_everything, positive=False)])


def _everything(_: SandboxArticle) -> bool:
    return True


def _leaves(fields: Mapping[str, Any]) -> list[SearchCondition]:
    parts = []
    if given(fields.get("keyword")):
        parts.append(_keywords(fields))
    for name, field in _URI_FIELDS.items():
        if given(fields.get(name)):
            values, every = _values(fields, name, field.oper_name, field.default_oper)
            parts.append(SearchCondition(_uri_test(field.read, frozenset(values), every)))
    first, last = day(fields, "dateStart"), day(fields, "dateEnd")
    if first or last:
        parts.append(_days(first, last))
    return parts


def _keywords(fields: Mapping[str, Any]) -> SearchCondition:
    values, every = _values(fields, "keyword", "keywordOper", "and")
    mode = one_of(fields, "keywordSearchMode", _MODES, "phrase")
    places = [place.strip() for place in str(fields.get("keywordLoc") or "body").split(",")]
    for place in places:
        if place not in _LOCATIONS:
            raise NotExecutedError(f'keywordLoc "{place}" is not one of {", ".join(_LOCATIONS)}.')
    tests = [compile_keyword(value, mode, places) for value in values]
    if every:
        return SearchCondition(lambda article: all(test(article) for test in tests))
    return SearchCondition(lambda article: any(test(article) for test in tests))


def _uri_test(
    read: Callable[[SandboxArticle], Set[str]], wanted: frozenset[str], every: bool
) -> Test:
    if every:
        return lambda article: wanted <= read(article)
    return lambda article: not wanted.isdisjoint(read(article))


def _days(first: date | None, last: date | None) -> SearchCondition:
    if first and last and first > last:
        raise NotExecutedError(f"dateStart {first} is after dateEnd {last}.")
    low, high = first or date.min, last or date.max
    return SearchCondition(lambda article: low <= article.day <= high, first=first, last=last)


def _compile_filters(filters: Mapping[str, Any], duplicate_name: str) -> SearchCondition:
    for name in _UNSUPPORTED_FILTERS:
        if filters.get(name) not in (None, "keepAll"):
            raise NotExecutedError(f"The sandbox does not support the filter {name}.")
    tests: list[Test] = [_data_type_test(filters.get("dataType"))]
    duplicates = one_of(
        filters, duplicate_name, ("keepAll", "skipDuplicates", "keepOnlyDuplicates"), "keepAll"
    )
    if duplicates != "keepAll":
        wanted = duplicates == "keepOnlyDuplicates"
        tests.append(lambda article: bool(article.record.get("isDuplicate")) is wanted)
    low = _percentile(filters, "startSourceRankPercentile", 0)
    high = _percentile(filters, "endSourceRankPercentile", 100)
    if low >= high:
        raise NotExecutedError("startSourceRankPercentile must be below endSourceRankPercentile.")
    if (low, high) != (0, 100):
        tests.append(lambda article: low <= article.source_percentile <= high)
    if "minSentiment" in filters or "maxSentiment" in filters:
        tests.append(_sentiment_test(filters))
    return SearchCondition(lambda article: all(test(article) for test in tests), positive=False)


def _data_type_test(raw: Any) -> Test:
    types = frozenset(texts("dataType", raw if given(raw) else "news"))
    for data_type in types:
        if data_type not in _DATA_TYPES:
            raise NotExecutedError(
                f'dataType "{data_type}" is not one of {", ".join(_DATA_TYPES)}.'
            )
    return lambda article: (article.record.get("dataType") or "news") in types


def _sentiment_test(filters: Mapping[str, Any]) -> Test:
    try:
        low = float(filters.get("minSentiment", -1))
        high = float(filters.get("maxSentiment", 1))
    except (TypeError, ValueError):
        raise NotExecutedError("minSentiment and maxSentiment must be numbers.") from None

    def test(article: SandboxArticle) -> bool:
        sentiment = article.record.get("sentiment")
        return sentiment is not None and low <= sentiment <= high

    return test


def _percentile(filters: Mapping[str, Any], name: str, default: int) -> int:
    try:
        value = int(filters.get(name, default))
    except (TypeError, ValueError):
        value = -1
    if value % 10 or not 0 <= value <= 100:
        raise NotExecutedError(f"{name} must be a multiple of 10 from 0 to 100.")
    return value


def _values(
    fields: Mapping[str, Any], name: str, oper_name: str | None, default_oper: str
) -> tuple[list[str], bool]:
    """Return the values of a condition and whether all of them must match."""
    raw = fields[name]
    oper = one_of(fields, oper_name, ("and", "or"), default_oper) if oper_name else default_oper
    if isinstance(raw, dict):
        if len(raw) != 1 or not set(raw) <= {"$and", "$or"}:
            raise NotExecutedError(f'{name} must be {{"$or": [...]}} or {{"$and": [...]}}.')
        ((key, raw),) = raw.items()
        oper = key.removeprefix("$")
    return texts(name, raw), oper == "and"


def _refuse_unknown(fields: Iterable[str], allowed: Set[str], place: str) -> None:
    unknown = sorted(set(fields) - allowed)
    if unknown:
        raise NotExecutedError(f"Unknown name in {place}: {', '.join(unknown)}.")


def _refuse_unsupported(fields: Mapping[str, Any]) -> None:
    for name in _UNSUPPORTED:
        if given(fields.get(name)):
            raise NotExecutedError(f"The sandbox does not support the condition {name}.")
