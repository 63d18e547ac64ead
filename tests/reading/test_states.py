"""Reading one state page by page: the pipeline may write meanwhile."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.errors import ExpiredError
from newsapi_dentsu.reading.hits import Place
from newsapi_dentsu.reading.states import (
    ROWS,
    ArticleFilter,
    articles_count,
    articles_page,
    current_state,
    read_articles,
)
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import final
from support.articles import body, record
from support.clock import NOON
from support.databases import Database, disconnect
from support.processes import change_articles, event, process
from support.processing import process as process_records
from support.processing import store
from support.services import until
from support.tables import column, count, execute, rows

LATER = NOON + timedelta(hours=1)
NAMES = list(final.COLUMNS)


def start(warehouse: Warehouse, articles: int = 5) -> int:
    """Articles, one a minute, and the state that they are."""
    store(warehouse, *(record(f"{n:05}", NOON - timedelta(minutes=n)) for n in range(articles)))
    process_records(warehouse)
    return state_of(warehouse)


def state_of(warehouse: Warehouse) -> int:
    with warehouse.snapshot() as session:
        return current_state(session)


def moved_on(warehouse: Warehouse, state: int) -> bool:
    return state_of(warehouse) > state


def walk(
    warehouse: Warehouse,
    state: int,
    size: int = 2,
    wanted: ArticleFilter = ArticleFilter(),  # noqa: B008
) -> list[dict[str, Any]]:
    """All of a state, each page in a transaction of its own; one large page has the same."""
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        with warehouse.snapshot() as session:
            page = articles_page(session, ROWS, state, wanted, after=after, rows=size)
        seen += [dict(zip(NAMES, row, strict=True)) for row in page]
        if len(page) < size:
            break
        after = Place(seen[-1]["publishedAt"], seen[-1]["article_id"])
    with warehouse.snapshot() as session:
        every = articles_page(session, ROWS, state, wanted, after=None, rows=200)
    assert [dict(zip(NAMES, row, strict=True)) for row in every] == seen
    return seen


def newest_first(warehouse: Warehouse) -> list[dict[str, Any]]:
    """What is in final now."""
    return sorted(
        rows(warehouse, final.TABLE),
        key=lambda row: (row["publishedAt"], row["article_id"]),
        reverse=True,
    )


def total(warehouse: Warehouse, state: int) -> int:
    with warehouse.snapshot() as session:
        return articles_count(session, ROWS, state, ArticleFilter())


def test_every_change_has_a_number_of_its_own(warehouse: Warehouse) -> None:
    state = start(warehouse)
    assert column(warehouse, final.TABLE, "change_seq") == [1, 2, 3, 4, 5]
    assert state == 5

    store(warehouse, record("00001", NOON, title="Anew"), record("00009", LATER), now=LATER)
    process_records(warehouse, now=LATER)

    assert column(warehouse, final.TABLE, "change_seq") == [1, 3, 4, 5, 6, 7]


def test_a_state_stays_as_it_was(warehouse: Warehouse) -> None:
    state = start(warehouse)
    before = newest_first(warehouse)

    store(
        warehouse,
        record("00001", NOON, title="Anew", body=body("anew"), dateTimePub="2020-01-01T00:00:00Z"),
        record("00003", NOON - timedelta(minutes=3), body=body("00004")),
        record("00009", LATER),
        now=LATER,
    )
    process_records(warehouse, now=LATER)

    assert walk(warehouse, state) == before
    assert total(warehouse, state) == len(before)
    now = newest_first(warehouse)
    assert now != before
    assert walk(warehouse, state_of(warehouse)) == now
    assert count(warehouse, final.CHANGES) == 1


def test_an_article_that_left_and_came_back_is_once_in_each_state(warehouse: Warehouse) -> None:
    states = [(start(warehouse), newest_first(warehouse))]
    for text in ("00004", "00003", "other"):
        now = LATER + timedelta(minutes=len(states))
        store(warehouse, record("00003", NOON - timedelta(minutes=3), body=body(text)), now=now)
        process_records(warehouse, now=now)
        states.append((state_of(warehouse), newest_first(warehouse)))

    assert [walk(warehouse, state) for state, _ in states] == [seen for _, seen in states]


def test_filters_look_at_what_an_article_said_in_that_state(warehouse: Warehouse) -> None:
    state = start(warehouse)
    store(warehouse, record("00001", NOON, title="Renamed"), now=LATER)
    process_records(warehouse, now=LATER)

    def titles(at: int, text: str) -> list[str]:
        return [one["title"] for one in walk(warehouse, at, wanted=ArticleFilter(text=text))]

    assert titles(state, "renamed") == []
    assert titles(state, "story 00001") == ["Story 00001"]
    assert titles(state_of(warehouse), "renamed") == ["Renamed"]


def test_while_a_writer_writes_each_walk_is_its_own_total(
    database: Database,
) -> None:
    warehouse = database.open(wait=60)
    start(warehouse, 30)
    ready = event()
    with process(change_articles, database, NOON, 30, ready):
        assert ready.wait(60)
        for _ in range(3):
            with warehouse.snapshot() as session:
                state = current_state(session)
                expected = articles_count(session, ROWS, state, ArticleFilter())
                first = articles_page(session, ROWS, state, ArticleFilter(), after=None, rows=3)
            until(partial(moved_on, warehouse, state), "the writer wrote nothing", 60)
            seen = walk(warehouse, state, 3)
            ids = [one["article_id"] for one in seen]
            assert len(ids) == len(set(ids)) == expected == total(warehouse, state)
            assert ids[:3] == [row[0] for row in first]
        exported = [row for page in read_articles(warehouse, ArticleFilter()) for row in page]
        assert len({row[0] for row in exported}) == len(exported)
    disconnect(warehouse)


def test_all_articles_are_read_with_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "news.duckdb"
    large = Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5))
    large.upgrade()
    start(large, 1)
    with large.transaction() as session:
        text = "(SELECT string_agg(md5((i * 1000 + j)::text), ' ') FROM range(300) AS words(j))"
        session.execute(
            f"INSERT INTO {final.TABLE} SELECT article.* REPLACE (md5(i::text) AS article_id, "
            "'https://example.com/' || i AS url, i + 2 AS change_seq, "
            f"publishedAt + to_seconds(i) AS publishedAt, {text} AS body) "
            f"FROM {final.TABLE} AS article, range(5000) AS more(i)"
        )
    small = Warehouse(DuckDBEngine(path, memory_limit="64MB", wait=5))
    seen = [row[0] for page in read_articles(small, ArticleFilter()) for row in page]
    assert len(seen) == len(set(seen)) == 5_001


def test_former_rows_are_forgotten_and_who_needs_them_is_told(warehouse: Warehouse) -> None:
    state = start(warehouse)
    much_later = LATER + final.PAST_KEPT + timedelta(minutes=1)
    store(warehouse, record("00001", NOON, title="Anew"), now=LATER)
    process_records(warehouse, now=LATER)
    assert count(warehouse, final.PAST) == 1
    newer = state_of(warehouse)

    process_records(warehouse, now=much_later)

    assert count(warehouse, final.PAST) == 0
    with pytest.raises(ExpiredError, match="begin again"):
        walk(warehouse, state)
    assert walk(warehouse, newer) == newest_first(warehouse)


def test_a_state_of_another_database_is_refused(warehouse: Warehouse) -> None:
    state = start(warehouse)
    with pytest.raises(ExpiredError):
        walk(warehouse, state + 1)


def test_rows_loaded_without_numbers_are_read_and_get_one_in_the_next_run(
    warehouse: Warehouse,
) -> None:
    state = start(warehouse)
    execute(warehouse, f"UPDATE {final.TABLE} SET change_seq = NULL WHERE title = 'Story 00002'")
    assert len(walk(warehouse, state)) == 5

    process_records(warehouse, now=LATER)

    assert column(warehouse, final.TABLE, "change_seq") == [1, 2, 4, 5, 6]


def test_an_older_database_is_numbered_in_the_order_of_its_changes(
    empty_database: Database, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsapi_dentsu.warehouse.engines.base import insert
    from newsapi_dentsu.warehouse.schema import history

    start(warehouse)
    store(warehouse, record("00001", NOON, title="Anew"), now=LATER)
    process_records(warehouse, now=LATER)
    columns = {name: kind for name, kind in final.COLUMNS.items() if name != "change_seq"}
    stored = [tuple(row[name] for name in columns) for row in rows(warehouse, final.TABLE)]
    old = empty_database.open()
    with monkeypatch.context() as patch:
        steps = tuple(step for step in history.migrations() if step.version < 13)
        patch.setattr(history, "migrations", lambda: steps)
        patch.setattr(history, "indexes", lambda _engine: {})
        old.upgrade()
    with old.transaction() as session:
        insert(session, final.TABLE, columns, stored)
        session.execute("INSERT INTO ops.positions (name, value) VALUES ('final.changes_seq', 7)")

    old.upgrade()

    numbered = sorted(rows(old, final.TABLE), key=lambda row: row["change_seq"])
    assert [row["change_seq"] for row in numbered] == [8, 9, 10, 11, 12]
    assert numbered[-1]["title"] == "Anew"
    assert state_of(old) == 12
    disconnect(old)
