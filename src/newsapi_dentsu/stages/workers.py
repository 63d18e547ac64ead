"""Other processes that compute, where there is much to compute."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import current_process, get_context, parent_process
from typing import TypeVar

from newsapi_dentsu.errors import PipelineError

_MOST = 4
_AHEAD = 3
"""Items given out for each process: one at work, and some so that it never waits."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Applies functions to items, in this process or in others."""

    def __init__(self, pool: ProcessPoolExecutor | None, count: int) -> None:
        self._pool = pool
        self._ahead = _AHEAD * count

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to items; the results come in the items' order.

        Other processes begin at once: with all items of a sequence, with the first few of others,
        of which further ones are taken as results are taken from here.

        Raises:
            PipelineError: a process was killed.
            whatever the function raises.
        """
        if self._pool is None:
            return map(function, items)
        pool, rest = self._pool, iter(items)
        ahead = len(items) if isinstance(items, Sequence) else self._ahead
        begun = deque(pool.submit(function, item) for item in islice(rest, ahead))
        return self._results(pool, function, rest, begun)

    def _results(
        self,
        pool: ProcessPoolExecutor,
        function: Callable[[Item], Result],
        rest: Iterator[Item],
        begun: deque[Future[Result]],
    ) -> Iterator[Result]:
        try:
            while begun:
                result = begun.popleft().result()
                begun.extend(pool.submit(function, item) for item in islice(rest, 1))
                yield result
        except BrokenProcessPool as error:
            raise PipelineError(
                "a process that this one had started was killed, most likely because memory ran "
                "out; what was stored stays: run again to go on there"
            ) from error


@contextmanager
def workers(*, wanted: bool) -> Iterator[Workers]:
    """Workers for a while: a process for each processor if they are wanted, else this one."""
    count = min(_MOST, _processors()) if wanted else 1
    # What another process was started for may start none of its own.
    if count == 1 or current_process().daemon:
        yield Workers(None, 1)
        return
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_stay_with_it)
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(cancel_futures=True)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _stay_with_it() -> None:
    """Leave interrupts to the process that started this one, and end when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
