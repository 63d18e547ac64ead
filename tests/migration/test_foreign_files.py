"""DuckDB files of other pipelines: read, mapped, and every row accounted for."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb as driver
import pytest

from newsapi_dentsu.domain.record import Record
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.transfer import foreign
from newsapi_dentsu.transfer.foreign_import import Complaint, ImportReport, import_foreign
from newsapi_dentsu.transfer.foreign_rows import map_columns, map_row
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw
from support.articles import TOPICS
from support.databases import DuckDBDatabase
from support.tables import column, row

from .conftest import engine_of
from .legacy_files import row as legacy_row
from .legacy_files import write
from .test_merging import assert_sound

NAIVE = datetime(2024, 1, 2, 3, 4, 5, 6)  # noqa: DTZ001
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mapped(**values: Any) -> Record:
    return map_row(values, map_columns(values), prefix="legacy:0:", language="eng", now=NOW).record


def content(**values: Any) -> Any:
    return json.loads(mapped(url="https://a.example/1", **values).record)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("publishedAt", NAIVE, "2024-01-02T03:04:05.000006+00:00"),
        ("published_at", "2024-01-02 03:04:05", "2024-01-02T03:04:05+00:00"),
        ("PublishedAt", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05+00:00"),
        ("dateTimePub", "2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05+00:00"),
        ("date", date(2024, 1, 2), "2024-01-02T00:00:00+00:00"),
    ],
)
def test_times_are_utc(name: str, value: Any, found: str) -> None:
    record = mapped(url="https://a.example/1", title="t", **{name: value})
    assert record.published_at == datetime.fromisoformat(found)
    assert record.problems == ()


@pytest.mark.parametrize("value", ["yesterday", "2024-13-45", [1], "0", 1_704_164_645])
def test_a_time_that_cannot_be_read_is_a_problem(value: Any) -> None:
    record = mapped(url="https://a.example/1", title="t", publishedAt=value)
    assert record.published_at is None
    assert "dateTimePub" in record.problems


@pytest.mark.parametrize(
    "columns",
    [
        {"source": {"id": "ad.example", "name": "Ad"}},
        {"source": '{"uri": "ad.example", "title": "Ad"}'},
        {"source": "Ad", "source_uri": "ad.example"},
        {"source.id": "https://ad.example/front", "source.name": "Ad"},
        {"source_name": "Ad", "source_uri": "ad.example"},
    ],
)
def test_sources_nested_as_json_and_flattened(columns: dict[str, Any]) -> None:
    record = mapped(url="https://a.example/1", title="t", **columns)
    assert (record.source_name, record.source_uri) == ("Ad", "ad.example")


@pytest.mark.parametrize(
    "value",
    [
        "Jo Weiss, Al Bo",
        ["Jo Weiss", "Al Bo"],
        '["Jo Weiss", "Al Bo"]',
        [{"name": "Jo Weiss", "uri": "x"}, {"name": "Al Bo"}],
    ],
)
def test_authors_as_a_list_as_json_and_as_text(value: Any) -> None:
    assert content(title="t", author=value)["authors"] == [{"name": "Jo Weiss"}, {"name": "Al Bo"}]


@pytest.mark.parametrize(
    ("value", "found"),
    [("en", "eng"), ("en-US", "eng"), ("EN_us", "eng"), ("deu", "deu"), (None, "eng")],
)
def test_languages_by_their_codes(value: Any, found: str) -> None:
    assert mapped(url="https://a.example/1", title="t", language=value).lang == found


def test_the_fullest_text_is_the_body_and_empty_columns_are_passed_over() -> None:
    assert content(title="t", description="short", content="long")["body"] == "long"
    assert content(title="t", description="short", content=" ")["body"] == "short"
    assert content(title="t", description="short", content=float("nan"))["body"] == "short"


def test_a_whole_record_in_a_column_is_taken_as_it_is() -> None:
    whole = {"uri": "8000", "url": "https://b.example/2", "title": "Whole", "body": "b"}
    record = mapped(raw_json=json.dumps(whole), url="https://other.example/", lang="deu")
    assert (record.uri, record.url, record.title) == ("8000", "https://b.example/2", "Whole")
    assert record.lang == "deu"


def test_columns_without_a_counterpart_are_kept() -> None:
    assert content(title="t", **{"Word Count": 7, "tags": ["a", None]})["legacy"] == {
        "Word Count": 7,
        "tags": ["a", None],
    }


def test_the_same_row_has_the_same_uri_again_and_another_row_another() -> None:
    first = mapped(url="https://a.example/1", title="t")
    assert first.uri.startswith("legacy:0:")
    assert mapped(url="https://a.example/1", title="t").uri == first.uri
    assert mapped(url="https://a.example/1", title="u").uri != first.uri


@pytest.mark.parametrize(
    "value",
    ["\x00", "\ud800", 10**400, b"\xff", float("inf"), {"a": {1: {2}}}, "{'a': [", "[" * 99],
)
def test_no_value_stops_the_mapping(value: Any) -> None:
    for name in ("title", "body", "source", "author", "publishedAt", "record", "other", "url"):
        mapped(**{"url": "https://a.example/1", "title": "t", name: value})


def taken(path: Path, into: Warehouse) -> tuple[ImportReport, list[Complaint]]:
    complaints: list[Complaint] = []
    with foreign.reading(engine_of(DuckDBDatabase(path).open())) as file:
        report = import_foreign(file, into, language="eng", now=NOW, complain=complaints.append)
    deduplicate(into, now=NOW)
    group(into, TOPICS, now=NOW)
    curate(into, now=NOW)
    return report, complaints


def test_rows_become_records_and_articles_of_their_own_dates(
    duckdb: Warehouse, tmp_path: Path
) -> None:
    write(tmp_path / "old.duckdb", [legacy_row(number) for number in range(1, 8)])
    report, complaints = taken(tmp_path / "old.duckdb", duckdb)
    assert complaints == []
    (table,) = report.tables
    assert (table.rows, table.stored, table.other_columns) == (7, 7, ("Word Count",))
    final = row(duckdb, "final.filtered_news", "url = 'https://adledger.example/3'")
    assert final["publishedAt"] == datetime(2024, 3, 4, 6, 7, 8, 500_000, tzinfo=UTC)
    assert (final["title"], final["source_name"], final["authors"], final["image"]) == (
        "Story 3",
        "Ad Ledger",
        '["Jo Weiss"]',
        "https://adledger.example/3.jpg",
    )
    assert len(column(duckdb, "final.filtered_news", "url")) == 7
    assert_sound(duckdb, NOW)


def test_every_row_is_accounted_for(duckdb: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    rows = [
        legacy_row(1),
        legacy_row(1),
        legacy_row(1, url="https://adledger.example/1?utm_source=x", title="Story 1, again"),
        legacy_row(2, url=None),
        legacy_row(3, url="not a url"),
        legacy_row(4, content=None, description=None),
        legacy_row(5, publishedAt=None),
    ]
    write(path, rows)
    write(
        path,
        [legacy_row(1), legacy_row(4), legacy_row(6), legacy_row(6, title="6, again")],
        "processed.processed_news",
    )
    with driver.connect(str(path)) as connection:
        connection.execute("CREATE TABLE run_log (moment TIMESTAMP, ok BOOLEAN)")
    report, complaints = taken(path, duckdb)
    first, second = report.tables
    assert (first.rows, first.stored, first.repeated, first.covered) == (7, 6, 1, 0)
    assert first.unusable == 2
    assert (second.rows, second.stored, second.repeated, second.covered) == (4, 3, 0, 1)
    assert report.ignored == ("main.run_log",)
    assert [(item.row, item.reason) for item in complaints] == [
        (4, "can't become an article: no_url"),
        (5, "can't become an article: bad_url"),
    ]
    assert len(column(duckdb, raw.TABLE, "seq")) == 9
    # The body that only the second table had is shown, and both spellings of a page are one.
    four = row(duckdb, "processed.processed_news", "url = 'https://adledger.example/4'")
    assert four["body"].endswith("4.")
    assert len(column(duckdb, "processed.processed_news", "url")) == 4
    assert column(duckdb, "final.rejected_news", "reason") == ["no_credible_date"]
    assert_sound(duckdb, NOW)


def test_tables_of_other_names_and_types_are_found(duckdb: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with driver.connect(str(path)) as connection:
        connection.execute(
            'CREATE TABLE "My Articles" AS SELECT \'https://a.example/\' || range AS "URL",'
            " 'T' || range AS \"Title\", 'Body ' || range AS content,"
            " DATE '2025-01-01' + CAST(range AS integer) AS Published_At,"
            " ['Jo'] AS authors, 0.5::DECIMAL(4, 2) AS sentiment FROM range(3)"
        )
        connection.execute('CREATE VIEW v AS SELECT * FROM "My Articles"')
    report, complaints = taken(path, duckdb)
    assert [table.table for table in report.tables] == ["main.My Articles"]
    assert complaints == []
    assert column(duckdb, "final.filtered_news", "title") == ["T0", "T1", "T2"]
    assert column(duckdb, "final.filtered_news", "sentiment") == [0.5, 0.5, 0.5]


def test_a_file_without_news_is_refused(duckdb: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with driver.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (a integer)")
    with pytest.raises(WarehouseError, match=r"holds no news.*main\.t"):
        taken(path, duckdb)


def test_a_file_of_an_earlier_schema_version_is_upgraded_in_a_copy(
    file: DuckDBDatabase, duckdb: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsapi_dentsu.warehouse.schema import history

    from .samples import fill, values

    fill(duckdb, rows=5)
    before, known = values(duckdb), history.migrations()
    engine = engine_of(duckdb)
    step = history.Migration(
        known[-1].version + 1,
        "more",
        ("ALTER TABLE final.rejected_news ADD COLUMN more text",),
    )
    monkeypatch.setattr(history, "migrations", lambda: (*known, step))
    assert foreign.kind_of(engine) == "earlier"
    foreign.upgraded_copy(engine, tmp_path / "copy.duckdb")
    copy = DuckDBDatabase(tmp_path / "copy.duckdb").open()
    assert foreign.kind_of(engine_of(copy)) == "own"
    assert values(copy) == before
    monkeypatch.undo()
    assert foreign.kind_of(engine) == "own"
    with pytest.raises(WarehouseError, match="newer than this program's"):
        foreign.kind_of(engine_of(copy))


def test_a_held_file_keeps_what_was_committed_before_a_crash(tmp_path: Path) -> None:
    from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine
    from support.processes import process

    with process(_fill_and_die, tmp_path / "held.duckdb") as child:
        child.join(60)
    assert child.exitcode == 7
    warehouse = DuckDBDatabase(tmp_path / "held.duckdb").open()
    assert column(warehouse, "ops.positions", "value") == list(range(20))

    held = Warehouse(HeldDuckDBEngine(tmp_path / "held.duckdb", memory_limit="128MB", wait=0))
    with pytest.raises(ValueError, match="stop"):
        held.write(_delete_and_fail)
    held.close()
    assert column(warehouse, "ops.positions", "value") == list(range(20))
    assert [path.name for path in tmp_path.iterdir()] == ["held.duckdb"]


def test_a_held_file_takes_up_what_its_log_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsapi_dentsu.warehouse.engines import duckdb_held

    monkeypatch.setattr(duckdb_held, "LOG", "100KB")
    path = tmp_path / "held.duckdb"
    held = Warehouse(duckdb_held.HeldDuckDBEngine(path, memory_limit="128MB", wait=0))
    held.upgrade()
    log = path.with_name("held.duckdb.wal")
    longest = 0
    for number in range(40):
        with held.transaction() as session:
            name = f"{number} " + "x" * 10_000
            session.execute("INSERT INTO ops.positions VALUES ($1, $2)", name, number)
        longest = max(longest, log.stat().st_size if log.exists() else 0)
    held.close()
    assert longest < 200_000


def _delete_and_fail(session: Session) -> None:
    session.execute("DELETE FROM ops.positions")
    raise ValueError("stop")


def _fill_and_die(path: Path) -> None:
    import os

    from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine

    held = Warehouse(HeldDuckDBEngine(path, memory_limit="128MB", wait=0))
    held.upgrade()
    for number in range(20):
        with held.transaction() as session:
            session.execute("INSERT INTO ops.positions VALUES ($1, $2)", f"p{number}", number)
    os._exit(7)
