"""raw: the records as the API gave them, and what each search listed for each day."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from newsapi_dentsu.domain.listing import DayListing, Reading
from newsapi_dentsu.domain.record import Record
from newsapi_dentsu.domain.urls import address
from newsapi_dentsu.warehouse.engines.base import Row, Session, insert
from newsapi_dentsu.warehouse.tables import positions, returns
from newsapi_dentsu.warehouse.tables.returns import Return
from newsapi_dentsu.warehouse.tables.rows import last_within, rows_by_key

TABLE = "raw.ai_marketing_news_raw"
SEQUENCE = "raw.seq"
SANDBOX = "sandbox"

COLUMNS = {
    "seq": "bigint",
    "uri": "text",
    "version": "integer",
    "url": "text",
    "title": "text",
    "publishedAt": "timestamptz",
    "indexed_at": "timestamptz",
    "lang": "text",
    "data_type": "text",
    "source_uri": "text",
    "source_name": "text",
    "is_duplicate": "boolean",
    "problems": "text",
    "unusable": "text",
    "origin": "text",
    "query_id": "text",
    "fetched_at": "timestamptz",
    "record_hash": "text",
    "record": "text",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A search in use: since which day it is read, and how far it is whole (the watermark)."""

    query_id: str
    start_day: date
    complete_through: datetime | None
    activated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DayTrouble:
    """A day that could not be read (`failure`) or of which the index contradicts itself."""

    day: date
    failure: str | None
    failures: int
    retry_at: datetime | None
    disagreement: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """How many records of a page were new, changed, already known; and how many are unusable.

    The new and the changed ones were stored, the known ones were not.
    """

    new: int
    changed: int
    known: int
    unusable: int

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.unusable + other.unusable,
        )


def stored_origin(session: Session) -> str | None:
    """Where the stored records come from; None where there are none."""
    found = session.rows(f"SELECT origin FROM {TABLE} LIMIT 1")
    return found[0][0] if found else None


def active_query(session: Session) -> Query | None:
    """The search that the last run used."""
    found = session.rows(
        "SELECT query_id, start_day, complete_through, activated_at FROM raw.queries "
        "ORDER BY activated_at DESC, query_id LIMIT 1"
    )
    return Query(*found[0]) if found else None


def activate_query(
    session: Session,
    query_id: str,
    *,
    definition: str,
    start_day: date,
    now: datetime,
) -> Query:
    """Make a search the one in use, to be read from `start_day` on.

    Its `activated_at` is later than any other's, even when the clock has been set back.
    """
    session.execute(
        "INSERT INTO raw.queries (query_id, definition, start_day, activated_at) "
        "SELECT $1, $2, $3, greatest($4::timestamptz, "
        "max(activated_at) + INTERVAL '1 microsecond') FROM raw.queries "
        "ON CONFLICT (query_id) DO UPDATE SET "
        "start_day = excluded.start_day, activated_at = excluded.activated_at, "
        "complete_through = NULL",
        query_id,
        definition,
        start_day,
        now,
    )
    return Query(query_id, start_day, None)


def advance_watermark(session: Session, query_id: str, complete_through: datetime) -> None:
    """Move the watermark forward; it never moves back."""
    session.execute(
        "UPDATE raw.queries SET complete_through = $2 WHERE query_id = $1 "
        "AND (complete_through IS NULL OR complete_through < $2)",
        query_id,
        complete_through,
    )


def distrust_clock(session: Session, query: Query, now: datetime, start_day: date) -> Query:
    """Forget what was noted under a clock that was ahead of `now`.

    Days that claim to have been whole at a time still to come are open again, but for those to
    come of which articles are stored: they show that the clock is behind today. A search that was
    begun under such a clock is read from `start_day` on.

    Returns:
        The search as it stands then.
    """
    today = now.date()
    ahead = session.rows(
        "SELECT count(*), count(*) FILTER (WHERE day > $3 AND total > 0) FROM raw.query_days "
        "WHERE query_id = $1 AND complete_at > $2",
        query.query_id,
        now,
        today,
    )[0]
    if ahead[0] > ahead[1]:
        session.execute(
            "UPDATE raw.query_days SET complete_at = NULL, settled_at = NULL "
            "WHERE query_id = $1 AND complete_at > $2 AND (day <= $3 OR total = 0)",
            query.query_id,
            now,
            today,
        )
    begun_ahead = query.activated_at is not None and query.activated_at > now
    if ahead[1] or not begun_ahead or query.start_day <= start_day:
        return query
    session.execute(
        "UPDATE raw.queries SET start_day = $2, complete_through = NULL, "
        "activated_at = greatest($3::timestamptz, (SELECT max(activated_at) FROM raw.queries "
        "WHERE query_id <> $1) + INTERVAL '1 microsecond') WHERE query_id = $1",
        query.query_id,
        start_day,
        now,
    )
    return Query(query.query_id, start_day, None, now)


def days_settled_at(
    session: Session, query_id: str, first: date, last: date
) -> dict[date, datetime | None]:
    """When each day from `first` to `last` was settled, or None; days never read are absent."""
    return dict(
        session.rows(
            "SELECT day, settled_at FROM raw.query_days "
            "WHERE query_id = $1 AND day BETWEEN $2 AND $3",
            query_id,
            first,
            last,
        )
    )


def unsettled_days(
    session: Session, query: Query, last: date, now: datetime, overlap: timedelta
) -> list[date]:
    """Days up to `last` that were read but are not settled; those before the search, if whole."""
    return [
        day
        for (day,) in session.rows(
            "SELECT day FROM raw.query_days WHERE query_id = $1 AND day <= $2 "
            "AND (day >= $5 OR complete_at IS NOT NULL) AND (settled_at IS NULL "
            "OR settled_at > $3 OR settled_at < CAST(day AS timestamptz) + $4::interval)",
            query.query_id,
            last,
            now,
            timedelta(days=1) + overlap,
            query.start_day,
        )
    ]


def troubled_days(session: Session, query_id: str, limit: int = 100) -> list[DayTrouble]:
    """Days that failed or disagree, the newest first; of settled days only the latest month's."""
    found = session.rows(
        "SELECT day, failure, failures, retry_at, disagreement FROM raw.query_days "
        "WHERE query_id = $1 AND (failure IS NOT NULL OR disagreement IS NOT NULL AND "
        "day >= (SELECT max(day) - 31 FROM raw.query_days WHERE query_id = $1)) "
        "ORDER BY day DESC LIMIT $2",
        query_id,
        limit,
    )
    return [DayTrouble(*row) for row in found]


def day_totals(session: Session, query_id: str, first: date, last: date) -> dict[date, int]:
    """How many articles the index lists for each whole day from `first` to `last`."""
    found = session.rows(
        "SELECT day, total FROM raw.query_days "
        "WHERE query_id = $1 AND day BETWEEN $2 AND $3 AND complete_at IS NOT NULL",
        query_id,
        first,
        last,
    )
    return {day: total for day, total in found}  # noqa: C416


def mean_day_total(session: Session, query_id: str) -> float | None:
    """Articles on an average whole day of a search; None before any was read."""
    mean: float | None = session.rows(
        "SELECT avg(total)::float8 FROM raw.query_days "
        "WHERE query_id = $1 AND complete_at IS NOT NULL",
        query_id,
    )[0][0]
    return mean


def day_listings(session: Session, query_id: str, days: Collection[date]) -> dict[date, DayListing]:
    """The listings of these days; days never read are absent."""
    found = session.rows(
        "SELECT day, total, uris, unlisted, complete_at, settled_at, reading, disagreement, "
        "coalesce(failures, 0), failure, retry_at FROM raw.query_days "
        "WHERE query_id = $1 AND day IN (SELECT unnest($2::date[]))",
        query_id,
        list(days),
    )
    return {row[0]: _day_listing(*row[1:]) for row in found}


def _day_listing(total: int, uris: str, *rest: Any) -> DayListing:
    unlisted, complete_at, settled_at, reading, *trouble = rest
    listed = frozenset(json.loads(uris))
    whole = (unlisted, complete_at, settled_at)
    return DayListing(total, listed, *whole, _reading(reading), *trouble)


def _reading(text: str | None) -> Reading:
    value = json.loads(text) if text else {}
    if not isinstance(value.get("pages"), dict):
        # None is under way, or one that an earlier version of the program had begun.
        return Reading()
    value["pages"] = {int(number): identity for number, identity in value["pages"].items()}
    value["before"] = {int(number): identity for number, identity in value["before"].items()}
    return Reading(turns=int(value.pop("backwards", 0)), **value)


def _reading_as_json(reading: Reading) -> str | None:
    if reading == Reading():
        return None
    value = dataclasses.asdict(reading)
    # Programs that keep only the direction of a pass read this name, and any number as true.
    value["backwards"] = value.pop("turns")
    return json.dumps(value)


def save_day_listing(
    session: Session,
    query_id: str,
    day: date,
    listing: DayListing,
    stored_uris: frozenset[str] | None,
) -> None:
    """Store the listing of one day.

    Args:
        session: the open transaction.
        query_id: the search.
        day: the day.
        listing: what it lists.
        stored_uris: the uris that are stored for the day: the same ones, a long list, are not
            written again. None where nothing may be stored.
    """
    values: dict[str, object] = {
        "total": listing.total,
        "unlisted": listing.unlisted,
        "complete_at": listing.complete_at,
        "settled_at": listing.settled_at,
        "reading": _reading_as_json(listing.reading),
        "disagreement": listing.disagreement,
        "failures": listing.failures,
        "failure": listing.failure,
        "retry_at": listing.retry_at,
    }
    if stored_uris != listing.uris:
        values["uris"] = json.dumps(sorted(listing.uris))
    if stored_uris is None:
        places = ", ".join(f"${number}" for number in range(1, len(values) + 3))
        updates = ", ".join(f"{name} = excluded.{name}" for name in values)
        statement = (
            f"INSERT INTO raw.query_days (query_id, day, {', '.join(values)}) VALUES ({places}) "
            f"ON CONFLICT (query_id, day) DO UPDATE SET {updates}"
        )
    else:
        # DuckDB goes through all days to find a conflict.
        updates = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=3))
        statement = f"UPDATE raw.query_days SET {updates} WHERE query_id = $1 AND day = $2"
    session.execute(statement, query_id, day, *values.values())


def store_records(
    session: Session,
    records: Sequence[Record],
    *,
    query_id: str,
    origin: str,
    fetched_at: datetime,
) -> Stored:
    """Append the records of a page that are new or changed; see `append`."""
    fetched = [(record, fetched_at) for record in records]
    return append(session, fetched, query_id=query_id, origin=origin)


def append(
    session: Session, fetched: Sequence[tuple[Record, datetime]], *, query_id: str, origin: str
) -> Stored:
    """Append the records that equal no stored version of their uri, each as the next version.

    A record that equals a version, but not the one that shows its uri now, has come back: that is
    noted in `raw.returns`, unless the other was seen at the same time, as an index may list both.

    Args:
        session: the open transaction.
        fetched: the records, each with when it was fetched, in order.
        query_id: the search that found them.
        origin: where they come from.
    """
    # Of several who fetch at once, one stores at a time, and sees what was stored before.
    positions.take_numbers(session, SEQUENCE, 0)
    versions = _versions(session, {record.uri for record, _ in fetched})
    known = {uri for uri, of in versions.items() if of.seqs}
    fresh: list[tuple[int, int, Record, datetime]] = []
    for uri, of_uri in groupby(sorted(enumerate(fetched), key=_uri), key=_uri):
        for moment, together in groupby(of_uri, key=lambda one: one[1][1]):
            page = [(at, record) for at, (record, _) in together]
            fresh += [(*one, moment) for one in versions[uri].meet(page, moment)]
    fresh.sort(key=itemgetter(0))
    numbers = positions.take_numbers(session, SEQUENCE, len(fresh)) if fresh else range(0)
    rows: list[Row] = []
    for seq, (_, version, record, moment) in zip(numbers, fresh, strict=True):
        versions[record.uri].seqs[record.record_hash] = seq
        rows.append(_row(seq, version, record, query_id, origin, moment))
    insert(session, TABLE, COLUMNS, rows)
    _note_returns(session, versions)
    new = {record.uri for _, _, record, _ in fresh} - known
    return Stored(
        new=len(new),
        changed=len(fresh) - len(new),
        known=len(fetched) - len(fresh),
        unusable=sum(record.unusable is not None for _, _, record, _ in fresh),
    )


def _uri(numbered: tuple[int, tuple[Record, datetime]]) -> str:
    return numbered[1][0].uri


def _row(
    seq: int, version: int, record: Record, query_id: str, origin: str, fetched_at: datetime
) -> Row:
    return (
        seq,
        record.uri,
        version,
        record.url,
        record.title,
        record.published_at,
        record.indexed_at,
        record.lang,
        record.data_type,
        record.source_uri,
        record.source_name,
        record.is_duplicate,
        json.dumps(record.problems) if record.problems else None,
        record.unusable,
        origin,
        query_id,
        fetched_at,
        record.record_hash,
        record.record,
    )


@dataclass(slots=True)
class _Versions:
    """The records of a uri: their numbers by their hashes, and which one shows it now."""

    seqs: dict[str, int]
    """0 for a record that is about to get its number."""

    returned: dict[str, Return]
    """The returns that are noted, by the hashes of their records."""

    last: int = 0
    """The highest number of a version or return."""

    shown: str = ""
    seen_at: datetime | None = None
    moves: list[tuple[str, str, int, datetime]] = field(default_factory=list)
    """The returns to be noted: of which record to which, their number and time."""

    def meet(
        self, page: Sequence[tuple[int, Record]], moment: datetime
    ) -> list[tuple[int, int, Record]]:
        """Take numbered records that came at one moment; gives those to store, with versions."""
        fresh = []
        for at, record in page:
            if record.record_hash not in self.seqs:
                self.last += 1
                self.seqs[record.record_hash], self.shown = 0, record.record_hash
                fresh.append((at, self.last, record))
        came = [record.record_hash for _, record in page]
        if self.shown not in came and self.seen_at != moment:
            self.last += 1
            self.moves.append((self.shown, came[-1], self.last, moment))
            self.shown = came[-1]
        if self.shown in came:
            self.seen_at = moment
        return fresh


def _versions(session: Session, uris: Collection[str]) -> dict[str, _Versions]:
    versions = {uri: _Versions({}, {}) for uri in uris}
    columns = ("uri", "version", "record_hash", "seq", "fetched_at")
    found = sorted(rows_by_key(session, TABLE, columns, "uri", uris))
    for uri, version, record_hash, seq, fetched_at in found:
        of = versions[uri]
        of.seqs[record_hash] = seq
        of.last, of.shown, of.seen_at = version, record_hash, fetched_at
    returned = returns.of_records(session, [row[3] for row in found])
    for uri, _, record_hash, seq, _ in found:
        if one := returned.get(seq):
            of = versions[uri]
            of.returned[record_hash] = one
            if one.number > of.last:
                of.last, of.shown, of.seen_at = one.number, record_hash, one.seen_at
    return versions


def _note_returns(session: Session, versions: Mapping[str, _Versions]) -> None:
    """Store the returns, and when records that had come back were seen again."""
    moved = [of.seqs[key] for of in versions.values() for move in of.moves for key in move[:2]]
    texts = _texts(session, moved)
    known: set[int] = set()
    changed: list[Return] = []
    for of in versions.values():
        noted = dict(of.returned)
        for before, after, number, moment in of.moves:
            (page, text), (its_page, its_text) = (texts[of.seqs[key]] for key in (before, after))
            changes = noted[after].changes if after in noted else 0
            # What another page showed in between was no text of this one.
            changes += page == its_page and text != its_text
            noted[after] = Return(of.seqs[after], number, changes, moment, moment)
        now = noted.get(of.shown)
        if now and now.number == of.last and of.seen_at:
            noted[of.shown] = replace(now, seen_at=of.seen_at)
        known |= {one.raw_seq for one in of.returned.values()}
        changed += [one for key, one in noted.items() if one != of.returned.get(key)]
    returns.store(session, changed, known)


def _texts(session: Session, numbers: Collection[int]) -> dict[int, tuple[str | None, object]]:
    """The pages that records lead to and what tells their texts apart, by their `seq`."""
    texts: dict[int, tuple[str | None, object]] = {}
    for seq, url, record in rows_by_key(session, TABLE, ("seq", "url", "record"), "seq", numbers):
        value = json.loads(record)
        fields = value if isinstance(value, dict) else {}
        found = address(url)
        texts[seq] = found.page if found else None, (fields.get("title"), fields.get("body"))
    return texts


@dataclass(frozen=True, slots=True)
class RawRow:
    """A stored record; `record` is None where no rules can make an article of it."""

    seq: int
    uri: str
    version: int
    url: str | None
    published_at: datetime | None
    indexed_at: datetime | None
    lang: str | None
    data_type: str | None
    source_uri: str | None
    source_name: str | None
    is_duplicate: bool | None
    unusable: str | None
    origin: str
    fetched_at: datetime
    record: str | None


# Huge ones stay out of memory; what is a link, the rules of another day may see otherwise.
_READABLE = "(unusable IS NULL OR unusable = 'bad_url')"
ROW_COLUMNS = (
    *("seq", "uri", "version", "url", "publishedAt", "indexed_at", "lang", "data_type"),
    *("source_uri", "source_name", "is_duplicate", "unusable", "origin", "fetched_at"),
    f"CASE WHEN {_READABLE} THEN record END",
)
"""What gives the fields of a `RawRow`, in their order, in SQL."""


def rows_after(session: Session, seq: int, *, rows: int, characters: int) -> list[RawRow]:
    """The next stored records after `seq`: at most `rows`, and about `characters` of JSON."""
    waiting = session.rows(
        f"SELECT seq FROM {TABLE} WHERE seq > $1 ORDER BY seq LIMIT $2", seq, rows
    )
    if not waiting:
        return []
    # In a query of its own: for one with a limit DuckDB would read every record there is.
    sizes = session.rows(
        f"SELECT seq, CASE WHEN {_READABLE} THEN length(record) ELSE 0 END FROM {TABLE} "
        "WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        seq,
        waiting[-1][0],
    )
    last = last_within(sizes, characters) or seq
    found = session.rows(
        f"SELECT {', '.join(ROW_COLUMNS)} FROM {TABLE} WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        seq,
        last,
    )
    return [RawRow(*row) for row in found]


def first_of(session: Session, numbers: Sequence[int], *, characters: int) -> list[RawRow]:
    """The first of these stored records, with about so many characters of JSON."""
    columns = ("seq", "CASE WHEN unusable IS NULL THEN length(record) ELSE 0 END")
    sizes = sorted(rows_by_key(session, TABLE, columns, "seq", numbers))
    last = last_within(sizes, characters) or 0
    return rows_by_seq(session, [number for number in numbers if number <= last])


def rows_by_seq(session: Session, numbers: Collection[int]) -> list[RawRow]:
    """The stored records with these sequence numbers."""
    found = rows_by_key(session, TABLE, ROW_COLUMNS, "seq", numbers)
    return [RawRow(*row) for row in found]
