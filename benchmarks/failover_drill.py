"""`python -m benchmarks.failover_drill`: lose a region mid-run, and go on in the other.

Two PostgreSQL servers with streaming replication and two Azurites, which stand in for each region's
Blob Storage, are real; all that is done is done by the `newsapi` command, as a process of its own.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from tools import azurite

from benchmarks import postgres_pair
from benchmarks.articles import article
from benchmarks.measuring import execute, program
from benchmarks.pipeline import Pipeline, pipeline_with_history
from benchmarks.postgres import Database
from benchmarks.postgres_pair import Cluster
from benchmarks.report import Figure, print_table
from newsapi_dentsu.warehouse.tables import final, raw

ARTICLES = 2_000
NEW_ARTICLES = 3_000
LIMIT_SECONDS = 60
DATABASE = "news"
LATE_WRITE_SECONDS = 0.5


class Drill:
    """The two regions, and the figures so far."""

    def __init__(
        self, pipeline: Pipeline, here: Mapping[str, str], there: Mapping[str, str]
    ) -> None:
        self.pipeline = pipeline
        self.here, self.there = here, there
        self.figures: list[Figure] = []
        self.served: set[str] = set()

    def newsapi(self, settings: Mapping[str, str], *arguments: str) -> str:
        """Run the command in a region; returns what it wrote."""
        command = [program("newsapi"), *arguments]
        return execute(command, self.pipeline.folder, settings).stdout

    def start_run(self) -> subprocess.Popen[bytes]:
        """Start a run in the first region, on articles that are new."""
        now = datetime.now(UTC)
        for place in range(NEW_ARTICLES):
            moment = now - timedelta(seconds=NEW_ARTICLES - place)
            one = article(self.pipeline.next_number + place, moment)
            self.served.add(str(one.record["uri"]))
            self.pipeline.corpus.add(one)
        self.pipeline.next_number += NEW_ARTICLES
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.pipeline.folder), **self.here}
        return subprocess.Popen(
            [program("newsapi"), "run", "--json"],
            cwd=self.pipeline.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def note(self, what: str, value: float, unit: str = "", limit: float | None = None) -> None:
        """Keep a figure, and show it at once."""
        self.figures.append(Figure("failover", what, value, unit, limit))
        print(f"  {what}: {value:,.1f}{unit}", flush=True)


def main() -> int:
    """Return 1 when something stayed lost, came twice, or was written to the old primary."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover_drill")
    parser.add_argument("--articles", type=int, default=ARTICLES, help="stored beforehand")
    articles: int = parser.parse_args().articles
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        stores = [folder / name for name in ("store-here", "store-there")]
        for store in stores:
            store.mkdir()
        with (
            azurite.running(stores[1]) as blobs_there,
            postgres_pair.primary(folder / "here") as old,
        ):
            with old.database("postgres").connect() as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            database = old.database(DATABASE)
            work = folder / "work"
            work.mkdir()
            home = {"DAGSTER_HOME": str(work / "dagster")}
            with (
                pipeline_with_history(
                    work, articles, database.warehouse, database.settings | home, database.events
                ) as pipeline,
                postgres_pair.standby(folder / "there", old) as new,
            ):
                figures = _drill(pipeline, old, new, folder, blobs_there)
    print_table(figures)
    return int(any(figure.missed for figure in figures))


def _drill(
    pipeline: Pipeline, old: Cluster, new: Cluster, folder: Path, blobs_there: azurite.Azurite
) -> list[Figure]:
    here, there = (
        {
            **pipeline.settings,
            **own.database(DATABASE).settings,
            "POSTGRES_STANDBY": f"127.0.0.1:{other.port}",
            "DAGSTER_HOME": str(pipeline.folder / f"dagster-{name}"),
            "POSTGRES_RECONNECT_SECONDS": "30",
        }
        for name, own, other in (("here", old, new), ("there", new, old))
    )
    with azurite.running(folder / "store-here") as blobs_here:
        here |= {**blobs_here.environment, "LAKE_LOCATION": blobs_here.container("raw-archive")}
        drill = Drill(pipeline, here, there)
        drill.newsapi(here, "archive", "--json")
        # The link between the regions is slow, so that the standby lacks the newest records.
        _cut_link(new)
        run = drill.start_run()
        _wait_for_new_rows(old.database(DATABASE), pipeline.next_number - NEW_ARTICLES)
        old.kill()
        lost_at = time.monotonic()
    # The first region's storage is gone as well.
    there |= {**blobs_there.environment, "LAKE_LOCATION": blobs_there.container("raw-archive")}
    target = f"127.0.0.1:{new.port}"
    told = json.loads(drill.newsapi(there, "failover", "--to", target, "--yes", "--json"))
    _write(new.database(DATABASE))
    drill.note("seconds until writes work again", time.monotonic() - lost_at, " s", LIMIT_SECONDS)
    drill.note("the run of the lost region ended as failed", float(run.wait(120) != 0))
    promoted = _uris(new.database(DATABASE))
    drill.newsapi(there, "run", "--json")

    # The old primary comes back, and knows what it had said was stored.
    old.start()
    stored = _uris(old.database(DATABASE))
    drill.note("records that the old primary had", len(stored))
    drill.note("records lost at promotion", len(stored - promoted))
    drill.note(
        "records lost after the next run", len(stored - _uris(new.database(DATABASE))), "", 0
    )
    missing = len(drill.served - {uri for uri, _ in _uris(new.database(DATABASE))})
    drill.note("articles of the news API that are missing", missing, "", 0)
    drill.note("stories twice", _stories_twice(new.database(DATABASE)), "", 0)

    # Whoever knows both goes to the new one, and fences the old; whoever knows it alone is refused.
    drill.newsapi(there, "run", "--json")
    alone = {name: value for name, value in here.items() if name != "POSTGRES_STANDBY"}
    refused = _refused(drill, alone)
    drill.note("runs on the old primary that weren't refused", float(not refused), "", 0)
    drill.note("epoch of the new primary", told["epoch"])
    drill.note(
        "records written to the old primary since",
        len(_uris(old.database(DATABASE)) - stored),
        "",
        0,
    )
    archived = json.loads(drill.newsapi(there, "archive", "--json"))
    drill.note("the second region's lake, records", archived["rows"])
    return drill.figures


def _cut_link(standby: Cluster) -> None:
    with standby.database("postgres").connect() as connection:
        connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
        connection.execute("SELECT pg_reload_conf()")
        while connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone():
            time.sleep(0.05)


def _wait_for_new_rows(database: Database, stored: int) -> None:
    """Until a run has stored something, but not all."""
    deadline = time.monotonic() + 120
    with database.connect() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(f"SELECT count(*) FROM {raw.TABLE}").fetchone()
            if row and row[0] > stored:
                return
            time.sleep(0.01)
    raise RuntimeError("the run stored nothing")


def _uris(database: Database) -> set[tuple[str, str]]:
    with database.connect() as connection:
        return set(connection.execute(f"SELECT uri, record_hash FROM {raw.TABLE}").fetchall())


def _stories_twice(database: Database) -> int:
    with database.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FROM (SELECT url FROM {final.TABLE} GROUP BY url HAVING count(*) > 1)"
        ).fetchone()
    assert row
    return int(row[0])


def _write(database: Database) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            with database.connect() as connection:
                connection.execute("CREATE TEMPORARY TABLE written (a integer)")
        except psycopg.Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(LATE_WRITE_SECONDS)
        else:
            return


def _refused(drill: Drill, settings: Mapping[str, str]) -> bool:
    try:
        drill.newsapi(settings, "run", "--json")
    except RuntimeError as error:
        if "is fenced" not in str(error):
            raise
        return True
    return False


if __name__ == "__main__":
    raise SystemExit(main())
