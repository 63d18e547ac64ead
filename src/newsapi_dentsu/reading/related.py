"""Stories that are akin to one, by the vectors of their texts where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from newsapi_dentsu.domain.terms import terms
from newsapi_dentsu.reading.hits import Found, Hit, Index, NoIndexError
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.search import Terms
from newsapi_dentsu.reading.stories import Story
from newsapi_dentsu.warehouse.engines.base import Session

_CANDIDATES: Final = 300
"""Articles with some of the same words, whose vectors are compared."""

_WORDS: Final = 12
_CONCEPTS: Final = 6
_SHORTEST: Final = 4
_LEAST: Final = 0.3
"""The cosine of vectors below which texts have nothing to do with each other."""


@dataclass(frozen=True, slots=True)
class Related:
    """A hit that is akin to an article, and how much: a cosine; None where there are no vectors."""

    hit: Hit
    similarity: float | None


def related(
    session: Session,
    article_id: str,
    *,
    story_id: str,
    title: str,
    concepts: Sequence[str],
    near: datetime,
    most: int,
) -> list[Related]:
    """The articles that are most akin to one, the most akin first; one of each other story.

    Only so many are compared: those of the weeks around it that share words with its title or
    names with its concepts.

    Raises:
        NoIndexError: there is no index of searches.
    """
    index = index_of(session)
    candidates = index.akin(article_id, near, _words(title, concepts), _CANDIDATES)
    ranked = _ranked(index, article_id, candidates)
    kept: list[Related] = []
    stories = {story_id}
    step = 4 * most
    for start in range(0, len(ranked), step):
        part = ranked[start : start + step]
        hits = {one.article_id: one for one in index.hits([found for found, _ in part])}
        for found, similarity in part:
            one = hits.get(found.place.article_id)
            if one is not None and (one.story_id or one.article_id) not in stories:
                stories.add(one.story_id or one.article_id)
                kept.append(Related(one, similarity))
                if len(kept) == most:
                    return kept
    return kept


def related_to(session: Session, story: Story, concepts: Sequence[str], most: int) -> list[Related]:
    """The stories that are most akin to one; none where nothing can be searched."""
    try:
        return related(
            session,
            story.article_id,
            story_id=story.story_id,
            title=story.title,
            concepts=concepts,
            near=story.first_published_at,
            most=most,
        )
    except NoIndexError:
        return []


def _words(title: str, concepts: Sequence[str]) -> list[Terms]:
    words = [(term,) for term in terms(title) if len(term) >= _SHORTEST and not term.isdigit()]
    names = [tuple(terms(concept)) for concept in concepts[:_CONCEPTS]]
    return [one for one in dict.fromkeys([*words[:_WORDS], *names]) if one]


def _ranked(
    index: Index, article_id: str, candidates: Sequence[Found]
) -> list[tuple[Found, float | None]]:
    vector = index.vector(article_id)
    if vector is None or not candidates:
        return [(found, None) for found in candidates]
    import numpy as np

    from newsapi_dentsu.domain.vectors import from_steps

    known = [
        (found, other)
        for found, other in zip(candidates, index.vectors(candidates), strict=True)
        if other is not None and len(other) == len(vector)
    ]
    steps = np.frombuffer(b"".join([vector, *(other for _, other in known)]), np.int8)
    rows = from_steps(steps.reshape(len(known) + 1, -1))
    cosines = rows[1:] @ rows[0]
    order = np.argsort(-cosines, kind="stable")
    return [
        (known[place][0], round(float(cosines[place]), 3))
        for place in order
        if cosines[place] >= _LEAST
    ]
