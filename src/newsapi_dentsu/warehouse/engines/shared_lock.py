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
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + wait
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise filelock.Timeout(str(self._path)) from None
                    time.sleep(_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

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
