"""The REST API, version 1, on what is looked for: searches, related stories, trends, sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from newsapi_dentsu.reading import hits, states, stories, tones
from newsapi_dentsu.reading import related as relating
from newsapi_dentsu.reading import trends as trending
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website.api import MOST_HITS, USUAL_HITS
from newsapi_dentsu.website.questions import (
    QuestionError,
    article_place,
    encoded,
    limit,
    searched,
    trend_question,
)

RELATED: Final = 6


def search(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """A page of hits, with how many there are in all."""
    wanted, rows = searched(given), limit(given, USUAL_HITS, MOST_HITS)
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
    shown, total = found[:rows], hits.counted(index, wanted, state)
    return {
        "state": state,
        "total": total.hits,
        "total_is_exact": total.exact,
        "found_since": hits.found_since(index, wanted),
        "hits": [asdict(one) for one in index.hits(shown)],
        "next": encoded(state, *shown[-1].place) if len(found) > rows and not best else None,
    }


def facets(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """What hits can be narrowed down by."""
    index = index_of(session)
    wanted = searched(given)
    told = hits.facets(index, wanted)
    return {
        "of": told.of,
        "found_since": hits.found_since(index, wanted),
        **{
            name: [{"value": value, "hits": count} for value, count in getattr(told, name)]
            for name in ("days", "sources", "topics", "languages", "tones", "brands")
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
    weeks, concepts, brands = trend_question(given)
    newest = stories.read_state(session).newest or date(1970, 1, 1)
    told = trending.trends(session, newest, weeks=weeks, concepts=concepts, brands=brands)
    return asdict(told)


def article_tones(session: Session, article_id: str) -> dict[str, Any] | None:
    """How an article speaks about whom; None where there is no such."""
    own = tones.article_tones(session, [article_id])
    told = tones.of_articles(session, [article_id])
    return _tones(own.get(article_id), told.get(article_id)) if own else None


def story_tones(session: Session, story_id: str) -> dict[str, Any] | None:
    """How a story speaks about whom; None where there is no such."""
    found = stories.stories_by_id(session, [story_id]).get(story_id)
    if found is None:
        return None
    own = tones.article_tones(session, [found.article_id])
    return _tones(own.get(found.article_id), tones.of_stories(session, [story_id]).get(story_id))


def _tones(own: str | None, told: Sequence[tones.TargetTone] | None) -> dict[str, Any]:
    return {"tone": own, "targets": [asdict(one) for one in told or ()]}


def source(session: Session, source_uri: str) -> dict[str, Any] | None:
    """How a publication has done; None where it had nothing."""
    newest = stories.read_state(session).newest
    found = trending.source_profile(session, source_uri, newest) if newest else None
    return asdict(found) if found else None
