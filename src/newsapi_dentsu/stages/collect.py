"""Collecting: read what the index lists, day by day, and store every record once.

The API's finest cursor is a day, and articles enter it late. So each run looks again at every day
that may still have changed, and reads a day twice over when the time for late articles is past
(`domain.listing` has the rules). Days are read from the oldest to the newest; those that failed
before come last. A day that can't be read is set aside with the reason and holds up no other; the
watermark stays before it. The watermark follows the days that are whole, in the transaction of
the page that made them so.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from newsapi_dentsu.domain.listing import (
    AT_REST,
    DAY,
    DISAGREEMENT_GRACE,
    DayListing,
    Reading,
    begin_reading,
    can_settle,
    counts_agree,
    disagreement,
    found_whole,
    is_settled,
    is_whole,
    next_page,
    next_pass,
    page_count,
    retry_pause,
    settled,
    with_page,
)
from newsapi_dentsu.domain.record import Record, day_start, read_record
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import (
    AccessRefusedError,
    AnswerTooLargeError,
    SourceError,
    SourceUnavailableError,
    WarehouseError,
)
from newsapi_dentsu.eventregistry.source import Page, Source
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages.report import CollectReport, IncompleteError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw

logger = logging.getLogger(__name__)

MAX_PASSES = 5
"""Passes over one day's pages, in one run, while its listing keeps changing."""

MAX_ANSWERS = 3
"""Answers to one question, in one run, while they contradict themselves."""

MAX_REFUSALS = 3
"""Days whose search the API refuses, without one that it takes, before the run is given up."""

SMALLEST_STEPS = (50, 25, 5, 1)
"""Articles on the pages that are asked for in place of one that is too large."""

INDEX_BEGINS = 2014
"""The year before which the index has no articles: a clock that says so is wrong."""

ARCHIVE_DAYS = 31
"""Days that a search reads for one token; older ones cost `ARCHIVE_TOKENS` a year touched."""

ARCHIVE_TOKENS = 5


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """How far back and how much to read; `backfill` reads these days and no others.

    A backfill that is to `reread` reads days again that are settled, but for those that it has
    settled itself since `reread_since`. After `seconds` no further day is begun.
    """

    lookback_days: int = 30
    overlap: timedelta = timedelta(hours=48)
    max_requests: int | None = None
    backfill: DayRange | None = None
    reread: bool = False
    reread_since: datetime | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class BackfillEstimate:
    """What a backfill will cost; `guessed` where no day is known to go by."""

    days: int
    tokens: int
    guessed: bool


class _CappedError(Exception):
    """The run has made as many searches, or taken as long, as it may."""


class _StoppedError(Exception):
    """No further day can be read in this run; `cause` says why."""

    def __init__(self, cause: SourceError) -> None:
        super().__init__(str(cause))
        self.cause = cause


_NOT_REACHED = "the run ended before it was reached"


def collect(
    source: Source,
    warehouse: Warehouse,
    topics: Topics,
    *,
    now: datetime,
    options: CollectOptions | None = None,
    progress: Progress = no_progress,
) -> CollectReport:
    """Read everything that the source lists and raw doesn't hold.

    Pages are stored as they come, each in a transaction of its own, so that whatever ends a run
    loses at most the page under way.

    Raises:
        IncompleteError: some days could not be read; it carries the report. All others are
            stored, and the watermark stands before the first that is missing.
        WarehouseError: the database failed, or holds articles of the other origin.
    """
    return _Collection(source, warehouse, topics, now, options or CollectOptions()).run(progress)


def days_to_read(
    session: Session, query: raw.Query, now: datetime, options: CollectOptions
) -> list[date]:
    """The days that are not settled and that a run has to read, oldest first."""
    today = now.astimezone(UTC).date()
    if options.backfill:
        first, last = options.backfill.first, min(options.backfill.last, today)
        unsettled: list[date] = []
    else:
        read_through = min(query.complete_through or day_start(query.start_day), now)
        first = max(query.start_day, (read_through - options.overlap).date())
        last = today
        unsettled = raw.unsettled_days(session, query, last, now, options.overlap)
    settled_at = raw.days_settled_at(session, query.query_id, first, last)
    return [
        day
        for day in sorted({*unsettled, *_days(first, last)})
        if _reread(settled_at.get(day), options)
        or not is_settled(day, settled_at.get(day), now, options.overlap)
    ]


def _reread(settled_at: datetime | None, options: CollectOptions) -> bool:
    since = options.reread_since
    return options.reread and (since is None or settled_at is None or settled_at < since)


def estimate_backfill(
    warehouse: Warehouse, topics: Topics, now: datetime, options: CollectOptions
) -> BackfillEstimate:
    """Foretell a backfill's cost, at the mean number of articles on the days known so far.

    Where none is known it counts one page a day, which busy days exceed by far.
    """
    by_day, guessed = estimate_by_day(warehouse, topics, now, options)
    return BackfillEstimate(len(by_day), sum(by_day.values()), guessed)


def estimate_by_day(
    warehouse: Warehouse, topics: Topics, now: datetime, options: CollectOptions
) -> tuple[dict[date, int], bool]:
    """The tokens of each day that a backfill has to read, and whether they are guessed."""
    with warehouse.snapshot() as session:
        query = raw.Query(topics.query_id, now.date(), None)
        days = days_to_read(session, query, now, options)
        mean = raw.mean_day_total(session, topics.query_id)
    pages = max(1, page_count(round(mean or 0)))
    tokens = {
        day: _requests(pages, day, now, options.overlap) * price(day, now.date()) for day in days
    }
    return tokens, mean is None


def refuse_other_origin(session: Session, origin: str, place: str) -> None:
    """Keep invented articles and real ones apart.

    Args:
        session: an open transaction.
        origin: where the articles come from that are to be stored.
        place: what people know the database by.

    Raises:
        WarehouseError: the stored ones come from elsewhere.
    """
    stored = raw.stored_origin(session)
    if stored is None or stored == origin:
        return
    if stored == raw.SANDBOX:
        raise WarehouseError(
            f"{place} holds articles of the sandbox, which real ones must not be mixed with: "
            "delete them with `newsapi run --discard-sandbox`, or store elsewhere "
            "(DUCKDB_PATH)"
        )
    raise WarehouseError(
        f"{place} holds real articles, which the sandbox's must not be mixed with: "
        "set NEWSAPI_KEY to go on with those, or store elsewhere (DUCKDB_PATH)"
    )


def price(day: date, today: date) -> int:
    """The tokens that a search of a day costs."""
    return ARCHIVE_TOKENS if day <= today - timedelta(days=ARCHIVE_DAYS) else 1


def _requests(pages: int, day: date, now: datetime, overlap: timedelta) -> int:
    """Requests that reading a day takes when nothing moves meanwhile."""
    if not can_settle(day, now, overlap):
        return pages
    return 2 * pages - can_settle(day, now, AT_REST)


class _Collection:
    """One run of collecting: what it has read and stored so far."""

    def __init__(
        self,
        source: Source,
        warehouse: Warehouse,
        topics: Topics,
        now: datetime,
        options: CollectOptions,
    ) -> None:
        self._source = source
        self._warehouse = warehouse
        self._topics = topics
        self._query_id = topics.query_id
        self._now = now
        self._options = options
        self._fetched = 0
        self._stored = raw.Stored(0, 0, 0, 0)
        self._listings: dict[date, DayListing] = {}
        self._stored_uris: dict[date, frozenset[str]] = {}
        self._missing: dict[date, str] = {}
        """Days of the plan that are not whole, with the reason."""
        self._failed: dict[date, SourceError] = {}
        self._disagreements: dict[date, str] = {}
        self._wrong_counts: dict[date, str] = {}
        """Days of which an answer's count can't be right, with what it says."""
        self._whole = 0
        """Days that this run found whole."""

    def run(self, progress: Progress) -> CollectReport:
        if self._now.year < INDEX_BEGINS:
            raise SourceError(
                f"this machine's clock says {self._now:%Y-%m-%d}, from before the index began: "
                "set the clock right and run again"
            )
        changed, days, self._listings = self._warehouse.write(self._plan)
        self._stored_uris = {day: listing.uris for day, listing in self._listings.items()}
        self._missing = dict.fromkeys(days, _NOT_REACHED)
        stopped, capped = None, False
        try:
            self._read_days(self._due(days), progress)
        except _StoppedError as error:
            stopped = error.cause
            for day, reason in self._missing.items():
                self._missing[day] = str(stopped) if reason == _NOT_REACHED else reason
        except _CappedError:
            capped = True
            self._missing = {
                day: reason for day, reason in self._missing.items() if reason != _NOT_REACHED
            }
        self._note_failures()
        report = self._report(capped=capped, query_changed=changed)
        if self._missing:
            raise self._incomplete(report, stopped)
        return report

    def _due(self, days: list[date]) -> list[date]:
        """The days to try in this run: those that failed before come last, when their time comes.

        They do so also where no day could be read, so that every day is reached by some run.
        Somebody who asks for a backfill wants its days tried now.
        """
        fresh = [day for day in days if self._listing(day).failure is None]
        failed = [day for day in days if self._listing(day).failure is not None]
        for day in failed:
            listing = self._listing(day)
            waits = listing.retry_at is not None and listing.retry_at > self._now
            if waits and self._options.backfill is None:
                self._missing[day] = (
                    f"{listing.failure} (failed {listing.failures} times; next try after "
                    f"{listing.retry_at:%Y-%m-%d %H:%M} UTC, or at once by `newsapi backfill "
                    f"--from {day} --to {day}`)"
                )
            else:
                fresh.append(day)
        return fresh

    def _read_days(self, days: list[date], progress: Progress) -> None:
        """Read the days; each that can't be read is set aside."""
        refused = 0
        progress(0, len(days))
        left = list(days)
        until = None if self._options.seconds is None else time.monotonic() + self._options.seconds
        for number in range(1, len(days) + 1):
            if until is not None and number > 1 and time.monotonic() > until:
                raise _CappedError
            # Before the run is given up, the newest day is tried: the oldest may be the trouble.
            newest = refused == MAX_REFUSALS - 1 and not self._whole
            day = left.pop(-1 if newest else 0)
            try:
                self._read_day(day)
            except SourceError as error:
                logger.warning("%s can't be read and is set aside: %s", day, error)
                self._failed[day] = error
                self._missing[day] = str(error)
                refused += not error.transient
                if refused >= MAX_REFUSALS and not self._whole:
                    raise _StoppedError(error) from error
            progress(number, len(days))

    def _answers(self) -> bool:
        """Whether the API is there at all, so that the trouble may be that of one day."""
        try:
            self._warehouse.release()
            self._source.usage()
        except SourceUnavailableError:
            return False
        except SourceError:
            return True
        return True

    def _plan(self, session: Session) -> tuple[bool, list[date], dict[date, DayListing]]:
        """Whether the topics have changed, the days to read, what is known of them."""
        query, changed = self._activate(session)
        days = days_to_read(session, query, self._now, self._options)
        return changed, days, raw.day_listings(session, self._query_id, days)

    def _activate(self, session: Session) -> tuple[raw.Query, bool]:
        """Find the search's own state, or begin it where the previous search had come to."""
        previous = raw.active_query(session)
        looked_back = (self._now - timedelta(days=self._options.lookback_days)).date()
        if previous is not None and previous.query_id == self._query_id:
            return raw.distrust_clock(session, previous, self._now, looked_back), False
        if self._options.backfill is not None:
            # A backfill reads beside the regular search and leaves that in use.
            return raw.Query(self._query_id, self._now.date(), None), False
        first = looked_back
        if previous is not None:
            previous = raw.distrust_clock(session, previous, self._now, looked_back)
        if previous is not None and previous.complete_through is not None:
            first = (min(previous.complete_through, self._now) - self._options.overlap).date()
        elif previous is not None:
            first = previous.start_day
        query = raw.activate_query(
            session,
            self._query_id,
            definition=self._topics.model_dump_json(),
            start_day=first,
            now=self._now,
        )
        return query, previous is not None

    def _listing(self, day: date) -> DayListing:
        return self._listings.get(day, DayListing())

    def _read_day(self, day: date) -> None:
        """Look at a day, or settle it; a reading that an earlier run left is continued."""
        settling = can_settle(day, self._now, self._options.overlap)
        listing = begin_reading(self._listing(day), settling=settling)
        unreadable: dict[int, SourceError] = {}
        # Those of earlier runs count: else a day that never agrees would take all of capped runs.
        # A day that failed holds up no other, and is read as often as at first.
        passes, answers = (0 if listing.failure else listing.reading.turns), 0
        while passes < MAX_PASSES:
            number = next_page(listing, unreadable)
            if number is not None:
                try:
                    listing, whole = self._read_page(day, number, listing)
                except SourceError as error:
                    # The other pages of the day are read all the same.
                    unreadable[number] = self._of_this_page(error)
                    continue
                answers += 1
                if whole:
                    return
                reading = listing.reading
                counted = page_count(max(listing.total, reading.counted), reading.size)
                pages = max(counted, len(reading.pages))
                if answers > MAX_PASSES * (pages + 2):
                    break
                continue
            if unreadable:
                raise next(iter(unreadable.values()))
            passes += 1
            if judged := self._judged(day, listing, last=passes == MAX_PASSES):
                self._accept(day, judged)
                return
            at_rest = can_settle(day, self._now, AT_REST)
            listing = next_pass(listing, at_rest=at_rest)
        over = Reading(size=listing.reading.size)
        self._listings[day] = replace(self._listing(day), reading=over)
        raise SourceUnavailableError(
            f"the articles of {day} kept changing during {MAX_PASSES} readings of the day"
        )

    def _of_this_page(self, error: SourceError) -> SourceError:
        """The error, where it may concern one page alone.

        Raises:
            _StoppedError: it concerns all: the key is refused, or the API is away.
        """
        if isinstance(error, AccessRefusedError) or (error.transient and not self._answers()):
            raise _StoppedError(error) from error
        return error

    def _judged(self, day: date, listing: DayListing, *, last: bool) -> DayListing | None:
        """What a whole pass over a day's pages makes of it; None where it takes another pass."""
        confirmed = is_whole(listing, at_rest=can_settle(day, self._now, AT_REST))
        if not confirmed and (not last or listing.reading.discovered):
            return None
        told = self._wrong_counts.get(day) or disagreement(listing, unsteady=not confirmed)
        patience = self._options.overlap + DISAGREEMENT_GRACE
        if listing.reading.settling and (told is None or can_settle(day, self._now, patience)):
            return settled(listing, self._now, told)
        return found_whole(listing, self._now, told)

    def _read_page(self, day: date, number: int, listing: DayListing) -> tuple[DayListing, bool]:
        """Ask for a page and store it; the day's listing with it, and whether it is whole."""
        size = listing.reading.size
        for answer in range(1, MAX_ANSWERS + 1):
            page = self._search(day, number, size)
            records = [read_record(value, self._now) for value in page.records]
            self._warn_of_unusable(day, records)
            trouble = page.trouble or self._hollow(day, number, page, listing)
            if not trouble:
                return self._store_page(day, number, page, records, listing)
            known = self._listing(day).disagreement == _wrong_count(trouble)
            if known or answer == MAX_ANSWERS:
                # It was asked often enough.
                break
            self._store(records, day, None)
        if page.total is None and records:
            # The count is no use; the page itself says how many there are at least.
            reached = (number - 1) * page.size + len(records)
            self._wrong_counts[day] = _wrong_count(trouble)
            total = max(reached + (len(records) >= page.size), listing.reading.counted)
            page = replace(page, total=total)
            return self._store_page(day, number, page, records, listing)
        if page.total is not None and number * page.size > page.total:
            # It is the last page: the count may be ahead of the list.
            return self._store_page(day, number, page, records, listing)
        self._store(records, day, None)
        raise SourceUnavailableError(f"the news API contradicts itself about {day}: {trouble}")

    def _hollow(self, day: date, number: int, page: Page, listing: DayListing) -> str:
        """Why a page that must hold articles and is empty is asked for again."""
        counted = page.total or 0
        if page.records or (number - 1) * page.size >= counted or listing.reading.settling:
            return ""
        if self._standing_disagreement(day, counted):
            return ""
        return f"page {number} is empty although {counted} articles are counted"

    def _search(self, day: date, number: int, size: int) -> Page:
        """Ask for one page; in smaller ones where it is too large."""
        try:
            return self._ask(day, number, size)
        except AnswerTooLargeError:
            smaller = next((step for step in SMALLEST_STEPS if step < size), None)
            if smaller is None:
                raise
        first, last = (number - 1) * size // smaller + 1, page_count(number * size, smaller)
        records: list[object] = []
        parts: list[Page] = []
        too_large: AnswerTooLargeError | None = None
        for part in range(first, last + 1):
            try:
                parts.append(self._search(day, part, smaller))
            except AnswerTooLargeError as error:
                too_large = error
                continue
            records += parts[-1].records
            total = parts[-1].total
            if total is not None and part * smaller >= total:
                break
        if too_large is not None:
            # What could be had is kept, whatever becomes of the day.
            self._store([read_record(value, self._now) for value in records], day, None)
            raise too_large
        trouble = next((page.trouble for page in parts if page.trouble), "")
        totals = {page.total for page in parts}
        if len(totals) > 1 and not trouble:
            trouble = "the count moved between the parts of a page"
        return Page(records, None if trouble else totals.pop(), size, trouble)

    def _ask(self, day: date, number: int, size: int) -> Page:
        allowed = self._options.max_requests
        if allowed is not None and self._source.traffic.requests >= allowed:
            raise _CappedError
        # No other process has to wait while the network is waited for.
        self._warehouse.release()
        return self._source.search(self._topics, day, number, size)

    def _warn_of_unusable(self, day: date, records: list[Record]) -> None:
        for record in records:
            if record.unusable:
                logger.warning(
                    "Record %s of %s can't become an article (%s); it is kept in raw",
                    record.uri,
                    day,
                    record.unusable,
                )

    def _store_page(
        self,
        day: date,
        number: int,
        page: Page,
        records: list[Record],
        listing: DayListing,
    ) -> tuple[DayListing, bool]:
        uris = [record.uri for record in records]
        listing = with_page(listing, number, uris, page.total or 0, page.size)
        whole = not listing.reading.settling and counts_agree(listing)
        if whole:
            told = self._wrong_counts.get(day) or self._standing_disagreement(day, listing.total)
            listing = found_whole(listing, self._now, told)
        self._store(records, day, listing, whole=whole)
        return listing, whole

    def _standing_disagreement(self, day: date, total: int) -> str | None:
        """A disagreement that a look, which reads one page, has not disproved."""
        before = self._listing(day)
        return before.disagreement if before.total == total else None

    def _store(
        self, records: list[Record], day: date, listing: DayListing | None, *, whole: bool = False
    ) -> None:
        """Store the records of an answer, and what is known of their day with them."""

        def store(session: Session) -> raw.Stored:
            if self._fetched == 0:
                refuse_other_origin(session, self._source.origin, self._warehouse.location)
            stored = raw.store_records(
                session,
                records,
                query_id=self._query_id,
                origin=self._source.origin,
                fetched_at=self._now,
            )
            if listing is not None:
                self._save(session, day, listing, whole=whole)
            return stored

        self._stored += self._warehouse.write(store)
        self._fetched += len(records)
        if listing is not None:
            self._saved(day, listing, whole=whole)

    def _accept(self, day: date, listing: DayListing) -> None:
        """Take a day as whole after a pass over all its pages."""
        self._warehouse.write(lambda session: self._save(session, day, listing, whole=True))
        self._saved(day, listing, whole=True)

    def _save(self, session: Session, day: date, listing: DayListing, *, whole: bool) -> None:
        stored_uris = self._stored_uris.get(day)
        raw.save_day_listing(session, self._query_id, day, listing, stored_uris)
        if whole and self._options.backfill is None:
            left = [missing for missing in self._missing if missing != day]
            end = day_start(min(left)) if left else self._now
            raw.advance_watermark(session, self._query_id, min(end, self._now))

    def _saved(self, day: date, listing: DayListing, *, whole: bool) -> None:
        told_before = self._listing(day).disagreement
        self._listings[day] = listing
        self._stored_uris[day] = listing.uris
        if not whole:
            return
        self._whole += 1
        self._missing.pop(day, None)
        if listing.disagreement is None:
            return
        self._disagreements[day] = listing.disagreement
        if listing.disagreement != told_before:
            logger.warning("Of %s the index %s", day, listing.disagreement)

    def _note_failures(self) -> None:
        """Keep why days failed; when none could be read, the trouble is not theirs."""
        if not self._failed:
            return

        def note(session: Session) -> None:
            for day, error in self._failed.items():
                listing = self._listing(day)
                failures = listing.failures + bool(self._whole)
                fresh = not can_settle(day, self._now, self._options.overlap)
                listing = replace(
                    listing,
                    failures=failures,
                    failure=str(error),
                    retry_at=self._now + retry_pause(failures, fresh=fresh),
                )
                stored_uris = self._stored_uris.get(day)
                raw.save_day_listing(session, self._query_id, day, listing, stored_uris)

        self._warehouse.write(note)

    def _incomplete(self, report: CollectReport, stopped: SourceError | None) -> IncompleteError:
        """The error of a run that did not read every day; in one line, with the report."""
        reasons: dict[str, list[date]] = {}
        for day, reason in sorted(self._missing.items()):
            reasons.setdefault(reason, []).append(day)
        told = [f"{_listed(days)}: {reason}" for reason, days in [*reasons.items()][:5]]
        count = "1 day is" if len(self._missing) == 1 else f"{len(self._missing)} days are"
        return IncompleteError(
            f"{count} not read whole: {'; '.join(told)}",
            report,
            transient=stopped is not None and stopped.transient,
        )

    def _report(self, *, capped: bool, query_changed: bool) -> CollectReport:
        query = self._warehouse.read(raw.active_query)
        traffic = replace(self._source.traffic)
        return CollectReport(
            origin=self._source.origin,
            query_id=self._query_id,
            query_changed=query_changed,
            days=self._whole,
            fetched=self._fetched,
            new=self._stored.new,
            changed=self._stored.changed,
            known=self._stored.known,
            unusable=self._stored.unusable,
            missing_days={day.isoformat(): reason for day, reason in sorted(self._missing.items())},
            disagreements={
                day.isoformat(): text for day, text in sorted(self._disagreements.items())
            },
            capped=capped,
            complete_through=query.complete_through if query else None,
            requests=traffic.requests,
            retries=traffic.retries,
            tokens=traffic.tokens,
            tokens_left=self._tokens_left(),
            api_seconds=traffic.seconds,
            api_min_seconds=traffic.shortest,
            api_max_seconds=traffic.longest,
        )

    def _tokens_left(self) -> int | None:
        try:
            self._warehouse.release()
            return self._source.usage().left
        except SourceError as error:
            # Everything was read: not knowing the balance is no reason to fail.
            logger.warning("The tokens left could not be asked for: %s", error)
            return None


def _days(first: date, last: date) -> Iterable[date]:
    return (first + DAY * offset for offset in range((last - first).days + 1))


def _wrong_count(trouble: str) -> str:
    return f"counts wrongly: {trouble}"


def _listed(days: list[date]) -> str:
    """Days in a few words."""
    shown = ", ".join(day.isoformat() for day in days[:5])
    return f"{shown} and {len(days) - 5} more" if len(days) > 5 else shown
