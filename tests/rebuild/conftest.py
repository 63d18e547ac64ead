"""Lakes of records of every kind, and the settings to rebuild them with."""

import os
import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
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
    """Records that come page after page: changed, come back, of one page, unusable, far apart; and
    a text that grows.
    """
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
    grown = [
        record(
            f"live-{number}",
            NOON + timedelta(hours=4, minutes=number),
            body=" ".join([*body("live").split(), *body("more").split()[: 12 * number]]),
        )
        for number in range(6)
    ]
    return [first, [*second, *grown], [record("turns", NOON, body=body("turns"))]]


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


@dataclass(frozen=True)
class Workers:
    """A standalone cluster: its master's address, and the processes of its workers."""

    address: str
    workers: tuple[int, ...]
    folder: Path

    def log(self) -> str:
        """What its processes have told last."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{one.name}: {one.read_text('utf-8', 'replace')[-2000:]}" for one in logs)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """A Spark master and two separate workers of a core each."""
    pyspark = pytest.importorskip("pyspark")
    home, folder = Path(pyspark.__file__).parent, tmp_path_factory.mktemp("cluster")
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        # A worker that is silent for a minute is slow, not lost.
        "SPARK_MASTER_OPTS": "-Dspark.worker.timeout=1200",
    }
    deploy = "org.apache.spark.deploy"
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> Popen[bytes]:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command = [str(home / "bin" / "spark-class"), *arguments, "--webui-port", "0"]
            process = Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start("master", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", "0")
        address = _told(folder / "master.log", r"Starting Spark master at (spark://\S+)")
        workers = []
        for name in ("one", "two"):
            worker = start(
                name,
                *(f"{deploy}.worker.Worker", address, "--host", "127.0.0.1", "--cores", "1"),
                *("--memory", "1g", "--work-dir", str(folder / f"work-{name}")),
            )
            workers.append(worker.pid)
            _told(folder / f"{name}.log", "(Successfully registered with master)")
        yield Workers(address, tuple(workers), folder)


def _told(log: Path, pattern: str) -> str:
    """What a process's log tells as soon as it does."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"{log.name}: {log.read_text('utf-8', 'replace')[-2000:]}")
