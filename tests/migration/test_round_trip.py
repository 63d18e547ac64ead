"""Whatever the tables hold arrives on the other side, and the two sides prove it."""

from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer import direct, loading
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.transfer.unfinished import Pending
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine, connection
from newsapi_dentsu.warehouse.schema import history
from support.databases import DuckDBDatabase
from support.parts import first_quick
from support.tables import execute

from .conftest import move, move_back
from .samples import fill, values


def test_hard_values_arrive_in_postgresql(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb)
    result = move(file, postgres)
    assert result.equal
    assert {digest.rows for digest in result.target.values()} == {60}
    assert values(postgres) == values(duckdb)


def test_and_come_back(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb)
    there = move(file, postgres)
    back = move_back(postgres, tmp_path / "back.duckdb")
    assert back.equal
    assert back.target == there.source
    assert values(DuckDBDatabase(tmp_path / "back.duckdb").open()) == values(duckdb)
    assert list(tmp_path.iterdir()) == [tmp_path / "back.duckdb"]


def test_infinite_times_arrive(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb, rows=2)
    execute(duckdb, "UPDATE final.filtered_news SET publishedAt = 'infinity'")
    execute(duckdb, "UPDATE processed.processed_news SET publishedAt = '-infinity'")
    assert move(file, postgres).equal
    with postgres.snapshot() as session:
        assert session.rows("SELECT DISTINCT publishedAt::text FROM final.filtered_news") == [
            ("infinity",)
        ]
    assert move_back(postgres, tmp_path / "back.duckdb").equal


def test_empty_tables_are_equal(file: DuckDBDatabase, postgres: Warehouse) -> None:
    result = move(file, postgres)
    assert result.equal
    assert {digest.rows for digest in result.source.values()} == {0}


def test_the_target_has_all_tables_keys_and_indexes(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    from newsapi_dentsu.warehouse.schema.inspection import differences

    fill(duckdb)
    move(file, postgres)
    with postgres.snapshot() as session:
        assert differences(postgres.engine, session) == []
        storage = session.rows(
            "SELECT DISTINCT attstorage::text, attcompression::text FROM pg_attribute "
            "WHERE atttypid = 'text'::regtype AND attnum > 0 "
            "AND attrelid = 'raw.ai_marketing_news_raw'::regclass"
        )
        left = session.rows("SELECT to_regclass('ops.transfer')::text")
    assert storage == [("x", "")], "texts that come later are compressed as ever"
    assert left == [(None,)]


def test_the_file_that_comes_back_has_all_tables_keys_and_indexes(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    from newsapi_dentsu.warehouse.schema.inspection import differences

    fill(duckdb)
    move(file, postgres)
    move_back(postgres, tmp_path / "back.duckdb")
    back = DuckDBDatabase(tmp_path / "back.duckdb").open()
    with back.snapshot() as session:
        assert differences(back.engine, session) == []
        assert set(history.indexes("DuckDB")) <= back.engine.index_names(session)


def test_compressing_changes_nothing_but_the_size(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=3, text="x" * 10_000)
    assert move(file, postgres, compress=True).equal
    with postgres.snapshot() as session:
        ((size,),) = session.rows("SELECT max(pg_column_size(record)) FROM " + tables()[0].name)
    assert size < 1_000


def test_moving_again_finds_both_sides_equal(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb)
    first = move(file, postgres)
    again = move(file, postgres)
    assert (first.action, again.action) == ("copied", "already equal")
    assert again.equal
    assert again.target == first.target
    back = [move_back(postgres, tmp_path / "back.duckdb").action for _ in range(2)]
    assert back == ["copied", "already equal"]


def test_a_target_with_other_data_is_refused_and_left_alone(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb)
    move(file, postgres)
    move_back(postgres, tmp_path / "back.duckdb")
    execute(postgres, "UPDATE final.filtered_news SET title = 'mine'")
    before = values(postgres)
    with pytest.raises(direct.OccupiedError, match=r"--merge .* --replace"):
        move(file, postgres)
    assert values(postgres) == before
    with pytest.raises(direct.OccupiedError, match=r"--merge .* --replace"):
        move_back(postgres, tmp_path / "back.duckdb")
    assert values(DuckDBDatabase(tmp_path / "back.duckdb").open()) == values(duckdb)


def test_replace_makes_the_target_what_the_source_is(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb, rows=10)
    postgres.upgrade()
    fill(postgres, rows=20, text="other")
    assert move(file, postgres, replace=True).equal
    assert values(postgres) == values(duckdb)
    other = DuckDBDatabase(tmp_path / "other.duckdb")
    other.open().upgrade()
    fill(other.open(), rows=5)
    assert move_back(postgres, other.path, replace=True).equal
    assert values(other.open()) == values(duckdb)


def test_records_of_failed_runs_alone_are_no_data(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=3)
    postgres.upgrade()
    execute(
        postgres,
        "INSERT INTO ops.stage_runs (run_id, stage, attempt, status, started_at) "
        "VALUES ('r', 'collect', 1, 'failed', now())",
    )
    assert move(file, postgres).action == "copied"


def test_a_character_that_postgresql_refuses_is_named_with_its_row(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=10)
    execute(
        duckdb,
        "UPDATE final.filtered_news SET body = 'a' || chr(0) "
        "WHERE article_id = 'https://e.example/7/é'",
    )
    with pytest.raises(
        WarehouseError, match=r"article_id https://e.example/7/é of final.filtered_news"
    ):
        move(file, postgres)
    execute(duckdb, "UPDATE final.filtered_news SET body = 'a' WHERE contains(body, chr(0))")
    assert move(file, postgres).equal


TAMPERING = {
    "an empty text for none": "UPDATE raw.ai_marketing_news_raw SET problems = '' "
    "WHERE problems IS NULL",
    "none for an empty text": "UPDATE raw.ai_marketing_news_raw SET title = NULL WHERE title = ''",
    "one letter": "UPDATE final.filtered_news SET title = title || ' ' WHERE version = 0",
    "a microsecond": "UPDATE final.filtered_news SET updated_at = updated_at + "
    "INTERVAL '1 microsecond' WHERE version = 0",
    "zero for minus zero": "UPDATE final.filtered_news SET sentiment = 0 WHERE sentiment = 0",
    "the last bit": "UPDATE final.filtered_news SET sentiment = 0.10000000000000002 "
    "WHERE sentiment = 0.1",
    "two values changed places": "UPDATE final.rejected_news SET reason = detail, detail = reason",
    "a row too few": "DELETE FROM raw.query_days WHERE query_id LIKE '%/7/%'",
    "a row too many": "INSERT INTO ops.positions (name, value) VALUES ('x', 0)",
    "a row for another": "UPDATE ops.positions SET name = 'x' WHERE name LIKE '%/7/%'",
}


@pytest.mark.parametrize("statement", first_quick(TAMPERING.values()), ids=TAMPERING)
def test_the_proof_notices(
    statement: str,
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(duckdb)
    finish = loading.finish

    def tamper(engine: PostgresEngine, plan: Pending) -> None:
        finish(engine, plan)
        with connection(engine) as opened:
            assert opened.execute(statement).rowcount > 0

    monkeypatch.setattr(loading, "finish", tamper)
    result = move(file, postgres)
    assert not result.equal
    assert sum(result.source[name] != result.target[name] for name in result.source) == 1
    with pytest.raises(WarehouseError, match="migration that has not ended"):
        postgres.upgrade()
    monkeypatch.undo()
    again = move(file, postgres)
    assert (again.action, again.equal) == ("copied", True)
    assert values(postgres) == values(duckdb)
