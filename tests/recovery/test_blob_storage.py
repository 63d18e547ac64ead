"""Blob Storage as production reaches it: Azure's own library, HTTPS, a managed identity's token."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

import pytest
from deltalake import DeltaTable
from tools import azurite
from tools.azurite import Azurite

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import RAW, TABLES
from newsapi_dentsu.lake.listing import read_lake
from newsapi_dentsu.lake.maintenance import maintain
from newsapi_dentsu.recovery import backups
from newsapi_dentsu.storage import ObjectStore, open_store
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.processes import process

from .conftest import archive, back_up, silent

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_numbers = count(1)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A running Azurite; skipped where it can't be installed."""
    try:
        azurite.install()
    except azurite.MissingError as missing:
        pytest.skip(str(missing))
    with azurite.running(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def address(blobs: Azurite, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty container, in an environment with an identity that may use it."""
    for name, value in blobs.environment.items():
        monkeypatch.setenv(name, value)
    return blobs.container(f"container-{next(_numbers)}")


@pytest.fixture
def container(address: str) -> ObjectStore:
    """An empty container."""
    return open_store(address)


def upload(address: str, source: Path) -> None:
    """Upload a file, in a process of its own."""
    open_store(address).upload(source, "folder/large.bin")


def _read_by(reader: BaseProcess, pipe: Path) -> IO[bytes]:
    """The other end of a pipe, once a process reads from it; one that dies never would."""
    while reader.is_alive():
        with suppress(OSError):
            end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(end, True)
            return os.fdopen(end, "wb", buffering=0)
        time.sleep(0.05)
    raise AssertionError(f"the process ended with {reader.exitcode} before it read")


def test_files_come_back_as_they_went(container: ObjectStore, tmp_path: Path) -> None:
    # Larger than what goes in one request.
    content = os.urandom(9_000_000)
    (tmp_path / "there").write_bytes(content)
    for name in ("a/1.bin", "a/2.bin", "b/1.bin"):
        container.upload(tmp_path / "there", name)
    container.download("a/2.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert container.names("a/") == ["a/1.bin", "a/2.bin"]
    (tmp_path / "there").write_bytes(b"new")
    container.upload(tmp_path / "there", "a/1.bin")
    assert container.read("a/1.bin") == b"new"
    for _ in range(2):
        container.delete("a/1.bin")
    assert container.names() == ["a/2.bin", "b/1.bin"]
    assert container.read("a/1.bin") is None


def test_an_upload_that_is_killed_leaves_no_file(
    container: ObjectStore, address: str, tmp_path: Path
) -> None:
    # A pipe, which gives so much and then nothing more: the upload waits, half done.
    source = tmp_path / "pipe"
    os.mkfifo(source)
    with process(upload, address, source) as child, _read_by(child, source) as pipe:
        pipe.write(os.urandom(20_000_000))
        child.kill()
        child.join()
    assert container.names() == []


def test_what_is_missing_or_refused_is_named(
    container: ObjectStore, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"nothing\.bin is missing in https://"):
        container.download("nothing.bin", tmp_path / "nothing")
    with pytest.raises(StorageError, match="create the container"):
        open_store(f"{address}-not").names()
    monkeypatch.setenv("IDENTITY_HEADER", "of somebody else")
    with pytest.raises(StorageError, match="nobody is logged in to Azure"):
        open_store(address).names()


def test_backups_and_the_lake_are_kept_there(
    warehouse: Warehouse, container: ObjectStore, scratch_folder: Path
) -> None:
    made = back_up(warehouse, container, scratch_folder, NOON, keep=1)
    assert backups.backups(container) == [made.backup]
    later = back_up(warehouse, container, scratch_folder, NOON.replace(hour=13), keep=1)
    assert later.deleted == (made.backup.name,)
    with serving(many(6, at=NOON - timedelta(hours=2))) as api:
        api.run(warehouse, lookback_days=1)
    assert [archive(warehouse, container, scratch_folder, NOON).added for _ in range(2)] == [6, 0]
    december = NOON + timedelta(days=20)
    for number in range(2):
        # A log is asked for its end from the third entry on.
        with serving(
            many(3, at=december - timedelta(hours=2), prefix=f"later-{number}-"),
            clock=Clock(december),
        ) as api:
            api.run(warehouse, lookback_days=1)
        assert archive(warehouse, container, scratch_folder, december).added == 3
    lake = read_lake(container)
    assert lake is not None
    done = maintain(container, lake, december, scratch_folder, silent)
    assert {one.table: len(one.unused) for one in done} == {table.name: 0 for table in TABLES}
    assert next(one.months for one in done if one.table == RAW.name) == {"2026-12": 2}
    found = live_files(container, RAW)
    assert (found.rows, len(found.uris)) == (12, 2)
    assert archive(warehouse, container, scratch_folder, december).added == 0
    address = found.uris[0].partition("/month=")[0]
    # Other programs that compact at the same time.
    with serving(
        many(3, at=december - timedelta(hours=1), prefix="last-"), clock=Clock(december)
    ) as api:
        api.run(warehouse, lookback_days=1)
    assert archive(warehouse, container, scratch_folder, december).added == 3
    for seen in [DeltaTable(address, storage_options=dict(found.options)) for _ in range(2)]:
        seen.optimize.compact()
    assert live_files(container, RAW).rows == 15 + 9
    assert archive(warehouse, container, scratch_folder, december).doubled == 9
    found = live_files(container, RAW)
    assert DeltaTable(address, storage_options=dict(found.options)).count() == 15
    import polars

    loaded = polars.scan_delta(address, storage_options=dict(found.options))
    assert loaded.select("seq").collect().to_series().sort().to_list() == list(range(1, 16))


@pytest.mark.usefixtures("blobs")
def test_the_drill_finds_everything_again() -> None:
    command = [sys.executable, "-m", "benchmarks.recovery_drill", "--articles", "250"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=1000, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lake alone: articles lost after the next run" in done.stdout
    assert "MISSED" not in done.stdout
