"""A count that follows what has changed is what counting all articles would tell."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from newsapi_dentsu.reading import states
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.remembering import RememberingLibrary
from newsapi_dentsu.reading.states import ARTICLES, ArticleFilter, articles_count, current_state
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.tables import final
from newsapi_dentsu.warehouse.tables.final import Departure, FinalArticle
from newsapi_dentsu.warehouse.tables.rows import save, values
from support.tables import execute

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
FILTERS = {
    ArticleFilter(): "true",
    ArticleFilter(lang="eng"): "lang = 'eng'",
    ArticleFilter(source="one"): "(source_uri ILIKE '%one%' OR source_name ILIKE '%one%')",
    ArticleFilter(text="alpha"): "(title ILIKE '%alpha%' OR body ILIKE '%alpha%')",
    ArticleFilter(
        text="%"
    ): "(title LIKE '%50\\%%' ESCAPE '\\' OR body LIKE '%50\\%%' ESCAPE '\\')",
    ArticleFilter(topic="AI"): "topic_relevance LIKE '%\"AI\": 0.9%'",
    ArticleFilter(topic="AI", lang="deu", source="two"): (
        "topic_relevance LIKE '%\"AI\": 0.9%' AND lang = 'deu' AND source_uri = 'two.example'"
    ),
    ArticleFilter(since=date(2026, 11, 2), until=date(2026, 11, 3), text="alpha"): (
        "publishedAt >= TIMESTAMPTZ '2026-11-02 00:00:00+00' AND "
        "publishedAt < TIMESTAMPTZ '2026-11-04 00:00:00+00' AND "
        "(title ILIKE '%alpha%' OR body ILIKE '%alpha%')"
    ),
}
"""Filters, each with the same in plain SQL."""


class Views(Library):
    """The views of a warehouse itself."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.location = warehouse.location

    def session(self) -> AbstractContextManager[Session]:
        return self.warehouse.snapshot()

    def read(self, work: Callable[[Session], Any], known: object = None) -> Any:
        return self.warehouse.read(work)

    def revision(self) -> str | None:
        return self.warehouse.read(lambda session: self.now_of(session).revision)

    def close(self) -> None:
        """The warehouse is another's."""


def article(key: str, chance: random.Random) -> FinalArticle:
    uri = chance.choice(["one.example", "two.example"])
    return FinalArticle(
        article_id=key,
        url=f"https://{uri}/{key}",
        link=f"https://{uri}/{key}",
        title=chance.choice(["Alpha rises 50%", "50 of beta_s", "Gamma"]),
        body=chance.choice(["Of ALPHA and more.", "Of others."]),
        published_at=BEGIN + timedelta(hours=chance.randrange(100)),
        first_published_at=None,
        source_name=uri.partition(".")[0].title(),
        source_uri=uri,
        lang=chance.choice(["eng", "deu"]),
        data_type="news",
        authors="[]",
        image=None,
        sentiment=None,
        concepts="[]",
        categories="[]",
        event_uri=None,
        version=1,
        origin="api",
        fetched_at=BEGIN,
        story_id=key,
        duplicate_count=0,
        other_sources="[]",
        relevance=0.5,
        topic_relevance=chance.choice(['{"AI": 0.9}', '{"AI": 0.2, "Marketing": 0.7}', "{}"]),
        flags=None,
        text_start=None,
        text_end=None,
        text_of=None,
    )


def load(session: Session, turn: int, now: datetime, chance: random.Random) -> None:
    rows = [(*values(article(f"{turn}-o", chance)), now, None)]
    save(session, final.TABLE, final.COLUMNS, rows, ())


def happens(session: Session, turn: int, now: datetime, chance: random.Random) -> None:
    """What a run does to final, or whoever loads rows from outside, which the next run numbers."""
    if chance.random() < 0.2:
        load(session, turn, now, chance)
        return
    final.number_rows(session)
    for step in range(chance.choice((1, 1, 3))):
        there = sorted(final.ids(session))
        some = chance.sample(there, min(len(there), chance.choice((1, 3))))
        new = [f"{turn}-{step}-{number}" for number in range(chance.choice((1, 4)))]
        left = session.rows(f"SELECT DISTINCT article_id FROM {final.CHANGES} ORDER BY 1")
        back = [key for (key,) in left if key not in there][:2]
        what = chance.choice(("come", "change", "leave", "return", "forget"))
        if what == "come":
            final.save_articles(session, [article(key, chance) for key in new], (), now)
        elif what == "change":
            final.save_articles(session, [article(key, chance) for key in some], some, now)
        elif what == "leave":
            departures = [Departure(key, "https://x.example", "copy", None) for key in some]
            final.remove(session, departures, now)
        elif what == "return":
            final.save_articles(session, [article(key, chance) for key in back], (), now)
        else:
            final.forget_past(session, now)


def counted(library: Library, wanted: ArticleFilter) -> int:
    def count(session: Session) -> int:
        return articles_count(session, ARTICLES, current_state(session), wanted)

    return library.read(count, library.now())


def count_all(warehouse: Warehouse, condition: str) -> int:
    statement = f"SELECT count(*) FROM {final.TABLE} WHERE {condition}"
    count: int = warehouse.read(lambda session: one(session, statement))
    return count


def test_counts_follow_whatever_happens(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    library = RememberingLibrary(Views(warehouse))
    by_changes = 0
    usual = states._changed

    def changed(*asked: Any) -> int:
        nonlocal by_changes
        by_changes += 1
        return usual(*asked)

    monkeypatch.setattr(states, "_changed", changed)
    now = BEGIN
    for turn in range(30):
        now += timedelta(hours=chance.choice((1, 6, 30)))
        warehouse.write(partial(happens, turn=turn, now=now, chance=chance))
        for wanted in chance.sample(list(FILTERS), 3):
            assert counted(library, wanted) == count_all(warehouse, FILTERS[wanted]), (turn, wanted)
    assert by_changes > 20


def test_what_was_done_by_hand_is_counted_after_a_day(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(8)
    library = RememberingLibrary(Views(warehouse))

    def come(key: str) -> None:
        warehouse.write(
            lambda session: final.save_articles(session, [article(key, chance)], (), BEGIN)
        )

    come("a")
    come("b")
    assert counted(library, ArticleFilter()) == 2
    execute(warehouse, f"DELETE FROM {final.TABLE} WHERE article_id = 'a'")
    monkeypatch.setattr(states, "_COUNTED_SECONDS", 0.0)
    come("c")
    assert counted(library, ArticleFilter()) == 2
