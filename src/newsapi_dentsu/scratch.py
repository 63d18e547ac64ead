"""Folders for files of passing use, which one process has to itself; what a killed one left goes.

A lock on a file in the folder says that it is in use; a killed process lets it go.
"""

import errno
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, get_args

import filelock

Kind = Literal["archive", "backup", "migration"]

_IN_USE: Final = ".in-use"
_OURS: Final = re.compile(rf"\.(?:{'|'.join(get_args(Kind))})-[a-z0-9_]{{8}}")
_NO_LOCKS: Final = frozenset((errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP))
"""What systems say whose files can't be locked, as those of some mounted containers."""

_LEFT_SECONDS: Final = 24 * 60 * 60
"""Age from which a folder that nothing says to be in use is taken for one that was left."""


class FolderInUseError(Exception):
    """Another process has the folder."""


@contextmanager
def scratch_folder(parent: Path, kind: Kind) -> Iterator[Path]:
    """Make a folder for the time of the block; those that killed processes left are deleted.

    Args:
        parent: where, on a disk with room for the files; made where it is missing.
        kind: what it is for, which is in its name.

    Raises:
        OSError: the parent can't be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        for path in list(parent.iterdir()):
            if _OURS.fullmatch(path.name):
                _delete_left(path)
    with ExitStack() as stack:
        while True:
            made = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=parent))
            # Before it is locked, another process may take it for one that was left.
            with suppress(FolderInUseError):
                folder = stack.enter_context(held_folder(made))
                break
        yield folder


@contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """Make a folder, or empty it, and have it alone for the block; it is deleted then.

    Raises:
        FolderInUseError: another process has it.
        OSError: it can't be written.
    """
    if folder.is_symlink():
        raise FileExistsError(None, "it is a link", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _IN_USE):
        _empty(folder)
        try:
            yield folder
        finally:
            # The lock's file goes last: what is left here when the process is killed says whose it
            # was, and nobody else begins in it before.
            with suppress(OSError):
                _empty(folder)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a lock on a file for the block; where files can't be locked, nobody is kept out.

    Raises:
        FolderInUseError: another process has it.
        OSError: the file can't be opened.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise FolderInUseError from None
    except NotImplementedError:
        pass
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()


def _empty(folder: Path) -> None:
    """Delete all in a folder but the file that says whose it is."""
    for path in list(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _IN_USE:
            path.unlink()


def _delete_left(folder: Path) -> None:
    """Delete a folder unless it is in use, or can't be told to be left."""
    lock = folder / _IN_USE
    # Where files can't be locked, nothing is known of a folder.
    with suppress(OSError, NotImplementedError):
        if folder.is_symlink():
            return
        if lock.is_file():
            with filelock.FileLock(lock).acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        elif time.time() - folder.stat().st_mtime > _LEFT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
