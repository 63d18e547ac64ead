"""What docs/lake.md shows can be done as it stands there, and gives what the database holds."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from newsapi_dentsu.lake import archiving, delta
from newsapi_dentsu.lake.layout import FINAL
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.tables import column, execute, raw_uris

from . import reading

PROGRAMS = re.findall(r"```python\n(.*?)```", reading.TEXT, re.DOTALL)


def archive(warehouse: Warehouse, place: Folder, scratch: Path) -> None:
    """Archive what is new."""
    archiving.archive(warehouse, place, scratch=scratch, anew=False, now=NOON, progress=no_progress)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DuckDBDatabase]:
    """A folder with a lake, and its database, of which articles changed and left."""
    folder = tmp_path_factory.mktemp("lake")
    database = DuckDBDatabases(folder / "data").create()
    warehouse = database.open()
    place = Folder(folder / "lake")
    with serving(many(12, at=NOON - timedelta(hours=2))) as api:
        api.run(warehouse, lookback_days=1)
    archive(warehouse, place, folder)
    with warehouse.transaction() as session:
        first, *_, second = sorted(final.ids(session))
        rows = final.articles(session, [first, second])
        final.remove(session, [final.Departure(second, rows[second].url, "copy", first)], NOON)
        final.save_articles(session, [rows[first]], {first}, NOON)
    archive(warehouse, place, folder)
    return folder, database


@pytest.fixture
def folder(made: tuple[Path, DuckDBDatabase]) -> Path:
    """The folder with the lake."""
    return made[0]


@pytest.fixture
def warehouse(made: tuple[Path, DuckDBDatabase]) -> Warehouse:
    """The database."""
    return made[1].open()


@pytest.fixture
def views(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with a view of each table."""
    with reading.views(Folder(folder / "lake")) as connection:
        yield connection


def test_the_queries_give_what_the_database_holds(
    warehouse: Warehouse, views: duckdb.DuckDBPyConnection
) -> None:
    ids = [row[0] for row in views.execute(reading.FINAL_NOW).fetchall()]
    assert sorted(ids) == column(warehouse, final.TABLE, "article_id")
    assert len(ids) == 11
    states = views.execute(reading.ARTICLES_NOW).fetchall()
    assert sorted(row[0] for row in states) == column(warehouse, processed.TABLE, "article_id")
    days = views.execute(reading.DAYS).fetchall()
    assert sum(row[1] for row in days) == len(raw_uris(warehouse))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(text, marks=[pytest.mark.slow] if "pyspark" in text else [])
        for text in PROGRAMS
    ],
    ids=[re.findall(r"import (\w+)", text)[-1] for text in PROGRAMS],
)
def test_the_programs_do_what_they_say(
    folder: Path, program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    exec(program, {})  # noqa: S102
    told = capfd.readouterr().out
    rows = delta.live_files(Folder(folder / "lake"), FINAL).rows
    assert str(rows) in told


def test_a_database_that_numbers_its_articles_anew_has_them_written_anew(tmp_path: Path) -> None:
    warehouse = DuckDBDatabases(tmp_path / "data").create().open()
    place = Folder(tmp_path / "lake")
    with serving(many(12, at=NOON - timedelta(hours=2))) as api:
        api.run(warehouse, lookback_days=1)
    archive(warehouse, place, tmp_path)
    # As after a restore: the same records, and under known numbers what was worked out later.
    execute(warehouse, f"UPDATE {final.TABLE} SET updated_at = TIMESTAMPTZ '2026-12-20 13:00:00Z'")
    archive(warehouse, place, tmp_path)
    files = list(delta.live_files(place, FINAL).uris)
    found = duckdb.execute(
        "SELECT article_id, month FROM read_parquet(?, hive_partitioning = true) ORDER BY 1",
        [files],
    ).fetchall()
    expected = column(warehouse, final.TABLE, "article_id")
    assert found == [(key, "2026-12") for key in expected]
