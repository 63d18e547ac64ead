"""The GraphQL schema: articles, stories and changes as connections (Relay), and what they lead to.

What may fail is `async`, also where it waits for nothing: GraphQL lets go of what else it has begun
where a plain function fails.
Lists are given page by page, at most `MOST_LISTED` a page. What many objects of a list lead to is
loaded together, by one statement.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any, Final, Generic, Optional, TypeVar

import strawberry
from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode
from graphql.pyutils import camel_to_snake
from strawberry.dataloader import DataLoader
from strawberry.relay import from_base64, to_base64

from newsapi_dentsu.reading import hits, states, stories, tones
from newsapi_dentsu.reading import trends as trending
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.memory import RememberedSession
from newsapi_dentsu.reading.states import ARTICLES, Relation
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website.graph.limits import MOST_LISTED, USUAL
from newsapi_dentsu.website.questions import (
    QuestionError,
    article_filter,
    article_place,
    change_number,
    chosen,
    encoded,
    is_storable,
    list_question,
    searched,
    story_rank,
    trend_question,
)

T = TypeVar("T")
Found = dict[str, Any]


class Context:
    """What the fields of one operation share: its transaction, and what they load together."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._loaders: dict[Hashable, DataLoader[str, Any]] = {}

    def load(
        self, what: Hashable, find: Callable[[Sequence[str]], Mapping[str, T]], one: str
    ) -> Awaitable[T | None]:
        """Load one of many by its id; those that are asked for together are found together."""

        async def find_all(ids: list[str]) -> list[T | None]:
            found = find(ids)
            return [found.get(each) for each in ids]

        if what not in self._loaders:
            self._loaders[what] = DataLoader(find_all, max_batch_size=1_000)
        return self._loaders[what].load(one)


Info = strawberry.Info[Context, None]

_FOUND_SINCE = "While the index of searches is made, articles from before aren't found."


@strawberry.interface(description="Something that has an id of its own among all things.")
class Node:
    id: strawberry.ID


@strawberry.type(description="A sentence that names a target; sentence 0 is the title.")
class Sentence:
    article_id: str
    sentence_number: int
    sentence: str
    name_start: int
    name_end: int
    negative: float
    neutral: float
    positive: float
    label: str
    model: str


@strawberry.type(
    description="Whom a story or an article speaks about, and how; a mean of articles."
)
class Target:
    target: str
    kind: str
    mentions: int
    negative: float
    neutral: float
    positive: float
    label: str
    score: float
    models: list[str]
    told: strawberry.Private[list[tones.Mention]]

    @strawberry.field(description="The sentences that show it.")
    async def sentences(self, first: int = USUAL["sentences"]) -> list[Sentence]:
        return [_made(Sentence, _values(one)) for one in self.told[: _checked(first)]]


@strawberry.type(description="An article that people read.")
class Article(Node):
    article_id: str
    story_id: str
    url: str
    link: str
    title: str
    body: str
    published_at: datetime
    first_published_at: datetime | None
    source_name: str | None
    source_uri: str | None
    lang: str | None
    authors: list[str] | None
    concepts: list[str] | None
    categories: list[str] | None
    topics: list[str] | None
    other_sources: list[str] | None
    role: str | None
    reference_id: str | None
    image: str | None
    origin: str | None
    sentiment: float | None
    relevance: float | None
    version: int | None
    duplicate_count: int | None
    flags: list[str] | None
    updated_at: datetime | None
    change_seq: int | None
    tone: str | None

    @strawberry.field(description="Whom it speaks about and how, those first of whom most is said.")
    async def targets(self, info: Info, first: int = USUAL["targets"]) -> list[Target]:
        return await _targets(info, tones.of_articles, self.article_id, first)

    @strawberry.field(description="The story that it belongs to.")
    async def story(self, info: Info) -> Optional["Story"]:
        return await _story(info, self.story_id)


@strawberry.type(description="An article of a story, copies too: where and when it ran.")
class Place:
    article_id: str
    role: str
    title: str
    link: str
    source_name: str | None
    source_uri: str | None
    lang: str | None
    published_at: datetime | None

    @strawberry.field(description="The article, where people read it.")
    async def article(self, info: Info) -> Article | None:
        return await _article(info, self.article_id)


@strawberry.type(description="A story: its text, who had it first, and how far it was carried.")
class Story(Node):
    story_id: str
    article_id: str
    title: str
    body: str
    link: str
    lang: str
    source_name: str | None
    source_uri: str | None
    image: str | None
    origin: str
    relevance: float | None
    sentiment: float | None
    topics: list[str]
    first_source: str | None
    first_published_at: datetime
    last_published_at: datetime
    sources: list[str] | None
    source_count: int
    article_count: int
    copies: int
    rewrites: int
    updates: int
    updated_at: datetime

    @strawberry.field(description="Where it ran, the earliest first.")
    async def places(self, info: Info, first: int = USUAL["places"]) -> list[Place]:
        first = _checked(first)

        def find(ids: Sequence[str]) -> dict[str, list[Place]]:
            found = stories.places(info.context.session, ids, first)
            return {
                story_id: [_made(Place, _values(place)) for place in ran]
                for story_id, ran in found.items()
            }

        return await info.context.load(("places", first), find, self.story_id) or []

    @strawberry.field(description="Whom it speaks about and how, those first of whom most is said.")
    async def targets(self, info: Info, first: int = USUAL["targets"]) -> list[Target]:
        return await _targets(info, tones.of_stories, self.story_id, first)

    @strawberry.field(description="The tone of the article that has its text.")
    async def tone(self, info: Info) -> str | None:
        def find(ids: Sequence[str]) -> Mapping[str, str | None]:
            return tones.article_tones(info.context.session, ids)

        return await info.context.load("tone", find, self.article_id)

    @strawberry.field(description="The article that has its text.")
    async def article(self, info: Info) -> Article | None:
        return await _article(info, self.article_id)


@strawberry.type(description="An article that came or changed (shown), or left.")
class Change:
    change_seq: int
    change: str
    article_id: str
    url: str
    reason: str | None
    replaced_by: str | None
    changed_at: datetime

    @strawberry.field(description="The article as it is now; null where it left.")
    async def article(self, info: Info) -> Article | None:
        return await _article(info, self.article_id)


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    place: strawberry.Private[tuple[object, ...]]
    node: T

    @strawberry.field
    def cursor(self) -> str:
        return encoded(*self.place)


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo

    @strawberry.field(description="The nodes of the edges.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


@strawberry.type(description="A page of articles; all pages belong to one state.")
class ArticleConnection(Connection[Article]):
    state: int
    wanted: strawberry.Private[states.ArticleFilter]

    @strawberry.field(description="How many articles there are on all pages.")
    async def total_count(self, info: Info) -> int:
        return states.articles_count(info.context.session, ARTICLES, self.state, self.wanted)

    @strawberry.field(description=_FOUND_SINCE)
    async def found_since(self, info: Info) -> datetime | None:
        return states.found_since(info.context.session, self.wanted)


@strawberry.type(description="A page of stories.")
class StoryConnection(Connection[Story]):
    wanted: strawberry.Private[stories.StoryFilter]

    @strawberry.field(description=_FOUND_SINCE)
    async def found_since(self, info: Info) -> datetime | None:
        return stories.found_since(info.context.session, self.wanted)


@strawberry.type(description="A value that a list can be filtered by, and how many have it.")
class Facet:
    value: str
    articles: int


@strawberry.type
class Facets:
    topics: list[Facet]
    sources: list[Facet]
    languages: list[Facet]


@strawberry.type(description="What hits of a search can be narrowed down by, the newest of them.")
class SearchFacets:
    of: int
    days: list[Facet]
    sources: list[Facet]
    topics: list[Facet]
    languages: list[Facet]
    tones: list[Facet]
    brands: list[Facet]


@strawberry.type(description="A week by its Monday (UTC); one that isn't complete is no whole one.")
class Week:
    week: date
    articles: int
    stories: int
    sources: int
    days: int
    complete: bool


@strawberry.type
class SourceCount:
    source_uri: str
    source_name: str | None
    articles: int


@strawberry.type(description="A concept with more articles in seven days than in a week before.")
class Rising:
    label: str
    articles: int
    before: float


@strawberry.type(
    description="How much of a week's articles on the chosen concepts has one of them."
)
class Share:
    week: date
    label: str
    articles: int
    share: float
    complete: bool


@strawberry.type(description="How the stories of a week speak about a brand; each counts once.")
class BrandWeek:
    week: date
    brand: str
    stories: int
    share: float
    negative: int
    neutral: int
    positive: int
    uncertain: int
    score: float
    complete: bool


@strawberry.type
class Trends:
    weeks: list[Week]
    sources: list[SourceCount]
    rising: list[Rising]
    shares: list[Share]
    tones: list[BrandWeek]


@strawberry.type(description="What there is to read.")
class State:
    change_seq: int
    updated_at: datetime | None
    newest: date | None


@strawberry.type
class Query:
    @strawberry.field(description="The articles, the newest first; q is a search.")
    async def articles(
        self,
        info: Info,
        first: int = USUAL["articles"],
        after: str | None = None,
        since: date | None = None,
        until: date | None = None,
        source: str | None = None,
        topic: str | None = None,
        lang: str | None = None,
        brand: str | None = None,
        tone: str | None = None,
        q: str | None = None,
    ) -> ArticleConnection:
        session, rows = info.context.session, _checked(first)
        given = {"since": since, "until": until}
        texts = {"source": source, "topic": topic, "lang": lang, "brand": brand, "tone": tone}
        wanted = article_filter(_given(given, **texts, q=q))
        state, place = (
            article_place(after) if after else (states.state_to_read(session, wanted), None)
        )
        relation = _relation(info)
        found = states.articles_page(session, relation, state, wanted, after=place, rows=rows + 1)
        edges = [
            Edge(
                place=(state, *relation.place(row)),
                node=_made(Article, dict(zip(relation.columns, row, strict=True))),
            )
            for row in found[:rows]
        ]
        page = _page(edges, more=len(found) > rows, after=after)
        return ArticleConnection(edges=edges, page_info=page, state=state, wanted=wanted)

    @strawberry.field(description="One article by its article_id.")
    async def article(self, info: Info, article_id: str) -> Article | None:
        return await _article(info, _id(article_id))

    @strawberry.field(description="The stories of some days, most carried first.")
    async def stories(
        self,
        info: Info,
        first: int = USUAL["stories"],
        after: str | None = None,
        until: date | None = None,
        days: int = 1,
        source: str | None = None,
        topic: str | None = None,
        lang: str | None = None,
        q: str | None = None,
    ) -> StoryConnection:
        session, rows = info.context.session, _checked(first)
        given = {"until": until, "days": days}
        question = list_question(_given(given, source=source, topic=topic, lang=lang, q=q))
        wanted = question.wanted(_newest(session))
        found = stories.most_carried(
            session,
            wanted,
            after=story_rank(after) if after else None,
            rows=rows + 1,
        )
        edges = [
            Edge(place=one.rank, node=_made(Story, _values(one.story))) for one in found[:rows]
        ]
        page = _page(edges, more=len(found) > rows, after=after)
        return StoryConnection(edges=edges, page_info=page, wanted=wanted)

    @strawberry.field(description="One story by its story_id.")
    async def story(self, info: Info, story_id: str) -> Story | None:
        return await _story(info, _id(story_id))

    @strawberry.field(description="Everything that came, changed or left, in order.")
    async def changes(
        self, info: Info, first: int = USUAL["changes"], after: str | None = None
    ) -> Connection[Change]:
        rows = _checked(first)
        seen = change_number(after) if after else -1
        found = states.changes_after(info.context.session, seen, rows + 1)
        edges = [
            Edge(place=(one.change_seq,), node=_made(Change, _values(one))) for one in found[:rows]
        ]
        return Connection(edges=edges, page_info=_page(edges, more=len(found) > rows, after=after))

    @strawberry.field(description="What the articles of some days can be filtered by.")
    async def facets(self, info: Info, until: date | None = None, days: int = 7) -> Facets:
        session = info.context.session
        wanted = list_question(_given({"until": until, "days": days})).wanted(_newest(session))
        found = stories.facets(session, wanted.since, wanted.until)
        return Facets(
            **{
                name: [Facet(value=value, articles=count) for value, count in counted]
                for name, counted in found._asdict().items()
            }
        )

    @strawberry.field(description="What the newest 1,000 hits of a search can be narrowed down by.")
    async def search_facets(self, info: Info, q: str) -> SearchFacets:
        found = hits.facets(index_of(info.context.session), searched({"q": q}))
        told = found._asdict()
        return SearchFacets(
            of=told.pop("of"),
            **{
                name: [Facet(value=value, articles=count) for value, count in counted]
                for name, counted in told.items()
            },
        )

    @strawberry.field(description="How much there is week by week, and how brands are spoken of.")
    async def trends(
        self,
        info: Info,
        weeks: int = 12,
        concepts: list[str] | None = None,
        brands: list[str] | None = None,
    ) -> Trends:
        session = info.context.session
        number, _, _ = trend_question({"weeks": str(weeks)})
        found = trending.trends(
            session,
            _newest(session),
            weeks=number,
            concepts=chosen(concepts or [], "concepts"),
            brands=chosen(brands or [], "brands"),
        )
        return Trends(
            weeks=[_made(Week, _values(one)) for one in found.weeks],
            sources=[_made(SourceCount, _values(one)) for one in found.sources],
            rising=[_made(Rising, _values(one)) for one in found.rising],
            shares=[_made(Share, _values(one)) for one in found.shares],
            tones=[_made(BrandWeek, _values(one)) for one in found.tones],
        )

    @strawberry.field(description="What there is to read.")
    async def state(self, info: Info) -> State:
        found = stories.read_state(info.context.session)
        return State(change_seq=found.change_seq, updated_at=found.updated_at, newest=found.newest)

    @strawberry.field(description="An article or a story by its id among all things.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        try:
            kind, one = from_base64(id)
        except ValueError:
            raise QuestionError("this is no id that was given here") from None
        if kind == "Article":
            return await _article(info, _id(one))
        if kind == "Story":
            return await _story(info, _id(one))
        return None


def make_schema() -> strawberry.Schema:
    """The schema."""
    return strawberry.Schema(query=Query, types=[Article, Story])


_KEYS: Final = {"Article": "article_id", "Story": "story_id"}


def _made(kind: type[T], values: Found) -> T:
    """An object of the schema, of columns: those that nobody asked for may be missing."""
    made = object.__new__(kind)
    key = _KEYS.get(kind.__name__)
    if key:
        values["id"] = to_base64(kind.__name__, values[key])
    made.__dict__.update(values)
    return made


def _values(row: Any) -> Found:
    return {one.name: getattr(row, one.name) for one in fields(row)}


def _article(info: Info, article_id: str) -> Awaitable[Article | None]:
    def find(ids: Sequence[str]) -> dict[str, Article]:
        found = states.articles_by_id(info.context.session, ids, ARTICLES.columns)
        return {
            one: _made(Article, dict(zip(ARTICLES.columns, row, strict=True)))
            for one, row in found.items()
        }

    return info.context.load("article", find, article_id)


async def _targets(
    info: Info,
    read: Callable[[Session, Sequence[str]], Mapping[str, list[tones.TargetTone]]],
    key: str,
    first: int,
) -> list[Target]:
    first = _checked(first)

    def find(ids: Sequence[str]) -> Mapping[str, list[tones.TargetTone]]:
        return read(info.context.session, ids)

    found = await info.context.load(("targets", read.__name__), find, key) or []
    return [_made(Target, {**_values(one), "told": one.sentences}) for one in found[:first]]


def _story(info: Info, story_id: str) -> Awaitable[Story | None]:
    def find(ids: Sequence[str]) -> dict[str, Story]:
        found = stories.stories_by_id(info.context.session, ids)
        return {one: _made(Story, _values(row)) for one, row in found.items()}

    return info.context.load("story", find, story_id)


def _page(edges: Sequence[Edge[Any]], *, more: bool, after: str | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=bool(after),
        start_cursor=encoded(*edges[0].place) if edges else None,
        end_cursor=encoded(*edges[-1].place) if edges else None,
    )


def _checked(first: int) -> int:
    if not 1 <= first <= MOST_LISTED:
        raise QuestionError(f"first must be a whole number from 1 to {MOST_LISTED}")
    return first


def _id(text: str) -> str:
    """An id; one that no database takes as a text is nobody's."""
    return text if is_storable(text) else ""


def _given(values: Mapping[str, object], **texts: str | None) -> dict[str, str]:
    """Arguments as the parameters of an address, for whoever reads those."""
    given = {**values, **texts}
    return {name: str(value) for name, value in given.items() if value is not None}


def _newest(session: Session) -> date:
    return stories.read_state(session).newest or datetime.now(UTC).date()


def _relation(info: Info) -> Relation:
    """Where articles are read: what is asked for, or in memory, where they are whole, all."""
    if isinstance(info.context.session, RememberedSession):
        return ARTICLES
    asked = {*_asked(info), "article_id", "story_id", "published_at"}
    columns = [name for name in ARTICLES.columns if name in asked]
    return Relation(ARTICLES.now, ARTICLES.before, columns, ARTICLES.published)


def _asked(info: Info) -> set[str]:
    """The names of all fields within this one, at any depth, as columns are named."""
    raw = info._raw_info
    seen: set[str] = set()

    def names(selected: SelectionSetNode | None) -> Iterator[str]:
        for one in selected.selections if selected else ():
            if isinstance(one, FragmentSpreadNode):
                name = one.name.value
                if name not in seen:
                    seen.add(name)
                    yield from names(raw.fragments[name].selection_set)
            else:
                if isinstance(one, FieldNode):
                    yield camel_to_snake(one.name.value)
                yield from names(one.selection_set)  # type: ignore[attr-defined]

    return {name for node in raw.field_nodes for name in names(node.selection_set)}
