"""The links by which readers come to the newest state of what consists of many files."""

import shutil
import time
from pathlib import Path


def lead(link: Path, state: Path) -> None:
    """Make a link lead to a state, which lies beside it, in one step for who comes by it.

    A copy of the folder that follows links has the state itself in the link's place. It gets a name
    of former states, by which it is swept away.
    """
    turning = link.with_name(f"{link.name}.part")
    if turning.is_dir() and not turning.is_symlink():
        shutil.rmtree(turning)
    turning.unlink(missing_ok=True)
    turning.symlink_to(state.name)
    if link.is_dir() and not link.is_symlink():
        link.rename(link.with_name(f".{link.name}-{time.time_ns()}"))
    turning.replace(link)
