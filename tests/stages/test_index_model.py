"""Whatever an index does between two requests, no article is lost, doubled or paid for twice.

A model of an index lives through days of arrivals, late arrivals, removals, changed urls, wrong
counts, lagging replicas and failing days, each between any two requests of runs every six hours.
"""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from newsapi_dentsu.domain.listing import page_count
from newsapi_dentsu.errors import SourceError, SourceUnavailableError
from newsapi_dentsu.stages.collect import MAX_PASSES
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.databases import DuckDBDatabases, PostgresDatabases, disconnect, drop
from support.moving_index import Entry, MovingIndex
from support.parts import first_quick

MIDNIGHT = datetime(2026, 11, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OVERLAP = timedelta(hours=48)


class Life:
    """A history of an index, made of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.index = MovingIndex(MIDNIGHT + timedelta(hours=6), self.rng.choice([1, 1, 2]))
        self.index.before_request = self._move
        self.index.most_on_a_page = self.rng.choice([100, 10, 4])
        self.lag = self.rng.choice([timedelta(), timedelta(hours=2), timedelta(hours=9)])
        self.moves = self.rng.choice([0.05, 0.2, 0.4])
        self.offsets: dict[date, int] = defaultdict(int)
        self.index.count_offset = lambda day: self.offsets[day]
        self.coming: list[tuple[datetime, int, Entry]] = []
        """Entries on their way to a replica that lags."""
        self.removed: set[str] = set()
        self.too_late: set[str] = set()
        """Articles that came later than is waited for: stored only if a reading meets them."""
        self.number = 0
        self.seen: dict[date, list[set[str]]] = defaultdict(list)
        """What stood in the index at each request of the reading of a day, by the day."""

    def fill(self, hours: int) -> None:
        """Let articles in that the index found since the last run."""
        for _ in range(self.rng.choice([0, 2, 4, 8])):
            at = self.index.now - timedelta(hours=self.rng.uniform(0, hours))
            self._arrive(at)

    def _arrive_late(self) -> date:
        """Let an article in late, at times later than the pipeline waits for."""
        at = self.index.now - timedelta(hours=self.rng.uniform(0, 90))
        self._arrive(at)
        self._note_too_late(at)
        return at.date()

    def _slip(self) -> None:
        """Move the first article of the page to be read next onto the page read last."""
        day, page = self.index.requests[-1] if self.index.requests else (date.min, 1)
        entries = self.index.replicas[0][day]
        read = entries[: page * self.index.most_on_a_page]
        if len(entries) > len(read) > 0:
            self._take_out(self.rng.choice(read))
            self._arrive(entries[-1].at)
            self._note_too_late(entries[-1].at)

    def _arrive_at_edge(self, day: date) -> None:
        """Let an article in that stands first on a second page."""
        entries = self.index.replicas[0][day]
        size = self.index.most_on_a_page
        if len(entries) > size:
            self._arrive(entries[size - 1].at)
            self._note_too_late(entries[size - 1].at)

    def _note_too_late(self, at: datetime) -> None:
        end = at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        if end + OVERLAP <= self.index.now:
            self.too_late.add(f"{self.number:05}")

    def _arrive(self, at: datetime, *, only: int | None = None) -> None:
        self.number += 1
        entry = Entry(at.replace(microsecond=0), f"{self.number:05}")
        if only is not None:
            # On one replica, for good.
            self.index.add(entry, only=only % len(self.index.replicas))
            return
        self.index.add(entry, only=0)
        for replica in range(1, len(self.index.replicas)):
            self.coming.append((self.index.now + self.lag, replica, entry))

    def _let_come(self) -> None:
        for due, replica, entry in list(self.coming):
            if due <= self.index.now and entry.uri not in self.removed:
                self.index.add(entry, only=replica)
            if due <= self.index.now:
                self.coming.remove((due, replica, entry))

    def _move(self, asked: date) -> None:
        rng, index = self.rng, self.index
        self._let_come()
        if self.moves and rng.random() < 0.5:
            # The worst moments: before a day's first page is read, and right after that.
            if not self.seen[asked]:
                self._arrive_at_edge(asked)
            elif index.requests[-1] == (asked, 1):
                self._slip()
        while rng.random() < self.moves:
            kind = rng.choice(["late", "late", "new", "remove", "url", "count", "failure"])
            if kind == "late":
                # Up to the overlap after the end of its day, and no later.
                at = index.now - timedelta(hours=rng.uniform(0, 71))
                if (
                    at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY + OVERLAP
                    > index.now
                ):
                    self._arrive(at)
            elif kind == "new":
                self._arrive(index.now)
            elif kind == "remove":
                self._remove()
            elif kind == "url":
                self._change_url()
            elif kind == "count":
                self._miscount()
            else:
                self._fail()
        self.seen[asked].append(index.standing(asked))

    def _entries(self) -> list[Entry]:
        return [entry for entries in self.index.replicas[0].values() for entry in entries]

    def _some_day(self) -> date:
        return (self.index.now - self.rng.randrange(4) * DAY).date()

    def _miscount(self) -> None:
        self.offsets[self._some_day()] = self.rng.choice([0, 0, 1, -1, 3])

    def _remove(self, same_day_as: date | None = None) -> None:
        fresh = [one for one in self._entries() if one.at > self.index.now - 4 * DAY]
        if same_day_as is not None:
            fresh = [one for one in fresh if one.at.date() == same_day_as]
        if fresh:
            self._take_out(self.rng.choice(fresh))

    def _take_out(self, entry: Entry) -> None:
        self.removed.add(entry.uri)
        self.index.remove(entry.uri)

    def _change_url(self) -> None:
        fresh = [one for one in self._entries() if one.at > self.index.now - 4 * DAY]
        if fresh:
            changed = self.rng.choice(fresh)
            changed.url = f"https://moved.example/{changed.uri}/{self.rng.randrange(9)}"

    def _fail(self) -> None:
        """A day begins to fail, or all are well again."""
        if self.index.failures:
            self.index.failures.clear()
        elif self.rng.random() < 0.4:
            error = self.rng.choice([SourceUnavailableError("rubbish"), SourceError("refused")])
            self.index.failures[self._some_day()] = error

    def come_to_rest(self) -> None:
        """Nothing moves any more, and all replicas are alike."""
        self.moves = 0.0
        self.offsets.clear()
        self.index.failures.clear()
        for _, replica, entry in self.coming:
            if entry.uri not in self.removed:
                self.index.add(entry, only=replica)
        self.coming.clear()


def _check(life: Life, warehouse: Warehouse, before: set[date]) -> set[date]:
    """Hold what a run must leave behind, whatever it met; gives the days that are settled now."""
    with warehouse.snapshot() as session:
        stored = session.rows(f"SELECT uri, url FROM {raw.TABLE}")
        query = raw.active_query(session)
        days = session.rows("SELECT day, complete_at, settled_at FROM raw.query_days")
    whole = {day for day, complete_at, _ in days if complete_at is not None}
    settled = {day for day, _, settled_at in days if settled_at is not None}
    assert len(stored) == len(set(stored)), "a record is stored twice"
    uris = {uri for uri, _ in stored}
    assert {uri for uri, _ in life.index.listed} <= uris, "a listed article is not stored"
    for day in settled - before:
        # What stood there from the first request of the reading to its last.
        stood = set.intersection(*life.seen[day]) if life.seen[day] else set()
        assert stood <= uris, f"{day} is settled without {sorted(stood - uris)}"
    assert query is not None
    if query.complete_through is not None:
        day = query.start_day
        while day < query.complete_through.date():
            assert day in whole, f"the watermark passes {day}, which is not whole"
            day += DAY
    return settled


def _forget_readings_that_ended(life: Life, warehouse: Warehouse) -> None:
    """Keep what was seen of the days whose settling readings go on with the next run.

    A run that fails between two pages leaves its reading to the next one, which doesn't ask for the
    pages that are read. Such a reading begins when late articles are waited for no more, so one
    that comes after that, be it between the two runs, is promised by nobody.
    """
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
        known = raw.day_listings(session, query.query_id, life.seen) if query else {}
    readings = {day: listing.reading for day, listing in known.items()}
    under_way = {day for day, one in readings.items() if one.settling and one.pages}
    for day in life.seen.keys() - under_way:
        del life.seen[day]


def _live(seed: int, warehouse: Warehouse) -> None:
    life = Life(seed)
    settled: set[date] = set()
    for _ in range(life.rng.randrange(10, 16)):
        life.fill(6)
        _forget_readings_that_ended(life, warehouse)
        life.index.collect(warehouse, lookback_days=1)
        settled = _check(life, warehouse, settled)
        size = life.index.most_on_a_page
        pages = sum(
            page_count(max(len(replica[day]) for replica in life.index.replicas) + 3, size) + 3
            for day in {day for day, _ in life.index.runs[-1]}
            for replica in [life.index.replicas[0]]
        )
        assert len(life.index.runs[-1]) <= MAX_PASSES * pages, "the price is not bounded"
        life.index.now += timedelta(hours=life.rng.choice([6, 6, 6, 6, 1, 13, 30]))
    life.come_to_rest()
    for _ in range(6):
        _forget_readings_that_ended(life, warehouse)
        life.index.collect(warehouse, lookback_days=1)
        settled = _check(life, warehouse, settled)
        life.index.now += timedelta(hours=24)
    with warehouse.snapshot() as session:
        uris = {uri for (uri,) in session.rows(f"SELECT uri FROM {raw.TABLE}")}
        query = raw.active_query(session)
    days = {day for day, _ in life.index.requests}
    standing = set().union(*(life.index.standing(day) for day in days))
    assert standing - life.too_late <= uris
    assert query is not None
    assert query.complete_through == life.index.now - timedelta(hours=24)
    assert len(life.index.runs[-1]) <= 4 + 1


def _tell(seed: int, warehouse: Warehouse) -> None:
    try:
        _live(seed, warehouse)
    except AssertionError as error:
        raise AssertionError(f"in history {seed}: {error}") from error
    finally:
        disconnect(warehouse)


@pytest.mark.parametrize("seed", first_quick(range(6)))
def test_no_article_is_lost_in_a_few_histories(
    postgres_databases: PostgresDatabases, seed: int
) -> None:
    _tell(seed, postgres_databases.create().open())


@pytest.mark.slow
@pytest.mark.parametrize("first", [6, *range(1000, 1320, 20)])
def test_no_article_is_lost_in_hundreds_of_histories(
    duckdb_databases: DuckDBDatabases, first: int
) -> None:
    for seed in range(first, first + 20):
        database = duckdb_databases.create()
        _tell(seed, database.hold())
        drop(duckdb_databases, database)
