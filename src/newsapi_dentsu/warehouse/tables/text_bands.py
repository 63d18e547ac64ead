"""The bands by which similar texts are found: a cache of the days that are being compared."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

from newsapi_dentsu.domain import stories
from newsapi_dentsu.domain.stories import Rank
from newsapi_dentsu.warehouse.engines.base import Row, Session, delete, insert

BANDS = "processed.text_bands"
BANDED_DAYS = "processed.banded_days"

LONGEST_HORIZON_DAYS = 365
"""No horizon may be longer."""


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
    session: Session,
    days: Mapping[str, date],
    horizon_days: int,
    ranks: Collection[Rank],
) -> dict[str, dict[str, int]]:
    """For each of these articles, by its day, the candidates within the horizon.

    Args:
        session: the database.
        days: the articles to ask for.
        horizon_days: how many days may lie between.
        ranks: of articles whose assessments aren't stored yet as they are now.

    Returns:
        For each, the others by id, and in how many bands they are among the nearest.
    """
    if not days:
        return {}
    crowded = _crowded(session, days, horizon_days)
    few = _sharing_few(session, days, horizon_days, crowded)
    many = _near_among_many(session, days, horizon_days, crowded, ranks) if crowded else ()
    found: dict[str, dict[str, int]] = {}
    # There may be a million pairs: each id is kept once.
    known: dict[str, str] = {}
    for key, other, shared in chain(few, many):
        of_one = found.setdefault(key, {})
        name = known.setdefault(other, other)
        of_one[name] = of_one.get(name, 0) + shared
    return found


def beside(session: Session, ranks: Iterable[Rank]) -> set[str]:
    """The candidates of articles, by their stored ranks, in bands that many articles have.

    They have other candidates as soon as one of these articles goes, or stands elsewhere. Of days
    without bands none are found.
    """
    days = {rank.article_id: day for rank in ranks if (day := rank.day)}
    crowded = _crowded(session, days, LONGEST_HORIZON_DAYS) if days else []
    if not crowded:
        return set()
    near = _near_among_many(session, days, LONGEST_HORIZON_DAYS, crowded, ())
    return {other for _, other, _ in near} - days.keys()


def _crowded(session: Session, days: Mapping[str, date], horizon_days: int) -> list[int]:
    """The bands of these articles in which not all of a horizon are among each other's nearest."""
    return [
        band
        for (band,) in session.rows(
            f"SELECT band FROM {BANDS} WHERE day BETWEEN $4 AND $5 AND band IN "
            f"(SELECT band FROM {BANDS} WHERE day BETWEEN $2 AND $3 "
            "AND article_id IN (SELECT unnest($1::text[]))) "
            "GROUP BY band HAVING count(*) > $6::integer + 1",
            list(days),
            *_ends(days, horizon_days),
            stories.NEAREST,
        )
    ]


def _ends(days: Mapping[str, date], horizon_days: int) -> tuple[date, date, date, date]:
    """The first and the last of these days, and of the days within the horizon of any of them."""
    first, last = min(days.values()), max(days.values())
    margin = timedelta(days=horizon_days)
    return first, last, first - margin, last + margin


def _sharing_few(
    session: Session, days: Mapping[str, date], horizon_days: int, crowded: Sequence[int]
) -> list[Row]:
    """Pairs by bands that few articles have, with the number of bands."""
    return session.rows(
        "SELECT mine.article_id, theirs.article_id, count(*) "
        f"FROM (SELECT * FROM {BANDS} WHERE day BETWEEN $2 AND $3 "
        "AND article_id IN (SELECT unnest($1::text[])) "
        "AND band NOT IN (SELECT unnest($7::integer[]))) AS mine "
        f"JOIN {BANDS} AS theirs ON theirs.band = mine.band "
        "WHERE theirs.day BETWEEN $4 AND $5 AND theirs.article_id <> mine.article_id "
        "AND theirs.day BETWEEN mine.day - $6::integer AND mine.day + $6::integer "
        "GROUP BY mine.article_id, theirs.article_id",
        list(days),
        *_ends(days, horizon_days),
        horizon_days,
        list(crowded),
    )


def _near_among_many(
    session: Session,
    days: Mapping[str, date],
    horizon_days: int,
    crowded: Sequence[int],
    ranks: Collection[Rank],
) -> Iterator[Row]:
    """Pairs that are near each other in bands that many articles have, with the number of bands.

    Places are numbered by the moment of publication, within a band and its rejected or other
    articles, or the whole band. Those whose places differ by `NEAREST` at most are in the same or
    in neighbouring parts of that size: so rows meet few others.
    """
    near = " UNION ALL ".join(
        "SELECT mine.article_id, theirs.article_id AS other "
        f"FROM (SELECT *, {place} - {place} % $7::integer "
        "+ unnest(ARRAY[-$7::integer, 0, $7::integer]) AS part "
        "FROM placed WHERE day BETWEEN $2 AND $3 "
        "AND article_id IN (SELECT unnest($1::text[]))) AS mine "
        "JOIN placed AS theirs ON theirs.band = mine.band "
        f"AND theirs.{place} - theirs.{place} % $7::integer = mine.part "
        f"WHERE theirs.rejected {alike} mine.rejected "
        f"AND abs(theirs.{place} - mine.{place}) BETWEEN 1 AND $7::integer "
        "AND theirs.day BETWEEN mine.day - $6::integer AND mine.day + $6::integer"
        for place, alike in (("own_place", "="), ("place", "<>"))
    )
    return session.stream(
        "WITH now AS (SELECT unnest($9::text[]) AS article_id, "
        "unnest($10::timestamptz[]) AS published_at, unnest($11::boolean[]) AS rejected), "
        "standing AS (SELECT bands.band, bands.article_id, bands.day, "
        "COALESCE(now.published_at, stored.publishedAt) AS published_at, "
        "COALESCE(now.rejected, stored.rejection IS NOT NULL) AS rejected "
        f"FROM {BANDS} AS bands LEFT JOIN now ON now.article_id = bands.article_id "
        "LEFT JOIN processed.assessments AS stored ON stored.article_id = bands.article_id "
        "WHERE bands.day BETWEEN $4 AND $5 AND bands.band IN (SELECT unnest($8::integer[]))), "
        "placed AS (SELECT band, article_id, day, rejected, "
        "row_number() OVER (PARTITION BY band ORDER BY published_at, article_id) AS place, "
        "row_number() OVER (PARTITION BY band, rejected ORDER BY published_at, article_id) "
        "AS own_place FROM standing) "
        f"SELECT article_id, other, count(*) FROM ({near}) AS near GROUP BY article_id, other",
        list(days),
        *_ends(days, horizon_days),
        horizon_days,
        stories.NEAREST,
        list(crowded),
        [rank.article_id for rank in ranks],
        [rank.published_at for rank in ranks],
        [rank.rejected for rank in ranks],
    )
