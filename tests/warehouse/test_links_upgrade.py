"""A database filled before links were kept: upgraded in one step, then refreshed."""

from datetime import timedelta
from typing import Any

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import insert
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import assessments, final, processed, raw
from support.articles import body, record
from support.clock import NOON
from support.databases import Database, disconnect
from support.processing import broken_promises, process, store
from support.tables import column, dump, row, rows

LATER = NOON + timedelta(days=1)
STEP = 6
RECORDS = (
    record("plain", NOON, url="http://www.a.example/plain/"),
    record("copy", NOON + timedelta(hours=1), url="http://b.example/copy/", body=body("plain")),
    record("german", NOON, url="http://www.a.example/german/", lang="deu"),
    record("hub-1", NOON, url="http://www.a.example/hub/", title="A bridge is opened"),
    record("hub-2", NOON + timedelta(hours=1), url="http://www.a.example/hub/", title="A cup lost"),
    record("blank", NOON, url="http://www.a.example/blank/?utm_campaign=spring sale"),
)
# What this step and later ones have added.
ADDED = {
    processed.TABLE: {"link", "first_published_at", "text_start", "text_end"},
    processed.OUTCOMES: {"page_id", "fragment"},
    assessments.TABLE: {"reasons"},
    final.TABLE: {
        *("link", "first_published_at", "text_start", "text_end", "text_of", "change_seq"),
    },
    final.REJECTED: {"link"},
}


@pytest.fixture
def upgraded(
    empty_database: Database, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Tables of the schema before, filled as the rules before filled them, and then upgraded."""
    old = empty_database.open()
    with old.kept_open(), other_warehouse.kept_open():
        with monkeypatch.context() as patch:
            steps = tuple(step for step in history.migrations() if step.version < STEP)
            patch.setattr(history, "migrations", lambda: steps)
            patch.setattr(history, "indexes", lambda _engine: {})
            old.upgrade()
        # What came before knew one article at the hub, and refused the blank.
        store(other_warehouse, *(one for one in RECORDS if one["uri"] not in {"hub-1", "blank"}))
        process(other_warehouse)
        kinds = {
            raw.TABLE: raw.COLUMNS,
            processed.TABLE: processed.COLUMNS,
            processed.OUTCOMES: processed._OUTCOME_COLUMNS,
            assessments.TABLE: assessments.COLUMNS | {"change_seq": "bigint"},
            final.TABLE: final.COLUMNS,
            final.REJECTED: final._REJECTED_COLUMNS | {"updated_at": "timestamptz"},
            "ops.positions": {"name": "text", "value": "bigint"},
        }
        with old.transaction() as session:
            session.execute("DELETE FROM ops.positions")
            for table, columns in kinds.items():
                kept = {
                    name: kind
                    for name, kind in columns.items()
                    if name not in ADDED.get(table, set())
                }
                values = [tuple(one[name] for name in kept) for one in rows(other_warehouse, table)]
                insert(session, table, kept, values)
        assert old.upgrade()[0].version == STEP
        store(old, *(one for one in RECORDS if one["uri"] in {"hub-1", "blank"}))
        with old.transaction() as session:
            session.execute(
                f"UPDATE {raw.TABLE} SET url = NULL, unusable = 'bad_url' WHERE uri = 'blank'"
            )
        yield old
    disconnect(old)


def test_links_and_dates_are_there_at_once_and_nothing_seems_changed(
    upgraded: Warehouse,
) -> None:
    assert column(upgraded, final.TABLE, "link") == [
        "http://www.a.example/hub/",
        "http://www.a.example/plain/",
    ]
    assert column(upgraded, final.REJECTED, "link") == [
        "http://b.example/copy/",
        "http://www.a.example/german/",
    ]
    for one in rows(upgraded, final.TABLE):
        assert one["first_published_at"] == one["publishedAt"]
    assert set(column(upgraded, final.TABLE, "updated_at")) == {NOON}
    assert broken_promises(upgraded) == set()


def test_a_normal_run_goes_on_with_the_pages_there(upgraded: Warehouse) -> None:
    store(upgraded, record("again", NOON, url="https://a.example/plain", body=body("plain")))
    process(upgraded, LATER)
    assert broken_promises(upgraded) == set()
    assert len(column(upgraded, final.TABLE, "url", "url LIKE '%plain%'")) == 1


def test_a_full_refresh_gives_the_new_values_and_touches_what_changed_only(
    upgraded: Warehouse, other_warehouse: Warehouse
) -> None:
    before = {one["url"]: one for one in rows(upgraded, final.TABLE)}
    process(upgraded, LATER, full_refresh=True)
    assert broken_promises(upgraded) == set()
    shown = {one["url"]: one for one in rows(upgraded, final.TABLE)}
    assert len(shown) == 4
    plain = "https://a.example/plain"
    assert shown[plain] == before[plain]
    assert {one["url"]: one["updated_at"] for one in shown.values()} == {
        url: NOON if url == plain else LATER for url in shown
    }
    process(upgraded, LATER + timedelta(days=1), full_refresh=True)
    assert {one["url"]: one for one in rows(upgraded, final.TABLE)} == shown


def test_it_ends_as_a_database_filled_anew(upgraded: Warehouse, database: Database) -> None:
    process(upgraded, LATER, full_refresh=True)
    fresh = database.open()
    store(fresh, *RECORDS)
    process(fresh, LATER)
    skip = {"raw_seq", "change_seq"}
    tables = (processed.TABLE, final.TABLE, final.REJECTED)
    assert dump(upgraded, *tables, skip=skip) == dump(fresh, *tables, skip=skip)
    disconnect(fresh)


def test_who_selects_the_old_columns_gets_them(upgraded: Warehouse) -> None:
    process(upgraded, LATER, full_refresh=True)
    for table in (processed.TABLE, final.TABLE):
        old = [name for name in rows(upgraded, table)[0] if name not in ADDED[table]]
        with upgraded.snapshot() as session:
            assert session.rows(f"SELECT {', '.join(old)} FROM {table}")
    assert row(upgraded, final.TABLE, "url = 'https://a.example/plain'")["title"] == "Story plain"
