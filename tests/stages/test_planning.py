"""`newsapi run --full-refresh --plan`: what it says is what the refresh then does."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.errors import ModelError, WarehouseBusyError
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.planning import plan
from newsapi_dentsu.stages.report import CurateReport, UnderstandReport
from newsapi_dentsu.stages.understand import Missing, understand
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import embeddings
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import store
from support.tables import count, execute

GARDENS = """
quality: {min_words: 1}
topics:
  - name: Gardens
    description: Gardens, flowers, vegetables and the people who grow them.
    keywords: [garden, flowers, vegetables]
"""
BANKS = """
quality: {min_words: 1}
topics:
  - name: Banks
    description: Banks, interest rates and inflation.
    keywords: [central bank, inflation]
"""
TEXTS = {
    "roses": "How to prune roses before the winter so that the garden flowers again in spring.",
    "beans": "Gardeners who sow beans in May harvest vegetables until the first frost.",
    "rates": "The central bank left its main rate unchanged as inflation fell in October.",
    "final": "The striker scored twice as the home side won the cup final in extra time.",
}


def topics(text: str) -> Topics:
    return parse_topics(text, "topics.yaml")


def refresh(
    warehouse: Warehouse, by: Topics, *, full: bool = True
) -> tuple[UnderstandReport, CurateReport]:
    deduplicate(warehouse, now=NOON, full_refresh=full)
    understood = understand(warehouse, sentence_model(), full_refresh=full)
    group(warehouse, by, now=NOON, full_refresh=full, embedder=sentence_model())
    return understood, curate(warehouse, now=NOON, full_refresh=full)


def fill(warehouse: Warehouse) -> None:
    records = [
        record(name, NOON - timedelta(hours=1), title=f"About {name}", body=text)
        for name, text in TEXTS.items()
    ]
    store(warehouse, *records)
    refresh(warehouse, topics(GARDENS), full=False)


def everything(warehouse: Warehouse) -> dict[str, list[str]]:
    """Every row of every table."""
    with warehouse.snapshot() as session:
        return {
            name: sorted(map(repr, session.rows(f"SELECT * FROM {name}")))
            for name in (*(one.name for one in tables()), *history.CACHES)
        }


def test_the_plan_says_what_the_refresh_then_does(warehouse: Warehouse) -> None:
    fill(warehouse)
    # What was made before there was a model has no vectors yet.
    execute(warehouse, f"DELETE FROM {embeddings.TABLE}")
    before = everything(warehouse)
    told: list[Missing] = []
    with warehouse.run_lock("plan", 0):
        found = plan(warehouse, topics(BANKS), sentence_model(), now=NOON, told=told.append)
    assert everything(warehouse) == before
    assert (found.entering, found.leaving, found.before, found.after) == (1, 2, 2, 1)
    assert [one.title for one in found.entrants] == ["About rates"]
    assert {(one.title, one.reason) for one in found.leavers} == {
        ("About roses", "off_topic"),
        ("About beans", "off_topic"),
    }
    understood, curated = refresh(warehouse, topics(BANKS))
    assert (curated.added, curated.removed) == (found.entering, found.leaving)
    assert told == [found.missing]
    assert understood.made + understood.failed == found.missing.texts == 8
    assert found.missing.seconds > 0

    again = plan(warehouse, topics(BANKS), sentence_model(), now=NOON)
    assert (again.entering, again.leaving, again.missing) == (0, 0, Missing(0, 0.0))


def test_a_plan_that_fails_leaves_nothing(
    duckdb_databases: DuckDBDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = duckdb_databases.create()
    warehouse = made.open()
    fill(warehouse)
    before = everything(warehouse)
    left = Path(made.path).parent / ".rehearsal-killed"
    left.mkdir()

    def broken(*_: object, **__: object) -> None:
        raise ModelError("the model is gone")

    monkeypatch.setattr("newsapi_dentsu.stages.planning.understand", broken)
    with pytest.raises(ModelError):
        plan(warehouse, topics(BANKS), sentence_model(), now=NOON)
    assert everything(warehouse) == before
    assert not [path for path in left.parent.iterdir() if "rehearsal" in path.name]


def test_the_command_names_articles_and_stores_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    duckdb_databases: DuckDBDatabases,
    request: pytest.FixtureRequest,
) -> None:
    database = duckdb_databases.create()
    warehouse = database.open()
    fill(warehouse)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_PATH", str(database.path))
    (tmp_path / "topics.yaml").write_text(BANKS, "utf-8")
    load_settings.cache_clear()
    request.addfinalizer(load_settings.cache_clear)
    done = CliRunner().invoke(main, ["run", "--full-refresh", "--plan"])
    assert done.exit_code == 0, done.output
    assert "1 article would enter final and 2 leave it: 1 instead of 2" in done.output
    assert "About rates" in done.output
    assert count(warehouse, "final.filtered_news") == 2
    refused = CliRunner().invoke(main, ["run", "--plan"])
    assert refused.exit_code == 2
    assert "--plan goes with --full-refresh" in refused.output
    monkeypatch.setenv("RUN_WAIT_SECONDS", "0")
    load_settings.cache_clear()
    with warehouse.run_lock("another", 0):
        busy = CliRunner().invoke(main, ["run", "--full-refresh", "--plan"])
    assert isinstance(busy.exception, WarehouseBusyError) or "another run" in busy.output
