"""`refresh`: what a full refresh of many articles costs whose vectors are there, and its plan."""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.articles import TITLE, article
from benchmarks.measuring import Execution, execute, program
from benchmarks.pipeline import shipped_topics
from benchmarks.report import Figure, print_rows
from benchmarks.stories import bodies
from benchmarks.timeline import events_in_files, phases
from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.domain.vectors import rounded
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.sandbox import SANDBOX_KEY, ListCorpus, Sandbox
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import DIMENSIONS
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import embeddings, processed, raw

ARTICLES, ARTICLES_QUICKLY = 100_000, 10_000
DAYS, AGE = 110, timedelta(days=40)
"""Over how many days the articles were published, and how long ago the last of them: of articles
from before the last month a run reads the tones of few, which is not what is measured."""

SECONDS_LIMIT, MEGABYTES_LIMIT = 60, 550
_SPREAD = 0.01
_BATCH = 1_000
_BATCH_CHARACTERS = 12_000_000


def refresh(quick: bool, articles: int | None = None) -> list[Figure]:
    """Measure the command on a database of its own; `articles` instead of the usual number."""
    count = articles or (ARTICLES_QUICKLY if quick else ARTICLES)
    with tempfile.TemporaryDirectory() as temporary, Sandbox(ListCorpus([])) as api:
        folder = Path(temporary)
        database = folder / "data" / "news.duckdb"
        database.parent.mkdir()
        _fill(Warehouse(DuckDBEngine(database, memory_limit="1GB", wait=5)), count)
        settings = {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY}

        def run(*arguments: str) -> Execution:
            return execute([program("newsapi"), *arguments], folder, settings)

        # Makes Dagster's home, and what readers see.
        run("run", "--json")
        run("searches", "index")
        refreshed = run("run", "--full-refresh", "--json")
        planned = run("run", "--full-refresh", "--plan", "--json")
        run_id = refreshed.stdout.split('"run_id": "')[1].partition('"')[0]
        parts = phases(refreshed, events_in_files(folder / "data" / "dagster", run_id))
    print(f"  {count:,} articles, in seconds:")
    print_rows(
        [
            *((name, f"{seconds:.1f}") for name, seconds in parts.items()),
            ("the plan", f"{planned.seconds:.1f}"),
            ("the plan's CPU time", f"{planned.cpu_seconds:.1f}"),
        ]
    )
    of_usual = ARTICLES / count
    judged = f"{ARTICLES:,} judged and put into stories anew, in a run"
    whole, peak = f"full refresh of {ARTICLES:,}", "peak memory of "
    return [
        Figure("refresh", judged, parts["group"] * of_usual, " s", SECONDS_LIMIT),
        Figure("refresh", whole, refreshed.seconds * of_usual, " s"),
        Figure("refresh", "the plan to the refresh", planned.seconds / refreshed.seconds),
        Figure("refresh", f"{peak}the refresh", refreshed.peak_bytes / 1e6, " MB", MEGABYTES_LIMIT),
        Figure("refresh", f"{peak}the plan", planned.peak_bytes / 1e6, " MB", MEGABYTES_LIMIT),
    ]


def _fill(warehouse: Warehouse, count: int) -> None:
    """Have the records of so many articles in raw, and all that follows from them."""
    now = datetime.now(UTC)
    warehouse.upgrade()
    topics = shipped_topics()
    records = _records(count, now)
    while batch := list(itertools.islice(records, _BATCH)):
        with warehouse.transaction() as session:
            raw.store_records(
                session,
                [read_record(record, now) for record in batch],
                query_id=topics.query_id,
                origin=raw.SANDBOX,
                fetched_at=now,
            )
    with warehouse.kept_open():
        deduplicate(warehouse, now=now)
        _make_vectors(warehouse)
        group(warehouse, topics, now=now, embedder=sentence_model())
        curate(warehouse, now=now)


def _records(count: int, now: datetime) -> Iterator[dict[str, object]]:
    start, step = now - AGE - timedelta(days=DAYS), timedelta(days=DAYS) / count
    for number, body in enumerate(bodies(count)):
        # The first is of now: by the newest is told which others are from before the last month.
        moment = start + step * number if number else now
        yield {**article(number, moment).record, "body": body}


def _make_vectors(warehouse: Warehouse) -> None:
    """Have a vector for each text, near to that of a title: all are to the point."""
    model = sentence_model()
    rng, (title,) = np.random.default_rng(1), model.embed([TITLE])
    after = 0
    while True:
        with warehouse.transaction() as session:
            found, after = processed.own_texts_after(
                session, after, rows=_BATCH, characters=_BATCH_CHARACTERS
            )
            if not found:
                return
            hashes = {
                passage_hash(passage)
                for one in found
                for passage in passages(one.title, one.own_text)
            }
            spread = rng.normal(scale=_SPREAD, size=(len(hashes), DIMENSIONS))
            vectors = rounded((title + spread).astype(np.float32))
            made = dict(zip(sorted(hashes), vectors, strict=True))
            embeddings.save(session, model.model, made)
