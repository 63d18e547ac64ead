"""`rebuild`: making everything anew on Spark, against doing so in one process tree."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psutil

from benchmarks.measuring import program
from benchmarks.report import Figure
from benchmarks.stories import TITLE, bodies
from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.lake import archiving
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import raw

ARTICLES, ARTICLES_QUICKLY = 1_000_000, 10_000
DAYS_FOR = 900
"""Articles of a day."""

CORE_LIMIT, WALL_LIMIT, MEGABYTES_LIMIT = 2.0, 0.65, 2_000

_PAGE = 2_000
_LOOK_SECONDS = 0.2
_EXECUTOR = "CoarseGrainedExecutorBackend"


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds, processors' seconds of all processes, and the most bytes of one executor's."""

    seconds: float
    core_seconds: float
    executor_bytes: int


def rebuild(quick: bool, articles: int | None = None) -> list[Figure]:
    """Rebuild locally, and on clusters of one and of two workers with a core each."""
    count = articles or (ARTICLES_QUICKLY if quick else ARTICLES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _fill(folder, count)
        command = [program("newsapi"), "rebuild", "--json", "--lake", str(folder / "lake"), "--out"]
        spark = ["--engine", "spark", "--conf", "spark.executor.memory=1g", "--master"]
        local = _measured([*command, str(folder / "local")], folder)
        one = _measured([*command, str(folder / "one"), *spark, "local-cluster[1,1,1024]"], folder)
        two = _measured([*command, str(folder / "two"), *spark, "local-cluster[2,1,1024]"], folder)
    for name, cost in (("locally", local), ("one worker", one), ("two workers", two)):
        print(
            f"  {count:,} articles, {name}: {cost.seconds:.0f} s, "
            f"{cost.core_seconds:.0f} core-seconds"
        )
    most = max(one.executor_bytes, two.executor_bytes)
    return [
        Figure(
            "rebuild",
            f"core-seconds of Spark with two workers to the local ones, {count:,} articles",
            two.core_seconds / local.core_seconds,
            limit=CORE_LIMIT,
        ),
        Figure(
            "rebuild",
            "time of two workers to that of one",
            two.seconds / one.seconds,
            "",
            WALL_LIMIT,
        ),
        Figure("rebuild", "peak memory of an executor", most / 1e6, " MB", MEGABYTES_LIMIT),
    ]


def _measured(command: Sequence[str], folder: Path) -> _Cost:
    """Execute a command and watch its processes: the JVM's are nobody's who would count them.

    Raises:
        RuntimeError: it failed.
    """
    settings = {"DUCKDB_PATH": str(folder / "news.duckdb")}
    spent: dict[int, float] = {}
    most = 0
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
        while job.poll() is None:
            for process in _tree(job.pid):
                try:
                    times = process.cpu_times()
                    spent[process.pid] = times.user + times.system
                    if any(_EXECUTOR in part for part in process.cmdline()):
                        most = max(most, sum(_resident(one) for one in _tree(process.pid)))
                except psutil.Error:
                    continue
            time.sleep(_LOOK_SECONDS)
        if job.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()[-3000:]}")
    return _Cost(time.perf_counter() - started, sum(spent.values()), most)


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


def _fill(folder: Path, count: int) -> None:
    """Have a lake of records, one in ten an edited copy, as many a day as a busy search finds."""
    warehouse = Warehouse(DuckDBEngine(folder / "source.duckdb", memory_limit="1GB", wait=5))
    warehouse.upgrade()
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(days=count / DAYS_FOR)
    made = _records(count, start, (now - start) / count)
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


def _records(count: int, start: datetime, step: timedelta) -> Iterator[dict[str, object]]:
    for number, body in enumerate(bodies(count)):
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
