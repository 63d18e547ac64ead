"""A lock on a file that several processes hold together, and that one who wants it alone awaits."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

import filelock

_PAUSE = 0.05


class SharedFileLock:
    """The shared side of the lock whose other side is `filelock.FileLock` on the same file.

    Both are the kernel's `flock`, which a killed process lets go.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, wait: float) -> None:
        """Take the lock.

        Raises:
            filelock.Timeout: somebody had it alone for longer than `wait` seconds.
            OSError: the file can't be opened.
        """
        deadline = time.monotonic() + wait
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock_shared(descriptor, deadline, self._path)
                # Whoever had it alone may have taken the file away meanwhile.
                there = _is_there(descriptor, self._path)
            except BaseException:
                os.close(descriptor)
                raise
            if there:
                self._descriptor = descriptor
                return
            os.close(descriptor)

    def release(self) -> None:
        """Let the lock go; nothing where it isn't held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> "SharedFileLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _lock_shared(descriptor: int, deadline: float, path: Path) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise filelock.Timeout(str(path)) from None
            time.sleep(_PAUSE)
        else:
            return


def _is_there(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
