"""`python -m benchmarks.recovery_drill`: lose a database, and have everything back after one run.

PostgreSQL and Azurite, which stands in for Blob Storage, are real servers, started for the drill;
all that is done is done by the `newsapi` command, as a process of its own.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from tools import azurite

from benchmarks import postgres
from benchmarks.measuring import execute, program
from benchmarks.pipeline import Pipeline, pipeline_with_history
from benchmarks.report import Figure, print_table
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import final, raw

ARTICLES = 10_000
LIMIT_SECONDS = 600
LIMIT_MEGABYTES = 650
"""From the lake alone all texts are understood anew: the models take 250 of them."""
WAYS: dict[str, tuple[str, ...]] = {
    "backup and lake": (),
    "lake alone": ("--raw-only",),
}


@dataclass(frozen=True)
class Contents:
    """What must not be lost: each version of each record, each article with its text."""

    records: frozenset[tuple[Any, ...]]
    articles: frozenset[tuple[Any, ...]]


@dataclass
class Drill:
    """The pipeline, and the figures so far."""

    pipeline: Pipeline
    figures: list[Figure]

    def newsapi(self, *arguments: str, settings: Mapping[str, str] | None = None) -> Any:
        """Run the command, note how long it took and how much memory, and read its JSON."""
        done = execute(
            [program("newsapi"), *arguments, "--json"],
            self.pipeline.folder,
            {**self.pipeline.settings, **(settings or {})},
        )
        what = f"newsapi {' '.join(arguments)}"
        limits = (LIMIT_SECONDS, LIMIT_MEGABYTES) if arguments[0] == "restore" else (None, None)
        self.note(what, done.seconds, " s", limits[0])
        self.note(f"{what}, peak memory", done.peak_bytes / 1e6, " MB", limits[1])
        return json.loads(done.stdout)

    def note(self, what: str, value: float, unit: str = "", limit: float | None = None) -> None:
        """Keep a figure, and show it at once."""
        self.figures.append(Figure("recovery", what, value, unit, limit))
        print(f"  {what}: {value:,.1f}{unit}", flush=True)


def main() -> int:
    """Return 1 when something stayed lost, or took too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery_drill")
    parser.add_argument("--articles", type=int, default=ARTICLES, help="stored when it is lost")
    articles: int = parser.parse_args().articles
    with (
        tempfile.TemporaryDirectory() as temporary,
        azurite.running(Path(temporary)) as blobs,
        postgres.server(Path(temporary) / "server") as server,
    ):
        work = Path(temporary) / "work"
        file = work / "data" / "news.duckdb"
        file.parent.mkdir(parents=True)
        first = Warehouse(DuckDBEngine(file, memory_limit="192MB", wait=15))
        with pipeline_with_history(work, articles, first, blobs.environment) as pipeline:
            figures = _drill(Drill(pipeline, []), blobs, server)
    print_table(figures)
    return int(any(figure.missed for figure in figures))


def _drill(drill: Drill, blobs: azurite.Azurite, server: postgres.Server) -> list[Figure]:
    pipeline, database = drill.pipeline, server.create("news")
    # The history was made by SQL: now it is what the stages make of its records.
    drill.newsapi("run", "--full-refresh")
    drill.newsapi("migrate", settings=database.settings)
    pipeline.settings = {
        **pipeline.settings,
        **database.settings,
        "DAGSTER_HOME": str(pipeline.folder / "dagster"),
        "BACKUP_LOCATION": blobs.container("exports"),
        "LAKE_LOCATION": blobs.container("raw-archive"),
    }
    pipeline.warehouse, pipeline.events = database.warehouse, database.events
    database.vacuum()
    drill.newsapi("backup")
    drill.newsapi("archive")
    pipeline.run()
    drill.newsapi("archive")
    # Nothing outside the database knows of what this one reads.
    pipeline.run()
    lost = _contents(database.warehouse)
    _drop(server, database)
    for number, (way, options) in enumerate(WAYS.items()):
        print(f" {way}", flush=True)
        target = server.create(f"restored_{number}")
        drill.newsapi("restore", *options, settings=target.settings)
        restored = _contents(target.warehouse)
        drill.note(f"{way}: records to fetch again", len(lost.records - restored.records))
        drill.newsapi("run", settings=target.settings)
        after = _contents(target.warehouse)
        drill.note(
            f"{way}: records lost after the next run", len(lost.records - after.records), limit=0
        )
        drill.note(
            f"{way}: articles lost after the next run", len(lost.articles - after.articles), limit=0
        )
        drill.note(
            f"{way}: articles there that were not", len(after.articles - lost.articles), limit=0
        )
        _drop(server, target)
    return drill.figures


def _contents(warehouse: Warehouse) -> Contents:
    with warehouse.snapshot() as session:
        return Contents(
            frozenset(
                session.rows(f"SELECT uri, version, record_hash, md5(record) FROM {raw.TABLE}")
            ),
            frozenset(session.rows(f"SELECT article_id, url, title, md5(body) FROM {final.TABLE}")),
        )


def _drop(server: postgres.Server, database: postgres.Database) -> None:
    with server.maintenance.connect() as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
        )


if __name__ == "__main__":
    raise SystemExit(main())
