"""Trends: how much there is week by week, where from, and what it is more and more about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.reading.tones import BrandWeek, brand_weeks
from newsapi_dentsu.warehouse.engines.base import Session

SPANS_BEFORE: Final = 4
"""Spans, such as weeks, that the newest one is compared with."""

MOST_CONCEPTS: Final = 8
MOST_WEEKS: Final = 52
_DAYS: Final = 7
_LEAST: Final = 3
"""Articles of a week below which a concept doesn't count as rising."""

_OF_WEEK: Final = "CAST(date_trunc('week', published_at AT TIME ZONE 'UTC') AS date)"


@dataclass(frozen=True, slots=True)
class Week:
    """A week, named by its Monday (UTC), and what it had."""

    week: date
    articles: int
    stories: int
    sources: int
    days: int
    """Of how many of its days there are news: fewer than seven at the beginning and at the end."""

    complete: bool
    """Whether it is over, and all seven days are known: only then it can be compared."""


@dataclass(frozen=True, slots=True)
class SourceCount:
    """A publication, and how many articles it had."""

    source_uri: str
    source_name: str | None
    articles: int


@dataclass(frozen=True, slots=True)
class Rising:
    """A concept that has more articles in some days, such as the last seven, than before them."""

    label: str
    articles: int
    before: float
    """Articles in as many days, in the mean of the time before."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many articles a concept has in a week, and how much that is of all chosen ones'."""

    week: date
    label: str
    articles: int
    share: float
    complete: bool
    """Whether the week is complete (`Week.complete`)."""


@dataclass(frozen=True, slots=True)
class Trends:
    """The trends of some weeks up to the newest day with news."""

    weeks: list[Week]
    sources: list[SourceCount]
    rising: list[Rising]
    shares: list[Share]
    tones: list[BrandWeek]


def trends(
    session: Session,
    newest: date,
    *,
    weeks: int = 12,
    concepts: Sequence[str] = (),
    brands: Sequence[str] = (),
    today: date | None = None,
) -> Trends:
    """The trends of the weeks up to a day.

    Args:
        session: the open library.
        newest: the newest day with news.
        weeks: how many weeks, that of the newest day included.
        concepts: concepts to compare by how many articles they have.
        brands: brands, companies and people to compare by how stories speak about them.
        today: the day of now (UTC), by default; a week is complete when it is over.

    What lies before the oldest article isn't known, and is left out: it isn't nothing.
    """
    oldest = oldest_of(session)
    monday = newest - timedelta(days=newest.weekday())
    first = day_start(monday - timedelta(weeks=weeks - 1))
    end = day_start(newest + timedelta(days=1))
    known = _Known(oldest.astimezone(UTC).date(), newest, today or datetime.now(UTC).date())
    counted = _weeks(session, max(first, oldest), end, monday, weeks, known)
    complete = {week.week: week.complete for week in counted}
    chosen = [name for name in concepts if name][:MOST_CONCEPTS]
    return Trends(
        weeks=counted,
        sources=_sources(session, first, end),
        rising=rising(session, newest - timedelta(days=6), newest, oldest=oldest),
        shares=_shares(session, first, end, chosen, complete),
        tones=brand_weeks(session, first, end, brands[:MOST_CONCEPTS], complete),
    )


class _Known(NamedTuple):
    """The days of which there may be news, and the day of now."""

    first: date
    last: date
    today: date

    def days(self, monday: date) -> int:
        """How many days of a week are known."""
        sunday = monday + timedelta(days=6)
        return (min(sunday, self.last) - max(monday, self.first)).days + 1

    def complete(self, monday: date) -> bool:
        """Whether a week is over and all of its days are known."""
        return self.days(monday) == _DAYS and self.today >= monday + timedelta(weeks=1)


def oldest_of(session: Session) -> datetime:
    """When the oldest article was published; now, where there is none."""
    # The smallest of a view would be looked for in the whole table.
    found = session.rows(
        "SELECT published_at FROM final.articles WHERE published_at IS NOT NULL "
        "ORDER BY published_at LIMIT 1"
    )
    return found[0][0] if found else datetime.now(UTC)


def _weeks(
    session: Session, first: datetime, end: datetime, monday: date, weeks: int, known: _Known
) -> list[Week]:
    found = {
        week: Week(week, articles, stories, sources, known.days(week), known.complete(week))
        for week, articles, stories, sources in session.rows(
            f"SELECT {_OF_WEEK} AS week, count(*), count(DISTINCT story_id), "
            "count(DISTINCT source_uri) FROM final.articles "
            "WHERE published_at >= $1 AND published_at < $2 GROUP BY 1 ORDER BY 1",
            first,
            end,
        )
    }
    days = [monday - timedelta(weeks=back) for back in reversed(range(weeks))]
    return [
        found.get(day) or Week(day, 0, 0, 0, known.days(day), known.complete(day))
        for day in days
        if day_start(day + timedelta(weeks=1)) > first
    ]


def _sources(session: Session, first: datetime, end: datetime) -> list[SourceCount]:
    return [
        SourceCount(*row)
        for row in session.rows(
            "SELECT source_uri, max(source_name), count(*) AS articles FROM final.articles "
            "WHERE published_at >= $1 AND published_at < $2 AND source_uri IS NOT NULL "
            "GROUP BY source_uri ORDER BY articles DESC, source_uri LIMIT 15",
            first,
            end,
        )
    ]


def rising(
    session: Session,
    since: date,
    until: date,
    *,
    oldest: datetime | None = None,
    topic: str | None = None,
) -> list[Rising]:
    """What there is more of in some days than, in the mean, in as many days of the time before.

    The time before is that of four such spans, less what lies before the oldest article: where
    there is less than one span of it, nothing is called rising.

    Args:
        session: the open library.
        since: the first day (UTC).
        until: the last day, inclusive.
        oldest: when the oldest article was published, where that is known.
        topic: what the articles are about.
    """
    first, end = day_start(since), day_start(until + timedelta(days=1))
    span = end - first
    # The day of the oldest article counts as known: whole days are fetched.
    known = day_start((oldest or oldest_of(session)).astimezone(UTC).date())
    before = max(known, first - SPANS_BEFORE * span)
    spans = (first - before) / span
    if spans < 1:
        return []
    asked: list[object] = [before, first, end]
    about = ""
    if topic is not None:
        asked.append(topic)
        about = (
            "AND article_id IN (SELECT article_id FROM final.articles WHERE published_at >= $1 "
            "AND published_at < $3 AND topics @> ARRAY[CAST($4 AS text)]) "
        )
    return [
        Rising(label, now, round(count / spans, 2))
        for label, now, count in session.rows(
            "SELECT label, now, before FROM (SELECT label, "
            "count(*) FILTER (WHERE published_at >= $2) AS now, "
            "count(*) FILTER (WHERE published_at < $2) AS before FROM final.article_concepts "
            f"WHERE published_at >= $1 AND published_at < $3 AND label IS NOT NULL {about}"
            "GROUP BY label) AS counted "
            f"WHERE now >= {_LEAST} AND now * {spans:.6f} > before "
            # By how far it lies beyond the usual, which varies by about its root.
            f"ORDER BY (now - before / {spans:.6f}) "
            f"/ sqrt(before / {spans:.6f} + 1) DESC, label LIMIT 15",
            *asked,
        )
    ]


def _shares(
    session: Session,
    first: datetime,
    end: datetime,
    concepts: Sequence[str],
    complete: Mapping[date, bool],
) -> list[Share]:
    if not concepts:
        return []
    names: dict[str, str] = {name.lower(): name for name in concepts}
    counts = session.rows(
        f"SELECT {_OF_WEEK} AS week, lower(label) AS name, count(DISTINCT article_id) "
        "FROM final.article_concepts WHERE published_at >= $1 AND published_at < $2 "
        "AND lower(label) IN (SELECT unnest($3::text[])) GROUP BY 1, 2 ORDER BY 1, 2",
        first,
        end,
        list(names),
    )
    totals: dict[date, int] = {}
    for week, _, articles in counts:
        totals[week] = totals.get(week, 0) + articles
    return [
        Share(week, names[name], articles, articles / totals[week], complete.get(week, False))
        for week, name, articles in counts
    ]


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """How a publication has done in some days, by its articles that people read."""

    source_uri: str
    source_name: str | None
    articles: int
    first_published_at: datetime
    last_published_at: datetime
    relevance: float | None
    stories: int
    first_in: int
    """Stories that it had before all others, or alone."""

    median_delay: float | None
    """Seconds after the story's first article, in the median of those that others had before."""

    copied: int
    """Its articles that others carry, too."""

    copies: int
    """How often they carry them."""


PROFILE_DAYS: Final = 90
_PROFILE_ARTICLES: Final = 2_000


def source_profile(session: Session, source_uri: str, newest: date) -> SourceProfile | None:
    """How a publication has done in the last days; None where it had nothing.

    Of very many articles, the newest 2,000 are looked at.
    """
    end = day_start(newest + timedelta(days=1))
    own = (
        "SELECT article_id, story_id, published_at, source_name, relevance, duplicate_count "
        "FROM final.articles WHERE source_uri = $1 AND published_at >= $2 AND published_at < $3 "
        f"ORDER BY published_at DESC LIMIT {_PROFILE_ARTICLES}"
    )
    asked = (source_uri, end - timedelta(days=PROFILE_DAYS), end)
    ((name, articles, first, last, relevance, stories, copied, copies),) = session.rows(
        "SELECT max(source_name), count(*), min(published_at), max(published_at), avg(relevance), "
        "count(DISTINCT story_id), count(*) FILTER (WHERE duplicate_count > 0), "
        f"CAST(coalesce(sum(duplicate_count), 0) AS bigint) FROM ({own}) AS own",
        *asked,
    )
    if not articles:
        return None
    ((first_in, delay),) = session.rows(
        "SELECT count(*) FILTER (WHERE delay <= 0), "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY delay) FILTER (WHERE delay > 0) FROM (SELECT "
        "CAST(extract(epoch FROM min(own.published_at) - min(member.published_at)) "
        "AS double precision) AS delay "
        f"FROM (SELECT story_id, min(published_at) AS published_at FROM ({own}) AS own "
        "GROUP BY story_id) AS own "
        "JOIN final.story_articles AS member ON member.story_id = own.story_id "
        "GROUP BY own.story_id) AS stories",
        *asked,
    )
    return SourceProfile(
        source_uri=source_uri,
        source_name=name,
        articles=articles,
        first_published_at=first.astimezone(UTC),
        last_published_at=last.astimezone(UTC),
        relevance=relevance,
        stories=stories,
        first_in=first_in,
        median_delay=delay,
        copied=copied,
        copies=copies,
    )
