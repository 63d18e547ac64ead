"""Rows of the pipeline's tables as Spark and Arrow have them, and back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from newsapi_dentsu.warehouse.tables.rows import columns_of, values

if TYPE_CHECKING:
    import pyarrow as pa
    from _typeshed import DataclassInstance

Item = TypeVar("Item", bound="DataclassInstance")

Kind: TypeAlias = "str | type[DataclassInstance] | list[Kind] | Mapping[str, Kind]"
"""What a column holds: a kind that tables have, rows of a dataclass, a list, or other columns."""

ROWS_AT_ONCE: Final = 200
"""Rows of a batch that goes back to Spark: of a few megabytes with texts of usual length."""

_SQL: Final = {
    "text": "string",
    "bigint": "bigint",
    "integer": "int",
    "boolean": "boolean",
    "float8": "double",
    "timestamptz": "timestamp",
    "date": "date",
    "bytes": "binary",
}


def declared(columns: Mapping[str, Kind]) -> str:
    """Columns as Spark declares them."""
    return ", ".join(f"`{name}` {sql_type(kind)}" for name, kind in columns.items())


def sql_type(kind: Kind) -> str:
    """What Spark calls a kind."""
    if isinstance(kind, str):
        return _SQL[kind]
    if isinstance(kind, list):
        return f"array<{sql_type(kind[0])}>"
    columns = kind if isinstance(kind, Mapping) else columns_of(kind)
    return f"struct<{', '.join(f'`{name}`: {sql_type(of)}' for name, of in columns.items())}>"


def arrow_schema(columns: Mapping[str, Kind]) -> "pa.Schema":
    """Columns as Arrow declares them."""
    import pyarrow as pa

    return pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])


def _arrow_type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa

    if isinstance(kind, str):
        return {
            "text": pa.string(),
            "bigint": pa.int64(),
            "integer": pa.int32(),
            "boolean": pa.bool_(),
            "float8": pa.float64(),
            "timestamptz": pa.timestamp("us", tz="UTC"),
            "date": pa.date32(),
            "bytes": pa.binary(),
        }[kind]
    if isinstance(kind, list):
        return pa.list_(_arrow_type(kind[0]))
    columns = kind if isinstance(kind, Mapping) else columns_of(kind)
    return pa.struct([(name, _arrow_type(of)) for name, of in columns.items()])


def as_values(row: "DataclassInstance") -> dict[str, Any]:
    """A row by the names of its columns."""
    return dict(zip(columns_of(type(row)), values(row), strict=True))


def of_values(kind: type[Item], found: Mapping[str, Any]) -> Item:
    """The row whose columns are among these."""
    return kind(*(found[name] for name in columns_of(kind)))


def read(batches: Iterable["pa.RecordBatch"]) -> Iterator[dict[str, Any]]:
    """The rows of batches, each by the names of its columns."""
    for batch in batches:
        names = batch.schema.names
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield dict(zip(names, row, strict=True))


def write(rows: Iterable[Mapping[str, Any]], schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    """Rows in batches of a schema."""
    import pyarrow as pa

    waiting: list[Mapping[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) >= ROWS_AT_ONCE:
            yield pa.RecordBatch.from_pylist(waiting, schema=schema)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=schema)
