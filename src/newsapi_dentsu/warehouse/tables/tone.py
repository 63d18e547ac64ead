"""How final articles speak about whom: mentions, targets of articles, and articles.

All three are caches: what is missing is read again by the model of tone.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from newsapi_dentsu.domain.names import name_key
from newsapi_dentsu.warehouse.engines.base import Session, delete, insert, one
from newsapi_dentsu.warehouse.tables import final, positions, processed, raw
from newsapi_dentsu.warehouse.tables.rows import BigInt, columns_of, rows_by_key, values

MENTIONS = "processed.mentions"
TARGETS = "final.article_sentiment"
ARTICLES = "final.article_tone"
SEQUENCE = "final.tones_seq"
"""Names in `ops.positions` the number of the last change of tones."""

TOLD = "final.tones_told"
"""Position: up to this change of final the tone of each article is told."""

FORGOTTEN = "final.tones_forgotten"
"""Position: of articles that left up to this change of final, and stay away, no tone is told."""

READ_AS = "final.tones_read_as"
"""Position: the number of the reading by which all articles that are told were read; else 0."""

NOT_SCORED = "not_scored"
"""The label of an article in a language that the model can't read."""

_LONGEST_STORY = timedelta(days=31)
"""How long before a span the articles of its stories are looked for that came first."""

FAILED = "failed"
"""The label of an article that couldn't be read."""


@dataclass(frozen=True, slots=True)
class MentionRow:
    """A sentence that names a target; `name_start` and `name_end` are the name's place in it.

    Sentence 0 is the title.
    """

    article_id: str
    target: str
    sentence_number: int
    kind: str
    sentence: str
    name_start: int
    name_end: int
    negative: float
    neutral: float
    positive: float
    label: str
    model: str


@dataclass(frozen=True, slots=True)
class TargetRow:
    """What an article says of a target, all mentions together.

    `target_key` is the target as names are compared (`domain.targets.name_key`); `save` gives it.
    """

    article_id: str
    target: str
    kind: str
    mentions: int
    negative: float
    neutral: float
    positive: float
    label: str
    model: str
    target_key: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """The tone of an article's opening, and what was read: a change of any of it is read again.

    `tone_seq` is the number of the last change of its tones, which `save` gives.
    """

    article_id: str
    label: str
    negative: float | None
    neutral: float | None
    positive: float | None
    model: str
    brands: str
    text_hash: str
    change_seq: BigInt
    tone_seq: BigInt | None = None


MENTION_COLUMNS = columns_of(MentionRow)
TARGET_COLUMNS = columns_of(TargetRow)
ARTICLE_COLUMNS = columns_of(ArticleRow)


class Shown(NamedTuple):
    """What of a final article is read, and the record that its text and its concepts come from."""

    article_id: str
    title: str
    own_text: str
    lang: str
    change_seq: int
    record: str | None


class Reading(NamedTuple):
    """By which model and for which file of brands articles were read."""

    model: str
    brands: str


def _number(reading: Reading) -> int:
    """A reading as a positive 63-bit number."""
    digest = hashlib.sha256("\n".join(reading).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1 or 1


class Span(NamedTuple):
    """The changes of final among which articles wait to be read: after one, up to the last."""

    after: int
    last: int


_SHOWN = (
    f"FROM {final.TABLE} AS shown LEFT JOIN {ARTICLES} AS told "
    "ON told.article_id = shown.article_id"
)
_CHANGED = "(told.article_id IS NULL OR told.change_seq <> shown.change_seq)"
_OUTDATED = "(told.change_seq = shown.change_seq AND (told.model <> $1 OR told.brands <> $2))"


def _changed_in(span: Span) -> str:
    # Rows without a number were loaded from outside: they are found where all are looked through.
    return f"shown.change_seq > {span.after} AND {_CHANGED}" if span.after else _CHANGED


def recent_since(session: Session, days: int) -> datetime | None:
    """The moment so many days before the newest article; None where there are no articles."""
    newest: datetime | None = one(session, f"SELECT max(publishedAt) FROM {final.TABLE}")
    return newest - timedelta(days=days) if newest else None


def changed(session: Session, span: Span, since: datetime, recent: int, earlier: int) -> list[str]:
    """Articles that are new in final or have changed, the newest first.

    Args:
        session: the open transaction.
        span: what `forget_departed` found to be looked through.
        since: from when on they are recent.
        recent: how many of those, at most.
        earlier: how many of the others, at most.
    """
    return _portion(session, _changed_in(span), [], since, recent, earlier)


def outdated(
    session: Session, reading: Reading, since: datetime, recent: int, earlier: int
) -> list[str]:
    """Articles that another model has read, or for other brands; see `changed`."""
    if positions.position(session, READ_AS) == _number(reading):
        return []
    # This run reads by another one: should it be killed, the next one looks again.
    positions.set_position(session, READ_AS, 0)
    return _portion(session, _OUTDATED, [*reading], since, recent, earlier)


def _portion(
    session: Session,
    condition: str,
    parameters: list[str],
    since: datetime,
    recent: int,
    earlier: int,
) -> list[str]:
    at = f"${len(parameters) + 1}"
    found: list[str] = []
    for comparison, limit in ((">=", recent), ("<", earlier)):
        rows = session.rows(
            f"SELECT shown.article_id {_SHOWN} WHERE {condition} "
            f"AND shown.publishedAt {comparison} {at} "
            f"ORDER BY shown.publishedAt DESC, shown.article_id LIMIT {limit}",
            *parameters,
            since,
        )
        found += [article_id for (article_id,) in rows]
    return found


def settle(session: Session, span: Span, reading: Reading) -> int:
    """Note how far tones are told after a run; how many `changed` and `outdated` still have."""
    ((count, first),) = session.rows(
        f"SELECT count(*), min(shown.change_seq) {_SHOWN} WHERE {_changed_in(span)}"
    )
    told = span.last if first is None else min(span.last, first - 1)
    if told != span.after:
        positions.set_position(session, TOLD, told)
    if positions.position(session, READ_AS) != _number(reading):
        others: int = one(session, f"SELECT count(*) {_SHOWN} WHERE {_OUTDATED}", *reading)
        if not others:
            positions.set_position(session, READ_AS, _number(reading))
        count += others
    return int(count)


def shown(session: Session, article_ids: Sequence[str]) -> list[Shown]:
    """What is to be read of these articles."""
    # Each table by its keys: joined, DuckDB would read every text that there is.
    columns = ("article_id", "title", processed.OWN_TEXT, "lang", "change_seq", "text_of")
    found = rows_by_key(session, final.TABLE, columns, "article_id", article_ids)
    texts = {text_of or key for key, *_, text_of in found}
    of_text: dict[str, int] = dict(
        rows_by_key(session, processed.TABLE, ("article_id", "raw_seq"), "article_id", texts)
    )
    records: dict[int, str | None] = dict(
        rows_by_key(session, raw.TABLE, ("seq", "record"), "seq", set(of_text.values()))
    )
    return [
        Shown(key, title, text, lang, change_seq, records.get(of_text.get(text_of or key, 0)))
        for key, title, text, lang, change_seq, text_of in found
    ]


def articles(session: Session, article_ids: Collection[str]) -> dict[str, ArticleRow]:
    """What is known of these articles' openings."""
    found = rows_by_key(session, ARTICLES, ARTICLE_COLUMNS, "article_id", article_ids)
    return {row[0]: ArticleRow(*row) for row in found}


def targets(session: Session, article_id: str) -> list[TargetRow]:
    """What an article says of whom, those first of whom it says most."""
    found = rows_by_key(session, TARGETS, TARGET_COLUMNS, "article_id", [article_id])
    return sorted((TargetRow(*row) for row in found), key=lambda row: (-row.mentions, row.target))


def mentions(session: Session, article_id: str) -> list[MentionRow]:
    """The sentences behind that, in the article's order."""
    found = rows_by_key(session, MENTIONS, MENTION_COLUMNS, "article_id", [article_id])
    return sorted(
        (MentionRow(*row) for row in found), key=lambda row: (row.sentence_number, row.name_start)
    )


def save(
    session: Session,
    articles: Sequence[ArticleRow],
    targets: Sequence[TargetRow],
    mentions: Sequence[MentionRow],
) -> None:
    """Store what was read of these articles in the place of what was known of them."""
    article_ids = [row.article_id for row in articles]
    known = rows_by_key(session, ARTICLES, ("article_id",), "article_id", article_ids)
    _forget(session, [article_id for (article_id,) in known])
    numbers = positions.take_numbers(session, SEQUENCE, len(articles))
    numbered = [replace(row, tone_seq=seq) for row, seq in zip(articles, numbers, strict=True)]
    insert(session, ARTICLES, ARTICLE_COLUMNS, [values(row) for row in numbered])
    named = [replace(row, target_key=name_key(row.target)) for row in targets]
    insert(session, TARGETS, TARGET_COLUMNS, [values(row) for row in named])
    insert(session, MENTIONS, MENTION_COLUMNS, [values(row) for row in mentions])


def changed_after(session: Session, tone_seq: int, rows: int | None = None) -> list[str]:
    """The articles whose tones have changed after a change, in order; so many at most."""
    limit = "" if rows is None else f" LIMIT {rows}"
    found = session.rows(
        f"SELECT article_id FROM {ARTICLES} WHERE tone_seq > $1 ORDER BY tone_seq{limit}", tone_seq
    )
    return [article_id for (article_id,) in found]


def fill_keys(session: Session) -> None:
    """Tell how names are compared, of targets that were stored before that was kept."""
    found = session.rows(f"SELECT DISTINCT target FROM {TARGETS} WHERE target_key IS NULL")
    if found:
        session.execute(
            f"UPDATE {TARGETS} AS told SET target_key = named.target_key "
            "FROM (SELECT unnest($1::text[]) AS target, unnest($2::text[]) AS target_key) "
            "AS named WHERE told.target = named.target AND told.target_key IS NULL",
            [target for (target,) in found],
            [name_key(target) for (target,) in found],
        )


def last_reading(session: Session) -> Reading | None:
    """How the last article was read; None where none has been."""
    rows = session.rows(
        f"SELECT model, brands FROM {ARTICLES} WHERE tone_seq IS NOT NULL "
        "ORDER BY tone_seq DESC LIMIT 1"
    )
    return Reading(*rows[0]) if rows else None


def read_otherwise(session: Session, reading: Reading, since: datetime, until: datetime) -> int:
    """How many articles that were published in a span are still known by another reading."""
    count: int = one(
        session,
        f"SELECT count(*) FROM {ARTICLES} AS told "
        f"JOIN {final.TABLE} AS shown ON shown.article_id = told.article_id "
        "WHERE shown.publishedAt BETWEEN $1 AND $2 AND (told.model <> $3 OR told.brands <> $4)",
        *(since, until),
        *reading,
    )
    return count


def waits(session: Session, article_id: str) -> bool:
    """Whether an article of final is new, has changed, or was read otherwise than the last."""
    reading = last_reading(session) or Reading("", "")
    found = session.rows(
        f"SELECT 1 {_SHOWN} WHERE ({_CHANGED} OR {_OUTDATED}) AND shown.article_id = $3",
        *reading,
        article_id,
    )
    return bool(found)


def brands_over(
    session: Session,
    reading: Reading,
    names: Sequence[str],
    *,
    before: datetime,
    since: datetime,
    until: datetime,
) -> list[tuple[str, int, float | None, int, float | None]]:
    """How the stories since a moment speak about watched brands, and those before it.

    A story counts once, when the first of its articles that name the brand was published.

    Args:
        session: the open transaction.
        reading: only articles that were read so can be compared.
        names: the brands.
        before: from when on stories count.
        since: from when on they count as new.
        until: up to when they count.

    Returns:
        The brand, how many stories since, their mean tone, how many before, theirs.
    """
    return session.rows(
        "SELECT target, count(*) FILTER (WHERE published_at >= $1), "
        "avg(score) FILTER (WHERE published_at >= $1), "
        "count(*) FILTER (WHERE published_at < $1), "
        "avg(score) FILTER (WHERE published_at < $1) FROM ("
        "SELECT told.target, min(shown.publishedAt) AS published_at, "
        f"avg(told.positive - told.negative) AS score FROM {TARGETS} AS told "
        f"JOIN {final.TABLE} AS shown ON shown.article_id = told.article_id "
        f"JOIN {ARTICLES} AS opening ON opening.article_id = told.article_id "
        "WHERE told.kind = 'brand' AND told.target IN (SELECT unnest($2::text[])) "
        "AND shown.publishedAt BETWEEN $3 AND $4 AND opening.model = $5 AND opening.brands = $6 "
        "GROUP BY coalesce(shown.story_id, shown.article_id), told.target) AS story "
        "WHERE published_at >= $7 GROUP BY target ORDER BY target",
        since,
        list(names),
        before - _LONGEST_STORY,
        until,
        *reading,
        before,
    )


def note_unchanged(session: Session, seen: dict[str, int]) -> None:
    """Note that these articles read as before, by article with the number of its last change."""
    if seen:
        session.execute(
            f"UPDATE {ARTICLES} AS told SET change_seq = seen.change_seq "
            "FROM (SELECT unnest($1::text[]) AS article_id, unnest($2::bigint[]) AS change_seq) "
            "AS seen WHERE told.article_id = seen.article_id",
            list(seen),
            list(seen.values()),
        )


def forget_departed(session: Session) -> Span:
    """Delete what is known of articles that left final; returns what is to be looked through.

    It stays as long as states can be read that have the article. To be looked through is what has
    changed since tones were told. Where rows came or went by other ways than the
    pipeline's, such as tables that were emptied to be made again, it is all that there is.
    """
    after = positions.position(session, TOLD)
    last = positions.position(session, final.CHANGES_SEQUENCE)
    past_from = positions.position(session, final.PAST_FROM)
    lately = f"SELECT article_id FROM {final.CHANGES} WHERE seq > {past_from}"
    forgotten = positions.position(session, FORGOTTEN)
    if forgotten != past_from:
        positions.set_position(session, FORGOTTEN, past_from)
    if 0 < after <= last:
        left = session.rows(
            f"SELECT DISTINCT article_id FROM {final.CHANGES} WHERE seq > $1 AND seq <= $2 "
            f"AND article_id NOT IN ({lately})",
            forgotten,
            past_from,
        )
        gone = {article_id for (article_id,) in left}
        there = rows_by_key(session, final.TABLE, ("article_id",), "article_id", gone)
        _forget(session, sorted(gone - {article_id for (article_id,) in there}))
        kept: int = one(
            session,
            f"SELECT count(*) FROM {ARTICLES} AS told WHERE told.article_id IN ({lately}) "
            f"AND NOT EXISTS (SELECT 1 FROM {final.TABLE} AS shown "
            "WHERE shown.article_id = told.article_id)",
        )
        untold: int = one(
            session,
            f"SELECT count(*) {_SHOWN} WHERE shown.change_seq > $1 AND told.article_id IS NULL",
            after,
        )
        told: int = one(session, f"SELECT count(*) FROM {ARTICLES}")
        if told - kept + untold == one(session, f"SELECT count(*) FROM {final.TABLE}"):
            return Span(after, last)
    in_final = f"SELECT article_id FROM {final.TABLE}"
    read = f"SELECT article_id FROM {ARTICLES}"
    for table, known in (
        (ARTICLES, f"{in_final} UNION ALL {lately}"),
        *((table, read) for table in (TARGETS, MENTIONS)),
    ):
        session.execute(f"DELETE FROM {table} WHERE article_id NOT IN ({known})")
    positions.set_position(session, READ_AS, 0)
    return Span(0, last)


def _forget(session: Session, article_ids: Sequence[str]) -> None:
    for table in (MENTIONS, TARGETS, ARTICLES):
        delete(session, table, "article_id", article_ids)
