"""The pages for people."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from newsapi_dentsu.reading import stories, tones
from newsapi_dentsu.reading.related import related_to
from newsapi_dentsu.reading.stories import Facets, Place, Ranked, State, Story, StoryFilter
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw
from newsapi_dentsu.website.api import OPERATIONS
from newsapi_dentsu.website.questions import (
    PERIODS,
    ListQuestion,
    encoded,
    list_question,
    story_rank,
)
from newsapi_dentsu.website.rendering import language, paragraphs, render
from newsapi_dentsu.wording import counted

PAGE_STORIES: Final = 25
RELATED: Final = 6
_TARGETS: Final = 12
_PLACES: Final = 12
"""Places that a card unfolds."""

FULL_FRONT: Final = 8
DAYS_BEFORE: Final = 3
"""A front page with fewer stories than the first goes on with as many days before."""

_MUCH: Final = PAGE_STORIES + 1
"""One more than is shown tells whether there are more."""


class Entry(NamedTuple):
    """A story on a page; `elsewhere` are the first other places, `more` tells of further ones.

    `tone` is that of the title and the first sentence that are shown.
    """

    story: Story
    elsewhere: list[Place]
    more: bool
    tone: str | None


def today(session: Session, _given: Mapping[str, str], now: datetime) -> str:
    """The front page: the stories of today, and before there are many, those of the days before."""
    state = stories.read_state(session)
    return _list(session, state, ListQuestion(), None, now, front=True)


def browse(session: Session, given: Mapping[str, str], now: datetime) -> str:
    """A list of stories by days, words, source, topic and language."""
    question = list_question(given)
    after = story_rank(given["after"]) if given.get("after") else None
    return _list(session, stories.read_state(session), question, after, now, front=False)


def story(session: Session, story_id: str, now: datetime) -> str | None:
    """The page of one story; None where there is no such story."""
    state = stories.read_state(session)
    found = stories.stories_by_id(session, [story_id]).get(story_id)
    if found is None:
        return None
    concepts, scores = stories.article_details(session, found.article_id)
    shown, cut = paragraphs(found)
    ran = stories.places(session, [story_id], stories.MOST_PLACES)
    return page(
        "story.html",
        now,
        state,
        section="",
        story=found,
        paragraphs=shown,
        cut=cut,
        places_=ran.get(story_id, []),
        concepts=concepts[:20],
        akin=related_to(session, found, concepts, RELATED),
        scores=scores,
        tone=tones.article_tones(session, [found.article_id]).get(found.article_id),
        targets=tones.of_stories(session, [story_id]).get(story_id, [])[:_TARGETS],
    )


def feeds(session: Session, base: str, now: datetime) -> str:
    """What feeds and which API there are."""
    state = stories.read_state(session)
    day = state.newest or now.date()
    topics = stories.facets(session, day - timedelta(days=30), day).topics
    return page(
        "feeds.html",
        now,
        state,
        section="feeds",
        base=base,
        topics=[name for name, _ in topics],
        operations=[(path, about) for path, about, *_ in OPERATIONS],
    )


def reference(described: Mapping[str, Any], base: str, now: datetime) -> str:
    """The description of the REST API, for people."""
    return page("reference.html", now, None, section="feeds", described=described, base=base)


def graphql(now: datetime) -> str:
    """The page to try operations of GraphQL out."""
    return page("graphql.html", now, None, section="feeds")


def trouble(status: int, title: str, detail: str, now: datetime) -> str:
    """The page that says what is wrong and what to do."""
    return page("error.html", now, None, section="", status=status, title=title, detail=detail)


def _list(
    session: Session,
    state: State,
    question: ListQuestion,
    after: stories.Rank | None,
    now: datetime,
    *,
    front: bool,
) -> str:
    newest = state.newest or now.astimezone(UTC).date()
    wanted = question.wanted(newest)
    ranked = stories.most_carried(session, wanted, after=after, rows=_MUCH)
    shown = ranked[:PAGE_STORIES]
    offered: Facets = stories.facets(session, wanted.since, wanted.until)
    one_day = wanted.since == wanted.until
    period = (
        f"{wanted.until:%-d %B %Y}"
        if one_day
        else f"{wanted.since:%-d %b} to {wanted.until:%-d %b %Y}"
    )
    today_ = now.astimezone(UTC).date()
    paged = partial(question.path, until=wanted.until)
    last = None
    if len(ranked) > PAGE_STORIES:
        separator = "&" if "?" in paged() else "?"
        last = f"{paged()}{separator}after={encoded(*shown[-1].rank)}"
    before = _days_before(session, wanted.since, shown) if front else []
    return page(
        "stories.html",
        now,
        state,
        section="today" if front else "stories",
        question=question,
        heading=_heading(question, period, front=front and wanted.until == today_),
        kicker=f"{wanted.until:%A}" if one_day else f"{question.days} days",
        summary=_summary(wanted.until == today_, period, named=question.filtered, front=front),
        entries=_entries(session, shown),
        before=before,
        found_since=stories.found_since(session, wanted),
        front=front,
        until=wanted.until,
        filtered=question.filtered,
        period=period,
        facets=offered,
        periods=sorted({*PERIODS, (question.days, counted(question.days, "day"))}),
        earlier=question.path(until=wanted.since - timedelta(days=1)),
        later=question.path(until=min(newest, wanted.until + timedelta(days=question.days)))
        if wanted.until < newest
        else None,
        wider=question.path(days=30, until=None) if question.days < 30 else None,
        next=last,
    )


def _days_before(
    session: Session, first: date, shown: list[Ranked]
) -> list[tuple[date, list[Entry]]]:
    """The days before one, each with its stories, until a front page is full."""
    days: list[tuple[date, list[Entry]]] = []
    known = {one.story.story_id for one in shown}
    for back in range(1, DAYS_BEFORE + 1):
        if len(known) >= FULL_FRONT:
            break
        day = first - timedelta(days=back)
        ranked = stories.most_carried(session, StoryFilter(day, day), after=None, rows=PAGE_STORIES)
        fresh = [one for one in ranked if one.story.story_id not in known]
        if fresh:
            days.append((day, _entries(session, fresh)))
            known.update(one.story.story_id for one in fresh)
    return days


def _heading(question: ListQuestion, period: str, *, front: bool) -> str:
    if front:
        return "Today’s stories"
    named = [question.topic, question.source, question.lang and language(question.lang)]
    if question.q:
        named.insert(0, f"“{question.q}”")
    return " · ".join(name for name in named if name) or period


def _summary(is_today: bool, period: str, *, named: bool, front: bool) -> str:
    if not front:
        return f"Most carried first · {period}" if named else "Most carried first"
    if is_today:
        return f"{period} · most carried first"
    return "The newest day with news · most carried first"


def _entries(session: Session, ranked: list[Ranked]) -> list[Entry]:
    ids = [one.story.story_id for one in ranked if one.story.article_count > 1]
    ran = stories.places(session, ids, _PLACES + 1)
    read = tones.article_tones(session, [one.story.article_id for one in ranked])
    entries = []
    for _, one in ranked:
        others = [
            place for place in ran.get(one.story_id, []) if place.article_id != one.article_id
        ]
        more = one.article_count - 1 > _PLACES
        entries.append(Entry(one, others[:_PLACES], more, read.get(one.article_id)))
    return entries


def page(
    template: str,
    now: datetime,
    state: State | None,
    *,
    section: str,
    question: ListQuestion | None = None,
    **values: Any,
) -> str:
    """Fill the template of a page with what it shows, and with what all pages show."""
    asked = question or ListQuestion()
    return render(
        template,
        now,
        section=section,
        state=state if state and state.updated_at else None,
        sandbox=bool(state and state.origin == raw.SANDBOX),
        query=asked,
        stories_path=lambda **changes: ListQuestion(days=30).path(**changes),
        feed_path=lambda kind: asked.path(f"/feed.{kind}", days=1, until=None),
        **values,
    )
