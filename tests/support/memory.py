"""Folders of tests are in memory where there is room: they take many files and keep none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108
_ENOUGH = 4 << 30
"""Bytes; a container has 64 MB of it in general."""


@cache
def temporary_root() -> str:
    """The folder in which temporary ones are made."""
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return str(_MEMORY) if in_memory else tempfile.gettempdir()


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder for a while that the user of a PostgreSQL server may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(f"-newsapi-{name}", dir=temporary_root()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
