"""A damaged file, a disk that is full or can't be written: one clear line, and the run after."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.sandbox import SandboxArticle
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, duckdb_session
from newsapi_dentsu.warehouse.tables import final, raw
from support.api import serving
from support.articles import article, body
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.processes import process
from support.processing import broken_promises
from support.tables import count

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)


def long_articles() -> list[SandboxArticle]:
    return [
        article(
            f"{number:05}",
            at=MORNING + timedelta(seconds=number),
            body=" ".join(body(f"{number} {part}") for part in range(20)),
        )
        for number in range(250)
    ]


def warehouse_at(path: Path) -> Warehouse:
    return DuckDBDatabase(path).open(wait=0.2)


def run_lock_and_upgrade(path: Path) -> None:
    """What every run begins with."""
    warehouse = warehouse_at(path)
    with warehouse.run_lock("a run", wait=0):
        warehouse.upgrade()


def one_line(path: Path) -> str:
    """The error that a run ends with."""
    with pytest.raises(WarehouseError) as failure:
        run_lock_and_upgrade(path)
    message = str(failure.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "content",
    [b"not a database" * 1000, b"short", b"\x00" * 100_000],
    ids=["text", "a few bytes", "zeros"],
)
def test_a_file_that_is_no_database_is_named_and_left_as_it_is(
    duckdb_file: Path, content: bytes
) -> None:
    duckdb_file.parent.mkdir()
    duckdb_file.write_bytes(content)
    message = one_line(duckdb_file)
    assert str(duckdb_file) in message
    assert "not a DuckDB database or is damaged" in message
    assert duckdb_file.read_bytes() == content


def test_a_file_that_was_cut_off_is_named(duckdb_databases: DuckDBDatabases) -> None:
    database = duckdb_databases.create()
    os.truncate(database.path, 20_000)
    message = one_line(database.path)
    assert str(database.path) in message
    assert "restore a copy" in message


def test_a_file_with_a_hole_is_named(duckdb_databases: DuckDBDatabases) -> None:
    database = duckdb_databases.create()
    size = database.path.stat().st_size
    with database.path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(size - 3 * 4096))
    message = one_line(database.path)
    assert str(database.path) in message
    assert "restore a copy" in message


def test_the_log_of_another_file_is_named(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    database = duckdb_databases.create()
    with duckdb.connect(str(tmp_path / "other")) as other:
        other.execute("CREATE TABLE numbers (one integer)")
        other.execute("CHECKPOINT")
        other.execute("INSERT INTO numbers VALUES (1)")
        log = database.path.with_name(f"{database.path.name}.wal")
        shutil.copy(tmp_path / "other.wal", log)
    message = one_line(database.path)
    assert str(log) in message
    assert "move the log away" in message
    log.unlink()
    run_lock_and_upgrade(database.path)


def leave_a_log(path: Path) -> None:
    """Store much, and be killed before it is in the file."""
    connection = duckdb.connect(str(path))
    connection.execute("SET checkpoint_threshold = '1TB'")
    connection.execute("CREATE TABLE numbers (one text PRIMARY KEY)")
    connection.execute("INSERT INTO numbers SELECT md5(i::text) FROM range(200000) AS all_of(i)")
    os._exit(9)


def test_a_whole_log_for_which_there_is_too_little_memory_is_kept(
    duckdb_databases: DuckDBDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = duckdb_databases.create()
    with process(leave_a_log, database.path) as child:
        child.join(60)
        assert child.exitcode == 9
    monkeypatch.setattr("newsapi_dentsu.warehouse.engines.duckdb._lift_memory", lambda _: None)
    with (
        pytest.raises(WarehouseError, match="DUCKDB_MEMORY_LIMIT") as told,
        Warehouse(DuckDBEngine(database.path, memory_limit="8MB", wait=0)).transaction(),
    ):
        pass
    assert "away" not in str(told.value)
    with duckdb.connect(str(database.path)) as whole:
        assert whole.execute("SELECT count(*) FROM numbers").fetchall() == [(200_000,)]


def test_a_name_that_duckdb_cuts_is_refused(tmp_path: Path) -> None:
    assert "rename" in one_line(tmp_path / "what?" / "news.duckdb")


def test_what_stands_in_place_of_a_lock_is_named(duckdb_file: Path) -> None:
    gate = duckdb_file.with_name(f"{duckdb_file.name}.lock-gate")
    gate.mkdir(parents=True)
    assert str(gate) in one_line(duckdb_file)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    message = one_line(folder / "news.duckdb")
    assert str(folder) in message
    assert "DUCKDB_PATH" in message


def test_a_folder_in_place_of_the_file_is_named(duckdb_file: Path) -> None:
    duckdb_file.mkdir(parents=True)
    assert str(duckdb_file) in one_line(duckdb_file)


def test_a_missing_file_is_made_by_a_run_and_missed_by_a_reader(duckdb_file: Path) -> None:
    with pytest.raises(WarehouseError, match="newsapi run"), warehouse_at(duckdb_file).snapshot():
        pass
    assert not duckdb_file.exists()
    run_lock_and_upgrade(duckdb_file)
    assert count(warehouse_at(duckdb_file), raw.TABLE) == 0


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system of its own; skips the test where that isn't allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"mounting isn't allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=30)


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=1m,ro"):
        message = one_line(folder / "news.duckdb")
    assert str(folder) in message
    assert "DUCKDB_PATH" in message


def test_a_database_on_a_disk_that_turned_read_only_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=20m"):
        run_lock_and_upgrade(folder / "news.duckdb")
        remount = ["mount", "-o", "remount,ro", str(folder)]
        if subprocess.run(remount, capture_output=True, timeout=30).returncode:
            pytest.skip("remounting isn't allowed here")
        message = one_line(folder / "news.duckdb")
        assert count(warehouse_at(folder / "news.duckdb"), raw.TABLE) == 0
    assert str(folder) in message


def test_a_full_disk_is_named_and_the_next_run_completes(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=3m"), serving(long_articles()) as api:
        path = folder / "news.duckdb"
        run_lock_and_upgrade(path)
        ballast = folder / "ballast"
        room = os.statvfs(folder)
        ballast.write_bytes(b"x" * (room.f_bavail * room.f_frsize - 200_000))
        with pytest.raises(WarehouseError, match=r"disk is full|No space left") as failure:
            api.run(warehouse_at(path), lookback_days=1)
        assert "\n" not in str(failure.value)
        assert str(path) in str(failure.value)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=50m", str(folder)], check=True, timeout=30)
        assert count(warehouse_at(path), raw.TABLE) < 250
        api.run(warehouse_at(path), lookback_days=1)
        assert count(warehouse_at(path), final.TABLE) == 250
        assert broken_promises(warehouse_at(path)) == set()


def test_a_file_that_may_not_grow_is_named_and_the_next_run_completes(
    duckdb_databases: DuckDBDatabases,
) -> None:
    database = duckdb_databases.create()
    with serving(long_articles()) as api:
        with process(_run_within, api.sandbox.url, database, 1_500_000) as child:
            child.join(60)
            assert child.exitcode == 3
        api.run(database.open(), lookback_days=1)
    assert count(database.open(), final.TABLE) == 250
    assert broken_promises(database.open()) == set()


def _run_within(url: str, database: DuckDBDatabase, most_bytes: int) -> None:
    """Run in a process whose files may not grow beyond a size; 3 for one clear line."""
    from newsapi_dentsu.eventregistry.client import NewsApi
    from newsapi_dentsu.sandbox import SANDBOX_KEY
    from newsapi_dentsu.stages.collect import CollectOptions
    from support.api import run_pipeline
    from support.articles import TOPICS
    from support.clock import NOON

    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        client = NewsApi(url, SANDBOX_KEY)
        run_pipeline(client, database.open(), TOPICS, NOON, CollectOptions(lookback_days=1))
    except WarehouseError as error:
        clear = "\n" not in str(error) and str(database.path) in str(error)
        raise SystemExit(3 if clear else 4) from None


def test_many_rows_are_written_to_a_file_with_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    path = tmp_path / "news.duckdb"
    with Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=0)).transaction() as session:
        words = "SELECT string_agg(md5((i * 100 + j)::text), ' ') FROM range(60) AS words(j)"
        session.execute(
            f"CREATE TABLE texts AS SELECT i, ({words}) AS body FROM range(20000) AS rows(i)"
        )
    with Warehouse(DuckDBEngine(path, memory_limit="32MB", wait=0)).transaction() as session:
        # As many as a machine with more processors takes.
        session.execute("SET threads = 4")
        duckdb_session(session).write_file(
            "SELECT * FROM texts", file, "FORMAT parquet, ROW_GROUP_SIZE 2048"
        )
    assert len(duckdb.read_parquet(str(file))) == 20_000
