"""What keeps a rebuild from beginning is told with what to do about it."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.errors import SettingsError, StorageError, WarehouseError
from newsapi_dentsu.progress import Bars, Progress, no_progress
from newsapi_dentsu.rebuild import session
from newsapi_dentsu.rebuild.job import Cluster, rebuild
from newsapi_dentsu.rebuild.outputs import Output
from newsapi_dentsu.recovery import restoring
from newsapi_dentsu.recovery.restoring import Sources, Stages
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import final
from support.parts import first_quick

from .conftest import awkward, lake_of


def silent(_name: str) -> Progress:
    """Show no progress."""
    return no_progress


def java_that_tells(folder: Path, told: str) -> Path:
    """A Java installation whose program tells this version."""
    program = folder / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    program.chmod(0o755)
    return program.parent.parent


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="there is none: install Java 17 or newer"):
        session.check_java()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "is Java 11"),
        ('java version "1.8.0_392"', "is Java 8"),
        ("who knows", "of an unknown version"),
    ],
)
def test_with_a_java_on_which_spark_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, said: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_that_tells(tmp_path, told)))
    with pytest.raises(SettingsError, match=f"{said}.*JAVA_HOME"):
        session.check_java()


def test_with_a_java_on_which_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = java_that_tells(tmp_path, 'openjdk version "21.0.1" 2023-10-17')
    monkeypatch.setenv("JAVA_HOME", str(home))
    session.check_java()


def test_with_a_folder_of_java_that_holds_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="can't be executed"):
        session.check_java()


def test_without_pyspark(tmp_path: Path) -> None:
    lines = (
        "import sys",
        "sys.modules['pyspark'] = None",
        "from newsapi_dentsu.cli.main import main",
        "main(['rebuild', '--engine', 'spark', '--out', 'out', '--lake', 'lake'])",
    )
    lake_of(tmp_path, *awkward()[:1])
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "pip install 'newsapi-dentsu[spark]'" in done.stderr


def test_a_master_that_does_not_answer() -> None:
    with socket.socket() as taken:
        # Bound, and not listening: nobody else can listen here either.
        taken.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(SettingsError, match="no Spark master answers"),
            session.opened(master, {}),
        ):
            pass


def test_a_master_that_is_no_address() -> None:
    with (
        pytest.raises(SettingsError, match="spark://HOST:PORT"),
        session.opened("spark://there", {}),
    ):
        pass


def test_a_folder_with_something_else_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with (
        pytest.raises(StorageError, match="holds something else"),
        Output(tmp_path, "key").begun(replace=True),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_rebuild_that_is_there_is_replaced_only_when_told(
    settings: Settings, tmp_path: Path
) -> None:
    lake = lake_of(tmp_path, *awkward())
    made = rebuild(settings, lake, tmp_path / "out", silent, cluster=None, replace=False)
    before = (made.folder / "rebuild.json").stat().st_mtime_ns
    with pytest.raises(StorageError, match=r"holds a rebuild already.*--replace"):
        rebuild(settings, lake, tmp_path / "out", silent, cluster=None, replace=False)
    again = rebuild(settings, lake, tmp_path / "out", silent, cluster=None, replace=True)
    assert again.rows == made.rows
    assert DeltaTable(made.folder / final.TABLE).count() == made.rows[final.TABLE]
    assert (made.folder / "rebuild.json").stat().st_mtime_ns > before


def test_what_another_attempt_has_left_is_not_taken_for_its_own(tmp_path: Path) -> None:
    work = tmp_path / "out" / ".rebuild"
    with Output(tmp_path / "out", "one").begun(replace=False):
        (work / "one" / "pages").mkdir()
    with Output(tmp_path / "out", "other").begun(replace=False):
        assert [path.name for path in work.iterdir() if path.is_dir()] == ["other"]


def killed_after_a_file(folder: Path, ignore_errors: bool = False) -> None:
    """Delete the first file of a folder; then the process is gone."""
    del ignore_errors
    for file in sorted(folder.rglob("part-*")):
        file.unlink()
        raise KeyboardInterrupt


def test_what_was_being_deleted_when_the_process_was_killed_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Output(tmp_path / "out", name) for name in ("one", "other"))
    with one.begun(replace=False):
        step = one.work / "pages"
        step.mkdir()
        (step / "part-0.parquet").touch()
        (step / "_SUCCESS").touch()
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed_after_a_file)
        with pytest.raises(KeyboardInterrupt), other.begun(replace=False):
            pass
    with one.begun(replace=False):
        assert not list(one.work.iterdir())
        step.mkdir()
        (step / "part-0.parquet").touch()
        (step / "_SUCCESS").touch()
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", killed_after_a_file)
            with pytest.raises(KeyboardInterrupt):
                one.finish({}, {})
    with one.begun(replace=True):
        assert not list(one.work.iterdir())


def test_two_rebuilds_in_one_folder_at_once(tmp_path: Path) -> None:
    lines = (
        "import sys",
        "from pathlib import Path",
        "from newsapi_dentsu.rebuild.outputs import Output",
        "with Output(Path(sys.argv[1]), 'key').begun(replace=False):",
        "    print('there', flush=True)",
        "    sys.stdin.read()",
    )
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path / "out")]
    output = Output(tmp_path / "out", "other")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        with (
            pytest.raises(StorageError, match="another process rebuilds in"),
            output.begun(replace=False),
        ):
            pass
        assert (tmp_path / "out" / ".rebuild" / "key").is_dir()
        process.kill()
    with output.begun(replace=False):
        assert output.work.is_dir()


def test_a_full_disk_is_told_at_any_step(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"can't be written \(No space left on device\)"),
        Output(tmp_path / "out", "key").begun(replace=False),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_database_that_there_was_no_room_to_close_is_not_taken_for_whole(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, *awkward()[:1])

    def without_room(warehouse: Warehouse, _now: datetime, _bars: Bars) -> None:
        with warehouse.transaction() as session:
            session.execute("SET debug_checkpoint_abort = 'before_header'")

    def with_room(_warehouse: Warehouse, _now: datetime, _bars: Bars) -> None:
        pass

    def prepared(stages: Stages) -> Path:
        return restoring.prepare(
            Sources(None, lake), tmp_path / "work", "256MB", 0, stages, silent, dry_run=False
        )

    with pytest.raises(WarehouseError, match="make room and run again"):
        prepared(without_room)
    engine = DuckDBEngine(prepared(with_room), memory_limit="256MB", wait=0)
    with Warehouse(engine).snapshot() as session:
        assert raw_files.count(session) == lake[1].rows


@pytest.mark.parametrize("place", ["abfss://tables@account.dfs.core.windows.net/out", "dbfs:/out"])
def test_an_address_is_no_folder(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["rebuild", "--lake", "lake", "--out", place])
    assert done.exit_code == 2
    assert "--out takes a folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_hold_delta_tables(settings: Settings, tmp_path: Path) -> None:
    lake = lake_of(tmp_path, *awkward()[:1])
    folder = tmp_path / "my%20tables"
    with pytest.raises(StorageError, match=r"without % in its path, or .* --format parquet"):
        rebuild(settings, lake, folder, silent, cluster=None, replace=False)
    made = rebuild(settings, lake, folder, silent, cluster=None, replace=False, form="parquet")
    assert made.rows[final.TABLE] > 0


@pytest.mark.parametrize("kept", first_quick([100, None]))
def test_a_file_of_the_lake_that_is_not_whole_is_named_before_spark_starts(
    settings: Settings, tmp_path: Path, kept: int | None
) -> None:
    lake = lake_of(tmp_path, *awkward()[:1])
    (file,) = (tmp_path / "lake" / "raw_records").rglob("*.parquet")
    if kept is None:
        file.unlink()
    else:
        os.truncate(file, kept)
    with pytest.raises(StorageError, match=rf"{file.name} in .*(is missing|has 100 bytes)"):
        rebuild(settings, lake, tmp_path / "out", silent, cluster=Cluster(), replace=False)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Caused by: java.io.IOException: No space left", "java.io.IOException: No space left"),
        ("Traceback (most recent call last):\n  File\nMemoryError: 5", "MemoryError: 5"),
        ("\tat last", "An error occurred while calling o1.parquet."),
    ],
)
def test_why_spark_gave_up_is_told_in_a_line(said: str, reason: str) -> None:
    protocol = pytest.importorskip("py4j.protocol")
    with (
        pytest.raises(StorageError, match=rf"Spark gave up \({reason}\): .*same command goes on"),
        session.failures_told(),
    ):
        raise protocol.Py4JError(
            "An error occurred while calling o1.parquet.\n"
            ": org.apache.spark.SparkException: Job aborted due to stage failure\n"
            f"\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)\n{said}"
        )
