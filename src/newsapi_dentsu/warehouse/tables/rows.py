"""Reading and writing many rows of a table by their keys."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from newsapi_dentsu.warehouse.engines.base import Row, Session, insert, update

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


BigInt = Annotated[int, "bigint"]
"""A whole number that may outgrow 32 bits, as a field of a row."""

_TYPES = {
    str: "text",
    bool: "boolean",
    int: "integer",
    float: "float8",
    datetime: "timestamptz",
}
_NAMES = {"published_at": "publishedAt"}
"""Columns whose name isn't that of their field: they were there before this pipeline."""


def columns_of(kind: type["DataclassInstance"]) -> dict[str, str]:
    """The columns that a dataclass declares, with their types, in the order of its fields.

    Rows are read and written in this order, so that nobody has to repeat it.
    """
    hints = get_type_hints(kind, include_extras=True)
    return {_NAMES.get(one.name, one.name): _type(hints[one.name]) for one in fields(kind)}


def _type(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Annotated:
        return str(hint.__metadata__[0])
    if origin is Literal:
        return _TYPES[type(get_args(hint)[0])]
    if origin in (Union, UnionType):
        (known,) = (one for one in get_args(hint) if one is not NoneType)
        return _type(known)
    return _TYPES[hint]


LOOKED_UP = 300
"""Keys for which DuckDB is quicker with its index than with a whole column."""


def rows_by_key(
    session: Session, table: str, columns: Iterable[str], key: str, values: Collection[object]
) -> list[Row]:
    """The columns of the rows whose `key`, which has an index, is among `values`.

    A few values are a parameter each: given as one list, DuckDB reads the whole column instead of
    its index. Of many, those that are stored are found first, by the keys alone: in a batch of what
    is new there are none, and DuckDB would read every text to tell so.
    """
    if len(values) > LOOKED_UP:
        values = {found for (found,) in rows_among(session, table, (key,), key, values)}
        if len(values) > LOOKED_UP:
            return rows_among(session, table, columns, key, values)
    if not values:
        return []
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return session.rows(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN ({places})", *values
    )


def rows_among(
    session: Session, table: str, columns: Iterable[str], key: str, values: Collection[object]
) -> list[Row]:
    """The columns of the rows whose `key` is among `values`, whole numbers or texts.

    For many values, and for keys without an index on DuckDB.
    """
    if not values:
        return []
    kind = "bigint" if isinstance(next(iter(values)), int) else "text"
    return session.rows(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN (SELECT unnest($1::{kind}[]))",
        list(values),
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
    return _getter(type(row))(row)


@cache
def _getter(kind: type["DataclassInstance"]) -> Callable[[object], Row]:
    return attrgetter(*(field.name for field in fields(kind)))


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
