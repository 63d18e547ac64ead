"""Other processes that compute, where there is much to compute."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import current_process, get_context, parent_process
from typing import Generic, TypeVar

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.meaning.threads import processors, use_one_thread

_AHEAD = 3
"""Portions given out for each process: one at work, and some so that it never waits."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Applies functions to portions of items, in this process or in others.

    `count` says in how many at once.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def map(
        self,
        function: Callable[[Sequence[Item]], Sequence[Result]],
        portions: Iterable[Sequence[Item]],
        instead: Callable[[Item], Result],
    ) -> Iterator[Sequence[Result]]:
        """Apply a function to portions; the results come in their order.

        Other processes begin at once: with all portions of a sequence, with the first few of
        others, of which further ones are taken as results are taken from here. A process that is
        killed, as for the memory that it takes, doesn't stop the others: the items of its portion
        are tried each in a process of its own.

        Args:
            function: gives a result for each item of a portion.
            portions: the items.
            instead: gives the result of an item whose own process was killed as well.

        Raises:
            PipelineError: even a process without any item is killed.
            whatever the function raises.
        """
        if self.count == 1:
            return map(function, portions)
        rest = iter(portions)
        ahead = len(portions) if isinstance(portions, Sequence) else _AHEAD * self.count
        begun = deque(self._begin(function, portion) for portion in islice(rest, ahead))
        return self._results(function, rest, begun, instead)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin(
        self, function: Callable[[Sequence[Item]], Sequence[Result]], portion: Sequence[Item]
    ) -> "_Begun[Item, Result]":
        while True:
            pool = self._pool = self._pool or _pool(self.count)
            try:
                return _Begun(portion, pool.submit(function, portion), pool)
            except BrokenProcessPool:
                self._renew(pool)

    def _renew(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:
            self._pool = None
            broken.shutdown(wait=False, cancel_futures=True)

    def _results(
        self,
        function: Callable[[Sequence[Item]], Sequence[Result]],
        rest: Iterator[Sequence[Item]],
        begun: "deque[_Begun[Item, Result]]",
        instead: Callable[[Item], Result],
    ) -> Iterator[Sequence[Result]]:
        while begun:
            head = begun.popleft()
            try:
                result = head.future.result()
            except BrokenProcessPool:
                self._renew(head.pool)
                found = _alone(function, head.portion)
                result = (
                    [_by_itself(function, item, instead) for item in head.portion]
                    if found is None
                    else found
                )
            begun.extend(self._begin(function, portion) for portion in islice(rest, 1))
            yield result


@dataclass(frozen=True, slots=True)
class _Begun(Generic[Item, Result]):
    """A portion that a process of this pool was given."""

    portion: Sequence[Item]
    future: Future[Sequence[Result]]
    pool: ProcessPoolExecutor


def _pool(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin_to_help)


def _alone(
    function: Callable[[Sequence[Item]], Sequence[Result]], portion: Sequence[Item]
) -> Sequence[Result] | None:
    """Apply a function to a portion in a process of its own; None where that is killed."""
    try:
        with _pool(1) as pool:
            return pool.submit(function, portion).result()
    except BrokenProcessPool:
        return None


def _by_itself(
    function: Callable[[Sequence[Item]], Sequence[Result]],
    item: Item,
    instead: Callable[[Item], Result],
) -> Result:
    found = _alone(function, [item])
    if found is not None:
        return found[0]
    if _alone(function, []) is None:
        raise PipelineError(
            "processes that this one starts are killed, most likely because memory ran out; "
            "what was stored stays: run again to go on there"
        )
    return instead(item)


@contextmanager
def workers(*, wanted: bool) -> Iterator[Workers]:
    """Workers for a while: a process for each processor if they are wanted, else this one."""
    # What another process was started for may start none of its own.
    inside = current_process().daemon
    started = Workers(processors() if wanted and not inside else 1)
    try:
        yield started
    finally:
        started.close()


def _begin_to_help() -> None:
    use_one_thread()
    stay_with_parent()


def stay_with_parent() -> None:
    """Leave interrupts to the process that started this one, and end when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
