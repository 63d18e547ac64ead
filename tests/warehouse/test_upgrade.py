"""Creating the tables: once, by whoever comes first, and never by an older program."""

from datetime import UTC, datetime

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import final, raw
from support.databases import Database, disconnect
from support.processes import event, finish, process, upgrade
from support.tables import column, count, execute

pytestmark = pytest.mark.each_engine

VERSIONS = [step.version for step in history.migrations()]
LATEST = VERSIONS[-1]
ISSUED = (
    "CREATE INDEX idx_raw_published ON raw.ai_marketing_news_raw(publishedAt);",
    "CREATE INDEX idx_raw_url ON raw.ai_marketing_news_raw(url);",
    "CREATE UNIQUE INDEX idx_processed_url ON processed.processed_news(url);",
    "CREATE INDEX idx_final_published ON final.filtered_news(publishedAt DESC);",
)


def index_names(warehouse: Warehouse) -> set[str]:
    """The indexes that were created by name."""
    with warehouse.snapshot() as session:
        names = warehouse.engine.index_names(session)
    return {name for name in names if not name.endswith("_pkey")}


def test_the_first_upgrade_applies_every_step_and_the_second_none(
    empty_database: Database,
) -> None:
    warehouse = empty_database.open()
    assert [step.version for step in warehouse.upgrade()] == VERSIONS
    assert warehouse.upgrade() == []
    assert column(warehouse, "ops.schema_migrations", "version") == VERSIONS
    disconnect(warehouse)


def test_there_are_exactly_the_indexes_of_the_list(warehouse: Warehouse) -> None:
    assert index_names(warehouse) == set(history.indexes(warehouse.engine.name))
    assert {"idx_raw_published", "idx_raw_url", "idx_processed_url", "idx_final_published"} <= set(
        history.indexes(warehouse.engine.name)
    )


def test_an_index_that_was_dropped_comes_back(warehouse: Warehouse) -> None:
    execute(warehouse, "DROP INDEX raw.idx_raw_url")
    assert "idx_raw_url" not in index_names(warehouse)
    warehouse.upgrade()
    assert "idx_raw_url" in index_names(warehouse)


def test_the_documented_index_statements_run_as_they_stand(warehouse: Warehouse) -> None:
    for name, statement in history.indexes(warehouse.engine.name).items():
        table_schema = statement.partition(" ON ")[2].partition(".")[0]
        execute(warehouse, f"DROP INDEX {table_schema}.{name}")
    for statement in ISSUED:
        execute(warehouse, statement)
    assert index_names(warehouse) == {
        "idx_raw_published",
        "idx_raw_url",
        "idx_processed_url",
        "idx_final_published",
    }


def test_columns_are_read_by_the_names_that_people_write(warehouse: Warehouse) -> None:
    assert column(warehouse, final.TABLE, "publishedAt") == []
    assert column(warehouse, final.TABLE, "PUBLISHEDAT") == []


def test_a_newer_schema_is_refused_by_readers_and_writers(warehouse: Warehouse) -> None:
    execute(
        warehouse,
        "INSERT INTO ops.schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
        LATEST + 1,
        "from_the_future",
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    with pytest.raises(WarehouseError, match="newer"):
        warehouse.upgrade()
    with pytest.raises(WarehouseError, match="newer version"), warehouse.snapshot():
        pass


def test_a_database_without_tables_says_how_to_get_them(empty_database: Database) -> None:
    warehouse = empty_database.open()
    with pytest.raises(WarehouseError, match="newsapi run"), warehouse.snapshot():
        pass
    disconnect(warehouse)


def test_an_upgrade_that_breaks_leaves_nothing_behind(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = history.Migration(LATEST + 1, "broken", ("CREATE TABLE ops.half (a int)", "NONSENSE"))
    warehouse = empty_database.open()
    steps = (*history.migrations(), broken)
    with monkeypatch.context() as patch:
        patch.setattr(history, "migrations", lambda: steps)
        with pytest.raises(Exception, match=r"(?i)nonsense"):
            warehouse.upgrade()
    assert len(warehouse.upgrade()) == len(VERSIONS)
    assert count(warehouse, raw.TABLE) == 0
    disconnect(warehouse)


def test_several_processes_that_upgrade_at_once_all_end_well(empty_database: Database) -> None:
    ready = event()
    with (
        process(upgrade, empty_database, ready) as one,
        process(upgrade, empty_database, ready) as two,
        process(upgrade, empty_database, ready) as three,
    ):
        ready.set()
        for child in (one, two, three):
            finish(child)
    warehouse = empty_database.open()
    assert warehouse.upgrade() == []
    assert index_names(warehouse) == set(history.indexes(warehouse.engine.name))
    disconnect(warehouse)
