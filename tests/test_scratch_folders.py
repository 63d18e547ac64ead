"""Folders of passing use: one process has each to itself, and what a killed one left goes."""

import errno
import fcntl
import os
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from newsapi_dentsu.scratch import FolderInUseError, held_folder, scratch_folder
from support.processes import event, process


def _work(parent: Path, begun: Event) -> None:
    with scratch_folder(parent, "backup") as folder:
        (folder / "export_raw.parquet").write_bytes(b"much")
        begun.set()
        time.sleep(60)


def _hold(folder: Path, begun: Event) -> None:
    with held_folder(folder):
        (folder / "mine").write_bytes(b"much")
        begun.set()
        time.sleep(60)


def _only(parent: Path) -> Path:
    (found,) = parent.iterdir()
    return found


def test_it_is_there_for_the_block_alone(tmp_path: Path) -> None:
    parent = tmp_path / "not yet there"
    with scratch_folder(parent, "migration") as folder:
        assert (folder.parent, folder.name[:11]) == (parent, ".migration-")
        (folder / "file").write_bytes(b"")
    assert list(parent.iterdir()) == []


def test_that_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    begun = event()
    with process(_work, tmp_path, begun):
        assert begun.wait(30)
        there = _only(tmp_path)
        with scratch_folder(tmp_path, "archive"):
            assert (there / "export_raw.parquet").exists()
    assert _only(tmp_path) == there
    with scratch_folder(tmp_path, "archive") as folder:
        assert _only(tmp_path) == folder


def test_one_that_nothing_says_to_be_in_use_goes_when_it_is_old(tmp_path: Path) -> None:
    old, new, other = (tmp_path / f".backup-{name}" for name in ("abcdefg1", "abcdefg2", "of-mine"))
    for path in (old, new, other):
        path.mkdir()
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    for path in (old, other):
        os.utime(path, (two_days_ago, two_days_ago))
    with scratch_folder(tmp_path, "backup"):
        pass
    assert {*tmp_path.iterdir()} == {new, other}


def test_a_link_leads_to_nothing_that_is_deleted(tmp_path: Path) -> None:
    target, parent = tmp_path / "target", tmp_path / "parent"
    for path in (target, parent):
        path.mkdir()
    (target / "file").write_bytes(b"")
    (target / ".in-use").write_bytes(b"")
    link = parent / ".backup-abcdefgh"
    link.symlink_to(target)
    with scratch_folder(parent, "backup"):
        pass
    with pytest.raises(FileExistsError), held_folder(link):
        pass
    assert (target / "file").exists()


def test_one_of_a_name_is_one_processs_at_a_time_and_empty_at_its_beginning(tmp_path: Path) -> None:
    folder, begun = tmp_path / "folder", event()
    with process(_hold, folder, begun):
        assert begun.wait(30)
        with pytest.raises(FolderInUseError), held_folder(folder):
            pass
        assert (folder / "mine").exists()
    with held_folder(folder):
        assert not (folder / "mine").exists()
    assert not folder.exists()


def test_where_files_can_t_be_locked_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with held_folder(tmp_path / "folder") as folder:
        (folder / "mine").write_bytes(b"much")
    assert not folder.exists()
