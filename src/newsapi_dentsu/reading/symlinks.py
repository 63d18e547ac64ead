"""The links by which readers come to the newest state of what consists of many files.

Not every file system has links, and what copies a folder may follow them, lose them or write them
as texts. So whatever stands in a link's place is gone on with, and where no link can be made, the
state itself takes its place.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_KEPT_SECONDS: Final = 3600.0
"""How long a former state is kept for those who have begun to read it."""


def new_state(link: Path, number: int) -> Path:
    """Make the folder of a state, to which a link is to lead."""
    state = link.with_name(f".{link.name}-{number}-{time.time_ns()}")
    state.mkdir()
    return state


def sweep(link: Path, is_cut_off: Callable[[Path], bool] = lambda _: False) -> None:
    """Delete former states that nobody needs any more, and those that were cut off."""
    current = link.resolve()
    for path in link.parent.glob(f".{link.name}-[0-9]*"):
        old = time.time() - path.lstat().st_mtime > _KEPT_SECONDS
        if path.resolve() != current and (old or is_cut_off(path)):
            # One that another user made may have to stay.
            with suppress(PermissionError):
                clear(path)


def lead(link: Path, state: Path) -> None:
    """Make a link lead to a state, which lies beside it, in one step for who comes by it.

    Where links can't be made, the state takes the link's place. What is found there as a folder
    gets a name of former states, by which it is swept away.
    """
    turning = link.with_name(f"{link.name}.part")
    clear(turning)
    try:
        turning.symlink_to(state.name)
    except OSError:
        _put_aside(link)
        link.unlink(missing_ok=True)
        state.rename(link)
        return
    _put_aside(link)
    turning.replace(link)


def state_led_to(link: Path) -> str | None:
    """What names the state that a link leads to, or that stands in its place; None without any."""
    try:
        return os.path.basename(os.readlink(link))  # noqa: PTH115, PTH119 - half of pathlib's time
    except FileNotFoundError:
        return None
    except OSError:
        try:
            found = link.stat()
        except OSError:
            return None
        return f"{link.name}-{found.st_ino}-{found.st_mtime_ns}"


def share(file: Path, other: Path) -> None:
    """Have a file under another name too: the same one where the file system can, else a copy."""
    try:
        os.link(file, other)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(file, other)


def clear(path: Path) -> None:
    """Remove what has a name, be it a file, a link or a folder; nothing where there is nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _put_aside(link: Path) -> None:
    if link.is_dir() and not link.is_symlink():
        link.rename(link.with_name(f".{link.name}-{time.time_ns()}"))
