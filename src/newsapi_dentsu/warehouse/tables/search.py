"""final.search_entries, final.search_state: what PostgreSQL looks through, a cache."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from newsapi_dentsu.warehouse.engines.base import Row, Session

ENTRIES = "final.search_entries"
STATE = "final.search_state"
COLUMNS = {
    "article_id": "text",
    "change_seq": "bigint",
    "ended_seq": "bigint",
    "published_at": "timestamptz",
    "words": "text",
    "vector": "bytea",
}
"""The columns of entries; `words` is given as text."""


STATE_COLUMNS = ("change_seq", "reached", "rules", "model", "tone_seq")


@dataclass(frozen=True, slots=True)
class SearchState:
    """What the entries are complete for, the change up to which they are, and what made them."""

    change_seq: int
    reached: int
    rules: int
    model: str
    tone_seq: int | None = None
    """The change of tones up to which they are."""


def state(session: Session) -> SearchState | None:
    """What the entries hold; None where nothing was ever made."""
    found = session.rows(f"SELECT {', '.join(STATE_COLUMNS)} FROM {STATE}")
    return SearchState(*found[0]) if found else None


def set_state(session: Session, now: SearchState) -> None:
    """Tell what the entries hold now."""
    session.execute(f"DELETE FROM {STATE}")
    session.execute(
        f"INSERT INTO {STATE} (change_seq, reached, rules, model, tone_seq) "
        "VALUES ($1, $2, $3, $4, $5)",
        now.change_seq,
        now.reached,
        now.rules,
        now.model,
        now.tone_seq,
    )


def clear(session: Session) -> None:
    """Forget everything."""
    session.execute(f"DELETE FROM {ENTRIES}")
    session.execute(f"DELETE FROM {STATE}")


def drop_index(session: Session) -> None:
    """Drop the index of the words, which an upgrade makes again."""
    session.execute("DROP INDEX IF EXISTS final.idx_search_words")


def save(session: Session, rows: Sequence[Row]) -> None:
    """Store entries; those that are there are replaced."""
    unnested = ", ".join(
        f"unnest(${number}::{kind}[]) AS {name}"
        for number, (name, kind) in enumerate(COLUMNS.items(), start=1)
    )
    if not rows:
        return
    session.execute(
        f"INSERT INTO {ENTRIES} ({', '.join(COLUMNS)}) "
        "SELECT article_id, change_seq, ended_seq, published_at, CAST(words AS tsvector), vector "
        f"FROM (SELECT {unnested}) AS made ON CONFLICT (article_id, change_seq) DO UPDATE SET "
        "ended_seq = excluded.ended_seq, words = excluded.words, vector = excluded.vector",
        *(list(column) for column in zip(*rows, strict=True)),
    )


def end(session: Session, ended: Collection[tuple[str, int]], for_good: int) -> None:
    """Note with which change articles ended as they were."""
    if ended:
        session.execute(
            f"UPDATE {ENTRIES} AS entry SET ended_seq = ending.ended_seq FROM (SELECT "
            "unnest($1::text[]) AS article_id, unnest($2::bigint[]) AS ended_seq) AS ending "
            "WHERE entry.article_id = ending.article_id AND entry.ended_seq = $3 "
            "AND entry.change_seq < ending.ended_seq",
            [article_id for article_id, _ in ended],
            [seq for _, seq in ended],
            for_good,
        )


def forget(session: Session, past_from: int) -> None:
    """Delete the entries that no state which can still be read has."""
    session.execute(f"DELETE FROM {ENTRIES} WHERE ended_seq <= $1", past_from)
