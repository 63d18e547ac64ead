"""`rebuild`, `workers` and `template`: making everything anew on Spark, and in one process tree."""

import itertools
import os
import random
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import psutil

from benchmarks.measuring import program
from benchmarks.report import Figure
from benchmarks.stories import TITLE, bodies
from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.lake import archiving
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.rebuild.job import TABLES
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import assessments, raw

ARTICLES, ARTICLES_QUICKLY = 1_000_000, 10_000
WORKED_ON, WORKED_ON_QUICKLY = 45_000, 2_000
MEMBERS, MEMBERS_QUICKLY = 50_000, 2_000
MEMBERS_DAYS = 25
"""A template's articles, all within one horizon."""

DAYS_FOR = 900
"""Articles of a day."""

CORE_LIMIT, WALL_LIMIT, MEGABYTES_LIMIT, LOCAL_MEGABYTES_LIMIT = 2.0, 0.65, 2_000, 1_000

_PAGE = 2_000
_LOOK_SECONDS, _WEIGH_EVERY = 1.0, 3
"""How often processes are looked at, and which of the looks weigh their memory: that costs."""

_EXECUTOR = "CoarseGrainedExecutorBackend"


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds, the most bytes of all processes, and of an executor.

    `of_kinds` has the seconds of all processors by the kind of the process: Java, or Python.
    `path` is what can't be done at once: the driver's, and those of the busiest executor with its
    Python workers. It tells what more workers save where other work keeps the processors busy.
    """

    seconds: float
    of_kinds: dict[str, float]
    path: float
    all_bytes: int
    executor_bytes: int

    @property
    def core_seconds(self) -> float:
        """Seconds of all processors."""
        return sum(self.of_kinds.values())


def rebuild(quick: bool, articles: int | None = None) -> list[Figure]:
    """Rebuild locally, and on a cluster of two workers with a core each."""
    count = articles or (ARTICLES_QUICKLY if quick else ARTICLES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _fill(folder, count, bodies(count), count / DAYS_FOR)
        local, two = (_rebuilt(folder, count, workers) for workers in (0, 2))
        differing = len(differences(folder / "out-0", folder / "out-2"))
    return [
        Figure("rebuild", f"tables of Spark with other rows, {count:,} articles", differing, "", 0),
        Figure(
            "rebuild",
            f"core-seconds of Spark with two workers to the local ones, {count:,} articles",
            two.core_seconds / local.core_seconds,
            limit=CORE_LIMIT,
        ),
        Figure(
            "rebuild",
            "peak memory of an executor",
            two.executor_bytes / 1e6,
            " MB",
            MEGABYTES_LIMIT,
        ),
    ]


def workers(quick: bool, articles: int | None = None) -> list[Figure]:
    """Rebuild on clusters of one and of two workers with a core each."""
    count = articles or (WORKED_ON_QUICKLY if quick else WORKED_ON)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _fill(folder, count, bodies(count), count / DAYS_FOR)
        one, two = (_rebuilt(folder, count, workers) for workers in (1, 2))
    return [
        Figure(
            "workers",
            f"time of two workers to that of one, {count:,} articles",
            two.seconds / one.seconds,
            limit=WALL_LIMIT,
        ),
        Figure("workers", "longest path of two workers to that of one", two.path / one.path),
    ]


def template(quick: bool, articles: int | None = None) -> list[Figure]:
    """Rebuild one template's articles locally, and on a cluster of two workers."""
    count = articles or (MEMBERS_QUICKLY if quick else MEMBERS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _fill(folder, count, _filled(count), MEMBERS_DAYS)
        local, two = (_rebuilt(folder, count, workers) for workers in (0, 2))
    return [
        Figure(
            "template",
            f"peak memory of all local processes, {count:,} articles",
            local.all_bytes / 1e6,
            " MB",
            LOCAL_MEGABYTES_LIMIT,
        ),
        Figure(
            "template",
            "peak memory of an executor",
            two.executor_bytes / 1e6,
            " MB",
            MEGABYTES_LIMIT,
        ),
        Figure(
            "template",
            "core-seconds of Spark with two workers to the local ones",
            two.core_seconds / local.core_seconds,
        ),
    ]


def differences(one: Path, other: Path) -> dict[str, list[Any]]:
    """The first rows of each table that only one of two rebuilds has, but for names of stories.

    Under `stories` are those of which the other one has not just the same articles.
    """
    found: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as spilled, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '2GB'; SET temp_directory = '{spilled}'")
        asked = {
            table: (table, ", ".join(f'"{name}"' for name in columns if name != "story_id"), "")
            for table, columns in TABLES.items()
        }
        asked["stories"] = assessments.TABLE, "list(article_id ORDER BY article_id)", "story_id"
        for name, (table, columns, grouped) in asked.items():
            rows = [
                f"SELECT {columns} FROM read_parquet('{folder / table}/*.parquet')"
                + (f" GROUP BY {grouped}" if grouped else "")
                for folder in (one, other)
            ]
            both = " UNION ALL ".join(
                f"(({a}) EXCEPT ALL ({b}))" for a, b in (rows, reversed(rows))
            )
            if different := connection.execute(f"{both} LIMIT 3").fetchall():
                found[name] = different
    return found


def _rebuilt(folder: Path, count: int, workers: int) -> _Cost:
    """Rebuild on so many workers, or locally, and print what it cost."""
    command = [program("newsapi"), "rebuild", "--json", "--lake", str(folder / "lake"), "--out"]
    spark = ["--engine", "spark", "--conf", "spark.executor.memory=1g", "--master"]
    master = [*spark, f"local-cluster[{workers},1,1024]"] if workers else []
    cost = _measured([*command, str(folder / f"out-{workers}"), *master], folder)
    print(
        f"  {count:,} articles, {f'{workers} workers' if workers else 'locally'}: "
        f"{cost.seconds:.0f} s, {cost.core_seconds:.0f} core-seconds "
        f"({', '.join(f'{kind} {spent:.0f}' for kind, spent in sorted(cost.of_kinds.items()))}; "
        f"longest path {cost.path:.0f}), "
        f"{cost.all_bytes / 1e6:,.0f} MB in all",
        flush=True,
    )
    return cost


def _filled(count: int) -> Iterator[str]:
    """A template with other names and numbers each time; every third time the same once more."""
    rng = random.Random(1)
    fixed = next(bodies(1)).split()[:120]
    places = rng.sample(range(len(fixed)), 12)
    for number in range(count):
        if number % 3 != 2:
            text = list(fixed)
            for place in places:
                text[place] = rng.choice([str(rng.randint(100, 99_999)), f"Q{rng.randint(1, 99)}x"])
        yield " ".join(text)


def _measured(command: Sequence[str], folder: Path) -> _Cost:
    """Execute a command and watch its processes: the JVM's are nobody's who would count them.

    Raises:
        RuntimeError: it failed.
    """
    settings = {"DUCKDB_PATH": str(folder / "news.duckdb")}
    spent: dict[int, tuple[str, float]] = {}
    executors: dict[int, int] = {}
    most = most_of_all = 0
    started = time.perf_counter()
    with (
        (folder / "stderr").open("w+") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        ) as job,
    ):
        for look in itertools.count():
            if job.poll() is not None:
                break
            weigh = not look % _WEIGH_EVERY
            tree = _tree(job.pid)
            for first, *others in _executors(tree):
                # As long as they are known: those that end lose their parents and their names.
                executors |= {one.pid: first.pid for one in (first, *others)}
            for process in tree:
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    kind = "Java" if process.name() == "java" else "Python"
                    spent[process.pid] = kind, times.user + times.system
            if weigh:
                most_of_all = max(most_of_all, sum(map(_resident, tree)))
                weights = (sum(map(_resident, processes)) for processes in _executors(tree))
                most = max(most, *weights, 0)
            time.sleep(_LOOK_SECONDS)
        if job.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()[-3000:]}")
    seconds = time.perf_counter() - started
    of_kinds, of_executors = defaultdict[str, float](float), defaultdict[int, float](float)
    for pid, (kind, one) in spent.items():
        of_kinds[kind] += one
        of_executors[executors.get(pid, 0)] += one
    path = of_executors.pop(0, 0.0) + max(of_executors.values(), default=0.0)
    return _Cost(seconds, dict(of_kinds), path, most_of_all, most)


def _executors(tree: Sequence[psutil.Process]) -> list[list[psutil.Process]]:
    """Spark's executors among processes, each with its Python workers."""
    found = []
    for process in tree:
        with suppress(psutil.Error):
            if any(_EXECUTOR in part for part in process.cmdline()):
                found.append(_tree(process.pid))
    return list(filter(None, found))


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    """A process's own memory: forked ones share most of theirs with the one they came from."""
    try:
        with Path(f"/proc/{process.pid}/smaps_rollup").open() as lines:
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except OSError:
        return 0


def _fill(folder: Path, count: int, texts: Iterator[str], days: float) -> None:
    """Have a lake of records with these texts."""
    warehouse = Warehouse(DuckDBEngine(folder / "source.duckdb", memory_limit="1GB", wait=5))
    warehouse.upgrade()
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(days=days)
    made = _records(texts, start, (now - start) / count)
    with warehouse.kept_open():
        while page := list(islice(made, _PAGE)):
            with warehouse.transaction() as session:
                records = [read_record(one, now) for one in page]
                raw.store_records(session, records, query_id="q", origin="sandbox", fetched_at=now)
        archiving.archive(
            warehouse,
            Folder(folder / "lake"),
            scratch=folder / "scratch",
            anew=False,
            now=now,
            progress=no_progress,
        )


def _records(texts: Iterator[str], start: datetime, step: timedelta) -> Iterator[dict[str, object]]:
    for number, body in enumerate(texts):
        moment = f"{start + step * number:%Y-%m-%dT%H:%M:%SZ}"
        yield {
            "uri": str(number),
            "lang": "eng",
            "isDuplicate": False,
            "dateTime": moment,
            "dateTimePub": moment,
            "dataType": "news",
            "url": f"https://adledger.example/{number}",
            "title": f"{TITLE}, report {number}",
            "body": body,
            "source": {"uri": "adledger.example", "dataType": "news", "title": "Ad Ledger"},
            "concepts": [],
            "categories": [],
        }
