"""`scale` and `scale-postgres`: what the stored history costs a six-hourly run."""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import postgres
from benchmarks.measuring import alternate, ratio
from benchmarks.pipeline import NEW_ARTICLES, Pipeline, pipeline_with_history
from benchmarks.report import Figure, print_medians
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

FEW, MANY, MANY_QUICKLY = 1_000, 1_000_000, 100_000
ROUNDS, ROUNDS_QUICKLY = 7, 3
RATIO_LIMIT, MEGABYTES_LIMIT = 1.3, 550

_LOADING_MEMORY = "2GB"


def scale(quick: bool, articles: int | None = None) -> list[Figure]:
    """Compare on DuckDB; `articles` are stored instead of the usual number."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:

        def prepare(articles: int) -> Pipeline:
            folder = Path(temporary) / str(articles)
            database = folder / "data" / "news.duckdb"
            database.parent.mkdir(parents=True)
            warehouse = Warehouse(DuckDBEngine(database, memory_limit=_LOADING_MEMORY, wait=5))
            pipeline = stack.enter_context(pipeline_with_history(folder, articles, warehouse))
            print(f"  {articles:,} articles: {database.stat().st_size / 1e9:.2f} GB", flush=True)
            return pipeline

        return _compare("scale", prepare, quick, articles)


def scale_postgres(quick: bool, articles: int | None = None) -> list[Figure]:
    """Compare on PostgreSQL; `articles` are stored instead of the usual number."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        server = stack.enter_context(postgres.server(Path(temporary) / "server"))

        def prepare(articles: int) -> Pipeline:
            folder = Path(temporary) / str(articles)
            folder.mkdir()
            database = server.create(f"news_{articles}")
            pipeline = stack.enter_context(
                pipeline_with_history(
                    folder, articles, database.warehouse, database.settings, database.events
                )
            )
            database.vacuum()
            print(f"  {articles:,} articles: {database.size() / 1e9:.2f} GB", flush=True)
            return pipeline

        return _compare("scale-postgres", prepare, quick, articles)


def _compare(
    name: str, prepare: Callable[[int], Pipeline], quick: bool, articles: int | None
) -> list[Figure]:
    many = articles or (MANY_QUICKLY if quick else MANY)
    started = time.perf_counter()
    pipelines = {f"{count:,} stored": prepare(count) for count in (FEW, many)}
    # What the preparation left to write must not be waited for by what is measured.
    os.sync()
    print(f"  prepared in {time.perf_counter() - started:.0f} s")
    runs = alternate(
        {label: pipeline.run for label, pipeline in pipelines.items()},
        ROUNDS_QUICKLY if quick else ROUNDS,
    )
    print_medians(
        f"  medians of {NEW_ARTICLES} new articles, in seconds:",
        {label: [run.phases for run in measured] for label, measured in runs.items()},
    )
    with_few, with_many = runs.values()
    of, to = ([run.seconds for run in measured] for measured in (with_many, with_few))
    cpu = ratio(*([run.execution.cpu_seconds for run in runs_] for runs_ in (with_many, with_few)))
    grouping = {
        label: median(pipelines[label].stage_seconds(run.run_id, "group") for run in measured)
        for label, measured in runs.items()
    }
    print(f"  pairs: {', '.join(f'{a:.2f}/{b:.2f}' for a, b in zip(of, to, strict=True))}")
    peak = max(run.peak_megabytes for run in with_many)
    least = max(run.peak_megabytes for run in with_few)
    return [
        Figure(name, f"time, {many:,} stored to {FEW:,}", ratio(of, to), limit=RATIO_LIMIT),
        Figure(name, "the same in CPU time", cpu),
        Figure(name, f"finding copies, {many:,} stored", grouping[f"{many:,} stored"], " s", 1.0),
        Figure(
            name,
            "the same to few stored",
            grouping[f"{many:,} stored"] / grouping[f"{FEW:,} stored"],
            limit=RATIO_LIMIT if name == "scale-postgres" else None,
        ),
        Figure(name, f"peak memory, {many:,} stored", peak, " MB", MEGABYTES_LIMIT),
        Figure(name, f"peak memory, {FEW:,} stored", least, " MB", MEGABYTES_LIMIT),
    ]
