"""`newsapi topics teach`: a person's verdict, what is learnt of it, and what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import verdicts
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import store
from support.tables import count

GARDENS = """
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


@dataclass(frozen=True)
class Newsapi:
    """Runs `newsapi topics` on a warehouse with some articles."""

    warehouse: Warehouse

    def __call__(self, *words: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        found = CliRunner().invoke(main, ["topics", *words])
        failed = found.exception if found.exit_code else ""
        return found.exit_code, " ".join(f"{found.output}{failed}".split())


@pytest.fixture
def newsapi(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    duckdb_databases: DuckDBDatabases,
) -> Iterator[Newsapi]:
    """On a fresh database, with a topics file."""
    database = duckdb_databases.create()
    warehouse = database.open()
    store(
        warehouse,
        *(
            record(name, NOON - timedelta(hours=1), title=f"About {name}", body=text)
            for name, text in TEXTS.items()
        ),
    )
    deduplicate(warehouse, now=NOON)
    understand(warehouse, sentence_model())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_PATH", str(database.path))
    (tmp_path / "topics.yaml").write_text(GARDENS, "utf-8")
    load_settings.cache_clear()
    yield Newsapi(warehouse)
    load_settings.cache_clear()


def test_verdicts_are_kept_listed_and_taken_back(newsapi: Newsapi) -> None:
    assert "nothing was said yet" in newsapi("verdicts")[1]
    first = newsapi("teach", "https://adledger.example/roses", "yes")[1]
    assert "kept: “About roses” belongs to Gardens" in first
    assert "1 verdict (1 yes, 0 no): scores stay as they are until" in first
    assert "newsapi run --full-refresh --plan" in first
    newsapi("teach", "adledger.example/beans", "yes")
    newsapi("teach", "adledger.example/rates", "no")
    last = newsapi("teach", "adledger.example/final", "no")[1]
    assert "of 4 verdicts, each judged by what the others teach" in last
    turned = newsapi("teach", "adledger.example/roses", "no")[1]
    assert "in the place of what" in turned
    for listed in (newsapi("verdicts")[1], newsapi("teach")[1]):
        assert listed.count("adledger.example") == 4
        assert "Gardens: 4 verdicts (1 yes, 3 no)" in listed
    one = newsapi("teach", "--forget", "adledger.example/roses")[1]
    assert "took back 1 verdict on Gardens" in one
    assert "took back 3 verdicts on Gardens" in newsapi("teach", "--forget")[1]
    assert "took back 0 verdicts" in newsapi("teach", "--forget")[1]
    assert count(newsapi.warehouse, verdicts.TABLE) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["adledger.example/nowhere", "yes"], "no stored article is called adledger.example/nowh"),
        (["adledger.example/roses"], "Say yes or no after it"),
        (["adledger.example/roses", "perhaps"], "'perhaps' is not one of 'yes', 'no'"),
        (["adledger.example/roses", "yes", "--topic", "Cars"], "there is no topic Cars"),
        (["adledger.example/roses", "yes", "--forget"], "leave yes or no out"),
        (["--forget", "adledger.example/roses"], "nothing was said of adledger.example/roses"),
    ],
)
def test_what_is_wrong_is_said(newsapi: Newsapi, words: list[str], said: str) -> None:
    code, told = newsapi("teach", *words)
    assert code != 0
    assert said in told


def test_without_a_database_none_is_made(
    newsapi: Newsapi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    load_settings.cache_clear()
    for words in (["a.example/1", "yes"], ["--forget"], []):
        code, told = newsapi("teach", *words)
        assert code != 0
        assert "run `newsapi run` first" in told
    assert not (tmp_path / "none.duckdb").exists()
