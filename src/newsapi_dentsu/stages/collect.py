"""Collecting: read what the index lists, day by day, and store every record once.

The API's finest cursor is a day, and articles enter it late. So each run reads every day again
that may still have changed: one search tells a day's total, and where it equals what is stored
nothing more is asked. A day is settled once it was whole at a time that lies the overlap after
its end; what it listed is forgotten then. Days are read from the oldest to the newest, and the
watermark follows the days that are whole, in the transaction of the page that made them so.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from newsapi_dentsu.domain.record import day_start, read_record
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import SourceError, SourceUnavailableError, WarehouseError
from newsapi_dentsu.eventregistry.client import Page, Source
from newsapi_dentsu.eventregistry.query import PAGE_SIZE
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages.report import CollectReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import raw

logger = logging.getLogger(__name__)

MAX_PASSES = 5
"""Readings of one day's pages, in one run, while its listing keeps changing."""

DAY = timedelta(days=1)
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
    """How far back and how much to read; `backfill` reads these days and no others."""

    lookback_days: int = 30
    overlap: timedelta = timedelta(hours=48)
    max_requests: int | None = None
    backfill: DayRange | None = None


class _CappedError(Exception):
    """The run has made as many searches as it may."""


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
        SourceError: the source failed; the pages before that are stored, and the watermark
            stands where everything before it is.
        WarehouseError: the database failed, or holds articles of the other origin.
    """
    return _Collection(source, warehouse, topics, now, options or CollectOptions()).run(progress)


def days_to_read(
    session: Session, query: raw.Query, now: datetime, options: CollectOptions
) -> list[date]:
    """The days that a run has to read, oldest first."""
    today = now.astimezone(UTC).date()
    if options.backfill:
        first, last = options.backfill.first, min(options.backfill.last, today)
        unsettled: list[date] = []
    else:
        read_through = min(query.complete_through or day_start(query.start_day), now)
        first = max(query.start_day, (read_through - options.overlap).date())
        last = today
        # The watermark tells these as well, unless a clock that was ahead has moved it: such a
        # clock also made days look whole that had not even happened.
        unsettled = raw.unsettled_days(session, query.query_id, last, now, options.overlap)
    complete_at = raw.days_complete_at(session, query.query_id, first, last)
    return [
        day
        for day in sorted({*unsettled, *_days(first, last)})
        if not _settled(day, complete_at.get(day), now, options.overlap)
    ]


def estimate_backfill(
    warehouse: Warehouse, topics: Topics, now: datetime, options: CollectOptions
) -> tuple[int, int]:
    """Foretell a backfill's cost.

    Returns:
        The number of days to read, and the tokens that this takes at the mean number of articles
        on the days known so far (one page a day where none is known).
    """
    with warehouse.snapshot() as session:
        query = raw.Query(topics.query_id, now.date(), None)
        days = days_to_read(session, query, now, options)
        mean = raw.mean_day_total(session, topics.query_id) or 0
    pages = max(1, _pages(round(mean)))
    oldest_cheap = now.date() - timedelta(days=ARCHIVE_DAYS - 1)
    archived = sum(day < oldest_cheap for day in days)
    return len(days), pages * (len(days) - archived + ARCHIVE_TOKENS * archived)


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
        self._short_days: list[date] = []
        self._stored_uris: dict[date, frozenset[str]] = {}

    def run(self, progress: Progress) -> CollectReport:
        changed, days, listings = self._warehouse.write(self._plan)
        self._stored_uris = {day: listing.uris for day, listing in listings.items()}
        done, capped = 0, False
        progress(0, len(days))
        try:
            for day in days:
                self._read_day(day, listings.get(day, raw.DayListing()))
                done += 1
                progress(done, len(days))
        except _CappedError:
            capped = True
        return self._report(done, capped=capped, query_changed=changed)

    def _plan(self, session: Session) -> tuple[bool, list[date], dict[date, raw.DayListing]]:
        """Whether the topics have changed, the days to read, what is known of them."""
        query, changed = self._activate(session)
        days = days_to_read(session, query, self._now, self._options)
        return changed, days, raw.day_listings(session, self._query_id, days)

    def _activate(self, session: Session) -> tuple[raw.Query, bool]:
        """Find the search's own state, or begin it where the previous search had come to."""
        previous = raw.active_query(session)
        if previous is not None and previous.query_id == self._query_id:
            return previous, False
        if self._options.backfill is not None:
            # A backfill reads beside the regular search and leaves that in use.
            return raw.Query(self._query_id, self._now.date(), None), False
        first = (self._now - timedelta(days=self._options.lookback_days)).date()
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

    def _read_day(self, day: date, listing: raw.DayListing) -> None:
        """Read a day's pages until what is stored is what the index lists.

        New arrivals come last, so reading starts where the known ones end, goes on to the last
        page and only then back, for articles that came in late; it stops as soon as the counts
        agree. A reading that an earlier run left unfinished is continued.
        """
        if _next_page(listing) is None:
            listing = replace(listing, reading=raw.Reading())
        for _ in range(MAX_PASSES):
            while (number := _next_page(listing)) is not None:
                page = self._search(day, number)
                listing = self._store_page(day, number, page, listing)
                if listing.complete_at == self._now:
                    return
            reading = listing.reading
            listed = len(reading.uris)
            if reading.steady and (listed == listing.total or not reading.discovered):
                # Every page was read while nothing moved: the index lists no more than this.
                self._accept(day, listing, short=listed < listing.total)
                return
            listing = replace(listing, reading=raw.Reading())
        raise SourceUnavailableError(
            f"the articles of {day} kept changing during {MAX_PASSES} readings of the day; "
            "what was read is kept: run again to continue"
        )

    def _search(self, day: date, number: int) -> Page:
        allowed = self._options.max_requests
        if allowed is not None and self._source.traffic.requests >= allowed:
            raise _CappedError
        # Nobody may have to wait for the network with us.
        self._warehouse.let_go()
        return self._source.search(self._topics, day, number)

    def _store_page(
        self, day: date, number: int, page: Page, listing: raw.DayListing
    ) -> raw.DayListing:
        records = [read_record(value, self._now) for value in page.records]
        for record in records:
            if record.unusable:
                logger.warning(
                    "Record %s of %s can't become an article (%s); it is kept in raw",
                    record.uri,
                    day,
                    record.unusable,
                )
        uris = {record.uri for record in records}
        known = listing.uris | uris
        whole = len(known) - listing.unlisted == page.total
        reading = listing.reading
        listing = raw.DayListing(
            page.total,
            known,
            listing.unlisted,
            self._now if whole else listing.complete_at,
            raw.Reading()
            if whole
            else raw.Reading(
                reading.pages | {number},
                reading.uris | uris,
                reading.steady and (not reading.pages or page.total == listing.total),
                reading.discovered or not uris <= listing.uris,
            ),
        )

        def store(session: Session) -> raw.Stored:
            if self._fetched == 0:
                self._refuse_other_origin(session)
            stored = raw.store_records(
                session,
                records,
                query_id=self._query_id,
                origin=self._source.origin,
                fetched_at=self._now,
            )
            self._save(session, day, listing)
            return stored

        self._stored += self._warehouse.write(store)
        self._stored_uris[day] = listing.uris
        self._fetched += len(records)
        return listing

    def _accept(self, day: date, listing: raw.DayListing, *, short: bool) -> None:
        """Take a day as whole although the counts differ: articles have left the index."""
        if short:
            logger.warning("The API counts %d articles on %s but lists fewer", listing.total, day)
            self._short_days.append(day)
        unlisted = len(listing.uris) - listing.total
        accepted = raw.DayListing(listing.total, listing.uris, unlisted, complete_at=self._now)
        self._warehouse.write(lambda session: self._save(session, day, accepted))

    def _save(self, session: Session, day: date, listing: raw.DayListing) -> None:
        if _settled(day, listing.complete_at, self._now, self._options.overlap):
            # The list has served: over years, rewriting it with its neighbours would cost each run.
            listing = replace(listing, uris=frozenset(), unlisted=0)
        stored_uris = self._stored_uris.get(day)
        raw.save_day_listing(session, self._query_id, day, listing, stored_uris)
        if listing.complete_at == self._now and self._options.backfill is None:
            # Days are read in order, so that everything before this one is whole as well.
            end = day_start(day) + DAY
            raw.advance_watermark(session, self._query_id, min(end, self._now))

    def _refuse_other_origin(self, session: Session) -> None:
        stored = raw.stored_origin(session)
        if stored is None or stored == self._source.origin:
            return
        place = self._warehouse.location
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

    def _report(self, days: int, *, capped: bool, query_changed: bool) -> CollectReport:
        query = self._warehouse.read(raw.active_query)
        traffic = replace(self._source.traffic)
        return CollectReport(
            origin=self._source.origin,
            query_id=self._query_id,
            query_changed=query_changed,
            days=days,
            fetched=self._fetched,
            new=self._stored.new,
            changed=self._stored.changed,
            known=self._stored.known,
            unusable=self._stored.unusable,
            short_days=tuple(self._short_days),
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
            self._warehouse.let_go()
            return self._source.usage().left
        except SourceError as error:
            # Everything was read: not knowing the balance is no reason to fail.
            logger.warning("The tokens left could not be asked for: %s", error)
            return None


def _days(first: date, last: date) -> Iterable[date]:
    return (first + DAY * offset for offset in range((last - first).days + 1))


def _settled(day: date, complete_at: datetime | None, now: datetime, overlap: timedelta) -> bool:
    """Whether no article of a day can still be unread."""
    return complete_at is not None and day_start(day) + DAY + overlap <= complete_at <= now


def _pages(articles: int) -> int:
    return -(-articles // PAGE_SIZE)


def _next_page(listing: raw.DayListing) -> int | None:
    """The page to read next: on from the first that may hold unknown articles, then back."""
    have = len(listing.uris) - listing.unlisted
    start = max(1, _pages(min(have + 1, listing.total)))
    last = max(1, _pages(listing.total))
    order = chain(range(start, last + 1), range(start - 1, 0, -1))
    return next((number for number in order if number not in listing.reading.pages), None)
