"""The REST API, version 1, on what is looked for: searches, related stories, trends, sources."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from newsapi_dentsu.reading import hits, states, stories
from newsapi_dentsu.reading import related as relating
from newsapi_dentsu.reading import trends as trending
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website.api import Operation, Parameter
from newsapi_dentsu.website.questions import (
    QuestionError,
    article_place,
    encoded,
    limit,
    searched,
    trend_question,
)

_USUAL: Final = 20
_MOST: Final = 100
RELATED: Final = 6

_QUERY = Parameter(
    "q",
    'A search, such as agency "series b" -crypto source:adledger since:2026-11-01.',
    {"type": "string", "maxLength": 1000},
)
_LIMIT = Parameter(
    "limit", "How many a page.", {"type": "integer", "minimum": 1, "maximum": _MOST, "default": 20}
)

OPERATIONS: Final = (
    Operation(
        "/api/v1/search",
        "The hits of a search, the newest first or, for one page, those that fit best; all pages "
        "are of one state.",
        (
            _QUERY,
            Parameter(
                "sort",
                "relevance looks among the newest 2,000 hits and has no further pages.",
                {"type": "string", "enum": ["newest", "relevance"], "default": "newest"},
            ),
            _LIMIT,
            Parameter("cursor", "What the page before says in next.", {"type": "string"}),
        ),
        "Hits",
    ),
    Operation(
        "/api/v1/search/facets",
        "What the newest 1,000 hits can be narrowed down by.",
        (_QUERY,),
        "Facets",
    ),
    Operation(
        "/api/v1/stories/{story_id}/related", "Stories that are akin to one.", (), "RelatedStories"
    ),
    Operation(
        "/api/v1/trends",
        "Articles a week, the first sources, rising concepts, and the shares of those chosen.",
        (
            Parameter(
                "weeks",
                "Weeks up to the newest day.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": trending.MOST_WEEKS,
                    "default": 12,
                },
            ),
            Parameter(
                "concepts",
                f"Concepts to compare, separated by commas; {trending.MOST_CONCEPTS} at most.",
                {"type": "string", "maxLength": 500},
            ),
        ),
        "Trends",
    ),
    Operation(
        "/api/v1/sources/{source_uri}",
        "How much a publication had in 90 days, how fast, and how often it was copied.",
        (),
        "Source",
    ),
)


def search(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """A page of hits, with how many there are in all."""
    wanted, rows = searched(given), limit(given, _USUAL, _MOST)
    index = index_of(session)
    cursor, best = given.get("cursor"), given.get("sort", "newest").strip() == "relevance"
    if given.get("sort", "newest").strip() not in ("", "newest", "relevance"):
        raise QuestionError("sort must be newest or relevance")
    state, after = article_place(cursor) if cursor else (index.state, None)
    states.refuse_expired(session, state, index)
    if best:
        found = hits.best(index, wanted, rows)
    else:
        found = index.newest(wanted, rows=rows + 1, after=after, state=state)
    shown = found[:rows]
    return {
        "state": state,
        "total": index.count(wanted, state=state),
        "hits": [asdict(one) for one in index.hits(shown)],
        "next": encoded(state, *shown[-1].place) if len(found) > rows and not best else None,
    }


def facets(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """What hits can be narrowed down by."""
    told = hits.facets(index_of(session), searched(given))
    return {
        "of": told.of,
        **{
            name: [{"value": value, "hits": count} for value, count in getattr(told, name)]
            for name in ("days", "sources", "topics", "languages")
        },
    }


def related(session: Session, story_id: str) -> dict[str, Any] | None:
    """Stories that are akin to one; None where there is no such."""
    found = stories.stories_by_id(session, [story_id]).get(story_id)
    if found is None:
        return None
    concepts, _ = stories.article_details(session, found.article_id)
    akin = relating.related_to(session, found, concepts, RELATED)
    return {"related": [{**asdict(one.hit), "similarity": one.similarity} for one in akin]}


def trends(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """The trends."""
    weeks, concepts = trend_question(given)
    newest = stories.read_state(session).newest or date(1970, 1, 1)
    return asdict(trending.trends(session, newest, weeks=weeks, concepts=concepts))


def source(session: Session, source_uri: str) -> dict[str, Any] | None:
    """How a publication has done; None where it had nothing."""
    newest = stories.read_state(session).newest
    found = trending.source_profile(session, source_uri, newest) if newest else None
    return asdict(found) if found else None
