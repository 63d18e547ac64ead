"""A rebuild on Spark has the rows of a local one, but for the names of stories."""

import json
import lzma
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import duckdb
import psutil
import pyarrow as pa
import pytest
from benchmarks.rebuild import differences
from evaluation.real_news import FOLDER

from newsapi_dentsu.domain import stories as domain_stories
from newsapi_dentsu.lake.listing import Lake
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.rebuild import session
from newsapi_dentsu.rebuild.job import Cluster, rebuild
from newsapi_dentsu.rebuild.spark import together
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse.tables import assessments, final

from .conftest import Workers, awkward, generated, lake_of, template

pytestmark = pytest.mark.slow

HERE = Cluster("local[2]", tasks_per_core=2)
REAL_RECORDS = int(os.environ.get("REAL_RECORDS", "1500"))
"""All 22,426 take nine minutes."""

SECONDS = 600
"""For what a busy machine may be slow to do."""


def silent(_name: str) -> Progress:
    """Show no progress."""
    return no_progress


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Lake]:
    """A lake of generated records, awkward ones, and more of one template than are compared."""
    folder = tmp_path_factory.mktemp("lake")
    return lake_of(folder, generated(), *awkward(), template(130))


@pytest.fixture(scope="module")
def local(
    lake: tuple[Folder, Lake], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What a local rebuild makes of it."""
    folder = tmp_path_factory.mktemp("local") / "out"
    return rebuild(settings, lake, folder, silent, cluster=None, replace=False).folder


def count(folder: Path, table: str, condition: str = "true") -> int:
    """How many rows of a table there are."""
    with duckdb.connect() as connection:
        query = f"SELECT count(*) FROM read_parquet('{folder / table}/*.parquet') WHERE {condition}"
        (found,) = connection.execute(query).fetchone() or (0,)
    return int(found)


# With two tasks for each core, the attempt that is killed has to make them.
@pytest.mark.parametrize("tasks", [1, 4])
def test_it_makes_the_rows_of_a_local_rebuild(
    lake: tuple[Folder, Lake], local: Path, settings: Settings, tmp_path: Path, tasks: int
) -> None:
    made = rebuild(
        settings, lake, tmp_path / "out", silent, cluster=Cluster("local[2]", tasks), replace=False
    )
    assert differences(local, made.folder) == {}
    # What is compared holds something of everything.
    assert count(local, final.TABLE, "text_of IS NOT NULL") > 0
    assert count(local, assessments.TABLE, "role = 'copy'") > 20
    assert count(local, final.REJECTED) > 20


def test_what_belongs_together_is_in_one_task_even_where_spark_changes_its_joins() -> None:
    def met(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        names = [one for batch in batches for one in batch["neighbourhood"].to_pylist()]
        yield pa.RecordBatch.from_pydict({"neighbourhood": [*dict.fromkeys(names)]})

    # It plans a join that brings rows together by their keys, and then finds one side to be small.
    late = {
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.adaptive.autoBroadcastJoinThreshold": "100MB",
        "spark.sql.shuffle.partitions": "4",
    }
    with session.opened("local[2]", late) as spark:
        rows = spark.range(0, 400_000, 1, 8).selectExpr("id", "id % 7 AS neighbourhood")
        wanted = spark.range(0, 5, 1, 1).selectExpr("id AS neighbourhood")
        chosen = rows.join(wanted, "neighbourhood", "left_semi")
        found = together(chosen, 4, "neighbourhood", "id")
        in_tasks = found.mapInArrow(met, "neighbourhood long").collect()
    assert sorted(row.neighbourhood for row in in_tasks) == [0, 1, 2, 3, 4]


def test_what_spark_was_told_elsewhere_counts(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text(
        "spark.master local[3]\nspark.driver.extraJavaOptions -Dsaid=there\n"
    )
    lines = (
        "from newsapi_dentsu.rebuild import session",
        "with session.opened(None, {}) as spark:",
        "    java = spark.sparkContext._jvm.java.lang",
        "    print(spark.sparkContext.master, java.System.getProperty('said'))",
        "    print(java.management.ManagementFactory.getRuntimeMXBean().getInputArguments())",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"SPARK_CONF_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "local[3] there" in done.stdout, done.stderr
    assert "TieredStopAtLevel=1" in done.stdout


def test_folders_may_have_any_name(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "a b [x] {y,z} é #1"
    place.mkdir()
    store, found = lake_of(tmp_path, *awkward())
    lake = Folder(Path(store.location).rename(place / "lake")), found
    one = rebuild(settings, lake, place / "one", silent, cluster=None, replace=False)
    other = rebuild(settings, lake, place / "other", silent, cluster=HERE, replace=False)
    # What compares them takes some characters for patterns.
    made = other.folder.rename(tmp_path / "made")
    expected = one.folder.rename(tmp_path / "expected")
    assert differences(expected, made) == {}
    assert (made / final.TABLE / "_delta_log").is_dir()


def test_java_gives_back_memory_that_it_no_longer_needs_while_it_waits() -> None:
    with session.opened("local[1]", {}) as spark:
        java = spark.sparkContext._jvm
        assert java is not None
        runtime = java.java.lang.Runtime.getRuntime()
        needed = java.java.nio.ByteBuffer.allocate(300_000_000)
        most = runtime.totalMemory()
        del needed
        deadline = time.monotonic() + SECONDS / 10
        while runtime.totalMemory() > most / 2:
            assert time.monotonic() < deadline
            time.sleep(1)


def test_the_nearest_in_bands_that_many_have_are_the_same(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_stories, "NEAREST", 2)
    lake = lake_of(tmp_path, generated(150), *awkward(), template(40))
    one = rebuild(settings, lake, tmp_path / "one", silent, cluster=None, replace=False)
    other = rebuild(settings, lake, tmp_path / "other", silent, cluster=HERE, replace=False)
    assert differences(one.folder, other.folder) == {}


def test_an_attempt_that_was_killed_is_gone_on_with(
    lake: tuple[Folder, Lake], local: Path, settings: Settings, tmp_path: Path
) -> None:
    def dies(_name: str) -> Progress:
        def progress(done: int, _total: int) -> None:
            if done == 5:
                raise KeyboardInterrupt

        return progress

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        rebuild(settings, lake, folder, dies, cluster=HERE, replace=False)
    (pages,) = folder.glob(".rebuild/*/pages")
    before = pages.stat().st_mtime_ns
    seen = []

    def watch(_name: str) -> Progress:
        return lambda _done, _total: seen.append(pages.stat().st_mtime_ns)

    rebuild(settings, lake, folder, watch, cluster=HERE, replace=False)
    assert set(seen) == {before}
    assert differences(local, folder) == {}
    assert not (folder / ".rebuild").exists()


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_it_sees_no_stack_trace(
    lake: tuple[Folder, Lake], tmp_path: Path, asked: signal.Signals
) -> None:
    command = [
        *(str(Path(sys.executable).with_name("newsapi")), "rebuild", "--engine", "spark"),
        *("--master", "local[1]", "--lake", lake[0].location, "--out", str(tmp_path / "out")),
    ]
    environment = os.environ | {"DUCKDB_PATH": str(tmp_path / "news.duckdb")}
    with Popen(command, env=environment, cwd=tmp_path, stdout=DEVNULL, stderr=PIPE) as job:
        while job.poll() is None and not list(tmp_path.glob("out/.rebuild/*/vectors/_temporary")):
            time.sleep(0.05)
        job.send_signal(asked)
        _, err = job.communicate(timeout=SECONDS)
    told = err.decode()
    assert job.returncode == 1
    assert "Aborted!" in told
    assert "KeyboardInterrupt" not in told
    assert 'File "' not in told


def test_separate_workers_make_the_same_rows_even_if_an_executor_is_killed(
    lake: tuple[Folder, Lake], local: Path, settings: Settings, cluster: Workers, tmp_path: Path
) -> None:
    environment = os.environ | {
        "TOPICS_FILE": str(settings.topics_file),
        "DUCKDB_PATH": str(tmp_path / "news.duckdb"),
    }
    # The job begins when it has an executor of each worker, however long these take to come.
    conf = {
        "spark.cores.max": len(cluster.workers),
        "spark.driver.host": "127.0.0.1",
        "spark.executor.memory": "768m",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{SECONDS}s",
        "spark.scheduler.minRegisteredResourcesRatio": 1,
    }
    command = [
        *(str(Path(sys.executable).with_name("newsapi")), "rebuild", "--engine", "spark"),
        *("--master", cluster.address, "--lake", lake[0].location, "--out", str(tmp_path / "out")),
        *(word for name, value in conf.items() for word in ("--conf", f"{name}={value}")),
    ]
    with Popen(command, env=environment, cwd=tmp_path, stdout=DEVNULL, stderr=PIPE) as job:
        while job.poll() is None and not list(tmp_path.glob("out/.rebuild/*/vectors/_temporary")):
            time.sleep(0.05)
        if makes_vectors := job.poll() is None:
            _kill_an_executor(job, cluster)
        _, err = job.communicate(timeout=SECONDS)
    assert makes_vectors, err.decode()[-2000:]
    assert job.returncode == 0, err.decode()[-2000:]
    assert differences(local, tmp_path / "out") == {}


def _kill_an_executor(job: Popen[bytes], cluster: Workers) -> None:
    """Kill one of both; the job can't end before the worker has started another."""
    before = _executors(cluster)
    assert len(before) == len(cluster.workers), cluster.log()
    job.send_signal(signal.SIGSTOP)
    try:
        os.kill(min(before), signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while _executors(cluster) <= before:
            assert time.monotonic() < deadline, cluster.log()
            time.sleep(0.05)
    finally:
        job.send_signal(signal.SIGCONT)


def _executors(cluster: Workers) -> set[int]:
    """The processes in which the workers execute tasks."""
    found = set()
    for worker in cluster.workers:
        for process in psutil.Process(worker).children():
            # Some end meanwhile.
            with suppress(psutil.Error):
                if any("CoarseGrainedExecutorBackend" in one for one in process.cmdline()):
                    found.add(process.pid)
    return found


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the real records lie beside the project")
def test_real_records_come_out_the_same(settings: Settings, tmp_path: Path) -> None:
    (path,) = FOLDER.glob("records-*.jsonl.xz")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, REAL_RECORDS)]
    lake = lake_of(tmp_path, *(records[at : at + 500] for at in range(0, len(records), 500)))
    one = rebuild(settings, lake, tmp_path / "one", silent, cluster=None, replace=False)
    other = rebuild(settings, lake, tmp_path / "other", silent, cluster=HERE, replace=False)
    assert differences(one.folder, other.folder) == {}
    assert count(one.folder, final.TABLE) > REAL_RECORDS / 3
