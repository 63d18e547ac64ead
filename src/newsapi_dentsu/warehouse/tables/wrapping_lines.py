"""processed.wrapping_lines: the lines that recur at the ends of a source's articles."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsapi_dentsu.domain.wrapping import Known
from newsapi_dentsu.domain.wrapping_rules import Place
from newsapi_dentsu.warehouse.engines.base import Session, insert
from newsapi_dentsu.warehouse.tables import processed
from newsapi_dentsu.warehouse.tables.rows import rows_by_key, values

TABLE = "processed.wrapping_lines"
_COLUMNS = {"source_uri": "text", "place": "text", "line": "text", "articles": "integer"}

_RECENT = (
    "SELECT source_uri, article_id FROM (SELECT source_uri, article_id, "
    "row_number() OVER (PARTITION BY source_uri ORDER BY publishedAt DESC, article_id) AS number, "
    f"count(*) OVER (PARTITION BY source_uri) AS total FROM {processed.TABLE}) AS ranked "
    "WHERE source_uri IS NOT NULL AND total >= $1 AND number <= $2 ORDER BY source_uri, article_id"
)


@dataclass(frozen=True, slots=True)
class WrappingLine:
    """A line, the end of articles at which it recurs at a source, and how many have it there."""

    source_uri: str
    place: Place
    line: str
    articles: int


def all_lines(session: Session) -> list[WrappingLine]:
    """Every line that is known to recur, by source."""
    found = session.rows(f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} ORDER BY seq")
    return [WrappingLine(*row) for row in found]


def known_by_source(session: Session) -> Mapping[str, Known]:
    """What recurs at each source, as `own_span` takes it."""
    found: dict[str, dict[Place, set[str]]] = {}
    for one in all_lines(session):
        places = found.setdefault(one.source_uri, {"start": set(), "end": set()})
        places[one.place].add(one.line)
    return found


def digest(session: Session) -> str:
    """Identify the lines that are known, whatever the number of articles that have them."""
    lines = sorted((one.source_uri, one.place, one.line) for one in all_lines(session))
    return hashlib.sha256(repr(lines).encode()).hexdigest()


def replace_all(session: Session, lines: Sequence[WrappingLine]) -> None:
    """Put these lines in the place of all that were known, in the order in which to list them."""
    session.execute(f"DELETE FROM {TABLE}")
    rows = [(seq, *values(line)) for seq, line in enumerate(lines, 1)]
    insert(session, TABLE, {"seq": "bigint"} | _COLUMNS, rows)


def recent_articles(session: Session, least: int, most: int) -> Mapping[str, Sequence[str]]:
    """The ids of the newest articles of each source that has enough of them.

    Args:
        session: a transaction or snapshot.
        least: how many articles a source must have.
        most: how many of each source to name.
    """
    found: dict[str, list[str]] = {}
    for source_uri, article_id in session.rows(_RECENT, least, most):
        found.setdefault(source_uri, []).append(article_id)
    return found


def texts(session: Session, article_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Title and body of these articles, by source."""
    columns = ("source_uri", "title", "body")
    found: dict[str, list[tuple[str, str]]] = {}
    for source_uri, title, body in rows_by_key(
        session, processed.TABLE, columns, "article_id", article_ids
    ):
        found.setdefault(source_uri, []).append((title, body))
    return found
