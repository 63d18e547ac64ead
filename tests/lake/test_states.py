"""The queries of docs/lake.md give what the database holds, whatever happened in between."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.lake import archiving, delta
from newsapi_dentsu.lake.layout import ARTICLES, FINAL, REMOVALS
from newsapi_dentsu.lake.maintenance import compact_months
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.tables import final, positions, processed
from support.articles import body, record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.parts import first_quick
from support.processing import process, store
from support.tables import column, execute

from .reading import ARTICLES_NOW, FINAL_NOW, views


@pytest.fixture
def warehouse(duckdb_databases: DuckDBDatabases) -> Warehouse:
    """An empty database."""
    return duckdb_databases.create().open()


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    """Where the lake is."""
    return Folder(tmp_path / "lake")


def archive(warehouse: Warehouse, place: Folder, scratch: Path, days: int = 0) -> None:
    """Archive what is new."""
    now = NOON + timedelta(days=days)
    archiving.archive(warehouse, place, scratch=scratch, anew=False, now=now, progress=no_progress)


def assert_equal(warehouse: Warehouse, place: Folder) -> None:
    """The lake gives processed and final as they are in the database, in each column."""
    with views(place) as lake:
        for query, table in ((ARTICLES_NOW, ARTICLES), (FINAL_NOW, FINAL)):
            names = ", ".join(table.columns)
            found = lake.execute(f"SELECT {names} FROM ({query}) ORDER BY article_id").fetchall()
            assert found == _rows(warehouse, f"SELECT {names} FROM {table.source} ORDER BY 1")


def _rows(warehouse: Warehouse, statement: str) -> list[Row]:
    with warehouse.snapshot() as session:
        return session.rows(statement)


@pytest.mark.parametrize("seed", first_quick([0, 1, 3]))
def test_after_each_archiving_the_queries_give_what_the_tables_hold(
    warehouse: Warehouse, place: Folder, tmp_path: Path, seed: int
) -> None:
    draw, upkeep = random.Random(seed), random.Random(seed)
    for day in range(7):
        # Few pages and texts, and records that come late: pages show one article after the other,
        # and are divided again.
        pages = [
            record(
                f"{text}{draw.randrange(3)}",
                NOON - timedelta(minutes=draw.randrange(5_000)),
                url=f"https://adledger.example/page-{draw.randrange(2)}",
                title=" ".join(body(text).split()[-6:]),
                body=body(text),
            )
            for text in draw.choices("abcd", k=draw.randint(1, 4))
        ]
        now = NOON + timedelta(days=day)
        store(warehouse, *pages, now=now)
        process(warehouse, now, full_refresh=draw.random() < 0.2)
        if upkeep.random() < 0.4 or day == 6:
            archive(warehouse, place, tmp_path, day)
            assert_equal(warehouse, place)
            if upkeep.random() < 0.3:
                compact_months(place, now + timedelta(days=40))
    removed = column(warehouse, processed.REMOVALS, "article_id")
    assert removed
    assert delta.state(place, REMOVALS).rows == len(removed)


def test_what_was_removed_before_it_was_numbered_anew_hides_nothing(
    warehouse: Warehouse, place: Folder, tmp_path: Path
) -> None:
    store(warehouse, *(record(f"{number}", NOON) for number in range(4)))
    process(warehouse)
    with warehouse.transaction() as session:
        shown = final.articles(session, list(final.ids(session)))
        known = processed.articles(session, list(shown))
        for key in shown:
            departure = final.Departure(key, shown[key].url, "gone", None)
            processed.remove_articles(session, [key], NOON)
            final.remove(session, [departure], NOON)
            processed.save_articles(session, [known[key]], (), NOON)
            final.save_articles(session, [shown[key]], (), NOON)
    archive(warehouse, place, tmp_path)
    assert_equal(warehouse, place)
    # As after a restore, which works everything out anew, and forgets what has left.
    for table, left in ((ARTICLES, processed.REMOVALS), (FINAL, final.CHANGES)):
        execute(warehouse, f"DELETE FROM {left}")
        execute(
            warehouse,
            f"UPDATE {table.source} AS row SET change_seq = numbered.place, "
            "updated_at = TIMESTAMPTZ '2026-12-20 13:00:00Z' "
            f"FROM (SELECT article_id, row_number() OVER () AS place FROM {table.source}) "
            "AS numbered WHERE numbered.article_id = row.article_id",
        )
        with warehouse.transaction() as session:
            positions.set_position(session, table.sequence, 100)
    archive(warehouse, place, tmp_path)
    assert_equal(warehouse, place)


def test_a_lake_from_before_removals_were_told_is_completed(
    warehouse: Warehouse, place: Folder, tmp_path: Path
) -> None:
    store(warehouse, *(record(f"{number}", NOON) for number in range(4)))
    process(warehouse)
    archive(warehouse, place, tmp_path)
    # As an older program left it: an article is gone, and nothing tells of it.
    gone = column(warehouse, processed.TABLE, "article_id")[0]
    execute(warehouse, f"DELETE FROM {processed.TABLE} WHERE article_id = '{gone}'")
    execute(warehouse, f"DELETE FROM {final.TABLE} WHERE article_id = '{gone}'")
    execute(
        warehouse,
        f"INSERT INTO {final.CHANGES} VALUES (99, '{gone}', 'u', 'gone', NULL, now())",
    )
    for name in place.names(f"{REMOVALS.name}/"):
        place.delete(name)
    listed = Path(place.location, "lake.json")
    value = json.loads(listed.read_text())
    del value["tables"][REMOVALS.name]
    listed.write_text(json.dumps(value))
    archive(warehouse, place, tmp_path)
    assert_equal(warehouse, place)
