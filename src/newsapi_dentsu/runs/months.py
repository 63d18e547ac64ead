"""Fetching one month of a backfill into raw, beside others that fetch other months.

Months share the run lock, a budget and the pace of asking. The stages after collecting take what
they have fetched in a run of its own: an article and a story don't depend on the order of arrival.
"""

import logging
import os
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from newsapi_dentsu.domain.months import Month
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import PipelineError, SourceError
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import open_source
from newsapi_dentsu.stages.collect import (
    CollectOptions,
    DayRange,
    collect,
    refuse_other_origin,
)
from newsapi_dentsu.stages.report import CollectReport, IncompleteError
from newsapi_dentsu.stages.sharing import SharedGate
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import backfills
from newsapi_dentsu.warehouse.tables.backfills import Backfill, Spent

logger = logging.getLogger(__name__)

SLICE_SECONDS = 60.0
"""After so long a month lets those runs in that are waiting."""

MOST_SECONDS = 3000.0
"""After so long a month begins no further day: it ends before whoever started it ends it."""

PATIENCE = 1200.0
"""Seconds for which a month waits for a place, and for runs that it lets in, unless runs wait for
longer: a run that takes on what other months have brought may last.
"""

DATABASE_PATIENCE = 300.0
"""Seconds for which a month waits for a DuckDB file that others hold, unless runs wait for longer.

The other months open it in turns of chance, hundreds of times a minute: on a busy machine a month
may miss its turn for longer than a run waits.
"""


@dataclass(frozen=True, slots=True)
class MonthReport:
    """What became of a month: what was read, what it cost, and what is missing.

    `spent` is what the month has cost in all attempts of this backfill. `error` says why it isn't
    whole; None where it is.
    """

    month: str
    days: int = 0
    fetched: int = 0
    new: int = 0
    changed: int = 0
    known: int = 0
    unusable: int = 0
    requests: int = 0
    retries: int = 0
    tokens: int = 0
    spent: Spent = field(default_factory=Spent)
    missing_days: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    transient: bool = False


def fetch_month(
    settings: Settings,
    topics: Topics,
    month: Month,
    backfill: Backfill,
    *,
    reread: bool = False,
    progress: Progress = no_progress,
) -> MonthReport:
    """Read a month's days that are not settled into raw.

    It may be killed anywhere: the next one goes on at the page that was under way.

    Args:
        settings: the settings.
        topics: what to search for.
        month: the days.
        backfill: what it belongs to, which is kept in the warehouse.
        reread: whether days that were settled before the backfill began are read again.
        progress: told how many days are done.

    Returns:
        What became of it; whatever went wrong is told there.
    """
    with closing(open_warehouse(_patient(settings))) as warehouse:
        fetching = _Fetching(settings, topics, month, backfill, warehouse, reread, progress)
        try:
            return fetching.run()
        except PipelineError as error:
            return fetching.report(error)


def _patient(settings: Settings) -> Settings:
    if settings.use_postgres:
        return settings
    wait = max(DATABASE_PATIENCE, settings.database_wait_seconds)
    return settings.model_copy(update={"database_wait_seconds": wait})


class _Fetching:
    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        month: Month,
        backfill: Backfill,
        warehouse: Warehouse,
        reread: bool,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._month = month
        self._backfill = backfill
        self._warehouse = warehouse
        self._reread = reread
        self._progress = progress
        self._figures = Counter[str]()
        self._missing: dict[str, str] = {}
        self._spent = Spent()

    def report(self, error: PipelineError | None) -> MonthReport:
        """What became of the month so far, and why it isn't whole."""
        return MonthReport(
            self._month.name,
            **self._figures,
            spent=self._spent,
            missing_days=dict(self._missing),
            error=None if error is None else str(error),
            transient=error is not None and error.transient,
        )

    def run(self) -> MonthReport:
        settings, month, warehouse = self._settings, self._month, self._warehouse
        deadline = time.monotonic() + MOST_SECONDS
        wait = max(PATIENCE, settings.run_wait_seconds)
        holder = f"backfill of {month.name}, process {os.getpid()}"
        with (
            warehouse.fetch_lock(holder, month.number, settings.backfill_jobs, wait) as give_way,
            warehouse.kept_open(),
        ):
            gate = SharedGate(
                warehouse,
                self._backfill.backfill_id,
                month.name,
                per_minute=settings.backfill_requests_per_minute,
            )
            try:
                self._refuse_other_origin()
                while True:
                    left = deadline - time.monotonic()
                    tried = set(self._missing)
                    report, error = self._slice(gate, min(SLICE_SECONDS, max(0.0, left)))
                    if not report.capped:
                        break
                    # Days that failed come last in the next slice: the others aren't held up.
                    if left <= 0 or not (report.days or set(self._missing) - tried):
                        error = error or PipelineError(
                            "its time was over before all days were read: run it again to go on"
                        )
                        break
                    warehouse.release()
                    give_way()
            finally:
                self._spent = gate.spent
                gate.keep()
        return self.report(error)

    def _refuse_other_origin(self) -> None:
        """Find out by a question that costs nothing: else each month would pay to learn it."""
        with open_source(self._settings) as source:
            try:
                source.usage()
            except SourceError:
                # The first search says what is wrong, or is answered.
                return
            place = self._warehouse.location
            self._warehouse.read(lambda session: refuse_other_origin(session, source.origin, place))
        self._warehouse.release()

    def _slice(
        self, gate: SharedGate, seconds: float
    ) -> tuple[CollectReport, PipelineError | None]:
        """Read days for a while."""
        options = CollectOptions(
            overlap=timedelta(hours=self._settings.overlap_hours),
            backfill=DayRange(self._month.first, self._month.last),
            reread=self._reread,
            reread_since=self._backfill.started_at,
            seconds=seconds,
        )
        error: PipelineError | None = None
        with open_source(self._settings, gate) as source:
            try:
                report = collect(
                    source,
                    self._warehouse,
                    self._topics,
                    now=datetime.now(UTC),
                    options=options,
                    progress=self._progress,
                )
            except IncompleteError as incomplete:
                report, error = incomplete.report, incomplete
        for name in (
            *("days", "fetched", "new", "changed", "known", "unusable"),
            *("requests", "retries", "tokens"),
        ):
            self._figures[name] += getattr(report, name)
        self._missing = dict(report.missing_days)
        gate.note_left(report.tokens_left)
        return report, error


def begin_backfill(
    settings: Settings, warehouse: Warehouse, topics: Topics, backfill_id: str, asked_for: str
) -> Backfill:
    """Keep what a backfill may spend, unless it is kept already; the tables are up to date."""
    wanted = _wanted(settings, topics, backfill_id, asked_for)
    return warehouse.write(lambda session: backfills.begin(session, wanted))


def take_up_backfill(
    settings: Settings,
    warehouse: Warehouse,
    topics: Topics,
    asked_for: str,
    *,
    tokens: int | None = None,
) -> tuple[Backfill, bool]:
    """The backfill of the same days that has not ended, or a new one; and whether it was there.

    What it has spent counts. It may spend the `tokens` that the command names; where it names none,
    the lower of what it might before and of what the settings say: whoever leaves the limit out
    doesn't lift it, as the backfill's first command may still be at work.
    """
    new = _wanted(settings, topics, uuid.uuid4().hex, asked_for)

    def take_up(session: Session) -> tuple[Backfill, bool]:
        found = backfills.unfinished(session, topics.query_id, asked_for)
        if found is None:
            return backfills.begin(session, new), False
        limits = (
            tokens or _lower(found.tokens_allowed, settings.backfill_tokens),
            _lower(found.requests_allowed, settings.max_requests_per_run),
        )
        backfills.allow(session, found.backfill_id, *limits)
        return replace(found, tokens_allowed=limits[0], requests_allowed=limits[1]), True

    return warehouse.write(take_up)


@contextmanager
def at_work(
    warehouse: Warehouse, topics: Topics, asked_for: str
) -> Iterator[Callable[[Backfill, bool], Spent]]:
    """Work on a backfill, maybe beside other commands that were asked for the same.

    What is given, when called with the backfill and whether all its days were read, gives what it
    has spent. It notes that the backfill has ended, unless days are left on which others work.
    """
    work = zlib.crc32(f"{topics.query_id} {asked_for}".encode()) - (1 << 31)
    with warehouse.together(work) as ends_last:

        def end(backfill: Backfill, whole: bool) -> Spent:
            ended = ends_last() or whole

            def note(session: Session) -> Spent:
                if ended:
                    backfills.end(session, backfill.backfill_id, datetime.now(UTC))
                return backfills.spent(session, backfill.backfill_id)

            return warehouse.write(note)

        yield end


def _wanted(settings: Settings, topics: Topics, backfill_id: str, asked_for: str) -> Backfill:
    return Backfill(
        backfill_id,
        topics.query_id,
        asked_for,
        settings.backfill_tokens,
        settings.max_requests_per_run,
        datetime.now(UTC),
    )


def _lower(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
