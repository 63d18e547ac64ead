"""Continuing with tables that were filled from outside: `newsapi db adopt`.

How far each stage has come is read from the rows themselves, so that it doesn't matter which of
the tables were loaded, nor from where.
"""

from dataclasses import dataclass

from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed, raw

_FIRST_WITHOUT_OUTCOME = (
    f"SELECT min(seq) FROM {raw.TABLE} AS r WHERE NOT EXISTS "
    f"(SELECT 1 FROM {processed.OUTCOMES} AS o WHERE o.raw_seq = r.seq)"
)
_FIRST_NOT_ASSESSED = (
    f"SELECT min(change_seq) FROM {processed.TABLE} AS p WHERE NOT EXISTS "
    f"(SELECT 1 FROM {assessments.TABLE} AS a "
    "WHERE a.article_id = p.article_id AND a.text_hash = p.text_hash)"
)
_FIRST_NOT_JUDGED = (
    f"SELECT min(a.change_seq) FROM {assessments.TABLE} AS a "
    f"JOIN {processed.TABLE} AS p ON p.article_id = a.article_id WHERE NOT EXISTS "
    f"(SELECT 1 FROM {final.TABLE} AS f "
    "WHERE f.article_id = p.article_id AND f.updated_at >= p.updated_at) AND NOT EXISTS "
    f"(SELECT 1 FROM {final.REJECTED} AS j "
    "WHERE j.article_id = p.article_id AND j.updated_at >= p.updated_at)"
)


@dataclass(frozen=True, slots=True)
class Adopted:
    """The stages' positions after adopting, and how many rows the next run takes of each table."""

    positions: dict[str, int]
    waiting: dict[str, int]
    watermark: bool
    """Whether a search was loaded with its watermark; if not, LOOKBACK_DAYS are read again."""


def adopt(session: Session) -> Adopted:
    """Set the sequence numbers and stage positions by the rows that are there.

    Sequences go on after the highest number. A stage goes on at the first row that the next
    table doesn't account for, or accounts for in an older state: what it takes once more comes
    out the same and is not touched. Doing this twice changes nothing.
    """
    last_record = one(session, f"SELECT coalesce(max(seq), 0) FROM {raw.TABLE}")
    last_article = one(
        session,
        f"SELECT greatest((SELECT coalesce(max(change_seq), 0) FROM {processed.TABLE}), "
        f"(SELECT coalesce(max(seq), 0) FROM {processed.REMOVALS}))",
    )
    last_verdict = one(session, f"SELECT coalesce(max(change_seq), 0) FROM {assessments.TABLE}")
    last_change = one(
        session,
        f"SELECT greatest((SELECT coalesce(max(seq), 0) FROM {final.CHANGES}), "
        f"(SELECT coalesce(max(change_seq), 0) FROM {final.TABLE}), "
        f"(SELECT coalesce(max(ended_seq), 0) FROM {final.PAST}))",
    )
    unaccounted = one(session, _FIRST_WITHOUT_OUTCOME)
    unassessed = one(session, _FIRST_NOT_ASSESSED)
    unjudged = one(session, _FIRST_NOT_JUDGED)
    places = {
        raw.SEQUENCE: last_record,
        processed.SEQUENCE: max(last_article, last_verdict),
        positions.DEDUPLICATED: last_record if unaccounted is None else unaccounted - 1,
        positions.GROUPED: last_article if unassessed is None else unassessed - 1,
        positions.CURATED: last_verdict if unjudged is None else unjudged - 1,
    }
    if last_change:
        places[final.CHANGES_SEQUENCE] = last_change
    for name, value in places.items():
        positions.set_position(session, name, value)
    query = raw.active_query(session)
    return Adopted(
        places,
        {
            name: positions.waiting(session, name)
            for name in (positions.DEDUPLICATED, positions.GROUPED, positions.CURATED)
        },
        query is not None and query.complete_through is not None,
    )
