"""Reading several texts at once: what executes a network lets other threads compute meanwhile."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final, TypeVar

_MOST: Final = 4
_SHARED: Final = Event()
"""Set in a process to which others leave one processor."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """How many processors this process may use, four at most."""
    if hasattr(os, "sched_getaffinity"):
        return min(_MOST, len(os.sched_getaffinity(0)))
    return min(_MOST, os.cpu_count() or 1)


def use_one_thread() -> None:
    """Read one text at a time from now on, because other processes share the work."""
    _SHARED.set()


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to each item, in a thread for each processor; the results in their order.

    Raises:
        whatever the function raises; items that have not begun then are left.
    """
    threads = 1 if _SHARED.is_set() else min(processors(), len(items))
    if threads <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
