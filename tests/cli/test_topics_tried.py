"""`newsapi topics --try`: what an edited file would make of the stored articles."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.trying import attempt
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, positions
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import store
from support.tables import column

GARDENS = """
quality: {min_words: 1}
topics:
  - name: Gardens
    description: Gardens, flowers, vegetables and the people who grow them.
    keywords: [garden, flowers, vegetables]
"""
TEXTS = {
    "roses": "How to prune roses before the winter so that the garden flowers again in spring.",
    "beans": "Gardeners who sow beans in May harvest vegetables until the first frost.",
    "rates": "The central bank left its main rate unchanged as inflation fell in October.",
    "final": "The striker scored twice as the home side won the cup final in extra time.",
}


def topics(text: str = GARDENS) -> Topics:
    return parse_topics(text, "topics.yaml")


def fill(warehouse: Warehouse) -> None:
    records = [
        record(name, NOON - timedelta(hours=1), title=f"About {name}", body=text)
        for name, text in TEXTS.items()
    ]
    store(warehouse, *records)
    deduplicate(warehouse, now=NOON)
    understand(warehouse, sentence_model())


def test_it_tells_what_would_be_kept_and_stores_nothing(warehouse: Warehouse) -> None:
    fill(warehouse)
    trial = attempt(warehouse, topics(), sentence_model())
    assert (trial.kept, trial.rejected, trial.by_words) == (2, 2, 0)
    assert {one.link.rpartition("/")[2] for one in trial.doubtful} == {"roses", "beans"}
    assert [one.overall for one in trial.misses] == sorted(
        (one.overall for one in trial.misses), reverse=True
    )
    assert column(warehouse, assessments.TABLE, "article_id") == []
    with warehouse.snapshot() as session:
        assert positions.position(session, positions.GROUPED) == 0


def test_it_says_the_same_as_judging_does(warehouse: Warehouse) -> None:
    fill(warehouse)
    trial = attempt(warehouse, topics(), sentence_model())
    report = group(warehouse, topics(), now=NOON, embedder=sentence_model())
    assert report.off_topic == trial.rejected
    tried = sorted(one.overall for one in (*trial.doubtful, *trial.misses))
    assert sorted(column(warehouse, assessments.TABLE, "relevance")) == tried


def test_what_has_no_vector_is_told(warehouse: Warehouse) -> None:
    fill(warehouse)
    with warehouse.transaction() as session:
        session.execute("DELETE FROM processed.embeddings")
    assert attempt(warehouse, topics(), sentence_model()).by_words == len(TEXTS)


def test_much_off_topic_is_said_loudly(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    records = [
        record(f"{n}", NOON - timedelta(hours=1), title=f"Rates {n}", body=TEXTS["rates"] + f" {n}")
        for n in range(25)
    ]
    store(warehouse, *records)
    deduplicate(warehouse, now=NOON)
    report = group(warehouse, topics(), now=NOON)
    assert report.mostly_off_topic
    assert "25 of 25 articles are off topic: `newsapi topics --try FILE`" in caplog.text


def test_the_command_names_misses_and_doubtful_ones(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    duckdb_databases: DuckDBDatabases,
    request: pytest.FixtureRequest,
) -> None:
    database = duckdb_databases.create()
    fill(database.open())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_PATH", str(database.path))
    load_settings.cache_clear()
    request.addfinalizer(load_settings.cache_clear)
    (tmp_path / "edited.yaml").write_text(GARDENS, "utf-8")
    done = CliRunner().invoke(main, ["topics", "--try", "edited.yaml"])
    assert done.exit_code == 0, done.output
    assert "would keep 2 and reject 2 of the stored articles" in done.output
    assert done.output.index("nearest misses") < done.output.index("doubtful ones")
    (tmp_path / "edited.yaml").write_text(GARDENS.replace("name:", "nme:"), "utf-8")
    failed = CliRunner().invoke(main, ["topics", "--try", "edited.yaml"])
    assert failed.exit_code != 0
    assert "edited.yaml, line 4" in f"{failed.output}{failed.exception}"
