"""Feeds of stories: one entry a story, which stays the same entry when the story is updated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from newsapi_dentsu.reading import stories
from newsapi_dentsu.reading.stories import State, Story
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw
from newsapi_dentsu.website.questions import ListQuestion, list_question
from newsapi_dentsu.website.rendering import excerpt, iso, render, safe_link

ENTRIES: Final = 50
_DAYS: Final = 31
_AUTHOR: Final = "AI & Marketing News"


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    title: str
    link: str
    page: str
    summary: str
    source: str
    topics: list[str]
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class _Feed:
    id: str
    title: str
    address: str
    home: str
    author: str
    updated: datetime
    entries: list[_Entry]


def atom(
    session: Session, given: Mapping[str, str], base: str, now: datetime, saved: str | None = None
) -> str:
    """The feed as Atom (RFC 4287); `saved` is the name of the search that it is of."""
    return render("feed.atom", now, feed=_feed(session, given, base, "atom", now, saved))


def json_feed(
    session: Session, given: Mapping[str, str], base: str, now: datetime, saved: str | None = None
) -> str:
    """The feed as JSON Feed 1.1; `saved` is the name of the search that it is of."""
    feed = _feed(session, given, base, "json", now, saved)
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.home,
            "feed_url": feed.address,
            "authors": [{"name": feed.author}],
            "items": [
                {
                    "id": entry.id,
                    "url": safe_link(entry.link),
                    "external_url": entry.page,
                    "title": entry.title,
                    "content_text": entry.summary,
                    "date_published": iso(entry.published),
                    "date_modified": iso(entry.updated),
                    "authors": [{"name": entry.source}],
                    "tags": entry.topics,
                }
                for entry in feed.entries
            ],
        },
        ensure_ascii=False,
    )


def _feed(
    session: Session,
    given: Mapping[str, str],
    base: str,
    kind: str,
    now: datetime,
    saved: str | None,
) -> _Feed:
    question = list_question(given, days=_DAYS)
    state = stories.read_state(session)
    wanted = question.wanted(state.newest or now.astimezone(UTC).date())
    found = stories.lately_updated(session, wanted, ENTRIES)
    path, home = question.path(f"/feed.{kind}", days=1), question.path()
    if saved:
        path, home = f"/saved/{saved}.{kind}", f"/saved/{saved}"
    named = f"saved:{saved}" if saved else question.path("stories", days=1)
    return _Feed(
        id=f"urn:newsapi-dentsu:feed:{named}",
        title=_title(question, state),
        address=base + path,
        home=base + home,
        author=_AUTHOR,
        updated=max((one.updated_at for one in found), default=datetime(1970, 1, 1, tzinfo=UTC)),
        entries=[_entry(one, base) for one in found],
    )


def _title(question: ListQuestion, state: State) -> str:
    named = " · ".join(
        part for part in (question.topic, question.source, question.lang, question.q) if part
    )
    invented = "SANDBOX, invented: " if state.origin == raw.SANDBOX else ""
    return f"{invented}{_AUTHOR}" + (f" · {named}" if named else "")


def _entry(story: Story, base: str) -> _Entry:
    return _Entry(
        id=f"urn:newsapi-dentsu:story:{story.story_id}",
        title=story.title,
        link=story.link,
        page=f"{base}/story/{story.story_id}",
        summary=excerpt(story, 600),
        source=story.source_name or story.source_uri or "Unknown source",
        topics=story.topics,
        published=story.first_published_at,
        updated=story.updated_at,
    )
