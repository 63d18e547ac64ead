"""Lakes of records of every kind, and the settings to rebuild them with."""

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.lake import archiving
from newsapi_dentsu.lake.listing import Lake, read_lake
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.sandbox.corpus import GeneratedCorpus
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import raw
from support.articles import body, record
from support.clock import NOON

TOPICS_FILE = """
relevance: {threshold: 0}
quality: {min_words: 10}
topics:
  - name: AI
    keywords: [artificial intelligence]
    examples: {belong: ["https://adledger.example/same"]}
  - {name: Marketing, keywords: [marketing]}
"""
OF_SANDBOX = 300


def generated(count: int = OF_SANDBOX, seed: int = 7) -> list[dict[str, Any]]:
    """Records of the sandbox: stories, copies and updates of them, junk."""
    corpus = GeneratedCorpus(seed, articles_per_day=count / 4)
    last = NOON.date()
    found = corpus.articles(last - timedelta(days=7), last)
    return [one.record for one in found][:count]


def awkward() -> list[list[dict[str, Any]]]:
    """Records that come page after page: changed, come back, of one page, unusable, far apart."""
    words = random.Random(3)
    text = body("long") + " " + " ".join(words.choices(body("other").split(), k=200))
    first = [
        record("same", NOON, body=text),
        record("same-2", NOON, url="https://adledger.example/same?utm_source=x", body=text),
        record("frag", NOON, url="https://adledger.example/same#!/other", body=body("frag")),
        record("turns", NOON, body=body("turns")),
        record("no-url", NOON, url=None),
        record("short", NOON, body="Too short."),
        record("undated", NOON, dateTime=None, date=None, time=None, dateTimePub=None),
    ]
    fuller = text + " " + " ".join(words.choices(body("news").split(), k=300))
    second = [
        record("turns", NOON, body=body("turned")),
        record("fuller", NOON + timedelta(hours=2), body=fuller, title="Story same, at length"),
        record("cut", NOON + timedelta(hours=3), body=" ".join(fuller.split()[-320:])),
        record("late", NOON + timedelta(days=40), body=text),
        record("elsewhere", NOON - timedelta(hours=3), body=text, title="Story same"),
    ]
    return [first, second, [record("turns", NOON, body=body("turns"))]]


def template(count: int) -> list[dict[str, Any]]:
    """A template that is filled in again and again: more than an article may be compared with."""
    words = body("template").split()
    return [
        record(
            f"t{number}",
            NOON + timedelta(minutes=number),
            body=" ".join([*words, *body(f"t{number // 2}").split()[:12]]),
        )
        for number in range(count)
    ]


def lake_of(folder: Path, *pages: Sequence[object]) -> tuple[Folder, Lake]:
    """A lake of records that came page after page."""
    warehouse = Warehouse(DuckDBEngine(folder / "source.duckdb", memory_limit="256MB", wait=5))
    warehouse.upgrade()
    for number, page in enumerate(pages):
        now = NOON + timedelta(hours=number)
        with warehouse.transaction() as session:
            records = [read_record(one, now) for one in page]
            raw.store_records(session, records, query_id="q", origin="sandbox", fetched_at=now)
    store = Folder(folder / "lake")
    archiving.archive(warehouse, store, scratch=folder, anew=False, now=NOON, progress=no_progress)
    found = read_lake(store)
    assert found is not None
    return store, found


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with topics that let everything in, and teach something."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "topics.yaml").write_text(TOPICS_FILE)
    return Settings(
        _env_file=None,
        topics_file=folder / "topics.yaml",
        duckdb_path=folder / "data" / "news.duckdb",
    )
