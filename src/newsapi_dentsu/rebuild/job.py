"""`newsapi rebuild`: the tables of processed and final made anew of the lake, in a folder."""

import hashlib
import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as program_version
from pathlib import Path
from typing import Final, Literal
from zipfile import ZipFile

from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.urls import address, article_id
from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.listing import Lake
from newsapi_dentsu.meaning import open_embedder
from newsapi_dentsu.meaning.embedder import SHIPPED
from newsapi_dentsu.progress import Bars
from newsapi_dentsu.rebuild import session
from newsapi_dentsu.rebuild.outputs import Output
from newsapi_dentsu.rebuild.spark import MODEL, Input, Pages, SparkRebuild, literally
from newsapi_dentsu.recovery import restoring
from newsapi_dentsu.recovery.restoring import Sources
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages import judging
from newsapi_dentsu.storage import Folder, ObjectStore, fetch
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.job import Job, Treatment
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.engines.duckdb import duckdb_session
from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine
from newsapi_dentsu.warehouse.tables import (
    assessments,
    final,
    processed,
    rebuilt,
    returns,
    verdicts,
)
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.final import FinalArticle, RejectedArticle
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.rows import columns_of

Engine = Literal["local", "spark"]
Form = Literal["delta", "parquet"]

UPDATED: Final = "updated_at"
TABLES: Final[Mapping[str, Sequence[str]]] = {
    processed.TABLE: [*columns_of(Article), UPDATED],
    processed.OUTCOMES: [*columns_of(RecordOutcome)],
    assessments.TABLE: [*columns_of(Assessed)],
    final.TABLE: [*columns_of(FinalArticle), UPDATED],
    final.REJECTED: [*columns_of(RejectedArticle), UPDATED],
}
"""The tables that are made, with their columns: all but the numbers by which stages go on."""

RECORDS_PER_TASK: Final = 25_000
"""So many records a task takes at most, for what an executor holds must not grow with the archive.

What a task can't sort in memory is put down in pieces. Each piece takes a buffer to be read again.
"""

_SHUFFLED: Final = "spark.sql.shuffle.partitions"
"""Tasks of a join; Spark's own 200 are many for a few articles, and few for all of an archive."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Spark runs, in how many tasks for each core, and with which settings of its own."""

    master: str | None = None
    tasks_per_core: int = 2
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was made: the folder, and how many rows each table has."""

    folder: Path
    engine: Engine
    rows: Mapping[str, int]


def rebuild(
    settings: Settings,
    lake: tuple[ObjectStore, Lake],
    folder: Path,
    bars: Bars,
    *,
    cluster: Cluster | None,
    replace: bool,
    form: Form = "delta",
) -> Rebuilt:
    """Make the tables of the lake's records.

    An attempt that was killed is gone on with when the same is asked for again.

    Args:
        settings: the settings.
        lake: where the records are, and what is there.
        folder: where the tables go; workers of a cluster must see it under the same name.
        bars: gives each step's progress callback.
        cluster: where Spark runs; None for this process and its helpers.
        replace: whether a rebuild that is there already may go.
        form: what the tables are; both consist of Parquet files.

    Raises:
        StorageError: the lake isn't whole, or the folder can't take the tables.
        SettingsError: Spark can't be used.
    """
    sources = Sources(None, lake)
    output = Output(folder.absolute(), _key(settings, sources, cluster))
    with output.begun(replace=replace):
        decisions = _decisions(lake, output.work)
        if cluster is None:
            made = _locally(settings, sources, output, bars)
        else:
            made = _on_spark(settings, lake, sources.moment, output, cluster, bars)
        if form == "delta":
            for made_folder in made.folders.values():
                delta.declare(made_folder)
        engine: Engine = "spark" if cluster else "local"
        told = {
            "engine": engine,
            "program": program_version("newsapi-dentsu"),
            "lake": lake[0].location,
            "as_of": sources.moment.isoformat(),
            "rows": made.rows,
            "judged_by": judged_by(settings),
            "decisions": decisions,
        }
        output.finish(made.folders, told)
    return Rebuilt(output.folder, engine, made.rows)


@dataclass(frozen=True, slots=True)
class _Made:
    folders: Mapping[str, Path]
    rows: Mapping[str, int]


def judged_by(settings: Settings) -> str:
    """Identify the program, the topics and the model by which articles are judged."""
    told = (
        program_version("newsapi-dentsu"),
        load_topics(settings).model_dump_json(),
        settings.duplicate_horizon_days,
        open_embedder(settings).model,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _decisions(lake: tuple[ObjectStore, Lake], work: Path) -> str:
    """Identify what of the lake decides beside the records: see `rebuilt.decisions`."""
    store, what = lake
    paths = {
        table: Path(_path(store, found[0], found[1].bytes, work / "lake"))
        for table in (returns.TABLE, verdicts.TABLE)
        if (found := what.searches.get(table))
    }
    file = work / "decisions.duckdb"
    file.unlink(missing_ok=True)
    engine = HeldDuckDBEngine(file, memory_limit="256MB", wait=0)
    with closing(Warehouse(engine)) as warehouse:
        warehouse.upgrade()
        with warehouse.transaction() as opened:
            raw_files.load_searches(opened, paths)
            return rebuilt.decisions(opened)


def _key(settings: Settings, sources: Sources, cluster: Cluster | None) -> str:
    told = (sources.key, judged_by(settings), cluster is None)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _locally(settings: Settings, sources: Sources, output: Output, bars: Bars) -> _Made:
    """The stages on a DuckDB file, out of which the tables are written."""
    job = Job(settings, Treatment(), "newsapi rebuild")
    path = restoring.prepare(
        sources,
        output.work,
        settings.duckdb_memory_limit,
        settings.database_wait_seconds,
        job.run_stages,
        bars,
        dry_run=False,
    )
    folders, rows = {}, {}
    with job.opened(path) as opened:
        for name, columns in TABLES.items():
            folders[name] = _written(opened, name, columns, output.work / name)
            rows[name] = int(one(opened, f"SELECT count(*) FROM {name}"))
    return _Made(folders, rows)


def _written(opened: Session, name: str, columns: Sequence[str], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = ", ".join(f'"{column}"' for column in columns)
    duckdb_session(opened).write_file(
        f"SELECT {names} FROM {name}", folder / "part-0.parquet", raw_files.OPTIONS
    )
    return folder


def tasks_for(records: int, cores: int, per_core: int) -> int:
    """How many tasks each step of a rebuild on Spark is cut into."""
    return max(1, cores * per_core, math.ceil(records / RECORDS_PER_TASK))


def _on_spark(
    settings: Settings,
    lake: tuple[ObjectStore, Lake],
    moment: datetime,
    output: Output,
    cluster: Cluster,
    bars: Bars,
) -> _Made:
    store, what = lake
    given = Input(
        records=_paths(store, what, output.work / "lake"),
        returns=_returns(store, what, output.work / "lake"),
        measure=partial(_measure, settings, lake, output.work),
        recurring={},
        horizon_days=settings.duplicate_horizon_days,
    )
    with session.opened(cluster.master, dict(cluster.settings)) as spark:
        from pyspark.sql.functions import lit

        model = _packed(settings.sentence_model or SHIPPED, output.work)
        spark.sparkContext.addArchive(f"{model.as_uri()}#{MODEL}")
        tasks = tasks_for(what.rows, spark.sparkContext.defaultParallelism, cluster.tasks_per_core)
        if _SHUFFLED not in dict(cluster.settings):
            spark.conf.set(_SHUFFLED, tasks)
        found = SparkRebuild(spark, given, output.work, tasks).run(bars("Rebuilding"))
        folders, rows = {}, {}
        for name, columns in TABLES.items():
            frame = spark.read.parquet(literally(found[name]))
            rows[name] = frame.count()
            if UPDATED in columns:
                frame = frame.withColumn(UPDATED, lit(moment))
            folders[name] = output.work / name
            frame.select(*columns).write.mode("overwrite").parquet(str(folders[name]))
    if rows[processed.OUTCOMES] != what.rows:
        raise StorageError(
            f"{rows[processed.OUTCOMES]:,} records were read instead of the {what.rows:,} of "
            f"{store.location}: `newsapi archive` while this ran may be the reason; run it again"
        )
    return _Made(folders, rows)


def _measure(
    settings: Settings, lake: tuple[ObjectStore, Lake], work: Path, pages: Pages
) -> Yardstick:
    """What articles are judged by: the topics, and what was taught, with the examples' articles."""
    topics, store = load_topics(settings), lake[0]
    found = (
        address(example)
        for topic in topics.topics
        for example in (*topic.examples.belong, *topic.examples.do_not_belong)
    )
    articles, outcomes = pages([article_id(one.page) for one in found if one])
    file = work / "taught.duckdb"
    file.unlink(missing_ok=True)
    engine = HeldDuckDBEngine(
        file, memory_limit=settings.duckdb_memory_limit, wait=settings.database_wait_seconds
    )
    with closing(Warehouse(engine)) as warehouse:
        warehouse.upgrade()
        with warehouse.transaction() as opened:
            if said := lake[1].searches.get(verdicts.TABLE):
                path = Path(_path(store, said[0], said[1].bytes, work / "lake"))
                raw_files.load_searches(opened, {verdicts.TABLE: path})
            processed.save_articles(opened, articles, {}, datetime.now(UTC))
            processed.save_outcomes(opened, outcomes, {})
            measure = judging.measure_for(opened, topics, open_embedder(settings))
    judging.tell_missing(measure)
    return measure.yardstick


def _paths(store: ObjectStore, lake: Lake, folder: Path) -> list[str]:
    """The raw records' Parquet files of a state of the lake, where workers can read them."""
    return [_path(store, name, file.bytes, folder) for name, file in sorted(lake.records.items())]


def _returns(store: ObjectStore, lake: Lake, folder: Path) -> str | None:
    found = lake.searches.get(returns.TABLE)
    return _path(store, found[0], found[1].bytes, folder) if found else None


def _path(store: ObjectStore, name: str, size: int, folder: Path) -> str:
    if isinstance(store, Folder):
        path = (Path(store.location) / name).absolute()
        found = path.stat().st_size if path.exists() else None
        if found != size:
            told = "is missing" if found is None else f"has {found:,} bytes instead of {size:,}"
            raise StorageError(
                f"{name} in {store.location} {told}: bring it back from a copy, or write the lake "
                "as the database is with `newsapi archive --anew`"
            )
        return str(path)
    return str(fetch(store, name, size, folder).absolute())


def _packed(model: Path, work: Path) -> Path:
    """The model's folder as an archive, which the workers get."""
    packed = work / "model.zip"
    with ZipFile(packed, "w") as archive:
        for file in sorted(model.iterdir()):
            archive.write(file, file.name)
    return packed
