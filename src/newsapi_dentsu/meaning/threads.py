"""Reading several texts at once: what executes a network lets other threads compute meanwhile."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import parent_process
from typing import TypeVar

_MOST = 4

Text = TypeVar("Text")
Result = TypeVar("Result")


def in_threads(function: Callable[[Text], Result], texts: Sequence[Text]) -> list[Result]:
    """Apply a function to each text, in a thread for each processor; the results in their order.

    A process that was started to share the work has a single one: the others have the rest.

    Raises:
        whatever the function raises; texts that have not begun then are left.
    """
    threads = 1 if parent_process() else min(_MOST, _processors(), len(texts))
    if threads <= 1:
        return [function(text) for text in texts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, texts))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
