"""The bands by which similar texts are found: a cache of the days that are being compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from newsapi_dentsu.warehouse.engines.base import Session, delete, insert

BANDS = "processed.text_bands"
BANDED_DAYS = "processed.banded_days"


def unbanded_days(session: Session, first: date, last: date, method: str) -> list[date]:
    """The days of a range whose assessed articles don't all have bands of this method."""
    there = {
        day
        for (day,) in session.rows(
            f"SELECT day FROM {BANDED_DAYS} WHERE day BETWEEN $1 AND $2 AND method = $3",
            first,
            last,
            method,
        )
    }
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in every if day not in there]


def forget_bands(session: Session, days: Sequence[date]) -> None:
    """Drop all bands of some days."""
    for table in (BANDS, BANDED_DAYS):
        session.execute(f"DELETE FROM {table} WHERE day IN (SELECT unnest($1::date[]))", list(days))


def forget_bands_before(session: Session, day: date) -> None:
    """Drop all bands of the days before this one."""
    for table in (BANDS, BANDED_DAYS):
        session.execute(f"DELETE FROM {table} WHERE day < $1", day)


def note_banded(session: Session, days: Sequence[date], method: str) -> None:
    """Note that every assessed article of these days has its bands."""
    columns = {"day": "date", "method": "text"}
    insert(session, BANDED_DAYS, columns, [(day, method) for day in days])


@dataclass(frozen=True, slots=True)
class Banded:
    """The bands of an article and the day of its publication."""

    day: date
    article_id: str
    bands: Sequence[int]


def save_bands(session: Session, found: Sequence[Banded]) -> None:
    """Store the bands of articles of which none are stored."""
    found = [one for one in found if one.bands]
    if found:
        # An article's bands go as one text: a driver is slow at long lists of numbers.
        session.execute(
            f"INSERT INTO {BANDS} (day, band, article_id) "
            "SELECT day, CAST(unnest(string_to_array(bands, ' ')) AS integer), article_id "
            "FROM (SELECT unnest($1::date[]) AS day, unnest($2::text[]) AS article_id, "
            "unnest($3::text[]) AS bands) AS found",
            [one.day for one in found],
            [one.article_id for one in found],
            [" ".join(map(str, one.bands)) for one in found],
        )


def analyze_bands(session: Session) -> None:
    """Tell the database's planner about bands of days that it has not seen yet.

    It would expect none there, and compare everything with everything.
    """
    session.execute(f"ANALYZE {BANDS}")


def remove_bands(session: Session, article_ids: Sequence[str]) -> None:
    """Remove the bands of some articles."""
    delete(session, BANDS, "article_id", article_ids)


def with_bands(session: Session, article_ids: Sequence[str], first: date, last: date) -> set[str]:
    """Which of these articles, published from `first` to `last`, have bands."""
    found = session.rows(
        f"SELECT DISTINCT article_id FROM {BANDS} WHERE day BETWEEN $2 AND $3 "
        "AND article_id IN (SELECT unnest($1::text[]))",
        list(article_ids),
        first,
        last,
    )
    return {article_id for (article_id,) in found}


def sharing_bands(
    session: Session, days: Mapping[str, date], horizon_days: int
) -> dict[str, dict[str, int]]:
    """For each of these articles, by its day, those within the horizon that share bands.

    Returns:
        For each, the others by id, and how many bands they share.
    """
    if not days:
        return {}
    first, last = min(days.values()), max(days.values())
    margin = timedelta(days=horizon_days)
    found: dict[str, dict[str, int]] = {}
    for key, other, shared in session.rows(
        "SELECT mine.article_id, theirs.article_id, count(*) "
        f"FROM (SELECT * FROM {BANDS} WHERE day BETWEEN $2 AND $3 "
        "AND article_id IN (SELECT unnest($1::text[]))) AS mine "
        f"JOIN {BANDS} AS theirs ON theirs.band = mine.band "
        "WHERE theirs.day BETWEEN $4 AND $5 AND theirs.article_id <> mine.article_id "
        "AND theirs.day BETWEEN mine.day - $6::integer AND mine.day + $6::integer "
        "GROUP BY mine.article_id, theirs.article_id",
        list(days),
        first,
        last,
        first - margin,
        last + margin,
        horizon_days,
    ):
        found.setdefault(key, {})[other] = shared
    return found
