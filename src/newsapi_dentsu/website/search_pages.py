"""The pages on what is looked for: searches, saved searches, trends, publications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from newsapi_dentsu.domain.names import domain_key
from newsapi_dentsu.reading import hits, states, stories
from newsapi_dentsu.reading import trends as trending
from newsapi_dentsu.reading.excerpts import excerpts
from newsapi_dentsu.reading.hits import Facets
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.saved import SavedSearch
from newsapi_dentsu.reading.search import Search, narrowed, parse_search
from newsapi_dentsu.reading.tones import OF_ARTICLES
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website.pages import page
from newsapi_dentsu.website.questions import (
    ListQuestion,
    QuestionError,
    article_place,
    encoded,
    names_text,
    trend_question,
    words,
)
from newsapi_dentsu.website.rendering import language, tone_words

PAGE_HITS: Final = 20
_FACETS: Final = 8
_OF_SOURCE: Final = 10


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A search as the page shows it."""

    q: str
    sort: str

    def path(self, **changes: str) -> str:
        """The address of the search with some of it changed."""
        values = {"q": self.q, "sort": self.sort, **changes}
        if values["sort"] == "newest":
            del values["sort"]
        return f"/search?{urlencode(values)}"


class Choice(NamedTuple):
    """A way to narrow a search down: its name, how many hits have it, and where it leads."""

    name: str
    hits: int
    path: str


class FacetList(NamedTuple):
    """Choices of one kind."""

    title: str
    choices: list[Choice]


def search(session: Session, given: Mapping[str, str], now: datetime) -> str:
    """The page of a search, with its hits and how to narrow it down; a form where there is none."""
    question = SearchQuestion(words(given), given.get("sort", "").strip() or "newest")
    if question.sort not in ("newest", "relevance"):
        raise QuestionError("sort must be newest or relevance")
    state = stories.read_state(session)
    asked: dict[str, Any] = {
        "asked": question,
        "mistake": None,
        "found": [],
        "excerpts": {},
        "total": None,
        "found_since": None,
        "facets": [],
        "next": None,
    }
    show = partial(
        page, "search.html", now, state, section="search", question=ListQuestion(q=question.q)
    )
    if not question.q:
        return show(**asked)
    try:
        wanted = parse_search(question.q)
    except ValueError as error:
        return show(**{**asked, "mistake": str(error)})
    index = index_of(session)
    pinned, after = article_place(given["after"]) if given.get("after") else (index.state, None)
    states.refuse_expired(session, pinned, index)
    best = question.sort == "relevance"
    found = (
        hits.best(index, wanted, 2 * PAGE_HITS)
        if best
        else index.newest(wanted, rows=PAGE_HITS + 1, after=after, state=pinned)
    )
    shown = found if best else found[:PAGE_HITS]
    more = len(found) > PAGE_HITS and not best
    told_hits = index.hits(shown)
    told = {
        "found": told_hits,
        "excerpts": excerpts(session, told_hits, wanted),
        "total": hits.counted(index, wanted, pinned),
        "found_since": hits.found_since(index, wanted),
        "facets": _facet_lists(question, wanted, hits.facets(index, wanted, _FACETS))
        if found
        else [],
        "next": question.path(after=encoded(pinned, *shown[-1].place)) if more else None,
    }
    return show(**{**asked, **told})


def _facet_lists(question: SearchQuestion, wanted: Search, told: Facets) -> list[FacetList]:
    def narrowing(operator: str, value: str) -> str:
        return question.path(q=narrowed(question.q, operator, value))

    kinds = (
        (
            "Day",
            [
                Choice(day, count, question.path(q=f"{question.q} since:{day} until:{day}"))
                for day, count in told.days
            ],
        ),
        (
            "Source",
            [Choice(name, count, narrowing("domain", name)) for name, count in told.sources],
        ),
        (
            "Topic",
            # An article has several: of two topics one is enough, so a second would widen it.
            []
            if wanted.topics
            else [Choice(name, count, narrowing("topic", name)) for name, count in told.topics],
        ),
        (
            "Language",
            [
                Choice(language(code), count, narrowing("lang", code))
                for code, count in told.languages
            ],
        ),
        (
            "Tone of what is looked for" if wanted.brands else "Tone",
            [
                Choice(tone_words(label), count, narrowing("tone", label.replace("_", "-")))
                for label, count in told.tones
                # Hits speak in other tones of further brands.
                if label in (wanted.tones or OF_ARTICLES)
            ],
        ),
        (
            "Speaks about",
            # Of several brands, too, one is enough; and beside one, a tone is how it is spoken of.
            []
            if wanted.brands or wanted.tones or wanted.without_tones
            else [Choice(name, count, narrowing("brand", name)) for name, count in told.brands],
        ),
    )
    # What all hits have narrows nothing down.
    lists = (
        FacetList(title, [choice for choice in choices if choice.hits < told.of])
        for title, choices in kinds
    )
    return [facet for facet in lists if facet.choices]


def saved(session: Session, there: Sequence[SavedSearch], now: datetime) -> str:
    """The page of all saved searches."""
    return page("saved.html", now, stories.read_state(session), section="saved", saved=there)


def trends(session: Session, given: Mapping[str, str], now: datetime) -> str:
    """The page of trends."""
    weeks, concepts, brands = trend_question(given)
    state = stories.read_state(session)
    newest = state.newest or now.astimezone(UTC).date()
    told = trending.trends(
        session,
        newest,
        weeks=weeks,
        concepts=concepts,
        brands=brands,
        today=now.astimezone(UTC).date(),
    )
    return page(
        "trends.html",
        now,
        state,
        section="trends",
        trends=told,
        weeks=weeks,
        concepts=names_text(concepts),
        brands=names_text(brands),
        names_text=names_text,
        most=max((week.articles for week in told.weeks), default=0),
        most_of_source=max((one.articles for one in told.sources), default=0),
        labels=list(dict.fromkeys(one.label for one in told.shares)),
        shares={(one.week, one.label): one for one in told.shares},
        spoken=list(dict.fromkeys(one.brand for one in told.tones)),
        tones={(one.week, one.brand): one for one in told.tones},
    )


def source(session: Session, source_uri: str, now: datetime) -> str | None:
    """The page of a publication; None where it had nothing lately."""
    state = stories.read_state(session)
    newest = state.newest or now.astimezone(UTC).date()
    found = trending.source_profile(session, source_uri, newest)
    if found is None:
        return None
    index = index_of(session)
    wanted = Search(domains=(domain_key(source_uri),), until=newest)
    latest = index.hits(index.newest(wanted, rows=_OF_SOURCE))
    question = ListQuestion(source=source_uri, days=30)
    return page(
        "source.html", now, state, section="", profile=found, latest=latest, question=question
    )
