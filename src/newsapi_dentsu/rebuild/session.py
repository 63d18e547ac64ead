"""A Spark session: found or started, or refused in words."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from newsapi_dentsu.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_JAVA: Final = 17
"""PySpark 4 runs on it and on newer ones."""

JAVA_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
WORKERS_SECONDS: Final = 120
"""How long Java may take to tell its version, a master to answer, and workers to come."""

_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')
_JAVA_CAUSE: Final = re.compile(r"^Caused by: (.*\S)", re.MULTILINE)
_PYTHON_CAUSE: Final = re.compile(r"^(\w[\w.]*(?:Error|Exception)\b.*)", re.MULTILINE)
_STANDALONE: Final = "spark://"
_LEAN: Final = "-XX:TieredStopAtLevel=1 -XX:G1PeriodicGCInterval=10000 -XX:MaxHeapFreeRatio=40"
"""Python does the work, and Java only moves rows.

Java's second compiler costs more than it saves. While it waits for Python, Java gives back the
memory that it has needed (https://openjdk.org/jeps/346): a neighbourhood may need it meanwhile.
"""

_ALWAYS: Final = {
    # A day is a day in UTC wherever the job runs, and moments keep their microseconds.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    "spark.executorEnv.PYTHONHASHSEED": "0",
    # Java's many threads would each keep pieces that compressing and moving rows has left.
    "spark.executorEnv.MALLOC_ARENA_MAX": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # They come before the extraJavaOptions of whoever has some.
    "spark.driver.defaultJavaOptions": _LEAN,
    "spark.executor.defaultJavaOptions": _LEAN,
}


@contextmanager
def opened(master: str | None, extra: Mapping[str, str]) -> Iterator["SparkSession"]:
    """A session for the time of the block; one that was there before is used and stays.

    Args:
        master: the cluster's master; None takes what this process was submitted to, else all
            processors of this machine.
        extra: further settings of Spark's own.

    Raises:
        SettingsError: PySpark or a fitting Java is missing, the master doesn't answer, or it has
            no workers.
        StorageError: Spark gives up in the block, or its Java process is gone.
    """
    if master is not None:
        _check_master(master)
    with warnings.catch_warnings():
        # It warns of every new version of pandas.
        warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise SettingsError(
                "rebuilding on Spark needs the extra `spark`: pip install 'newsapi-dentsu[spark]'"
            ) from None
        session = SparkSession.getActiveSession()
        if session is not None:
            with failures_told():
                yield session
            return
        check_java()
        try:
            session = _started(master, extra)
        except Exception as error:
            raise SettingsError(
                f"Spark doesn't start on {master or 'this machine'}: {_first_line(error)}"
            ) from error
        with _bridge_silent():
            try:
                with failures_told():
                    _wait_for_workers(session)
                    yield session
            finally:
                # Where its Java process is gone, there is nothing to stop.
                with suppress(Exception):
                    session.stop()


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell in one line why Spark gave up in the block.

    Raises:
        StorageError: it gave up, or its Java process is gone.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise StorageError(
            f"Spark gave up ({_reason(error)}): what is done stays in the folder, and the same "
            "command goes on there when the reason is gone"
        ) from error


@contextmanager
def _bridge_silent() -> Iterator[None]:
    """Keep what lies between Python and Java from logging what is raised as well, and Ctrl-C."""
    log, root = logging.getLogger("py4j"), logging.getLogger()
    before = log.level
    log.setLevel(logging.CRITICAL)
    # Some of it is logged in nobody's name.
    root.addFilter(_is_not_of_bridge)
    try:
        yield
    finally:
        root.removeFilter(_is_not_of_bridge)
        log.setLevel(before)


def _is_not_of_bridge(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"


def check_java() -> None:
    """Make sure that there is a Java on which PySpark runs, where it has to start one.

    Raises:
        SettingsError: there is none.
    """
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    wanted = (
        f"install Java {LEAST_JAVA} or newer (on Debian: apt-get install "
        f"openjdk-{LEAST_JAVA}-jre-headless), or set JAVA_HOME to the folder of one"
    )
    if java is None:
        raise SettingsError(f"Spark needs Java, and there is none: {wanted}")
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=JAVA_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SettingsError(f"{java} can't be executed ({error}): {wanted}") from error
    found = _VERSION.search(told.stderr) or _VERSION.search(told.stdout)
    if found is None or int(found[1]) < LEAST_JAVA:
        version = f"Java {found[1]}" if found else "of an unknown version"
        raise SettingsError(f"{java} is {version}, on which Spark doesn't run: {wanted}")


def _check_master(master: str) -> None:
    """Try to connect to a standalone master: Spark itself would try for minutes."""
    if not master.startswith(_STANDALONE):
        return
    tried = []
    for address in master.removeprefix(_STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
                return
        except ValueError:
            raise SettingsError(
                f"{master} is no address of a master: write spark://HOST:PORT"
            ) from None
        except OSError as error:
            tried.append(f"{address}: {error.strerror or error}")
    raise SettingsError(
        f"no Spark master answers at {'; '.join(tried)}: start it, or correct --master"
    )


def _started(master: str | None, extra: Mapping[str, str]) -> "SparkSession":
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted = _ALWAYS | ({"spark.master": master} if master else {}) | dict(extra)
    # Only Java knows what a job was submitted with, and what spark-defaults.conf says.
    SparkContext._ensure_initialized(conf=SparkConf().setAll([*wanted.items()]))
    chosen = wanted.get("spark.master") or SparkConf().get("spark.master") or "local[*]"
    builder = SparkSession.builder.appName("newsapi rebuild").master(chosen)
    if chosen.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
    for name, value in wanted.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _wait_for_workers(session: "SparkSession") -> None:
    """Wait for the first worker of a standalone cluster: a job without any would wait for ever."""
    context = session.sparkContext
    if not (context.master or "").startswith(_STANDALONE):
        return
    deadline = time.monotonic() + WORKERS_SECONDS
    # The driver is counted, too.
    while context._jsc.sc().statusTracker().getExecutorInfos().__len__() < 2:
        if time.monotonic() > deadline:
            raise SettingsError(
                f"{context.master} gave no worker within {WORKERS_SECONDS} s: start workers, or "
                "free some (each needs the memory that spark.executor.memory asks for)"
            )
        time.sleep(0.5)


def _reason(error: Exception) -> str:
    """What a worker's Python or Java tells as the last cause, or else what the error says first."""
    told = str(error)
    found = _PYTHON_CAUSE.findall(told) if "Traceback" in told else []
    found = found or _JAVA_CAUSE.findall(told)
    return found[-1][:300] if found else _first_line(error)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
