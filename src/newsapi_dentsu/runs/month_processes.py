"""The months of a backfill in processes of their own, a few at a time."""

import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from newsapi_dentsu import logs
from newsapi_dentsu.domain.months import Month
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.runs.months import MonthReport, fetch_month
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.workers import stay_with_parent
from newsapi_dentsu.warehouse.tables.backfills import Backfill

_ENDING_SECONDS = 10.0
"""How long a process may take to end when it is told to."""

_KILLED = "its process was killed, most likely because memory ran out: run it again to go on there"


def fetch_months(
    settings: Settings,
    topics: Topics,
    months: Sequence[Month],
    backfill: Backfill,
    *,
    reread: bool,
    told: Callable[[MonthReport], None],
    progress: Progress,
) -> list[MonthReport]:
    """Fetch months, `BACKFILL_JOBS` at once; one that fails or is killed stops no other.

    Args:
        settings: the settings.
        topics: what to search for.
        months: the months.
        backfill: what they belong to.
        reread: whether days that were settled before the backfill began are read again.
        told: told of each month when it ends.
        progress: told how many days of all are done.

    Returns:
        What became of each, in the order of the months.
    """
    waiting, working = deque(months), dict[Connection, _Working]()
    done: dict[str, MonthReport] = {}
    days = _Days(sum((month.last - month.first).days + 1 for month in months), progress)
    arguments = (settings, topics, backfill, reread)
    try:
        while waiting or working:
            while waiting and len(working) < settings.backfill_jobs:
                one = _start(waiting.popleft(), arguments)
                working[one.line] = one
            ready = wait(list(working))
            for one in [one for line, one in working.items() if line in ready]:
                said = _said(one)
                if isinstance(said, int):
                    days.reached(one.month, said)
                    continue
                del working[one.line]
                one.end()
                days.reached(one.month, (one.month.last - one.month.first).days + 1)
                done[one.month.name] = said
                told(said)
    finally:
        for one in working.values():
            one.process.terminate()
        for one in working.values():
            one.end()
    return [done[month.name] for month in months]


@dataclass(frozen=True, slots=True)
class _Working:
    """A month, the process that fetches it, and the line on which that says how it goes."""

    month: Month
    process: BaseProcess
    line: Connection

    def end(self) -> None:
        """Wait for the process's end, but not for ever."""
        self.process.join(_ENDING_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.line.close()


class _Days:
    """How many days of all months are done."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._reached: dict[str, int] = {}
        progress(0, total)

    def reached(self, month: Month, days: int) -> None:
        """Tell that so many days of a month are done."""
        self._reached[month.name] = max(days, self._reached.get(month.name, 0))
        self._progress(sum(self._reached.values()), self._total)


def _start(month: Month, arguments: tuple[Any, ...]) -> _Working:
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(theirs, month, *arguments), name=month.name, daemon=True
    )
    process.start()
    theirs.close()
    return _Working(month, process, ours)


def _said(one: _Working) -> MonthReport | int:
    """What a process says: how many days are done, or what became of the month."""
    try:
        said: MonthReport | int = one.line.recv()
    except (EOFError, OSError):
        return MonthReport(one.month.name, error=_KILLED, transient=True)
    return said


def _work(
    line: Connection,
    month: Month,
    settings: Settings,
    topics: Topics,
    backfill: Backfill,
    reread: bool,
) -> None:
    """Fetch a month in this process, which was made for it."""
    stay_with_parent()
    signal.signal(signal.SIGTERM, _leave)
    logs.configure_command()

    def progress(done: int, _total: int) -> None:
        line.send(done)

    try:
        report = fetch_month(settings, topics, month, backfill, reread=reread, progress=progress)
    except Exception as error:
        # A mistake in the code: the other months go on.
        report = MonthReport(month.name, error=f"{type(error).__name__}: {error}")
    line.send(report)


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(os.EX_TEMPFAIL)
