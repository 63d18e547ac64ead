"""A record that comes again changed is its next version; search-dependent fields change nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.api import Reports, serving
from support.articles import article
from support.clock import Clock
from support.tables import column, count, dump, row

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)


def shown_again(warehouse: Warehouse, clock: Clock, **changes: Any) -> Reports:
    """Run twice, the second time with the one article changed and another new beside it."""
    first = article("1", at=MORNING)
    with serving([first], clock=clock) as api:
        api.run(warehouse, lookback_days=1)
    clock.advance(hours=1)
    again = replace(first, record={**first.record, **changes})
    with serving([again, article("2", at=MORNING)], clock=clock) as api:
        return api.run(warehouse, lookback_days=1)


@pytest.mark.parametrize("field", ["sim", "wgt", "relevance"])
def test_fields_that_depend_on_the_search_are_no_change(
    warehouse: Warehouse, clock: Clock, field: str
) -> None:
    reports = shown_again(warehouse, clock, **{field: 0.987})
    assert (reports.collect.new, reports.collect.changed) == (1, 0)
    assert column(warehouse, raw.TABLE, "version") == [1, 1]


def test_a_changed_record_is_kept_beside_the_old_one_and_says_so(
    warehouse: Warehouse, clock: Clock
) -> None:
    reports = shown_again(warehouse, clock, title="A better title")
    assert (reports.collect.new, reports.collect.changed) == (1, 1)
    rows = [one for one in dump(warehouse, raw.TABLE)[raw.TABLE] if one["uri"] == "1"]
    assert [(one["version"], one["title"]) for one in rows] == [
        (1, "Story 1"),
        (2, "A better title"),
    ]


def test_a_changed_text_is_the_next_version_of_the_article(
    warehouse: Warehouse, clock: Clock
) -> None:
    shown_again(warehouse, clock, title="A better title")
    for table in (processed.TABLE, final.TABLE):
        stored = row(warehouse, table, "title = 'A better title'")
        assert stored["version"] == 2
        assert stored["publishedAt"] == MORNING
        assert stored["updated_at"] == clock.now
    assert column(warehouse, processed.OUTCOMES, "outcome") == ["article", "article", "superseded"]


def test_a_change_of_another_field_shows_without_a_new_version(
    warehouse: Warehouse, clock: Clock
) -> None:
    shown_again(warehouse, clock, sentiment=-0.5)
    stored = row(warehouse, final.TABLE, "title = 'Story 1'")
    assert (stored["sentiment"], stored["version"]) == (-0.5, 1)


def test_a_text_that_comes_back_is_one_more_version(warehouse: Warehouse, clock: Clock) -> None:
    first = article("1", at=MORNING)
    others = []
    for number, title in enumerate(["First", "Second", "First"]):
        shown = replace(first, record={**first.record, "title": title})
        # A new article beside it makes the day's total differ, so that its page is read.
        others.append(article(f"x{number}", at=MORNING))
        with serving([shown, *others], clock=clock) as api:
            api.run(warehouse, lookback_days=1)
        clock.advance(hours=1)
    stored = row(warehouse, final.TABLE, f"url = '{first.record['url']}'")
    assert (stored["title"], stored["version"]) == ("First", 3)
    assert count(warehouse, raw.TABLE, "uri = '1'") == 2


def test_a_changed_date_of_publication_is_that_of_its_text_beside_the_earliest(
    warehouse: Warehouse, clock: Clock
) -> None:
    earlier, later = MORNING - timedelta(days=2), MORNING + timedelta(minutes=30)
    shown_again(warehouse, clock, title="New", dateTimePub=f"{later:%Y-%m-%dT%H:%M:%SZ}")
    stored = row(warehouse, final.TABLE, "title = 'New'")
    assert (stored["publishedAt"], stored["first_published_at"]) == (later, MORNING)
    clock.advance(hours=1)
    newest = article("1", at=MORNING, title="Newest", dateTimePub=f"{earlier:%Y-%m-%dT%H:%M:%SZ}")
    beside = [article(uri, at=MORNING) for uri in ("2", "3")]
    with serving([newest, *beside], clock=clock) as api:
        api.run(warehouse)
    stored = row(warehouse, final.TABLE, "title = 'Newest'")
    assert (stored["publishedAt"], stored["version"]) == (earlier, 3)
    assert stored["first_published_at"] == earlier


def test_a_changed_date_of_the_same_text_keeps_the_earliest(
    warehouse: Warehouse, clock: Clock
) -> None:
    later = MORNING + timedelta(minutes=30)
    shown_again(warehouse, clock, dateTimePub=f"{later:%Y-%m-%dT%H:%M:%SZ}")
    assert row(warehouse, final.TABLE, "title = 'Story 1'")["publishedAt"] == MORNING
