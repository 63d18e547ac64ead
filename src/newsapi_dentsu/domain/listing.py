"""What an index lists for a day, and when that is certain: pure rules about readings of its pages.

An index changes while it is read, counts wrongly, and answers from replicas that differ. So a day
is judged in two ways:

- A *look* goes by counts. It reads the page on which the next new article would stand, and more
  pages only while the count differs from what is known. A look is cheap and can be deceived.
- A *settling reading* goes by identities. It reads every page twice, forwards and then backwards.
  Between its two visits to a page lies the moment at which it turned round; when every page was
  the same both times, under one total, all of them stood as read at that one moment, and nothing
  was missed.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain

from newsapi_dentsu.domain.record import day_start

PAGE_SIZE = 100
"""Articles on a page; the API allows no more."""

SMALLEST_CUT = 10
"""Articles on a page at least, where a server is believed to cut pages without saying so."""

DAY = timedelta(days=1)

AT_REST = timedelta(days=7)
"""Time after a day's end from which replicas of the index no longer lag behind each other."""

DISAGREEMENT_GRACE = timedelta(hours=12)
"""How much longer than the overlap a day stays open while the index contradicts itself."""

FIRST_PAUSE = timedelta(hours=5)
LONGEST_PAUSE = timedelta(days=4)
LONGEST_PAUSE_WHILE_FRESH = timedelta(hours=11)
"""Pauses before a day that failed is tried again: they double, up to the longest one; for a day
within the overlap up to the shorter one, so that fresh news waits for one run at most.
"""

_EMPTY = "0:"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a day's pages that is under way; it may take several runs.

    `settling` tells a settling reading from a look. `pages` holds the identity of each page of the
    present pass, in the order in which they were read, `before` those of the whole pass before it;
    `turns` counts the passes before the present one. `size` is the number of articles on a page, as
    the server gives them. `moved` says that the total changed during the pass, `discovered` that
    the pass brought unknown articles.
    """

    size: int = PAGE_SIZE
    settling: bool = False
    pages: Mapping[int, str] = field(default_factory=dict)
    before: Mapping[int, str] = field(default_factory=dict)
    turns: int = 0
    moved: bool = False
    discovered: bool = False

    @property
    def backwards(self) -> bool:
        """The direction of the present pass."""
        return self.turns % 2 == 1

    @property
    def listed(self) -> int:
        """Positions on the pages of the present pass."""
        return sum(_length(identity) for identity in self.pages.values())

    @property
    def counted(self) -> int:
        """The highest total that came with a page of this pass or the one before it."""
        identities = chain(self.before.values(), self.pages.values())
        return max(map(_total, identities), default=0)


@dataclass(frozen=True, slots=True)
class DayListing:
    """What a search has listed for a day.

    `total` is the last count of the index. `uris` are the articles ever listed; `unlisted` is by
    how many they exceed the count (below zero where the count exceeds them). Both are forgotten
    once the day is settled. `complete_at` is when the day was last found whole, be it by a look;
    `settled_at` when a settling reading found it whole. `disagreement` says in what the index
    contradicted itself. `failures` counts the runs in a row that could not read the day,
    `failure` is the reason, and before `retry_at` it is not tried again.
    """

    total: int = 0
    uris: frozenset[str] = frozenset()
    unlisted: int = 0
    complete_at: datetime | None = None
    settled_at: datetime | None = None
    reading: Reading = field(default_factory=Reading)
    disagreement: str | None = None
    failures: int = 0
    failure: str | None = None
    retry_at: datetime | None = None


def can_settle(day: date, now: datetime, overlap: timedelta) -> bool:
    """Whether the time is over in which articles of a day come late."""
    return day_start(day) + DAY + overlap <= now


def is_settled(day: date, settled_at: datetime | None, now: datetime, overlap: timedelta) -> bool:
    """Whether no article of a day can still be unread; a time to come proves nothing."""
    return settled_at is not None and settled_at <= now and can_settle(day, settled_at, overlap)


def page_count(articles: int, size: int = PAGE_SIZE) -> int:
    """How many pages hold so many articles."""
    return -(-articles // size)


def page_identity(uris: Sequence[str], total: int) -> str:
    """What tells one state of a page from another: what its positions held, and the total."""
    if not uris:
        return f"{_EMPTY}{total}"
    digest = hashlib.blake2b(repr(sorted(uris)).encode(), digest_size=8)
    return f"{len(uris)}:{total}:{digest.hexdigest()}"


def begin_reading(listing: DayListing, *, settling: bool) -> DayListing:
    """Begin to look at a day, or to settle it; or go on with what an earlier run left of that."""
    reading = listing.reading
    if reading.settling != settling or not (settling or next_page(listing)):
        reading = Reading(size=reading.size, settling=settling)
    return replace(listing, reading=reading)


def next_page(listing: DayListing, unreadable: Collection[int] = ()) -> int | None:
    """The page to read next in the present pass; None when none is left but the unreadable."""
    pages = listing.reading.pages
    order = _settling_order(listing) if listing.reading.settling else _looking_order(listing)
    end = _end_of_list(pages, unreadable)
    number = next(
        (
            number
            for number in order
            if number not in pages and number not in unreadable and (not end or number <= end)
        ),
        None,
    )
    return number or (None if unreadable or end else _page_beyond(listing))


def _page_beyond(listing: DayListing) -> int | None:
    """A page behind the last one that the count makes expect, where the others are cut short.

    A server may put fewer articles on a page than it says. Then all pages are equally long, and
    together they list less than is counted.
    """
    reading = listing.reading
    if reading.backwards or not 0 < reading.listed < listing.total:
        return None
    last = max(reading.pages)
    length = _length(reading.pages[last])
    cut = length >= SMALLEST_CUT and length == _length(reading.pages.get(1, _EMPTY))
    return last + 1 if cut else None


def _looking_order(listing: DayListing) -> Iterator[int]:
    """On from the page where the first unknown article may stand, then back."""
    size = listing.reading.size
    have = len(listing.uris) - listing.unlisted
    start = max(1, page_count(min(have + 1, listing.total), size))
    last = max(1, page_count(listing.total, size))
    return chain(range(start, last + 1), range(start - 1, 0, -1))


def _settling_order(listing: DayListing) -> Iterator[int]:
    """All pages, in the direction of the pass; behind them those that it brings to light.

    The highest count is believed: behind the end of a lower one a server that is further may list
    more. A count that ends with a full page is not, for the list may go on.
    """
    reading = listing.reading
    pages = chain(reading.before.items(), reading.pages.items())
    full = [number for number, identity in pages if _length(identity) >= reading.size]
    counted = page_count(max(listing.total, reading.counted), reading.size)
    last = max(1, counted, 1 + max(full, default=0))
    if not reading.backwards:
        return iter(range(1, last + 1))
    turn = max(reading.before)
    return chain(range(turn, 0, -1), range(turn + 1, last + 1))


def _length(identity: str) -> int:
    """How many positions of a page were taken."""
    return int(identity.split(":", 1)[0])


def _total(identity: str) -> int:
    """The total that came with a page; 0 where an earlier version of the program read it."""
    length, total, *rest = identity.split(":")
    return int(total) if rest or length == "0" else 0


def _end_of_list(pages: Mapping[int, str], unreadable: Collection[int] = ()) -> int | None:
    """The second of two empty or unreadable pages in a row: nothing is looked for behind it,
    whatever the count says.
    """
    empty = {number for number, identity in pages.items() if identity.startswith(_EMPTY)}
    empty |= set(unreadable)
    return min((number + 1 for number in empty if number + 1 in empty), default=None)


def with_page(
    listing: DayListing, number: int, uris: Sequence[str], total: int, size: int
) -> DayListing:
    """A day's listing after one more page of it was read.

    `uris` are those of the page's records in turn; two records may share one, and fill two of the
    positions that the index counts.
    Where the server's page size has changed, the reading begins anew with this page.
    """
    reading = listing.reading
    if size != reading.size:
        reading = Reading(size=size, settling=reading.settling)
    known = listing.uris | frozenset(uris)
    return replace(
        listing,
        total=total,
        uris=known,
        reading=replace(
            reading,
            pages={**reading.pages, number: page_identity(uris, total)},
            moved=reading.moved or (bool(reading.pages) and total != listing.total),
            discovered=reading.discovered or len(known) > len(listing.uris),
        ),
    )


def counts_agree(listing: DayListing) -> bool:
    """Whether as many articles are known as the index counts, less those known to differ."""
    return len(listing.uris) - listing.unlisted == listing.total


def found_whole(listing: DayListing, now: datetime, disagreement: str | None = None) -> DayListing:
    """The listing of a day that a look or a reading found whole; it is not settled by that."""
    return replace(
        listing,
        unlisted=len(listing.uris) - listing.total,
        complete_at=now,
        reading=Reading(size=listing.reading.size),
        disagreement=disagreement,
        failures=0,
        failure=None,
        retry_at=None,
    )


def settled(listing: DayListing, now: datetime, disagreement: str | None = None) -> DayListing:
    """The listing of a day that need not be read again; what it listed has served."""
    whole = found_whole(listing, now, disagreement)
    return replace(whole, uris=frozenset(), unlisted=0, settled_at=now, reading=Reading())


def is_whole(listing: DayListing, *, at_rest: bool) -> bool:
    """Whether the pass over all pages that has just ended shows that the day is whole.

    A look may go by what it saw unless the count moved meanwhile, or unknown articles came and
    others are still counted that were not listed. A settling reading needs every page to be as in
    the pass before, and all to come with one count: those of servers that differ are no one list.
    Of a day at rest one page is enough, seen once: one answer shows one moment.
    """
    reading = listing.reading
    if not reading.settling:
        return not reading.moved and (reading.listed == listing.total or not reading.discovered)
    if reading.before:
        one_count = len(set(map(_total, reading.pages.values()))) == 1
        return one_count and reading.pages == reading.before
    single = len(reading.pages) == 1
    return at_rest and single and reading.listed == listing.total == len(listing.uris)


def next_pass(listing: DayListing, *, at_rest: bool) -> DayListing:
    """Begin the next pass over a day's pages; settling, in the other direction.

    While replicas may lag, the last page is read at once again: with an even number of requests
    each page is asked for at both places of an order in which two replicas take turns.
    """
    reading = listing.reading
    if not reading.settling:
        return replace(listing, reading=Reading(size=reading.size))
    turn, identity = [*reading.pages.items()][-1]
    again = {turn: identity} if at_rest and len(reading.pages) > 1 else {}
    following = replace(
        reading,
        pages=again,
        before=reading.pages,
        turns=reading.turns + 1,
        moved=False,
        discovered=False,
    )
    return replace(listing, reading=following)


def disagreement(listing: DayListing, *, unsteady: bool = False) -> str | None:
    """In what the index contradicted itself in the pass that has just ended."""
    reading = listing.reading
    if unsteady:
        return f"lists other articles at each reading; {len(listing.uris)} were listed in all"
    if reading.listed != listing.total:
        return f"counts {listing.total} articles and lists {reading.listed}"
    return None


def retry_pause(failures: int, *, fresh: bool) -> timedelta:
    """How long a day that failed so many runs in a row is left alone."""
    if failures < 2:
        return timedelta()
    longest = LONGEST_PAUSE_WHILE_FRESH if fresh else LONGEST_PAUSE
    return min(FIRST_PAUSE * (1 << min(failures - 2, 10)), longest)
