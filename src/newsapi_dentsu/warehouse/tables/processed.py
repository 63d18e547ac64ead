"""processed: one row for each article, what became of every raw record, and what was removed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.warehouse.engines.base import Row, Session, delete, insert, one, update
from newsapi_dentsu.warehouse.tables import positions
from newsapi_dentsu.warehouse.tables.rows import (
    BigInt,
    columns_of,
    last_within,
    rows_among,
    rows_by_key,
    save,
    values,
)

TABLE = "processed.processed_news"
OUTCOMES = "processed.record_outcomes"
REMOVALS = "processed.removals"
SEQUENCE = "processed.change_seq"
"""Numbers each change of processed: an article that came, changed or was removed."""


@dataclass(frozen=True, slots=True)
class Article:
    """A row of processed but for the bookkeeping columns.

    `url` is its canonical url, `link` what people click.
    """

    article_id: str
    url: str
    link: str
    title: str
    body: str
    published_at: datetime | None
    first_published_at: datetime | None
    indexed_at: datetime | None
    source_name: str | None
    source_uri: str | None
    lang: str | None
    data_type: str | None
    authors: str
    image: str | None
    sentiment: float | None
    concepts: str
    categories: str
    event_uri: str | None
    is_duplicate: bool | None
    version: int
    text_hash: str
    raw_seq: BigInt
    origin: str
    fetched_at: datetime
    text_start: int | None
    text_end: int | None

    @property
    def compared(self) -> "ComparedText":
        """What of it is compared with others."""
        return ComparedText(self.own_text, self.title, self.source_uri)

    @property
    def own_text(self) -> str:
        """The body without what the site wraps around it; all of it where nobody looked yet."""
        return self.body[self.text_start : self.text_end]


class ComparedText(NamedTuple):
    """What of an article is compared with others: its own text, its title, and where it is."""

    text: str
    title: str
    source_uri: str | None


class Heading(NamedTuple):
    """What an article is called, and where it is."""

    url: str
    link: str
    title: str


class OwnText(NamedTuple):
    """What an article itself says."""

    article_id: str
    title: str
    own_text: str


_ARTICLE_COLUMNS = columns_of(Article)
OWN_TEXT = "coalesce(substr(body, text_start + 1, text_end - text_start), body)"
"""What `Article.own_text` tells, in SQL."""

COLUMNS = _ARTICLE_COLUMNS | {"updated_at": "timestamptz", "change_seq": "bigint"}
_REMOVAL_COLUMNS = {"seq": "bigint", "article_id": "text", "removed_at": "timestamptz"}


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What became of one raw record.

    `page_id` is the identity of the page that its link leads to, `fragment` the rest of the link.
    """

    raw_seq: BigInt
    uri: str
    uri_version: int
    page_id: str | None
    fragment: str | None
    article_id: str | None
    outcome: str
    reason: str | None
    text_hash: str | None
    text_at: datetime | None
    published_at: datetime | None


_OUTCOME_COLUMNS = columns_of(RecordOutcome)


def outcomes_of_pages(session: Session, page_ids: Collection[str]) -> list[RecordOutcome]:
    """The outcomes of every record of these pages."""
    found = rows_among(session, OUTCOMES, _OUTCOME_COLUMNS, "page_id", page_ids)
    return [RecordOutcome(*row) for row in found]


def outcomes_of_records(session: Session, first: int, last: int) -> list[RecordOutcome]:
    """The outcomes of the records with sequence numbers from `first` to `last`."""
    found = session.rows(
        f"SELECT {', '.join(_OUTCOME_COLUMNS)} FROM {OUTCOMES} WHERE raw_seq BETWEEN $1 AND $2",
        first,
        last,
    )
    return [RecordOutcome(*row) for row in found]


def outcomes_by_record(session: Session, numbers: Collection[int]) -> list[RecordOutcome]:
    """The outcomes of the records with these sequence numbers."""
    found = rows_by_key(session, OUTCOMES, _OUTCOME_COLUMNS, "raw_seq", numbers)
    return [RecordOutcome(*row) for row in found]


def records_set_aside(session: Session) -> list[int]:
    """The sequence numbers of the records that could not be processed."""
    found = session.rows(
        f"SELECT raw_seq FROM {OUTCOMES} WHERE outcome = 'unusable' AND reason = $1 "
        "ORDER BY raw_seq",
        FAILED,
    )
    return [seq for (seq,) in found]


def save_outcomes(
    session: Session, outcomes: Iterable[RecordOutcome], known: Collection[int]
) -> None:
    """Store outcomes; `known` are the sequence numbers that have one already."""
    save(session, OUTCOMES, _OUTCOME_COLUMNS, [values(outcome) for outcome in outcomes], known)


def articles(session: Session, article_ids: Collection[str]) -> dict[str, Article]:
    """The stored articles among these ids."""
    found = rows_by_key(session, TABLE, _ARTICLE_COLUMNS, "article_id", article_ids)
    return {row[0]: Article(*row) for row in found}


def save_articles(
    session: Session, changed: Sequence[Article], known: Collection[str], now: datetime
) -> None:
    """Store new and changed articles, each with the next change number."""
    if not changed:
        return
    numbers = positions.take_numbers(session, SEQUENCE, len(changed))
    rows: list[tuple[Any, ...]] = [
        (*values(article), now, number) for article, number in zip(changed, numbers, strict=True)
    ]
    save(session, TABLE, COLUMNS, rows, known)


def remove_articles(session: Session, article_ids: Sequence[str], now: datetime) -> None:
    """Remove articles that no record leads to any more, and note it in processed.removals."""
    if not article_ids:
        return
    numbers = positions.take_numbers(session, SEQUENCE, len(article_ids))
    rows = [(seq, key, now) for seq, key in zip(numbers, article_ids, strict=True)]
    insert(session, REMOVALS, _REMOVAL_COLUMNS, rows)
    delete(session, TABLE, "article_id", article_ids)


def changes_after(
    session: Session, change_seq: int, *, rows: int, characters: int
) -> tuple[list[Article], int]:
    """The next changed articles after a change number, bounded in rows and text.

    Returns:
        The articles in order of change, and the change number of the last.
    """
    found, last = _rows_after(session, change_seq, _ARTICLE_COLUMNS, rows, characters)
    return [Article(*row) for row in found], last


def own_texts_after(
    session: Session, change_seq: int, *, rows: int, characters: int
) -> tuple[list[OwnText], int]:
    """The texts of the next changed articles, as `changes_after` finds these."""
    columns = ("article_id", "title", OWN_TEXT)
    found, last = _rows_after(session, change_seq, columns, rows, characters)
    return [OwnText(*row) for row in found], last


def count_after(session: Session, change_seq: int) -> int:
    """How many articles have changed after a change number."""
    count: int = one(session, f"SELECT count(*) FROM {TABLE} WHERE change_seq > $1", change_seq)
    return count


def _rows_after(
    session: Session, change_seq: int, columns: Iterable[str], rows: int, characters: int
) -> tuple[list[Row], int]:
    waiting = session.rows(
        f"SELECT change_seq FROM {TABLE} WHERE change_seq > $1 ORDER BY change_seq LIMIT $2",
        change_seq,
        rows,
    )
    if not waiting:
        return [], change_seq
    # In a query of its own: for one with a limit DuckDB would read every body there is.
    sizes = session.rows(
        f"SELECT change_seq, length(body) FROM {TABLE} "
        "WHERE change_seq > $1 AND change_seq <= $2 ORDER BY change_seq",
        change_seq,
        waiting[-1][0],
    )
    last = last_within(sizes, characters) or change_seq
    found = session.rows(
        f"SELECT {', '.join(columns)} FROM {TABLE} "
        "WHERE change_seq > $1 AND change_seq <= $2 ORDER BY change_seq",
        change_seq,
        last,
    )
    return found, last


def touch(session: Session, article_ids: Collection[str]) -> None:
    """Have the next stage look at articles again that have not changed themselves."""
    if not article_ids:
        return
    keys = sorted(article_ids)
    numbers = positions.take_numbers(session, SEQUENCE, len(keys))
    columns = {"article_id": "text", "change_seq": "bigint"}
    update(session, TABLE, "article_id", columns, list(zip(keys, numbers, strict=True)))


def headings(session: Session, article_ids: Collection[str]) -> dict[str, Heading]:
    """The url, link and title of these articles."""
    columns = ("article_id", "url", "link", "title")
    found = rows_by_key(session, TABLE, columns, "article_id", article_ids)
    return {key: Heading(*heading) for key, *heading in found}


def lengths(session: Session, article_ids: Collection[str]) -> dict[str, int]:
    """How many characters the texts of these articles have."""
    columns = ("article_id", "length(body)")
    return dict(rows_by_key(session, TABLE, columns, "article_id", article_ids))


def compared_texts(session: Session, article_ids: Collection[str]) -> dict[str, ComparedText]:
    """What of these articles is compared with others."""
    columns = ("article_id", OWN_TEXT, "title", "source_uri")
    found = rows_by_key(session, TABLE, columns, "article_id", article_ids)
    return {article_id: ComparedText(*rest) for article_id, *rest in found}
