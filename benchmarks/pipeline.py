"""A pipeline to measure: a folder, a database with a history, and a news API of its own."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

from benchmarks.articles import article
from benchmarks.history import INTERVAL, History, build
from benchmarks.measuring import Execution, execute, program
from benchmarks.timeline import Event, events_in_files, phases
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.sandbox import SANDBOX_KEY, ListCorpus, Sandbox
from newsapi_dentsu.source import SHIPPED_TOPICS
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import stage_runs

NEW_ARTICLES = 100
_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One execution of `newsapi run`, and its seconds by phase."""

    run_id: str
    execution: Execution
    phases: dict[str, float]

    @property
    def seconds(self) -> float:
        """The time of the whole process."""
        return self.execution.seconds

    @property
    def peak_megabytes(self) -> float:
        """The largest memory of the process."""
        return self.execution.peak_bytes / 1e6


@dataclass
class Pipeline:
    """Runs `newsapi run` as a user does, with new articles each time."""

    folder: Path
    corpus: ListCorpus
    settings: Mapping[str, str]
    events: Callable[[str], Iterable[Event]]
    next_number: int
    warehouse: Warehouse

    def run(self) -> PipelineRun:
        """Let 100 articles appear and run the pipeline on them.

        Raises:
            RuntimeError: the run failed, missed an article, or a check did.
        """
        now = datetime.now(UTC)
        midnight = datetime.combine(now.date(), time(), UTC)
        for place in range(NEW_ARTICLES):
            moment = max(midnight, now - timedelta(seconds=NEW_ARTICLES - place))
            self.corpus.add(article(self.next_number + place, moment))
        self.next_number += NEW_ARTICLES
        execution = execute([program("newsapi"), "run", "--json"], self.folder, self.settings)
        result = json.loads(execution.stdout)
        if result["articles_added"] != NEW_ARTICLES or result["failed_checks"]:
            raise RuntimeError(f"the run is not what was to be measured: {execution.stdout}")
        return PipelineRun(
            result["run_id"], execution, phases(execution, self.events(result["run_id"]))
        )

    def stage_seconds(self, run_id: str, stage: str) -> float:
        """How long a stage of a run took, by the row that it left."""
        with self.warehouse.snapshot() as session:
            (found,) = (
                one
                for one in stage_runs.stage_runs(session, run_id=run_id)
                if one.stage == stage and one.ended_at
            )
        assert found.ended_at
        return (found.ended_at - found.started_at).total_seconds()


@contextmanager
def pipeline_with_history(
    folder: Path,
    articles: int,
    warehouse: Warehouse,
    settings: Mapping[str, str] | None = None,
    events: Callable[[str], Iterable[Event]] | None = None,
) -> Iterator[Pipeline]:
    """Fill a warehouse with so many articles and serve the news that comes after them.

    Args:
        folder: an empty working directory for `newsapi run`.
        articles: how many to store beforehand.
        warehouse: empty, where the settings lead.
        settings: the settings that name the database.
        events: reads a run's events where Dagster doesn't keep them in files.
    """
    history = History(articles, datetime.now(UTC) - INTERVAL)
    corpus = ListCorpus(history.recent_articles())
    with Sandbox(corpus, clock=lambda: history.last_run, tokens=_TOKENS) as past:
        build(warehouse, history, shipped_topics(), NewsApi(past.url, SANDBOX_KEY))
    with Sandbox(corpus, tokens=_TOKENS) as present:
        api = {"NEWSAPI_HOST": present.url, "NEWSAPI_KEY": SANDBOX_KEY}
        events = events or partial(events_in_files, folder / "data" / "dagster")
        pipeline = Pipeline(
            folder, corpus, {**api, **(settings or {})}, events, articles, warehouse
        )
        # Makes Dagster's home, and warms what is cached.
        pipeline.run()
        # As three years of runs leave it: each of them has added its own articles.
        execute([program("newsapi"), "searches", "index"], folder, pipeline.settings)
        yield pipeline


def shipped_topics() -> Topics:
    """The topics that a run in an empty folder searches for."""
    return parse_topics(SHIPPED_TOPICS.read_text("utf-8"), SHIPPED_TOPICS.name)
