"""The schema's history: from every version with rows in the tables, alone and from two at once."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import duckdb
import psycopg
import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.schema.inspection import differences
from newsapi_dentsu.warehouse.tables import final
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import Database, disconnect
from support.processes import event, finish, process, upgrade
from support.processing import broken_promises
from support.tables import count, dump, execute

LATEST = history.migrations()[-1].version
ROWS: dict[int, tuple[str, ...]] = {
    1: (
        "INSERT INTO raw.ai_marketing_news_raw (seq, uri, version, url, title, origin, query_id, "
        "fetched_at, record_hash, record) VALUES (1, 'u1', 1, 'https://a.example/1', 'A title', "
        "'sandbox', 'q', '2026-11-20 12:00:00+00', 'h', '{}')",
        "INSERT INTO raw.queries VALUES ('q', '{}', '2026-11-01', '2026-11-20 12:00:00+00', NULL)",
        "INSERT INTO raw.query_days (query_id, day, total, uris, unlisted) "
        "VALUES ('q', '2026-11-20', 1, '[\"u1\"]', 0)",
        "INSERT INTO processed.processed_news (article_id, url, title, body, authors, concepts, "
        "categories, version, text_hash, raw_seq, origin, fetched_at, updated_at, change_seq) "
        "VALUES ('a1', 'https://a.example/1', 'A title', 'A body', '[]', '[]', '[]', 1, 't', 1, "
        "'sandbox', '2026-11-20 12:00:00+00', '2026-11-20 12:00:00+00', 1)",
        "INSERT INTO processed.record_outcomes (raw_seq, uri, uri_version, article_id, outcome, "
        "text_hash) VALUES (1, 'u1', 1, 'a1', 'article', 't')",
        "INSERT INTO final.filtered_news (article_id, url, title, body, publishedAt, lang, "
        "authors, concepts, categories, version, origin, fetched_at, updated_at) VALUES ('a1', "
        "'https://a.example/1', 'A title', 'A body', '2026-11-20 12:00:00+00', 'eng', '[]', "
        "'[]', '[]', 1, 'sandbox', '2026-11-20 12:00:00+00', '2026-11-20 12:00:00+00')",
        "INSERT INTO final.rejected_news (article_id, url, title, reason, detail, updated_at) "
        "VALUES ('a2', 'https://a.example/2', 'T', 'short', '', '2026-11-20 12:00:00+00')",
        "INSERT INTO ops.positions VALUES ('deduplicated', 1)",
        "INSERT INTO ops.stage_runs VALUES ('r', 'collect', 1, 'succeeded', "
        "'2026-11-20 12:00:00+00', NULL, NULL, NULL)",
    ),
    2: (
        "INSERT INTO processed.assessments (article_id, text_hash, flags, relevance, "
        "topic_relevance, story_id, role, change_seq) VALUES ('a1', 't', '[]', 0.5, '{}', 'a1', "
        "'original', 1)",
        "INSERT INTO final.changes VALUES (1, 'a2', 'https://a.example/2', 'short', NULL, "
        "'2026-11-20 12:00:00+00')",
    ),
    3: (
        "INSERT INTO ops.incidents VALUES ('i', 'stale_final', '', 'high', "
        "'2026-11-20 12:00:00+00', 'old', NULL, NULL)",
        "INSERT INTO ops.notices VALUES ('i/opened', 'opened', 'i', 'high', "
        "'2026-11-20 12:00:00+00', '{}', '[]', 'told')",
        "INSERT INTO ops.alert_deliveries VALUES ('i/opened', 'email', 'm', 'delivered', 1, "
        "'2026-11-20 12:00:00+00', '250 OK')",
        "INSERT INTO ops.silences VALUES ('stale_final', '2026-11-20 12:00:00+00')",
    ),
    4: (
        "INSERT INTO ops.run_metrics (run_id, status, started_at) "
        "VALUES ('r', 'succeeded', '2026-11-20 12:00:00+00')",
    ),
    5: (
        "INSERT INTO raw.query_days (query_id, day, total, uris, unlisted, failures, failure) "
        "VALUES ('q', '2026-11-19', 0, '[]', 0, 1, 'no answer')",
    ),
    7: ("INSERT INTO processed.wrapping_lines VALUES (1, 'a.example', 'end', 'a line', 5)",),
    8: (
        "INSERT INTO raw.returns VALUES (1, 3, 1, '2026-11-20 12:00:00+00', "
        "'2026-11-20 12:00:00+00', FALSE)",
    ),
    13: (
        "INSERT INTO final.past_articles (article_id, change_seq, ended_seq, ended_at) "
        "VALUES ('a', 1, 2, '2026-11-20 12:00:00+00')",
    ),
    15: (
        "INSERT INTO ops.verdicts VALUES ('v', '[\"AI\"]', 'a', TRUE, 'https://a.example/1', "
        "'A title', 'an opening', '[]', '[]', 'a.example', 'jo', '2026-11-20 12:00:00+00')",
    ),
    20: ("INSERT INTO processed.removals VALUES (1, 'a9', '2026-11-20 12:00:00+00')",),
    21: (
        "INSERT INTO ops.backfills "
        "(backfill_id, query_id, asked_for, tokens_allowed, started_at) "
        "VALUES ('b1', 'q', '2026-10', 100, '2026-11-20 12:00:00+00')",
        "INSERT INTO ops.backfill_months VALUES ('b1', '2026-10', 3, 15, 0, 0)",
    ),
}
"""For each version that brought tables, what fills them: a row in each."""


@pytest.fixture
def empty(empty_database: Database) -> Iterator[Warehouse]:
    """A database without tables, on either engine."""
    warehouse = empty_database.open()
    with warehouse.kept_open():
        yield warehouse
    disconnect(warehouse)


def problems(warehouse: Warehouse) -> list[str]:
    return warehouse.inspect(lambda session: differences(warehouse.engine, session))


def rows(warehouse: Warehouse) -> dict[str, int]:
    """How many rows each table has that is there."""

    def counted(session: Session) -> dict[str, int]:
        there = [
            name
            for name in history.tables()
            if warehouse.engine.table_exists(session, *name.split("."))
        ]
        return {name: len(session.rows(f"SELECT 1 FROM {name}")) for name in there}

    return warehouse.inspect(counted)


def there(warehouse: Warehouse, schema_name: str, table: str) -> bool:
    return warehouse.inspect(
        lambda session: warehouse.engine.table_exists(session, schema_name, table)
    )


def columns(warehouse: Warehouse, table: str) -> set[str]:
    """The names of a table's columns, in lower case."""
    found = warehouse.inspect(
        lambda session: session.rows(
            "SELECT lower(column_name) FROM information_schema.columns "
            "WHERE table_schema || '.' || table_name = $1",
            table,
        )
    )
    return {name for (name,) in found}


def later(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Make up the version that comes after the latest."""
    known = (*history.migrations(), history.Migration(LATEST + 1, "made_up", statements))
    monkeypatch.setattr(history, "migrations", lambda: known)


VERSIONS = range(1, len(history.migrations()) + 1)
"""How many steps earlier versions had taken; those in between are thorough."""


@pytest.mark.parametrize(
    "steps",
    [
        *VERSIONS[:1],
        *(pytest.param(steps, marks=pytest.mark.thorough) for steps in VERSIONS[1:-2]),
        *VERSIONS[-2:],
    ],
)
def test_every_version_with_rows_in_it_becomes_the_latest(
    empty: Warehouse, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    known = history.migrations()
    with monkeypatch.context() as then:
        then.setattr(history, "migrations", lambda: known[:steps])
        then.setattr(history, "indexes", lambda _engine: {})
        empty.upgrade()
    # Those of either engine: an earlier version may have had more of them than this one.
    for statement in history.indexes("PostgreSQL").values():
        ((table, column),) = re.findall(r" ON (\w+\.\w+)(?: USING \w+ )?\((\w+)", statement)
        if "USING gin" in statement and empty.engine.name == "DuckDB":
            continue
        if there(empty, *table.split(".")) and column.lower() in columns(empty, table):
            execute(empty, statement)
    for step in known[:steps]:
        for statement in ROWS.get(step.version, ()):
            execute(empty, statement)
    before = rows(empty)
    assert 0 not in before.values()
    if all(step.version < 13 for step in known[:steps]):
        # The changes of final are numbered, from those that are there.
        before["ops.positions"] += 1
    if known[steps - 1].version == 21:
        # What months had spent before is told.
        before["ops.positions"] += 1

    empty.upgrade()

    assert problems(empty) == []
    assert {name: rows(empty)[name] for name in before} == before
    assert empty.upgrade() == []


def test_a_later_version_alters_tables_that_have_indexes_and_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(many(50, at=NOON)) as api:
        api.clock.advance(hours=1)
        api.run(warehouse, lookback_days=1)
        before = dump(warehouse, final.TABLE)
        later(
            monkeypatch,
            "ALTER TABLE final.filtered_news ADD COLUMN score double precision DEFAULT 0",
            "ALTER TABLE final.filtered_news ALTER COLUMN score SET NOT NULL",
            "ALTER TABLE final.filtered_news ALTER COLUMN source_uri SET NOT NULL",
            "ALTER TABLE processed.processed_news DROP COLUMN image",
            "CREATE TABLE ops.extra (name text NOT NULL PRIMARY KEY)",
        )
        assert [step.name for step in warehouse.upgrade()] == ["made_up"]
        assert problems(warehouse) == []
        assert dump(warehouse, final.TABLE) == before
        assert warehouse.upgrade() == []
    with pytest.raises((duckdb.ConstraintException, psycopg.errors.UniqueViolation)):
        execute(
            warehouse,
            "INSERT INTO processed.processed_news SELECT * REPLACE ('x' AS article_id) "
            "FROM processed.processed_news LIMIT 1"
            if warehouse.engine.name == "DuckDB"
            else "UPDATE processed.processed_news SET url = "
            "(SELECT min(url) FROM processed.processed_news)",
        )


def test_a_later_version_that_fails_changes_nothing(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        later(
            then,
            "ALTER TABLE final.filtered_news ADD COLUMN score double precision",
            "ALTER TABLE final.no_such_table ADD COLUMN score double precision",
        )
        with pytest.raises((WarehouseError, duckdb.Error)):
            warehouse.upgrade()
    assert problems(warehouse) == []
    assert warehouse.upgrade() == []


def test_tables_of_a_newer_version_are_left_alone(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        later(then, "ALTER TABLE final.filtered_news ADD COLUMN score double precision")
        warehouse.upgrade()
    with pytest.raises(WarehouseError, match="newer than this program"):
        warehouse.upgrade()
    assert "install the newer version" in problems(warehouse)[0]


def test_several_at_once_on_an_empty_database(empty_database: Database) -> None:
    ready = event()
    with ExitStack() as started:
        children = [
            started.enter_context(process(upgrade, empty_database, ready)) for _ in range(4)
        ]
        ready.set()
        for child in children:
            finish(child)
    warehouse = empty_database.open()
    assert problems(warehouse) == []
    disconnect(warehouse)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DROP INDEX final.idx_final_url", "index idx_final_url is missing"),
        ("DROP TABLE ops.stage_runs", "table ops.stage_runs is missing"),
        (
            "ALTER TABLE ops.stage_runs ADD COLUMN mine text",
            "column ops.stage_runs.mine is not known",
        ),
        ("ALTER TABLE final.rejected_news DROP COLUMN detail", "column final.rejected_news.detail"),
        (
            "ALTER TABLE final.rejected_news ALTER COLUMN detail DROP NOT NULL",
            "column final.rejected_news.detail is text instead of text NOT NULL",
        ),
    ],
)
def test_what_differs_is_named(warehouse: Warehouse, change: str, expected: str) -> None:
    execute(warehouse, change)
    assert any(expected in problem for problem in problems(warehouse)), problems(warehouse)


def test_an_index_that_went_missing_comes_back(warehouse: Warehouse) -> None:
    execute(warehouse, "DROP INDEX final.idx_final_url")
    warehouse.upgrade()
    assert problems(warehouse) == []


def test_an_index_that_is_not_unique_is_told(warehouse: Warehouse) -> None:
    execute(warehouse, "DROP INDEX final.idx_final_url")
    execute(warehouse, "CREATE INDEX idx_final_url ON final.filtered_news(url)")
    assert problems(warehouse) == ["index idx_final_url is not unique"]


def test_the_script_makes_the_same_tables(empty: Warehouse) -> None:
    for statement in history.script(empty.engine.name):
        execute(empty, statement)
    assert [problem for problem in problems(empty) if "schema dagster" not in problem] == []
    empty.upgrade()
    assert problems(empty) == []
    with serving(many(50, at=NOON)) as api:
        api.clock.advance(hours=1)
        api.run(empty, lookback_days=1)
    assert broken_promises(empty) == set()
    assert count(empty, final.TABLE) == 50


def test_the_statements_that_people_know_run_as_they_stand(warehouse: Warehouse) -> None:
    known = (
        "CREATE INDEX idx_raw_published ON raw.ai_marketing_news_raw(publishedAt)",
        "CREATE INDEX idx_raw_url ON raw.ai_marketing_news_raw(url)",
        "CREATE UNIQUE INDEX idx_processed_url ON processed.processed_news(url)",
        "CREATE INDEX idx_final_published ON final.filtered_news(publishedAt DESC)",
    )
    for name, statement in history.indexes(warehouse.engine.name).items():
        execute(warehouse, history.drop_index(name, statement))
    for statement in known:
        assert statement in history.script("PostgreSQL")
        execute(warehouse, statement)
    execute(warehouse, "SELECT publishedAt FROM final.filtered_news")


def test_versions_are_dated(warehouse: Warehouse) -> None:
    with warehouse.snapshot() as session:
        found = session.rows("SELECT version, applied_at FROM ops.schema_migrations ORDER BY 1")
    assert [version for version, _ in found] == [step.version for step in history.migrations()]
    assert all(applied <= datetime.now(UTC) for _, applied in found)
