"""raw.returns: records that came back after others of their uri had replaced them.

Raw keeps each distinct record once. So that the one seen last is shown all the same, a record that
came back has a row here. There is a row for each such record, not for each uri: the records of a
uri may lead to several pages, and each page shows the one that it was seen with last.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables.rows import (
    BigInt,
    columns_of,
    rows_by_key,
    save,
    values,
)

TABLE = "raw.returns"


@dataclass(frozen=True, slots=True)
class Return:
    """The latest return of a record.

    `number` orders it among the versions of its uri and the returns of those: the highest one shows
    the uri. `changes` counts the record's returns that brought its page another text, `seen_at`
    says when the record was last seen, `taken` whether deduplication knows of the return.
    """

    raw_seq: BigInt
    number: int
    changes: int
    returned_at: datetime
    seen_at: datetime
    taken: bool = False


COLUMNS = columns_of(Return)


def of_records(session: Session, numbers: Collection[int]) -> dict[int, Return]:
    """The latest return of each of these records that came back, by its `seq`."""
    found = rows_by_key(session, TABLE, COLUMNS, "raw_seq", numbers)
    return {row[0]: Return(*row) for row in found}


def store(session: Session, returned: Sequence[Return], known: Collection[int]) -> None:
    """Note returns; `known` are the records of which one is noted already."""
    save(session, TABLE, COLUMNS, [values(one) for one in returned], known)


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
