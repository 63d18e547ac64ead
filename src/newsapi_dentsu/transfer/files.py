"""A whole warehouse as CSV or Parquet files, and back.

CSV is written so that PostgreSQL's `COPY … CSV HEADER` and DuckDB read it alike: columns in the
table's order, nothing between two commas for NULL, "" for an empty text, times in UTC.
"""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as program_version
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import duckdb
from pydantic import AwareDatetime, StringConstraints, ValidationError

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.scratch import FolderInUseError, held_folder
from newsapi_dentsu.transfer import adoption, copying, proof
from newsapi_dentsu.transfer.file_lists import FileList, ListedFile, first_mistake
from newsapi_dentsu.transfer.postgres_snapshot import postgres_snapshot
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.tables import Table, tables
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession, duckdb_session
from newsapi_dentsu.warehouse.engines.postgres import (
    PostgresEngine,
)
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import raw

Format = Literal["csv", "parquet"]

MANIFEST = "export_manifest.json"
FILES = r"export_[a-z0-9_]+\.(csv|parquet)"
"""What the files of an export are called, whichever version of the program wrote them."""

_UNFINISHED = ".export.unfinished"
"""Lies in the folder from before an earlier export is touched until the new one is whole.

Files without a manifest and without this are somebody else's.
"""

SLICE_BYTES = 16_000_000
"""Bytes of a CSV file that DuckDB is given at a time, or one row where that is longer."""

_LEAST_BUFFER = 1_000_000

_SHORT = {
    "raw.ai_marketing_news_raw": "raw",
    "processed.processed_news": "processed",
    "final.filtered_news": "final",
}


class ChangedFilesError(WarehouseError):
    """The files of an export were changed or damaged since."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export says of itself.

    `origin` is where the articles come from (None: there are none), `files` are the files' names
    and sizes in bytes.
    """

    version: int
    exported_at: datetime
    program: str
    source: str
    origin: str | None
    digests: Mapping[str, Digest]
    files: Mapping[str, int]


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
    source: Warehouse,
    folder: Path,
    format_: Format,
    memory: str,
    progress: Progress,
    *,
    now: datetime,
) -> Exported:
    """Write every table into a folder and read it back; an earlier export there is replaced.

    The files get their names when all of them are written, and the manifest last.

    Raises:
        WarehouseError: the source can't be read, the folder can't be written, or another export
            into it is under way.
    """
    try:
        with held_folder(folder / ".export.part") as part:
            if isinstance(source.engine, PostgresEngine):
                before = _from_postgres(source, source.engine, part, format_, memory, progress)
            else:
                before = _from_duckdb(source, part, format_, progress)
            after = _read_back(part, format_, memory)
            result = Exported(before, after)
            if result.equal:
                _publish(part, folder, format_, result, _heading(source, now))
    except FolderInUseError:
        raise WarehouseError(
            f"{folder}: another export into it is under way: wait for its end, or name another "
            "folder"
        ) from None
    except OSError as error:
        raise WarehouseError(f"{folder} can't be written: {error.strerror or error}") from error
    return result


def read_manifest(folder: Path) -> Manifest | None:
    """What the export in a folder says of itself; None where somebody else wrote the files.

    Raises:
        WarehouseError: there is no export, one broke off among its files, or the manifest can't be
            read.
    """
    path = folder / MANIFEST
    if not path.exists():
        if (folder / _UNFINISHED).exists():
            raise WarehouseError(
                f"{folder} holds no whole export: an export into it broke off: export again"
            )
        if not any(_present(folder, table) for table in tables()):
            raise WarehouseError(
                f"{folder} holds no export: there is neither {MANIFEST} nor a file such as "
                f"{file_name(tables()[0], 'csv')}"
            )
        return None
    try:
        return parse_manifest(path.read_bytes(), str(path))
    except OSError as error:
        raise WarehouseError(f"{path} can't be read: {error.strerror}") from error


class _ListedTable(ListedFile):
    file: Annotated[str, StringConstraints(pattern=f"^{FILES}$")]


class _ManifestText(FileList):
    schema_version: int
    exported_at: AwareDatetime
    program: str
    source: str
    origin: str | None
    tables: dict[str, _ListedTable]


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Read a manifest's text; it may name no other files than those of an export.

    Raises:
        WarehouseError: it is none; the message names `where` it was.
    """
    try:
        value = _ManifestText.model_validate_json(text)
    except ValidationError as error:
        raise WarehouseError(
            f"{where} is no manifest of an export ({first_mistake(error)}): export again"
        ) from error
    return Manifest(
        version=value.schema_version,
        exported_at=value.exported_at,
        program=value.program,
        source=value.source,
        origin=value.origin,
        digests={name: of.digest for name, of in value.tables.items()},
        files={of.file: of.bytes for of in value.tables.values()},
    )


def load(folder: Path, path: Path, memory: str, progress: Progress) -> None:
    """Make a DuckDB file of the files in a folder; tables without a file stay empty.

    Files that no export of this program wrote say nothing of how far the stages have come: that
    is read off the rows.

    Raises:
        ChangedFilesError: what the files hold isn't what the export's manifest says.
        WarehouseError: a file can't be read; the message names it and, where known, the line.
    """
    manifest = read_manifest(folder)
    latest = history.migrations()[-1].version
    if manifest is not None and manifest.version != latest:
        raise WarehouseError(
            f"{folder} was exported with schema version {manifest.version}, this program's is "
            f"{latest}: import it with the version that wrote it, and upgrade then"
        )
    _load_all(folder, path, memory, progress)
    file = Warehouse(DuckDBEngine(path, memory_limit=memory, wait=0))
    if manifest is None:
        file.write(adoption.adopt)
        return
    with file.snapshot() as session:
        found = proof.duckdb_digests(duckdb_session(session))
    wrong = [name for name, digest in manifest.digests.items() if found.get(name) != digest]
    if wrong:
        raise ChangedFilesError(
            f"the files in {folder} don't hold what was exported ({', '.join(wrong)}): they were "
            "changed or damaged since"
        )


def _load_all(folder: Path, path: Path, memory: str, progress: Progress) -> None:
    present = [(table, found) for table in tables() if (found := _present(folder, table))]
    with copying.writing(path, memory) as target:
        # Each thread keeps rows in memory beside what the limit counts.
        target.execute("SET threads = 1")
        for done, (table, file) in enumerate(present):
            progress(done, len(present))
            insert = f"INSERT INTO {table.name} ({table.names}) SELECT {table.names} FROM"
            target.execute("BEGIN")
            for relation in _relations(table, file, path.parent):
                with _errors_in(file):
                    target.execute(f"{insert} {relation}")
            target.execute("COMMIT")
    progress(len(present), len(present))


def _relations(table: Table, file: Path, scratch: Path) -> Iterator[str]:
    """Expressions for DuckDB that read a file, slice by slice.

    DuckDB's own way through a large CSV file either keeps all of it in memory or, in parallel,
    takes lines of a text for rows; so it gets slices that end where a row ends.
    """
    if file.suffix == ".parquet":
        yield f"read_parquet({quoted_text(file)})"
        return
    part = scratch / f".{file.name}.slice"
    try:
        with file.open("rb") as lines:
            header = lines.readline()
            columns = _columns(table, file, header)
            ending = b"\r\n" if header.endswith(b"\r\n") else b"\n"
            while size := _slice(file, lines, part, ending):
                yield (
                    f"read_csv({quoted_text(part)}, header = false, auto_detect = false, "
                    "delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                    "allow_quoted_nulls = false, strict_mode = true, parallel = false, "
                    # Not guessed: the first line break may be one of a text.
                    "new_line = '\\n', "
                    f"max_line_size = {size}, buffer_size = {size}, columns = {{{columns}}})"
                )
    except OSError as error:
        raise WarehouseError(f"{file} can't be read: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _slice(file: Path, lines: BinaryIO, part: Path, ending: bytes) -> int:
    """Write the next rows into a file of their own; returns its size, 0 where none are left.

    A line ends a row where the quotes before it, escaped ones included, are even in number.
    """
    size, is_open = 0, False
    with part.open("wb") as target:
        for line in lines:
            if not is_open and not line.strip():
                continue
            is_open ^= bool(line.count(b'"') % 2)
            written = line if is_open else line.removesuffix(ending) + b"\n"
            target.write(written)
            size += len(written)
            if size >= SLICE_BYTES and not is_open:
                break
    if is_open:
        raise WarehouseError(f"{file} can't be read: a quote in it isn't closed")
    return max(size, _LEAST_BUFFER) if size else 0


def _columns(table: Table, file: Path, line: bytes) -> str:
    """Read the header and say what the columns are, in the order of the file."""
    try:
        header = next(csv.reader([line.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise WarehouseError(f"{file} can't be read: {error}") from error
    names = [name.strip().lower() for name in header]
    kinds = {name.lower(): (name, kind) for name, kind in table.columns.items()}
    if sorted(names) != sorted(kinds):
        missing = ", ".join(sorted(kinds.keys() - set(names))) or "none"
        unknown = ", ".join(sorted(set(names) - kinds.keys())) or "none"
        raise WarehouseError(
            f"{file} isn't an export of {table.name}: columns missing: {missing}; "
            f"unknown: {unknown}"
        )
    return ", ".join(f"{quoted_text(kinds[name][0])}: '{kinds[name][1]}'" for name in names)


@contextmanager
def _errors_in(file: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise WarehouseError(f"{file}: {_reason(error)}") from error


def _reason(error: duckdb.Error) -> str:
    """What DuckDB says of a file, without the line's text: that may be a whole article."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line[:200] for line in lines[1:] if not line.startswith("Original Line")]
    return ": ".join([lines[0][:200], *said[:1]]) if lines else type(error).__name__


def _present(folder: Path, table: Table) -> Path | None:
    for format_ in ("csv", "parquet"):
        path = folder / file_name(table, format_)
        if path.exists():
            return path
    return None


def _from_duckdb(
    source: Warehouse, part: Path, format_: Format, progress: Progress
) -> dict[str, Digest]:
    with source.snapshot() as opened:
        session = duckdb_session(opened)
        for done, table in enumerate(tables()):
            progress(done, len(tables()))
            _write(session, table, part / file_name(table, format_), format_)
        return proof.duckdb_digests(session)


def _write(session: DuckDBSession, table: Table, file: Path, format_: Format) -> None:
    options = "FORMAT csv, HEADER, DELIMITER ','"
    if format_ == "parquet":
        # A row group is put together in memory.
        options = "FORMAT parquet, ROW_GROUP_SIZE 2048"
    session.write_file(f"SELECT {table.names} FROM {table.name}", file, options)


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
        with postgres_snapshot(engine) as there:
            copying.build(there, scratch, memory, progress)
            digests = there.digests()
        file = DuckDBEngine(scratch, memory_limit=memory, wait=0)
        _from_duckdb(Warehouse(file), part, format_, progress)
        scratch.unlink()
        return digests
    with postgres_snapshot(engine) as there:
        for done, table in enumerate(tables()):
            progress(done, len(tables()))
            there.write_csv(table, part / file_name(table, format_))
        return there.digests()


def _read_back(part: Path, format_: Format, memory: str) -> dict[str, Digest]:
    with _reader(part, memory) as reader:
        return {
            table.name: _digest(reader, table, part / file_name(table, format_))
            for table in tables()
        }


def _digest(reader: duckdb.DuckDBPyConnection, table: Table, file: Path) -> Digest:
    sums = [0, 0, 0]
    for relation in _relations(table, file, file.parent):
        with _errors_in(file):
            part = reader.execute(proof.duckdb_statement(table, relation)).fetchall()[0]
        sums = [one + int(more or 0) for one, more in zip(sums, part, strict=True)]
    return proof.of_row(tuple(sums))


@contextmanager
def _reader(folder: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    spill = str(folder / "spill")
    config: dict[str, Any] = {"memory_limit": memory, "temp_directory": spill, "threads": 1}
    with duckdb.connect(":memory:", config=config) as reader:
        reader.execute("SET TimeZone = 'UTC'")
        yield reader


def _heading(source: Warehouse, now: datetime) -> dict[str, Any]:
    return {
        "schema_version": history.migrations()[-1].version,
        "exported_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "program": program_version("newsapi-dentsu"),
        "source": source.location,
        "origin": source.read(raw.stored_origin),
    }


def _publish(
    part: Path, folder: Path, format_: Format, exported: Exported, heading: Mapping[str, Any]
) -> None:
    (folder / _UNFINISHED).touch()
    (folder / MANIFEST).unlink(missing_ok=True)
    entries = {}
    for table in tables():
        for other in ("csv", "parquet"):
            (folder / file_name(table, other)).unlink(missing_ok=True)
        name = file_name(table, format_)
        os.replace(part / name, folder / name)  # noqa: PTH105
        digest = exported.source[table.name]
        entries[table.name] = {
            "file": name,
            "bytes": (folder / name).stat().st_size,
            "rows": digest.rows,
            "hash": digest.hash,
        }
    text = json.dumps({**heading, "format": format_, "tables": entries}, indent=2) + "\n"
    (part / MANIFEST).write_text(text, encoding="utf-8")
    os.replace(part / MANIFEST, folder / MANIFEST)  # noqa: PTH105
    (folder / _UNFINISHED).unlink()
