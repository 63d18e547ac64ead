"""How articles and stories speak about whom, for readers: the tones, and the sentences behind them.

Tones are as of now in every state of the articles, and of those that have left as of when they did.
In whatever is counted a story counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final

from newsapi_dentsu.domain.names import name_key
from newsapi_dentsu.domain.tone import Tone
from newsapi_dentsu.mistakes import nearest
from newsapi_dentsu.warehouse.engines.base import Row, Session
from newsapi_dentsu.warehouse.tables import tone
from newsapi_dentsu.warehouse.tables.rows import rows_by_key

_TARGETS: Final = "final.article_targets"
_PAST_TARGETS: Final = "final.article_targets_past"
_MENTIONS: Final = "final.article_mentions"

_NAMES_COMPARED: Final = 5_000
"""Names, of whom most is said, among which one that nobody knows is looked for."""

LABELS: Final = ("negative", "neutral", "positive", "uncertain")
"""What can be said of a tone."""

OF_ARTICLES: Final = (*LABELS, tone.NOT_SCORED)
"""What can be asked for; articles in languages that the model can't read are not scored."""


@dataclass(frozen=True, slots=True)
class Speaks:
    """Whom an article speaks about, and how."""

    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A sentence that names a target; `name_start` and `name_end` are the name's place in it.

    Sentence 0 is the title.
    """

    article_id: str
    target: str
    sentence_number: int
    sentence: str
    name_start: int
    name_end: int
    negative: float
    neutral: float
    positive: float
    label: str
    model: str


@dataclass(frozen=True, slots=True)
class TargetTone:
    """How a story, or one article, speaks about a target; `score` goes from -1 to 1.

    Of a story it is the mean of its articles; `models` are those that read them.
    """

    target: str
    kind: str
    mentions: int
    negative: float
    neutral: float
    positive: float
    label: str
    score: float
    models: list[str]
    sentences: list[Mention]


@dataclass(frozen=True, slots=True)
class BrandWeek:
    """How the stories of a week speak about a brand, and how much that is of all chosen ones'.

    Each story counts once, in the week of its first article that names the brand. `score` is their
    mean tone, from -1 to 1; `complete` tells whether the week is over and known whole.
    """

    week: date
    brand: str
    stories: int
    share: float
    negative: int
    neutral: int
    positive: int
    uncertain: int
    score: float
    complete: bool


def label_of_target(key: str, label: str = "") -> str:
    """What stands in an index for whom an article speaks about, or for that and how it does."""
    # No label has this mark, so that the two can be told apart whatever the name is.
    return f"{label}@{key}"


def labels(own: str | None, targets: Iterable[Speaks]) -> tuple[str, ...]:
    """What stands in an index for the tones of an article: of its opening, and of its targets."""
    told = [own] if own else []
    for one in targets:
        key = name_key(one.target)
        told += [label_of_target(key), label_of_target(key, one.label)]
    return tuple(dict.fromkeys(told))


def spoken_of(session: Session, article_ids: Sequence[str]) -> dict[str, list[Speaks]]:
    """Whom each of these articles speaks about, and how; those first of whom it says most."""
    columns = ("article_id", "target", "label", "mentions")
    found = _targets(session, columns, article_ids)
    told: dict[str, list[Speaks]] = {}
    for article_id, target, label, _ in sorted(found, key=lambda row: (-row[3], row[1])):
        told.setdefault(article_id, []).append(Speaks(target, label))
    return told


def _targets(session: Session, columns: Sequence[str], article_ids: Sequence[str]) -> list[Row]:
    """The columns of the targets of these articles, of those that have left as well."""
    if not article_ids:
        return []
    listed = ", ".join(columns)
    # Those that have changed stand in both views, with the same tones.
    both = " UNION ".join(
        f"SELECT {listed} FROM {view} WHERE article_id IN (SELECT unnest($1::text[]))"
        for view in (_TARGETS, _PAST_TARGETS)
    )
    return session.rows(both, list(article_ids))


def article_tones(session: Session, article_ids: Sequence[str]) -> dict[str, str | None]:
    """The tone of each of these articles in title and first sentence; None before it is read."""
    columns = ("article_id", "tone")
    return dict(rows_by_key(session, "final.articles", columns, "article_id", article_ids))


def unread(session: Session) -> tuple[int, int]:
    """How many articles have no tone yet, and how many there are."""
    ((without, every),) = session.rows(
        "SELECT count(*) FILTER (WHERE tone IS NULL), count(*) FROM final.articles"
    )
    return without, every


def names_like(session: Session, name: str) -> list[str] | None:
    """The names that are most like one of whom no article speaks; None where some do."""
    key = name_key(name)
    if session.rows("SELECT 1 FROM final.article_targets WHERE target_key = $1 LIMIT 1", key):
        return None
    rows = session.rows(
        "SELECT target_key, min(target) FROM final.article_targets WHERE target_key IS NOT NULL "
        f"GROUP BY target_key ORDER BY count(*) DESC, target_key LIMIT {_NAMES_COMPARED}"
    )
    by_key: dict[str, str] = dict(rows)
    longer = [one for one in by_key if f" {key} " in f" {one} "][:3]
    near = nearest(key, by_key)
    return [by_key[one] for one in longer or ([near] if near else [])]


def of_articles(session: Session, article_ids: Sequence[str]) -> dict[str, list[TargetTone]]:
    """How each of these articles speaks about whom, with the sentences; two statements for all."""
    return _told(session, {one: one for one in article_ids})


def of_stories(session: Session, story_ids: Sequence[str]) -> dict[str, list[TargetTone]]:
    """How each of these stories speaks about whom, with the sentences; three statements for all."""
    columns = ("article_id", "story_id")
    found = rows_by_key(session, "final.articles", columns, "story_id", story_ids)
    return _told(session, dict(found))


def _told(session: Session, belongs: dict[str, str]) -> dict[str, list[TargetTone]]:
    """What the articles that belong together say, those first of whom most is said."""
    ids = list(belongs)
    columns = ("article_id", "target", "kind", "mentions", *Tone._fields, "model")
    told: dict[tuple[str, str], list[Row]] = {}
    for row in _targets(session, columns, ids):
        told.setdefault((belongs[row[0]], row[1]), []).append(row)
    sentences: dict[tuple[str, str], list[Mention]] = {}
    names = [one.name for one in fields(Mention)]
    for row in rows_by_key(session, _MENTIONS, names, "article_id", ids if told else []):
        sentences.setdefault((belongs[row[0]], row[1]), []).append(Mention(*row))
    for several in sentences.values():
        several.sort(key=lambda one: (one.article_id, one.sentence_number))
    found: dict[str, list[TargetTone]] = {}
    for (key, target), rows in told.items():
        mean = Tone(*(sum(row[at] for row in rows) / len(rows) for at in (4, 5, 6)))
        one = TargetTone(
            target=target,
            kind=rows[0][2],
            mentions=sum(row[3] for row in rows),
            negative=mean.negative,
            neutral=mean.neutral,
            positive=mean.positive,
            label=mean.label,
            score=mean.score,
            models=sorted({row[7] for row in rows}),
            sentences=sentences.get((key, target), []),
        )
        found.setdefault(key, []).append(one)
    for targets in found.values():
        targets.sort(key=lambda one: (-one.mentions, one.target))
    return found


def brand_weeks(
    session: Session,
    first: datetime,
    end: datetime,
    brands: Sequence[str],
    complete: Mapping[date, bool],
) -> list[BrandWeek]:
    """How the weeks between two moments speak about each of some brands, named as they are given.

    Args:
        session: the open library.
        first: the beginning.
        end: the end, not included.
        brands: names of brands, companies or people, whole and in any case.
        complete: whether each week is known whole.
    """
    names: dict[str, str] = {}
    for name in brands:
        names.setdefault(name_key(name), name)
    if not names:
        return []
    rows = session.rows(
        "SELECT CAST(date_trunc('week', published_at AT TIME ZONE 'UTC') AS date) AS week, "
        "target_key, count(*), count(*) FILTER (WHERE negative >= 0.5), "
        "count(*) FILTER (WHERE neutral >= 0.5), count(*) FILTER (WHERE positive >= 0.5), "
        "count(*) FILTER (WHERE greatest(negative, neutral, positive) < 0.5), "
        "avg(positive - negative) FROM ("
        "SELECT target_key, min(published_at) AS published_at, avg(negative) AS negative, "
        "avg(neutral) AS neutral, avg(positive) AS positive FROM final.article_targets "
        "WHERE target_key IN (SELECT unnest($3::text[])) "
        "GROUP BY coalesce(story_id, article_id), target_key) AS story "
        "WHERE published_at >= $1 AND published_at < $2 GROUP BY 1, 2 ORDER BY 1, 2",
        first,
        end,
        list(names),
    )
    totals: dict[date, int] = {}
    for week, _, stories, *_ in rows:
        totals[week] = totals.get(week, 0) + stories
    return [
        BrandWeek(
            week,
            names[key],
            stories,
            stories / totals[week],
            negative,
            neutral,
            positive,
            uncertain,
            score,
            complete.get(week, False),
        )
        for week, key, stories, negative, neutral, positive, uncertain, score in rows
    ]
