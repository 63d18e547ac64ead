"""Folders for files of passing use, which one process has to itself; what a killed one left goes.

A lock on a file in the folder says that it is in use: the kernel's `flock`, which a killed process
lets go.
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, get_args

Kind = Literal["archive", "backup", "migration"]

_IN_USE: Final = ".in-use"
_OURS: Final = re.compile(rf"\.(?:{'|'.join(get_args(Kind))})-[a-z0-9_]{{8}}")
NO_LOCKS: Final = frozenset((errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP))
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
    descriptor = _locked(folder)
    try:
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _IN_USE:
                path.unlink()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked(folder: Path) -> int:
    lock = folder / _IN_USE
    while True:
        if folder.is_symlink():
            raise FileExistsError(None, "it is a link", str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            # Whoever had it has just deleted it.
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), lock.lstat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise FolderInUseError from None
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in NO_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _delete_left(folder: Path) -> None:
    """Delete a folder unless it is in use, or can't be told to be left."""
    with suppress(OSError):
        try:
            descriptor = os.open(folder / _IN_USE, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            if time.time() - folder.lstat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
