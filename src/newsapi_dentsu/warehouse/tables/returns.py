"""raw.returns: records that came back after others of their uri had replaced them.

Raw keeps each distinct record once. So that the one seen last is shown all the same, a uri whose
record of now isn't its newest version has a row here, which says which one is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables.rows import rows_by_key, save, values

TABLE = "raw.returns"

_COLUMNS = {
    "uri": "text",
    "raw_seq": "bigint",
    "number": "integer",
    "changes": "integer",
    "returned_at": "timestamptz",
    "seen_at": "timestamptz",
    "taken": "boolean",
}


@dataclass(frozen=True, slots=True)
class Return:
    """A record that came back.

    `number` orders it among the versions of its uri: it shows the uri as long as no version has a
    higher one. `changes` counts the uri's returns that brought another text, `seen_at` says when
    the record was last seen, `taken` whether deduplication knows of the return.
    """

    uri: str
    raw_seq: int
    number: int
    changes: int
    returned_at: datetime
    seen_at: datetime
    taken: bool = False


def of_uris(session: Session, uris: Collection[str]) -> dict[str, Return]:
    """The latest return of each of these uris that has one."""
    return {row[0]: Return(*row) for row in rows_by_key(session, TABLE, _COLUMNS, "uri", uris)}


def all_of(session: Session) -> dict[str, Return]:
    """The latest return of each uri that has one."""
    found = session.rows(f"SELECT {', '.join(_COLUMNS)} FROM {TABLE}")
    return {row[0]: Return(*row) for row in found}


def store(session: Session, returned: Sequence[Return], known: Collection[str]) -> None:
    """Note returns; `known` are the uris of which one is noted already."""
    save(session, TABLE, _COLUMNS, [values(one) for one in returned], known)


def waiting(session: Session) -> list[int]:
    """The records whose return deduplication doesn't know of, by their `seq`."""
    found = session.rows(f"SELECT raw_seq FROM {TABLE} WHERE NOT taken ORDER BY raw_seq")
    return [seq for (seq,) in found]


def take(session: Session, records: Sequence[int]) -> None:
    """Note that deduplication knows of the returns of these records."""
    session.execute(
        f"UPDATE {TABLE} SET taken = TRUE "
        "WHERE NOT taken AND raw_seq IN (SELECT unnest($1::bigint[]))",
        list(records),
    )
