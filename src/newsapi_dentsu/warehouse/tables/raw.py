"""raw: the records as the API gave them, and what each search listed for each day."""

import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from newsapi_dentsu.domain.listing import DayListing, Reading
from newsapi_dentsu.domain.record import Record
from newsapi_dentsu.warehouse.engines.base import Session, insert
from newsapi_dentsu.warehouse.tables import positions
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
    """How many records of a page were new, changed, already known; and how many are unusable."""

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
    return Reading(**value)


def _reading_as_json(reading: Reading) -> str | None:
    return None if reading == Reading() else json.dumps(dataclasses.asdict(reading))


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
    """Append the records that are new or changed.

    A record whose content equals the newest stored version of its uri is left out; one that
    differs becomes the next version. Within `records` the last of equal uris counts.
    """
    by_uri = {record.uri: record for record in records}
    newest: dict[str, tuple[int, str]] = {}
    stored = rows_by_key(session, TABLE, ("uri", "version", "record_hash"), "uri", by_uri)
    for uri, version, record_hash in sorted(stored):
        newest[uri] = (version, record_hash)
    fresh = [
        record
        for record in by_uri.values()
        if record.uri not in newest or newest[record.uri][1] != record.record_hash
    ]
    numbers = positions.take_numbers(session, SEQUENCE, len(fresh)) if fresh else range(0)
    insert(
        session,
        TABLE,
        COLUMNS,
        [
            (
                seq,
                record.uri,
                newest.get(record.uri, (0, ""))[0] + 1,
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
            for seq, record in zip(numbers, fresh, strict=True)
        ],
    )
    changed = sum(record.uri in newest for record in fresh)
    return Stored(
        new=len(fresh) - changed,
        changed=changed,
        known=len(records) - len(fresh),
        unusable=sum(record.unusable is not None for record in fresh),
    )


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
_ROW_COLUMNS = (
    *("seq", "uri", "version", "url", "publishedAt", "indexed_at", "lang", "data_type"),
    *("source_uri", "source_name", "is_duplicate", "unusable", "origin", "fetched_at"),
    f"CASE WHEN {_READABLE} THEN record END",
)


def rows_after(session: Session, seq: int, *, rows: int, characters: int) -> list[RawRow]:
    """The next stored records after `seq`: at most `rows`, and about `characters` of JSON."""
    sizes = session.rows(
        f"SELECT seq, CASE WHEN {_READABLE} THEN length(record) ELSE 0 END FROM {TABLE} "
        "WHERE seq > $1 ORDER BY seq LIMIT $2",
        seq,
        rows,
    )
    last = last_within(sizes, characters)
    if last is None:
        return []
    found = session.rows(
        f"SELECT {', '.join(_ROW_COLUMNS)} FROM {TABLE} WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        seq,
        last,
    )
    return [RawRow(*row) for row in found]


def rows_by_seq(session: Session, numbers: Collection[int]) -> list[RawRow]:
    """The stored records with these sequence numbers."""
    found = rows_by_key(session, TABLE, _ROW_COLUMNS, "seq", numbers)
    return [RawRow(*row) for row in found]
