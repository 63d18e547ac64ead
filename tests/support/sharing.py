"""What is dear to make, made once for all processes that run the tests."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from filelock import FileLock

_NAME = "TESTS_SHARED_FOLDER"


@cache
def of_this_run() -> Path:
    """A folder that the process which starts the others makes, and removes in the end."""
    if name := os.environ.get(_NAME):
        return Path(name)
    folder = Path(tempfile.mkdtemp("-newsapi-shared"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_NAME] = str(folder)
    return folder


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name: whoever asks first fills it, the others wait for that."""
    folder = of_this_run() / name
    whole = folder.with_name(f"{name}.whole")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder
