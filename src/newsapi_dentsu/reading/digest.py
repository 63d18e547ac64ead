"""A digest of some days: what mattered, what rose, who is new, and how much beside before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.reading.conditions import Conditions
from newsapi_dentsu.reading.stories import (
    MOST_PLACES,
    Place,
    Story,
    StoryFilter,
    leading,
    places,
    read_state,
)
from newsapi_dentsu.reading.trends import Rising, SourceCount, oldest_of, rising
from newsapi_dentsu.warehouse.engines.base import Session

USUAL_STORIES: Final = 10
MOST_STORIES: Final = 50
MOST_DAYS: Final = 366

_MOST_NEW: Final = 15


@dataclass(frozen=True, slots=True)
class Period:
    """Days (UTC), both of them included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "Period":
        """As many days, before it."""
        span = timedelta(days=self.days)
        return Period(self.since - span, self.until - span)


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there was in some days."""

    articles: int
    stories: int
    sources: int


@dataclass(frozen=True, slots=True)
class Told:
    """A story, who had it first, and the names of the others that had it, in their order."""

    story: Story
    first: str | None
    also: list[str]


class Tone(NamedTuple):
    """How the stories of some weeks speak about somebody; `score` is from -1 to 1."""

    stories: int
    negative: int
    positive: int
    score: float


@dataclass(frozen=True, slots=True)
class BrandTone:
    """How the stories speak about a watched brand, and how those of the weeks before did."""

    brand: str
    tone: Tone
    before: Tone | None


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest tells of one state of the articles, that of the change `change_seq`.

    `before` is None where the days before aren't known whole, as in the first week: then nothing
    is called new or rising either. Tones are of whole weeks (`tone_weeks`), as the view has them.
    """

    period: Period
    topic: str | None
    change_seq: int
    figures: Figures
    before: Figures | None
    stories: list[Told]
    rising: list[Rising]
    new_sources: list[SourceCount]
    new_source_count: int
    tones: list[BrandTone]
    newest: date | None
    origin: str | None

    @property
    def tone_weeks(self) -> Period:
        """The whole weeks, Monday to Sunday, of which the tones are told."""
        return tone_weeks(self.period)


def week_before(day: date) -> Period:
    """The last whole week, Monday to Sunday, before a day."""
    monday = day - timedelta(days=day.weekday() + 7)
    return Period(monday, monday + timedelta(days=6))


def tone_weeks(period: Period) -> Period:
    """The whole weeks that stand for some days; a week counts as of the days if its Thursday does.

    Days that have no week of their own, such as a single Monday, have the last one before.
    """
    last = period.until - timedelta(days=3)
    sunday = last + timedelta(days=6 - last.weekday())
    return Period(sunday - timedelta(days=7 * max(1, period.days // 7) - 1), sunday)


def read_digest(
    session: Session,
    period: Period,
    *,
    topic: str | None = None,
    brands: Sequence[str] = (),
    rows: int = USUAL_STORIES,
) -> Digest:
    """The digest of some days, of one topic or of all.

    Args:
        session: the open library: one state of it.
        period: the days.
        topic: what the articles are about; tones aren't known by topic, and are left out then.
        brands: the watched brands whose tones to tell.
        rows: how many stories to tell.

    Raises:
        WarehouseError: what is stored was made by another version of this program.
    """
    state = read_state(session)
    wanted = StoryFilter(period.since, period.until, topic=topic)
    found = leading(session, wanted, rows)
    ran = places(session, [story.story_id for story in found], MOST_PLACES)
    oldest = oldest_of(session)
    has_before = _is_known(session, period, oldest)
    now, before = _figures(session, period, topic)
    new, new_count = _new_sources(session, period, topic) if has_before else ([], 0)
    return Digest(
        period=period,
        topic=topic,
        change_seq=state.change_seq,
        figures=now,
        before=before if has_before else None,
        stories=[_told(story, ran.get(story.story_id, [])) for story in found],
        rising=(
            rising(session, period.since, period.until, oldest=oldest, topic=topic)
            if has_before
            else []
        ),
        new_sources=new,
        new_source_count=new_count,
        tones=_tones(session, period, brands, oldest) if topic is None else [],
        newest=state.newest,
        origin=state.origin,
    )


def _told(story: Story, ran: list[Place]) -> Told:
    names: dict[str, str] = {}
    for place in ran:
        if place.source_uri and not names.get(place.source_uri):
            names[place.source_uri] = place.source_name or ""
    first = story.first_source
    others = [name or uri for uri, name in names.items() if uri != first]
    return Told(story, (names.get(first) or first) if first else None, others)


def _is_known(session: Session, period: Period, oldest: datetime) -> bool:
    """Whether the days before are known: read at all, and not by a few old articles alone.

    A first run finds single articles that are older than the days it reads; so at least a third
    as many of the days before must have any as of the days themselves.
    """
    before = period.before
    if _day(oldest) > before.since:
        return False
    ((now, then),) = session.rows(
        "SELECT count(DISTINCT day) FILTER (WHERE day >= $3), "
        "count(DISTINCT day) FILTER (WHERE day < $3) "
        "FROM (SELECT CAST(published_at AT TIME ZONE 'UTC' AS date) AS day FROM final.articles "
        "WHERE published_at >= $1 AND published_at < $2) AS published",
        day_start(before.since),
        day_start(period.until + timedelta(days=1)),
        period.since,
    )
    return bool(3 * then >= now)


def _figures(session: Session, period: Period, topic: str | None) -> tuple[Figures, Figures]:
    """The figures of a period and of the one before."""
    end = period.until + timedelta(days=1)
    conditions = _of(period.before.since, end, topic)
    first = conditions.number(day_start(period.since))
    counts = ", ".join(
        f"{counted} FILTER (WHERE published_at {side} {first})"
        for side in (">=", "<")
        for counted in (
            "count(*)",
            "count(DISTINCT story_id)",
            "count(DISTINCT source_uri)",
        )
    )
    ((*found,),) = session.rows(
        f"SELECT {counts} FROM final.articles WHERE {conditions.all}", *conditions.parameters
    )
    return Figures(*found[:3]), Figures(*found[3:])


def _new_sources(
    session: Session, period: Period, topic: str | None
) -> tuple[list[SourceCount], int]:
    """The sources of which nothing had been read before, the most productive first; and all."""
    conditions = _of(period.since, period.until + timedelta(days=1), topic)
    conditions.add("source_uri IS NOT NULL")
    conditions.add(
        "source_uri NOT IN (SELECT source_uri FROM final.articles WHERE published_at < {} "
        "AND source_uri IS NOT NULL)",
        day_start(period.since),
    )
    found = session.rows(
        "SELECT source_uri, max(source_name), count(*) AS articles, count(*) OVER () "
        f"FROM final.articles WHERE {conditions.all} GROUP BY source_uri "
        f"ORDER BY articles DESC, source_uri LIMIT {_MOST_NEW}",
        *conditions.parameters,
    )
    return [SourceCount(*row[:3]) for row in found], (found[0][3] if found else 0)


def _tones(
    session: Session, period: Period, brands: Sequence[str], oldest: datetime
) -> list[BrandTone]:
    """The brands that stories speak about, those first that most do."""
    weeks = tone_weeks(period)
    now = _tones_of(session, weeks, brands)
    known = _day(oldest) <= weeks.before.since
    before = _tones_of(session, weeks.before, brands) if known else {}
    none = Tone(0, 0, 0, 0.0) if known else None
    return sorted(
        (BrandTone(brand, tone, before.get(brand, none)) for brand, tone in now.items()),
        key=lambda one: (-one.tone.stories, one.brand),
    )


def _tones_of(session: Session, weeks: Period, brands: Sequence[str]) -> dict[str, Tone]:
    if not brands:
        return {}
    return {
        brand: Tone(*tone)
        for brand, *tone in session.rows(
            "SELECT target, CAST(sum(stories) AS bigint), CAST(sum(negative) AS bigint), "
            "CAST(sum(positive) AS bigint), sum(score * stories) / sum(stories) "
            "FROM final.brand_sentiment_by_week WHERE week >= $1 AND week <= $2 "
            "AND target IN (SELECT unnest($3::text[])) GROUP BY target",
            weeks.since,
            weeks.until,
            list(brands),
        )
    }


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _of(since: date, end: date, topic: str | None) -> Conditions:
    conditions = Conditions()
    conditions.add("published_at >= {}", day_start(since))
    conditions.add("published_at < {}", day_start(end))
    if topic is not None:
        conditions.add("topics @> ARRAY[CAST({} AS text)]", topic)
    return conditions
