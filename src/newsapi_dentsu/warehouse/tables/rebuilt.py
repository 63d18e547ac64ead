"""Taking the tables of a rebuild over: in whole sets, as a full refresh would leave them.

The rebuilt rows are staged in temporary tables. What is the same stays untouched; what differs gets
the next change numbers, what left is told in final.changes, and stories keep their names.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final, TypeVar

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.tables import (
    assessments,
    final,
    positions,
    processed,
    raw,
    returns,
    verdicts,
)
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.final import Departure, FinalArticle, RejectedArticle
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.rows import columns_of
from newsapi_dentsu.warehouse.tables.text_bands import BANDED_DAYS, BANDS

STAGED: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    processed.TABLE: ("staged_articles", columns_of(Article)),
    processed.OUTCOMES: ("staged_outcomes", columns_of(RecordOutcome)),
    assessments.TABLE: ("staged_assessments", columns_of(Assessed)),
    final.TABLE: ("staged_final", columns_of(FinalArticle)),
    final.REJECTED: ("staged_rejected", columns_of(RejectedArticle)),
}
"""The temporary tables that hold the rebuilt rows, with their columns, by the tables' names."""

_NAMES, _NUMBERS = "staged_names", "staged_numbers"
_AT_ONCE = 1_000

_Item = TypeVar("_Item")


def decisions(session: Session) -> str:
    """Identify what decides beside the records: which came back, and what people said."""
    told = (
        session.rows(f"SELECT raw_seq, number, changes FROM {returns.TABLE} ORDER BY raw_seq"),
        session.rows(f"SELECT verdict_id, belongs FROM {verdicts.TABLE} ORDER BY verdict_id"),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What taking a rebuild over changed, by table: rows that came, changed and left."""

    added: Mapping[str, int]
    changed: Mapping[str, int]
    removed: Mapping[str, int]


def take_over(session: Session, now: datetime) -> TakenOver:
    """Make the tables what the staged ones are; the caller holds the run lock, and notes the rules.

    Raises:
        WarehouseError: the staged rows aren't those of the records that are stored.
    """
    _refuse_other_records(session)
    _name_stories(session)
    final.number_rows(session)
    told = _Told()
    gone = _leaving(session, processed.TABLE)
    for keys in _portions(gone):
        processed.remove_articles(session, keys, now)
    told.removed[processed.TABLE] = len(gone)
    _save(session, told, processed.TABLE, processed.SEQUENCE, now)
    _save(session, told, processed.OUTCOMES, None, None)
    told.removed[assessments.TABLE] = _delete(session, assessments.TABLE)
    _save(session, told, assessments.TABLE, processed.SEQUENCE, None)
    # Bands are a cache; those of other articles would be taken for all that there are.
    for table in (BANDS, BANDED_DAYS):
        session.execute(f"DELETE FROM {table}")
    departing = _departures(session)
    for batch in _portions(departing):
        final.remove(session, batch, now)
    told.removed[final.TABLE] = len(departing)
    shown_anew = _shown_anew(session)
    _save(session, told, final.TABLE, final.CHANGES_SEQUENCE, now)
    for batch in _portions(shown_anew):
        final.tell(session, batch, now)
    told.removed[final.REJECTED] = _delete(session, final.REJECTED)
    _save(session, told, final.REJECTED, None, now)
    _go_on_after(session)
    _prove(session)
    return TakenOver(told.added, told.changed, told.removed)


class _Told:
    def __init__(self) -> None:
        self.added: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.removed: dict[str, int] = {}


def _refuse_other_records(session: Session) -> None:
    staged = STAGED[processed.OUTCOMES][0]
    newer = one(
        session,
        f"SELECT count(*) FROM {raw.TABLE} "
        f"WHERE seq > (SELECT coalesce(max(raw_seq), 0) FROM {staged})",
    )
    if newer:
        raise WarehouseError(
            f"{newer:,} records came after those of the rebuild, whose articles would be lost: "
            "run `newsapi archive`, rebuild anew, and take that over before the next run"
        )
    other = one(
        session,
        f"SELECT count(*) FROM {raw.TABLE} AS record FULL JOIN {staged} AS staged "
        "ON staged.raw_seq = record.seq WHERE record.seq IS NULL OR staged.raw_seq IS NULL "
        "OR staged.uri <> record.uri OR staged.uri_version <> record.version",
    )
    if other:
        raise WarehouseError(
            f"the rebuild was made of other records than the database holds ({other:,} differ): "
            "bring those that only the lake has into the database with `newsapi restore "
            "--raw-only --merge`, write the lake anew with `newsapi archive --anew`, and rebuild"
        )


def _name_stories(session: Session) -> None:
    """Give the staged stories the names that they had: see `domain.stories`.

    A story keeps its name where its original was one before. Otherwise it takes that of the first
    former original that now belongs to it, or the one that its original had, where that is free.
    """
    staged, stored = STAGED[assessments.TABLE][0], assessments.TABLE
    session.execute(f"CREATE TEMP TABLE {_NAMES} (staged text, name text)")
    session.execute(
        f"INSERT INTO {_NAMES} SELECT s.story_id, t.story_id FROM {staged} AS s "
        f"JOIN {stored} AS t ON t.article_id = s.article_id "
        "WHERE s.role = 'original' AND t.role = 'original'"
    )
    unnamed = f"s.story_id NOT IN (SELECT staged FROM {_NAMES})"
    free = f"t.story_id NOT IN (SELECT name FROM {_NAMES})"
    rank = "s.rejection IS NOT NULL, s.publishedAt NULLS LAST, s.article_id"
    session.execute(
        f"INSERT INTO {_NAMES} SELECT story, name FROM (SELECT s.story_id AS story, "
        f"t.story_id AS name, row_number() OVER (PARTITION BY s.story_id ORDER BY {rank}) AS place "
        f"FROM {staged} AS s JOIN {stored} AS t ON t.article_id = s.article_id "
        f"WHERE t.role = 'original' AND {unnamed} AND {free}) AS heirs WHERE place = 1"
    )
    session.execute(
        f"INSERT INTO {_NAMES} SELECT story, name FROM (SELECT s.story_id AS story, "
        f"t.story_id AS name, row_number() OVER (PARTITION BY t.story_id ORDER BY {rank}) AS place "
        f"FROM {staged} AS s JOIN {stored} AS t ON t.article_id = s.article_id "
        f"WHERE s.role = 'original' AND {unnamed} AND {free}) AS own WHERE place = 1"
    )
    clashing = session.rows(
        f"SELECT s.story_id, s.article_id FROM {staged} AS s WHERE s.role = 'original' "
        f"AND {unnamed} AND s.article_id IN (SELECT name FROM {_NAMES}) ORDER BY s.article_id"
    )
    session.execute(
        f"INSERT INTO {_NAMES} SELECT s.story_id, s.article_id FROM {staged} AS s "
        f"WHERE s.role = 'original' AND {unnamed} "
        f"AND s.article_id NOT IN (SELECT name FROM {_NAMES})"
    )
    for story, key in clashing:
        names = (f"{key}-{number}" for number in count(2))
        taken = f"SELECT 1 FROM {_NAMES} WHERE name = $1"
        name = next(name for name in names if not session.rows(taken, name))
        session.execute(f"INSERT INTO {_NAMES} VALUES ($1, $2)", story, name)
    for table in (assessments.TABLE, final.TABLE):
        session.execute(
            f"UPDATE {STAGED[table][0]} AS s SET story_id = n.name FROM {_NAMES} AS n "
            "WHERE n.staged = s.story_id"
        )


def _save(
    session: Session, told: _Told, table: str, sequence: str | None, now: datetime | None
) -> None:
    """Store the staged rows that are new or differ, each with the next change number."""
    staged, columns = STAGED[table]
    key, *others = columns
    differs = " OR ".join(f"s.{name} IS DISTINCT FROM t.{name}" for name in others)
    session.execute(
        f"CREATE TEMP TABLE {_NUMBERS} AS SELECT s.{key}, t.{key} IS NOT NULL AS known, "
        f"row_number() OVER (ORDER BY s.{key}) AS number FROM {staged} AS s "
        f"LEFT JOIN {table} AS t ON t.{key} = s.{key} WHERE t.{key} IS NULL OR {differs}"
    )
    total, known = session.rows(f"SELECT count(*), count(*) FILTER (WHERE known) FROM {_NUMBERS}")[
        0
    ]
    told.added[table], told.changed[table] = total - known, known
    more: dict[str, str] = {}
    if now is not None:
        more["updated_at"] = f"TIMESTAMPTZ '{now.isoformat()}'"
    if sequence is not None:
        first = positions.take_numbers(session, sequence, total)[0] if total else 1
        more["change_seq"] = f"{first - 1} + n.number"
    if table == final.TABLE and known:
        shown = ", ".join(
            f"coalesce(t.{name}, 0)" if name == "change_seq" else f"t.{name}"
            for name in final.COLUMNS
        )
        session.execute(
            f"INSERT INTO {final.PAST} ({', '.join(final.COLUMNS)}, ended_seq, ended_at) "
            f"SELECT {shown}, {more['change_seq']}, {more['updated_at']} FROM {table} AS t "
            f"JOIN {_NUMBERS} AS n ON n.{key} = t.{key} WHERE n.known"
        )
    values = {**{name: f"s.{name}" for name in columns}, **more}
    source = f"{staged} AS s JOIN {_NUMBERS} AS n ON n.{key} = s.{key}"
    if known:
        assigned = ", ".join(f"{name} = v.{name}" for name in values if name != key)
        chosen = ", ".join(f"{value} AS {name}" for name, value in values.items())
        session.execute(
            f"UPDATE {table} AS t SET {assigned} FROM (SELECT {chosen} FROM {source} "
            f"WHERE n.known) AS v WHERE v.{key} = t.{key}"
        )
    session.execute(
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "
        f"FROM {source} WHERE NOT n.known"
    )
    session.execute(f"DROP TABLE {_NUMBERS}")


def _leaving(session: Session, table: str) -> Sequence[str]:
    staged, columns = STAGED[table]
    key = next(iter(columns))
    return [
        found
        for (found,) in session.rows(
            f"SELECT t.{key} FROM {table} AS t LEFT JOIN {staged} AS s ON s.{key} = t.{key} "
            f"WHERE s.{key} IS NULL ORDER BY t.{key}"
        )
    ]


def _delete(session: Session, table: str) -> int:
    """Delete the rows that no staged one is for; gives how many those were."""
    staged, columns = STAGED[table]
    key = next(iter(columns))
    kept = f"{key} NOT IN (SELECT {key} FROM {staged})"
    leaving: int = one(session, f"SELECT count(*) FROM {table} WHERE {kept}")
    if leaving:
        session.execute(f"DELETE FROM {table} WHERE {kept}")
    return leaving


def _departures(session: Session) -> list[Departure]:
    """What leaves final, and why; the assessments are those of the rebuild already."""
    rejected = STAGED[final.REJECTED][0]
    found = session.rows(
        f"SELECT t.article_id, t.url, coalesce(r.reason, 'gone') FROM {final.TABLE} AS t "
        f"LEFT JOIN {STAGED[final.TABLE][0]} AS s ON s.article_id = t.article_id "
        f"LEFT JOIN {rejected} AS r ON r.article_id = t.article_id "
        "WHERE s.article_id IS NULL ORDER BY t.article_id"
    )
    departures = []
    for rows in _portions(found):
        keys = [key for key, _, _ in rows]
        verdicts = assessments.assessed(session, keys)
        homes = assessments.homes(session, [key for key in keys if key in verdicts])
        departures += [
            Departure(
                key,
                url,
                reason,
                homes[key]
                if key in homes and homes[key] != key and verdicts[key].rejection is None
                else None,
            )
            for key, url, reason in rows
        ]
    return departures


def _shown_anew(session: Session) -> list[Departure]:
    """What of final stays, and will show the text of another article than before."""
    return [
        Departure(key, url, final.FULLER_TEXT if text_of else final.OWN_TEXT, text_of)
        for key, url, text_of in session.rows(
            f"SELECT s.article_id, s.url, s.text_of FROM {STAGED[final.TABLE][0]} AS s "
            f"JOIN {final.TABLE} AS t ON t.article_id = s.article_id "
            "WHERE s.text_of IS DISTINCT FROM t.text_of ORDER BY s.article_id"
        )
    ]


def _go_on_after(session: Session) -> None:
    """Let the stages go on after what was taken over."""
    last = one(session, f"SELECT coalesce(max(seq), 0) FROM {raw.TABLE}")
    positions.set_position(session, positions.DEDUPLICATED, last)
    changes = positions.position(session, processed.SEQUENCE)
    positions.set_position(session, positions.GROUPED, changes)
    positions.set_position(session, positions.CURATED, changes)
    session.execute(f"UPDATE {returns.TABLE} SET taken = TRUE WHERE NOT taken")


def _prove(session: Session) -> None:
    """Make sure that each table has just the staged rows."""
    for table, (staged, columns) in STAGED.items():
        key = next(iter(columns))
        same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM t.{name}" for name in columns)
        stored: int = one(session, f"SELECT count(*) FROM {table}")
        wanted: int = one(session, f"SELECT count(*) FROM {staged}")
        equal: int = one(
            session,
            f"SELECT count(*) FROM {staged} AS s JOIN {table} AS t ON t.{key} = s.{key} AND {same}",
        )
        if not stored == wanted == equal:
            raise WarehouseError(
                f"{table} would have {stored:,} rows, of which {equal:,} are among the rebuild's "
                f"{wanted:,}: nothing was changed; that is a mistake of the program"
            )


def _portions(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


def discard(session: Session) -> None:
    """Drop the staged tables."""
    for name in (*(staged for staged, _ in STAGED.values()), _NAMES):
        session.execute(f"DROP TABLE IF EXISTS {name}")
