"""What a digest tells of some days: the same on both engines."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.reading.digest import (
    Digest,
    Figures,
    Period,
    read_digest,
    tone_weeks,
    week_before,
)
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import tone
from support.articles import body, record
from support.clock import NOON
from support.processing import process, store
from support.searching import published

DAY = timedelta(days=1)
TODAY = NOON.date()
WEEK = Period(TODAY - 6 * DAY, TODAY)


def source(number: int) -> dict[str, Any]:
    return {"uri": f"site{number}.example", "dataType": "news", "title": f"Site {number}"}


def concepts(*labels: str) -> list[dict[str, Any]]:
    return [
        {"uri": f"http://c.example/{label}", "type": "wiki", "score": 3, "label": {"eng": label}}
        for label in labels
    ]


@pytest.fixture
def library(warehouse: Warehouse, tmp_path: Path) -> Library:
    """This week a story that three sources carried, and two alone; before it, one each week."""
    store(
        warehouse,
        record("wide", NOON - 2 * DAY, title="Carried widely", source=source(1)),
        record("wide2", NOON - DAY, body=body("wide"), source=source(2)),
        record("wide3", NOON - DAY, body=body("wide"), source=source(3)),
        *(
            record(f"alone{n}", NOON - n * DAY, source=source(4), concepts=concepts("Robots"))
            for n in range(3)
        ),
        record("before", NOON - 8 * DAY, source=source(1), concepts=concepts("Radio")),
        record("long before", NOON - 15 * DAY, source=source(1), concepts=concepts("Robots")),
    )
    process(warehouse)
    return published(warehouse, tmp_path)


def read(library: Library, period: Period = WEEK, **asked: Any) -> Digest:
    return library.read(lambda session: read_digest(session, period, **asked))


def test_the_widest_story_comes_first_with_all_who_carried_it(library: Library) -> None:
    first, *others = read(library).stories

    assert first.story.title == "Carried widely"
    assert first.first == "Site 1"
    assert sorted(first.also) == ["Site 2", "Site 3"]
    assert [one.story.source_count for one in others] == [1, 1, 1]
    assert len(read(library, rows=2).stories) == 2


def test_numbers_stand_beside_those_of_the_days_before(library: Library) -> None:
    found = read(library)

    assert (found.figures, found.before) == (Figures(4, 4, 2), Figures(1, 1, 1))
    assert read(library, Period(TODAY, TODAY)).figures == Figures(1, 1, 1)
    assert read(library, Period(TODAY, TODAY)).before == Figures(1, 1, 1)


def test_what_rises_and_who_is_new_is_told(library: Library) -> None:
    found = read(library)

    assert [(one.label, one.articles, one.before) for one in found.rising] == [("Robots", 3, 0.78)]
    assert [(one.source_uri, one.articles) for one in found.new_sources] == [("site4.example", 3)]
    assert found.new_source_count == 1


def test_days_before_that_are_known_in_part_are_nothing_to_compare_with(library: Library) -> None:
    found = read(library, Period(TODAY - 8 * DAY, TODAY))

    assert found.before is None
    assert (found.rising, found.new_sources, found.new_source_count) == ([], [], 0)
    assert found.figures.articles == 5


def test_a_few_old_articles_are_no_week_to_compare_with(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store(
        warehouse,
        *(
            record(f"now{n}", NOON - n * DAY, concepts=concepts("Robots"), source=source(n))
            for n in range(4)
        ),
        record("straggler", NOON - 9 * DAY),
        record("older", NOON - 20 * DAY),
    )
    process(warehouse)
    library = published(warehouse, tmp_path)

    found = read(library)
    assert found.before is None
    assert (found.rising, found.new_sources) == ([], [])
    store(warehouse, record("other", NOON - 8 * DAY))
    process(warehouse)
    assert read(published(warehouse, tmp_path)).before == Figures(2, 2, 1)


def test_tones_of_watched_brands_are_told_of_whole_weeks(
    warehouse: Warehouse, library: Library, tmp_path: Path
) -> None:
    week = tone_weeks(WEEK)
    with warehouse.snapshot() as session:
        keys: dict[str, str] = dict(
            session.rows("SELECT title, article_id FROM final.filtered_news")
        )
    told = [
        tone.TargetRow(keys[f"Story {uri}"], name, kind, 1, bad, 0, 1 - bad, "x", "m@1")
        for uri, name, kind, bad in (
            ("alone0", "Nova", "brand", 0.1),
            ("alone1", "Nova", "brand", 0.7),
            ("alone1", "Else", "brand", 0.7),
            ("before", "Nova", "brand", 0.9),
        )
    ]
    own = [
        tone.ArticleRow(article_id, "neutral", 0, 1, 0, "m@1", "b", "h", 1)
        for article_id in dict.fromkeys(row.article_id for row in told)
    ]
    warehouse.write(lambda session: tone.save(session, own, told, []))
    again = published(warehouse, tmp_path)

    (nova,) = read(again, week, brands=["Nova", "Silent"]).tones
    assert (nova.brand, nova.tone[:3]) == ("Nova", (2, 1, 1))
    assert nova.tone.score == pytest.approx(0.2)
    assert nova.before is not None
    assert nova.before[:3] == (1, 1, 0)
    assert read(again, week).tones == []
    assert read(again, week, topic="Marketing", brands=["Nova"]).tones == []


@pytest.mark.parametrize(
    ("first", "last", "monday", "sunday"),
    [
        ("2026-11-23", "2026-11-29", "2026-11-23", "2026-11-29"),
        ("2026-11-20", "2026-11-26", "2026-11-23", "2026-11-29"),
        ("2026-11-19", "2026-11-25", "2026-11-16", "2026-11-22"),
        ("2026-11-23", "2026-11-23", "2026-11-16", "2026-11-22"),
        ("2026-10-30", "2026-11-28", "2026-11-02", "2026-11-29"),
    ],
)
def test_tones_are_of_the_weeks_that_have_most_of_their_days_in_the_period(
    first: str, last: str, monday: str, sunday: str
) -> None:
    assert tone_weeks(Period(*map(date.fromisoformat, (first, last)))) == Period(
        *map(date.fromisoformat, (monday, sunday))
    )


def test_without_anything_older_nothing_is_new(library: Library) -> None:
    found = read(library, Period(TODAY - 29 * DAY, TODAY))

    assert found.before is None
    assert (found.rising, found.new_sources) == ([], [])
    assert found.figures.articles == 6


def test_a_topic_narrows_everything(library: Library) -> None:
    assert read(library, topic="Marketing") == Digest(
        **{**_values(read(library)), "topic": "Marketing"}
    )
    nothing = read(library, topic="Gardening")
    assert (nothing.figures, nothing.before) == (Figures(0, 0, 0), Figures(0, 0, 0))
    assert (nothing.stories, nothing.rising, nothing.new_sources) == ([], [], [])


def test_an_empty_week_is_a_digest_too(library: Library) -> None:
    found = read(library, Period(TODAY + 10 * DAY, TODAY + 16 * DAY))

    assert found.figures == Figures(0, 0, 0)
    assert (found.stories, found.rising, found.new_sources) == ([], [], [])
    assert found.newest == TODAY


@pytest.mark.parametrize("day", [date(2026, 11, 30), date(2026, 12, 2), date(2026, 12, 6)])
def test_the_last_week_is_whole_and_over(day: date) -> None:
    assert week_before(day) == Period(date(2026, 11, 23), date(2026, 11, 29))
    assert week_before(day).before == Period(date(2026, 11, 16), date(2026, 11, 22))


def _values(found: Digest) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Digest.__slots__}
