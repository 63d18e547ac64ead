"""Time that is bounded from outside: when an attempt ends, and leaving work that lasts longer."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of an attempt, on the clock that nobody sets."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return max(0.0, self.at - time.monotonic())


def within(
    seconds: float, work: Callable[[], _Result], *, abandon: Callable[[], object] | None = None
) -> _Result:
    """Do something in a thread of its own, and wait for that no longer than `seconds`.

    It is for work whose own limits don't cover everything that it waits for: name resolution
    knows no limit, and a limit for each read doesn't bound a sum of reads.

    Args:
        seconds: the longest wait.
        work: what to do. Where it lasts longer it goes on unheard; its thread holds up no exit.
        abandon: called when the wait ends before the work, to make the work end soon.

    Raises:
        TimeoutError: the work didn't end in time.
        Exception: whatever the work raises.
    """
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        return outcome.result(seconds)
    finally:
        if abandon is not None and not outcome.done():
            abandon()
