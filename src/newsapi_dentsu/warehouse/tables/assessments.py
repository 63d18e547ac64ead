"""What is thought of every article, and the stories that articles share."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.stories import HELD, Member, Rank, Role, Standing
from newsapi_dentsu.warehouse.engines.base import Session, delete, update
from newsapi_dentsu.warehouse.tables import positions, processed, text_bands
from newsapi_dentsu.warehouse.tables.rows import (
    columns_of,
    last_within,
    rows_among,
    rows_by_key,
    save,
    values,
)

TABLE = "processed.assessments"


@dataclass(frozen=True, slots=True)
class Assessed:
    """A row of assessments but for its change number."""

    article_id: str
    text_hash: str
    published_at: datetime | None
    source_uri: str | None
    lang: str | None
    rejection: str | None
    detail: str | None
    flags: str
    relevance: float
    topic_relevance: str
    story_id: str
    role: Role
    reference_id: str | None
    rule: str | None
    similarity: float | None
    containment: float | None
    reasons: str | None

    @property
    def rank(self) -> Rank:
        """Where it stands among articles of its story."""
        return Rank.of(self.article_id, self.published_at, rejected=self.rejection is not None)

    @property
    def member(self) -> Member:
        """It as a member of its story."""
        standing = Standing(
            self.role,
            self.reference_id,
            self.rule,
            self.similarity,
            self.containment,
            self.reasons,
        )
        return Member(self.rank, standing, self.story_id)

    def placed(self, member: Member) -> "Assessed":
        """It in the place of `member`."""
        standing = member.standing
        if standing is None or member.story_id is None:
            raise ValueError(f"{self.article_id} was not placed")
        return replace(
            self,
            story_id=member.story_id,
            role=standing.role,
            reference_id=standing.reference_id,
            rule=standing.rule,
            similarity=standing.similarity,
            containment=standing.containment,
            reasons=standing.reasons,
        )


_ASSESSED_COLUMNS = columns_of(Assessed)
COLUMNS = _ASSESSED_COLUMNS | {"change_seq": "bigint"}


def assessed(session: Session, article_ids: Collection[str]) -> dict[str, Assessed]:
    """The assessments among these articles'."""
    found = rows_by_key(session, TABLE, _ASSESSED_COLUMNS, "article_id", article_ids)
    return {row[0]: Assessed(*row) for row in found}


def set_aside(session: Session) -> list[str]:
    """The articles that could not be judged."""
    found = session.rows(f"SELECT article_id FROM {TABLE} WHERE rejection = $1", FAILED)
    return [article_id for (article_id,) in found]


def members_of(session: Session, story_id: str) -> list[Assessed]:
    """Every article of a story, the earliest first."""
    found = rows_among(session, TABLE, _ASSESSED_COLUMNS, "story_id", [story_id])
    return sorted((Assessed(*row) for row in found), key=lambda one: one.rank)


def dependents(session: Session, article_ids: Collection[str]) -> dict[str, set[str]]:
    """The articles that have each of these as their reference."""
    found: dict[str, set[str]] = {}
    for reference, article_id in rows_among(
        session, TABLE, ("reference_id", "article_id"), "reference_id", article_ids
    ):
        found.setdefault(reference, set()).add(article_id)
    return found


def descendants(session: Session, article_ids: Collection[str]) -> set[str]:
    """All that stand to one of these articles, or to one that does."""
    found: set[str] = set()
    reached = set(article_ids)
    while reached:
        reached = set().union(*dependents(session, reached).values()) - found
        found |= reached
    return found


def owners(session: Session, story_ids: Collection[str]) -> dict[str, str]:
    """The originals of these stories."""
    found = rows_among(session, TABLE, ("story_id", "role", "article_id"), "story_id", story_ids)
    return {story_id: article_id for story_id, role, article_id in found if role == "original"}


@dataclass(frozen=True, slots=True)
class Held:
    """What an article that may be read stands for.

    `sources` are the publications of its copies and of its fuller texts, `text` is the article
    whose text is shown, where that is not its own.
    """

    sources: list[str | None]
    text: str | None


def held(session: Session, article_ids: Collection[str]) -> dict[str, Held]:
    """What each of these articles stands for: copies and fuller texts, and those of the latter."""

    def standing_to(keys: Collection[str]) -> list[Assessed]:
        found = rows_among(session, TABLE, _ASSESSED_COLUMNS, "reference_id", keys)
        return [Assessed(*row) for row in found]

    return held_among(article_ids, standing_to)


def held_among(
    article_ids: Collection[str], standing_to: Callable[[Collection[str]], Iterable[Assessed]]
) -> dict[str, Held]:
    """The same, where `standing_to` finds the articles that have some as their references."""
    sources: dict[str, list[str | None]] = {key: [] for key in article_ids}
    texts: dict[str, str] = {}
    home = {key: key for key in article_ids}
    asked: Collection[str] = home.keys()
    while asked:
        found = list(standing_to(asked))
        fuller = sorted((one for one in found if one.role == "fuller"), key=lambda one: one.rank)
        latest = {one.reference_id: one.article_id for one in fuller}
        # Where two are fuller than one article, that which comes last is shown.
        texts |= {
            home[key]: text
            for key, text in latest.items()
            if key and texts.get(home[key], home[key]) == key
        }
        for one in found:
            if one.role in HELD and one.reference_id:
                sources[home[one.reference_id]].append(one.source_uri)
        home |= {one.article_id: home[one.reference_id] for one in fuller if one.reference_id}
        asked = [one.article_id for one in fuller]
    return {key: Held(sources[key], texts.get(key)) for key in article_ids}


class Place(NamedTuple):
    """What an article is to another one."""

    role: Role
    reference_id: str | None


def homes(session: Session, article_ids: Collection[str]) -> dict[str, str]:
    """The articles of final that stand for these: themselves, unless they are copies or fuller."""

    def find(keys: Collection[str]) -> dict[str, Place]:
        columns = ("article_id", "role", "reference_id")
        found = rows_by_key(session, TABLE, columns, "article_id", keys)
        return {key: Place(*place) for key, *place in found}

    return homes_among(article_ids, find)


def homes_among(
    article_ids: Collection[str],
    find: Callable[[Collection[str]], Mapping[str, Place | Assessed]],
) -> dict[str, str]:
    """The same, where `find` finds the places of articles."""
    home = {key: key for key in article_ids}
    asked = set(home)
    while asked:
        found = find(asked)
        above = {
            key: reference
            for key, at in home.items()
            if at in asked
            and (one := found.get(at))
            and one.role in HELD
            and (reference := one.reference_id)
        }
        home |= above
        asked = set(above.values())
    return home


def save_assessed(session: Session, changed: Sequence[Assessed], known: Collection[str]) -> None:
    """Store new and changed assessments; `known` are the ids that are stored already."""
    if not changed:
        return
    numbers = positions.take_numbers(session, processed.SEQUENCE, len(changed))
    rows = [(*values(one), number) for one, number in zip(changed, numbers, strict=True)]
    save(session, TABLE, COLUMNS, rows, known)


def touch(session: Session, article_ids: Collection[str]) -> None:
    """Have the next stage look at articles again whose copies have changed."""
    if not article_ids:
        return
    keys = sorted(article_ids)
    numbers = positions.take_numbers(session, processed.SEQUENCE, len(keys))
    columns = {"article_id": "text", "change_seq": "bigint"}
    update(session, TABLE, "article_id", columns, list(zip(keys, numbers, strict=True)))


def remove(session: Session, article_ids: Sequence[str]) -> None:
    """Forget articles; those that stood to them are taken up again by the next grouping."""
    if not article_ids:
        return
    left = set().union(*dependents(session, article_ids).values()) - set(article_ids)
    going = assessed(session, article_ids).values()
    # Where a fuller text goes, others of its story may be copies of what it stood for; where a copy
    # goes, fuller texts that lacked its news.
    stories = {one.story_id for one in going if one.role in HELD}
    left |= {
        article_id
        for (article_id,) in rows_among(session, TABLE, ("article_id",), "story_id", stories)
        if article_id not in article_ids
    }
    left |= text_bands.beside(session, (one.rank for one in going))
    references = {one.reference_id for one in going if one.reference_id}
    references |= set(homes(session, references).values())
    delete(session, TABLE, "article_id", article_ids)
    text_bands.remove_bands(session, article_ids)
    processed.touch(session, left)
    touch(session, references - set(article_ids))


@dataclass(frozen=True, slots=True)
class Changes:
    """The next assessments that changed, in order, and the change number of the last.

    `ahead` are those after them that belong to the same stories: a story whose members change
    places is told as a whole, so that nobody sees one text twice.
    """

    batch: list[Assessed]
    ahead: list[Assessed]
    last: int


def changes_after(session: Session, change_seq: int, *, rows: int, characters: int) -> Changes:
    """The next changed assessments after a change number, bounded in rows and text."""
    waiting = session.rows(
        f"SELECT change_seq, article_id FROM {TABLE} "
        "WHERE change_seq > $1 ORDER BY change_seq LIMIT $2",
        change_seq,
        rows,
    )
    sizes = processed.lengths(session, [article_id for _, article_id in waiting])
    last = last_within(((number, sizes.get(key, 0)) for number, key in waiting), characters)
    if last is None:
        return Changes([], [], change_seq)
    columns = ", ".join(_ASSESSED_COLUMNS)
    batch = [
        Assessed(*row)
        for row in session.rows(
            f"SELECT {columns} FROM {TABLE} WHERE change_seq > $1 AND change_seq <= $2 "
            "ORDER BY change_seq",
            change_seq,
            last,
        )
    ]
    ahead = session.rows(
        f"SELECT {columns} FROM {TABLE} WHERE change_seq > $1 "
        "AND story_id IN (SELECT unnest($2::text[])) ORDER BY change_seq",
        last,
        sorted({one.story_id for one in batch}),
    )
    return Changes(batch, [Assessed(*row) for row in ahead], last)


def own_texts_between(
    session: Session, start: datetime, end: datetime, after: str, rows: int
) -> list[tuple[str, datetime, str]]:
    """The next assessed articles published from `start` to before `end`: (id, when, own text).

    In the order of time; of those published at `start`, only the ids after `after`.
    """
    return [
        (article_id, published_at, text)
        for article_id, published_at, text in session.rows(
            f"SELECT article_id, article.publishedAt, {processed.OWN_TEXT} "
            f"FROM {processed.TABLE} AS article "
            f"JOIN {TABLE} AS assessed USING (article_id) "
            "WHERE article.publishedAt >= $1 AND article.publishedAt < $2 "
            "AND assessed.publishedAt >= $1 AND assessed.publishedAt < $2 "
            "AND (article.publishedAt > $1 OR article_id > $3) "
            "ORDER BY article.publishedAt, article_id LIMIT $4",
            start,
            end,
            after,
            rows,
        )
    ]
