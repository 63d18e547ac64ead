"""Reading and writing many rows of a table by their keys."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from newsapi_dentsu.warehouse.engine import Row, Session, insert, update

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def rows_by_key(
    session: Session, table: str, columns: Iterable[str], key: str, values: Collection[object]
) -> list[Row]:
    """The columns of the rows whose `key` is among `values`.

    Each value is a parameter of its own: given as one list, DuckDB reads the whole table instead
    of its index.
    """
    if not values:
        return []
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return session.rows(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN ({places})", *values
    )


def save(
    session: Session,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[Row],
    known: Collection[object],
) -> None:
    """Insert or update rows by the table's key, their first column; `known` keys are stored."""
    key = next(iter(columns))
    insert(session, table, columns, [row for row in rows if row[0] not in known])
    update(session, table, key, columns, [row for row in rows if row[0] in known])


def values(row: "DataclassInstance") -> Row:
    """The values of a dataclass in the order of its fields; unlike `astuple`, without copies."""
    return tuple([getattr(row, field.name) for field in fields(row)])


def last_within(sizes: Iterable[tuple[int, int]], limit: int) -> int | None:
    """The last number of a batch whose sizes add up to `limit`; the first fits whatever its size.

    Args:
        sizes: the numbers in order, each with the size of its row.
        limit: the most that the batch may hold, in the same unit.

    Returns:
        None where there are no rows.
    """
    last, total = None, 0
    for number, size in sizes:
        total += size
        if last is not None and total > limit:
            break
        last = number
    return last
