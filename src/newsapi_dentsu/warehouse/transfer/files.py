"""A whole warehouse as CSV or Parquet files, and back.

CSV is written so that PostgreSQL's `COPY … CSV HEADER` and DuckDB read it alike: columns in the
table's order, nothing between two commas for NULL, "" for an empty text, times in UTC.
"""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, LiteralString

import duckdb

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse import Warehouse, adoption, schema
from newsapi_dentsu.warehouse.duckdb_engine import DuckDBEngine, DuckDBSession
from newsapi_dentsu.warehouse.postgres_engine import Connection, PostgresEngine
from newsapi_dentsu.warehouse.transfer import copying, proof
from newsapi_dentsu.warehouse.transfer.loading import connection
from newsapi_dentsu.warehouse.transfer.proof import Digest
from newsapi_dentsu.warehouse.transfer.tables import Table, tables

Format = Literal["csv", "parquet"]
Progress = Callable[[int, int], None]

MANIFEST = "export_manifest.json"
LINE_BYTES = 8_000_000, 64_000_000
"""Bytes that a row may have: tried first, and where that is too little."""

# A field may be as long as a row.
csv.field_size_limit(LINE_BYTES[1])

_TOO_LONG = "Maximum line size"

_SHORT = {
    "raw.ai_marketing_news_raw": "raw",
    "processed.processed_news": "processed",
    "final.filtered_news": "final",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export says of itself."""

    version: int
    digests: Mapping[str, Digest]


@dataclass(frozen=True, slots=True)
class Exported:
    """The digests of the source and of the files as they read back."""

    source: dict[str, Digest]
    files: dict[str, Digest]

    @property
    def equal(self) -> bool:
        """Whether the files hold what the source held."""
        return self.source == self.files


def file_name(table: Table, format_: str) -> str:
    """The name of a table's file."""
    return f"export_{_SHORT.get(table.name, table.name.partition('.')[2])}.{format_}"


def export(
    source: Warehouse, folder: Path, format_: Format, memory: str, progress: Progress
) -> Exported:
    """Write every table into a folder and read it back; an earlier export there is replaced.

    The files get their names when all of them are written, and the manifest last.

    Raises:
        WarehouseError: the source can't be read or the folder can't be written.
    """
    part = folder / ".export.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            if isinstance(source.engine, PostgresEngine):
                before = _from_postgres(source, source.engine, part, format_, memory, progress)
            else:
                before = _from_duckdb(source, part, format_, progress)
            after = _read_back(part, format_)
            result = Exported(before, after)
            if result.equal:
                _publish(part, folder, format_, before)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise WarehouseError(f"{folder} can't be written: {error.strerror or error}") from error
    return result


def read_manifest(folder: Path) -> Manifest | None:
    """What the export in a folder says of itself; None where somebody else wrote the files.

    Raises:
        WarehouseError: there is no export, or the manifest can't be read.
    """
    path = folder / MANIFEST
    if not path.exists():
        if not any(_present(folder, table) for table in tables()):
            raise WarehouseError(
                f"{folder} holds no export: there is neither {MANIFEST} nor a file such as "
                f"{file_name(tables()[0], 'csv')}"
            )
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
        return Manifest(
            value["schema_version"],
            {name: Digest(of["rows"], of["hash"]) for name, of in value["tables"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(f"{path} can't be read: export again ({error})") from error


def load(folder: Path, path: Path, memory: str, progress: Progress) -> None:
    """Make a DuckDB file of the files in a folder; tables without a file stay empty.

    Files that no export of this program wrote say nothing of how far the stages have come: that
    is read off the rows.

    Raises:
        WarehouseError: a file can't be read, or isn't what the export's manifest says; the message
            names it and, where known, the line.
    """
    manifest = read_manifest(folder)
    latest = schema.migrations()[-1].version
    if manifest is not None and manifest.version != latest:
        raise WarehouseError(
            f"{folder} was exported with schema version {manifest.version}, this program's is "
            f"{latest}: import it with the version that wrote it, and upgrade then"
        )
    _load_all(folder, path, memory, progress)
    file = Warehouse(DuckDBEngine(path, memory_limit=memory, wait=0))
    if manifest is None:
        _check_counts(folder, file)
        file.write(adoption.adopt)
        return
    with file.snapshot() as session:
        found = proof.digests(session, "DuckDB", tables())
    wrong = [name for name, digest in manifest.digests.items() if found.get(name) != digest]
    if wrong:
        raise WarehouseError(
            f"the files in {folder} don't hold what was exported ({', '.join(wrong)}): they were "
            f"changed or damaged since. To import them as they are, delete {MANIFEST}."
        )


def _check_counts(folder: Path, loaded: Warehouse) -> None:
    """Count the rows of CSV files a second way: DuckDB drops a last row whose quote stays open."""
    with loaded.snapshot() as session:
        for table in tables():
            file = _present(folder, table)
            if file is None or file.suffix != ".csv":
                continue
            ((rows,),) = session.rows(f"SELECT count(*) FROM {table.name}")
            try:
                with file.open(encoding="utf-8-sig", newline="") as lines:
                    # A line without any text is a row where there is one column only.
                    counted = sum(bool(row) for row in csv.reader(lines, strict=True)) - 1
            except (csv.Error, UnicodeDecodeError) as error:
                raise WarehouseError(f"{file} can't be read: {error}") from error
            if counted != rows:
                raise WarehouseError(
                    f"{file} has {counted:,} rows, of which {rows:,} could be read: "
                    "look for a quote that isn't closed"
                )


def _load_all(folder: Path, path: Path, memory: str, progress: Progress) -> None:
    present = [(table, found) for table in tables() if (found := _present(folder, table))]
    with copying.writing(path, memory) as target:
        # A row may be long, and the reader keeps a few of the longest in memory.
        target.execute("SET memory_limit = '400MB'")
        target.execute("SET threads = 1")
        for done, (table, file) in enumerate(present):
            progress(done, len(present))
            _load(target, table, file)
        target.execute(f"SET memory_limit = '{memory}'")
    progress(len(present), len(present))


def _load(target: duckdb.DuckDBPyConnection, table: Table, file: Path) -> None:
    for line_bytes in LINE_BYTES:
        try:
            target.execute(
                f"INSERT INTO {table.name} ({table.names}) "
                f"SELECT {table.names} FROM {_relation(table, file, line_bytes)}"
            )
            return
        except duckdb.Error as error:
            if line_bytes != LINE_BYTES[-1] and _TOO_LONG in str(error):
                continue
            raise WarehouseError(f"{file}: {_reason(error)}") from error


def _relation(table: Table, file: Path, line_bytes: int) -> str:
    """An expression for DuckDB that reads a file as its table."""
    quoted = str(file).replace("'", "''")
    if file.suffix == ".parquet":
        return f"read_parquet('{quoted}')"
    kinds = {name.lower(): (name, kind) for name, kind in table.columns.items()}
    header = _header(file)
    if sorted(header) != sorted(kinds):
        missing = ", ".join(sorted(kinds.keys() - set(header))) or "none"
        unknown = ", ".join(sorted(set(header) - kinds.keys())) or "none"
        raise WarehouseError(
            f"{file} isn't an export of {table.name}: columns missing: {missing}; "
            f"unknown: {unknown}"
        )
    columns = ", ".join(f"'{kinds[name][0]}': '{kinds[name][1]}'" for name in header)
    return (
        f"read_csv('{quoted}', header = true, auto_detect = false, delim = ',', quote = '\"', "
        "escape = '\"', nullstr = '', allow_quoted_nulls = false, strict_mode = true, "
        f"parallel = false, max_line_size = {line_bytes}, buffer_size = {2 * line_bytes}, "
        f"columns = {{{columns}}})"
    )


def _reason(error: duckdb.Error) -> str:
    """What DuckDB says of a file, without the line's text: that may be a whole article."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line[:200] for line in lines[1:] if not line.startswith("Original Line")]
    return ": ".join([lines[0][:200], *said[:1]]) if lines else type(error).__name__


def _header(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return [name.strip().lower() for name in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WarehouseError(f"{file} can't be read: {error}") from error


def _present(folder: Path, table: Table) -> Path | None:
    for format_ in ("csv", "parquet"):
        path = folder / file_name(table, format_)
        if path.exists():
            return path
    return None


def _from_duckdb(
    source: Warehouse, part: Path, format_: Format, progress: Progress
) -> dict[str, Digest]:
    with source.snapshot() as session:
        if not isinstance(session, DuckDBSession):
            raise TypeError("the source is not a DuckDB file")
        for done, table in enumerate(tables()):
            progress(done, len(tables()))
            _write(session, table, part / file_name(table, format_), format_)
        return proof.digests(session, "DuckDB", tables())


def _write(session: DuckDBSession, table: Table, file: Path, format_: Format) -> None:
    quoted = str(file).replace("'", "''")
    options = "FORMAT csv, HEADER, DELIMITER ','"
    if format_ == "parquet":
        # A row group is put together in memory.
        options = "FORMAT parquet, ROW_GROUP_SIZE 2048"
    session.execute(f"COPY (SELECT {table.names} FROM {table.name}) TO '{quoted}' ({options})")


def _from_postgres(
    source: Warehouse,
    engine: PostgresEngine,
    part: Path,
    format_: Format,
    memory: str,
    progress: Progress,
) -> dict[str, Digest]:
    with source.snapshot():
        pass  # the tables are there, whole, and of this version
    if format_ == "parquet":
        scratch = part / "scratch.duckdb"
        with copying.snapshot(engine) as there:
            copying.build(there, scratch, memory, progress)
            digests = there.digests()
        file = DuckDBEngine(scratch, memory_limit=memory, wait=0)
        _from_duckdb(Warehouse(file), part, format_, progress)
        scratch.unlink()
        return digests
    with connection(engine) as opened, opened.transaction():
        opened.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        opened.execute("SET LOCAL datestyle = 'ISO'")
        for done, table in enumerate(tables()):
            progress(done, len(tables()))
            _copy_out(opened, table, part / file_name(table, format_))
        return copying.Snapshot(opened).digests()


def _copy_out(opened: Connection, table: Table, file: Path) -> None:
    # As DuckDB writes them, which PostgreSQL reads as well.
    columns = ", ".join(
        f"CAST({name} AS text) AS {name}" if kind == "boolean" else f'{name} AS "{name}"'
        for name, kind in table.columns.items()
    )
    statement = f"COPY (SELECT {columns} FROM {table.name}) TO STDOUT (FORMAT csv, HEADER)"
    with file.open("wb") as target, opened.cursor() as cursor, cursor.copy(_sql(statement)) as copy:
        for block in copy:
            target.write(block)


def _read_back(part: Path, format_: Format) -> dict[str, Digest]:
    with _reader(part) as reader:
        return {
            table.name: _digest(reader, table, part / file_name(table, format_))
            for table in tables()
        }


def _digest(reader: duckdb.DuckDBPyConnection, table: Table, file: Path) -> Digest:
    statement = proof.duckdb_statement(table)
    for line_bytes in LINE_BYTES:
        relation = f"{_relation(table, file, line_bytes)} AS file"
        try:
            found = reader.execute(statement.replace(f"FROM {table.name}", f"FROM {relation}"))
            return proof.of_row(found.fetchall()[0])
        except duckdb.Error as error:
            if line_bytes == LINE_BYTES[-1] or _TOO_LONG not in str(error):
                raise WarehouseError(f"{file}: {_reason(error)}") from error
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def _reader(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    spill = str(folder / "spill")
    config: dict[str, Any] = {"memory_limit": "400MB", "temp_directory": spill, "threads": 1}
    with duckdb.connect(":memory:", config=config) as reader:
        reader.execute("SET TimeZone = 'UTC'")
        yield reader


def _publish(part: Path, folder: Path, format_: Format, digests: Mapping[str, Digest]) -> None:
    (folder / MANIFEST).unlink(missing_ok=True)
    for table in tables():
        for other in ("csv", "parquet"):
            (folder / file_name(table, other)).unlink(missing_ok=True)
        name = file_name(table, format_)
        os.replace(part / name, folder / name)  # noqa: PTH105
    value = {
        "schema_version": schema.migrations()[-1].version,
        "format": format_,
        "tables": {
            table.name: {
                "file": file_name(table, format_),
                "rows": digests[table.name].rows,
                "hash": digests[table.name].hash,
            }
            for table in tables()
        },
    }
    text = json.dumps(value, indent=2) + "\n"
    (part / MANIFEST).write_text(text, encoding="utf-8")
    os.replace(part / MANIFEST, folder / MANIFEST)  # noqa: PTH105


def _sql(text: str) -> LiteralString:
    # The text is the warehouse's own, made of its own table and column names.
    return text
