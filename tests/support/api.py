"""A local news API over hand-made articles, and the pipeline's stages run against it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.eventregistry.source import Source
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.sandbox import SANDBOX_KEY, Corpus, Fault, ListCorpus, Sandbox, SandboxArticle
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.report import (
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
)
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.warehouse import Warehouse

from .articles import TOPICS
from .clock import Clock


@dataclass(frozen=True)
class Reports:
    """What the stages did."""

    collect: CollectReport
    deduplicate: DeduplicateReport
    group: GroupReport
    curate: CurateReport


def run_pipeline(
    source: Source,
    warehouse: Warehouse,
    topics: Topics,
    now: datetime,
    options: CollectOptions | None = None,
    embedder: Embedder | None = None,
) -> Reports:
    """Run the stages once, on one connection as a run does; without a model, by words alone."""
    with warehouse.kept_open():
        collected = collect(source, warehouse, topics, now=now, options=options)
        deduplicated = deduplicate(warehouse, now=now)
        if embedder is not None:
            understand(warehouse, embedder)
        return Reports(
            collected,
            deduplicated,
            group(warehouse, topics, now=now, embedder=embedder),
            curate(warehouse, now=now),
        )


class Api:
    """A sandbox, the clock it goes by, and clients of it that don't wait between tries."""

    def __init__(self, sandbox: Sandbox, corpus: ListCorpus, clock: Clock) -> None:
        self.sandbox = sandbox
        self.corpus = corpus
        self.clock = clock
        self.pauses: list[float] = []
        self.embedder: Embedder | None = None
        self._seen = 0

    def add(self, *articles: SandboxArticle) -> None:
        """Put articles into the index."""
        for one in articles:
            self.corpus.add(one)

    @contextmanager
    def client(self, **options: Any) -> Iterator[NewsApi]:
        """A client as one run has it."""
        yield NewsApi(
            self.sandbox.url,
            SANDBOX_KEY,
            **{"attempts": 3, "timeout": 10, "sleep": self.pauses.append, **options},
        )

    def collect(
        self, warehouse: Warehouse, topics: Topics = TOPICS, **options: Any
    ) -> CollectReport:
        """Run the first stage; `options` are those of collecting."""
        with self.client() as client, warehouse.kept_open():
            return collect(
                client, warehouse, topics, now=self.clock.now, options=CollectOptions(**options)
            )

    def run(self, warehouse: Warehouse, topics: Topics = TOPICS, **options: Any) -> Reports:
        """Run the three stages; `options` are those of collecting."""
        with self.client() as client:
            return run_pipeline(
                client,
                warehouse,
                topics,
                self.clock.now,
                CollectOptions(**options),
                self.embedder,
            )

    def searches(self) -> list[tuple[date, int]]:
        """Day and page of the searches since the last call of this."""
        requests = [entry for entry in self.sandbox.requests if entry.path.endswith("/article")]
        new, self._seen = requests[self._seen :], len(requests)
        return [asked_for(entry.params) for entry in new]

    def pages(self, day: date) -> list[int]:
        """The pages of a day that were asked for since the last call."""
        return [page for asked, page in self.searches() if asked == day]


def asked_for(params: dict[str, Any]) -> tuple[date, int]:
    """Which day and page a search asked for."""
    conditions = json.loads(params["query"])["$query"]["$and"]
    (dates,) = [part for part in conditions if "dateStart" in part]
    assert dates["dateStart"] == dates["dateEnd"]
    return date.fromisoformat(dates["dateStart"]), int(params["articlesPage"])


@contextmanager
def serving(
    articles: Iterable[SandboxArticle] = (),
    *,
    clock: Clock | None = None,
    faults: Sequence[Fault] = (),
    **options: Any,
) -> Iterator[Api]:
    """Serve these articles."""
    clock, corpus = clock or Clock(), ListCorpus(articles)
    with Sandbox(corpus, clock=clock, faults=faults, **options) as sandbox:
        yield Api(sandbox, corpus, clock)


def page_of(records: Sequence[object], total: int | None = None) -> Fault:
    """An answer with exactly these records, whatever they are."""
    results = {"results": list(records), "totalResults": len(records) if total is None else total}
    body = json.dumps({"articles": {**results, "page": 1, "count": 100, "pages": 1}})
    return Fault("status", status=200, body=body)


__all__ = ["Api", "Corpus", "Reports", "asked_for", "page_of", "run_pipeline", "serving"]
