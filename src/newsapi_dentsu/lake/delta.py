"""The lake's Delta tables, through delta-rs: one table at a time, opened anew for each step.

Another engine begins with `live_files`, which gives a consistent state of a table: the addresses of
its Parquet files at one version of its log.

Rows and the number of the last one are one entry of the log, so a number that is there says that
the rows are there. Of two writers who saw the same number, delta-rs lets one in. Of two who put
files in the place of the same others, it lets both in where the first only compacted: the rows
stand there twice then. `counted` finds them, and whoever must not make such rows commits only on
the version that was read.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from newsapi_dentsu.errors import SettingsError, StorageError, StorageUnavailableError
from newsapi_dentsu.lake.layout import MONTH, RETENTION, LakeTable
from newsapi_dentsu.storage import ObjectStore

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

# A line for each column of text in files that DuckDB has written, which nobody can do anything
# about; whoever sets it gets what they ask for.
os.environ.setdefault("RUST_LOG", "warn,deltalake_core::writer::stats=error")

FULL_BYTES: Final = 64_000_000
"""Size from which a file is left as it is when a month's files are compacted."""

APPLICATION: Final = "newsapi-archive"
"""Under this name a table's log keeps the last number that was archived."""

PATH: Final = re.compile(
    r"month=[0-9]{4}-(?:0[1-9]|1[0-2])/[A-Za-z0-9][A-Za-z0-9._-]{0,150}\.parquet"
)
"""What a file of a table may be called, below its folder; nothing else is read or deleted."""

_ROW_GROUP: Final = 4_096
"""Rows that a writer keeps in memory at most for each file that it writes."""

_CONFIGURATION: Final = {
    "delta.deletedFileRetentionDuration": f"interval {RETENTION // timedelta(days=1)} days",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.checkpointInterval": "50",
}


@dataclass(frozen=True, slots=True)
class State:
    """A table at a version: the last number in it, and each file's size and rows by its path."""

    version: int
    through: int
    files: Mapping[str, tuple[int, int]]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(rows for _, rows in self.files.values())


@dataclass(frozen=True, slots=True)
class LiveFiles:
    """A state of a table.

    `uris` are the addresses of its files, `options` what delta-rs and polars need beside them to
    read from a container (a token that is valid for about an hour); none for a folder.
    """

    version: int
    rows: int
    uris: tuple[str, ...]
    options: Mapping[str, str]


def live_files(store: ObjectStore, table: LakeTable, version: int | None = None) -> LiveFiles:
    """The files that make a table up: as of now, or as of an earlier version.

    Raises:
        StorageError: there is no such table or version, or the store can't be used.
        SettingsError: the extra `lake` is missing.
    """
    with errors_explained(store, table):
        uri, options = store.delta_address(table.name)
        found = _opened(uri, options, version)
        counts = found.get_add_actions().column("num_records").to_pylist()
        uris = found.file_uris()
        # In a folder they are paths, in which delta-rs writes spaces and the like as %20.
        paths = uris if options else map(unquote, uris)
        return LiveFiles(found.version(), sum(counts), tuple(paths), options)


def exists(store: ObjectStore, table: LakeTable) -> bool:
    """Whether there is such a table."""
    with errors_explained(store, table):
        from deltalake import DeltaTable

        uri, options = store.delta_address(table.name)
        return DeltaTable.is_deltatable(uri, storage_options=options)


def state(store: ObjectStore, table: LakeTable, version: int | None = None) -> State:
    """How a table is: now, or at an earlier version.

    Raises:
        StorageError: there is no such table or version, its log names files of other programs, or
            the store can't be used.
    """
    with errors_explained(store, table):
        found = _opened(*store.delta_address(table.name), version)
        actions = found.get_add_actions()
        files = zip(
            *(actions.column(name).to_pylist() for name in ("path", "size_bytes", "num_records")),
            strict=True,
        )
        state = State(
            found.version(),
            found.transaction_version(APPLICATION) or 0,
            {path: (size, rows or 0) for path, size, rows in files},
        )
    _refuse_strange(store, table, state.files)
    return state


def counted(store: ObjectStore, table: LakeTable, version: int) -> dict[str, tuple[int, int]]:
    """By month, how many rows a version of a table has, and how many numbers these have.

    Raises:
        StorageError: there is no such table or version, or the store can't be used.
    """
    months = sorted({month_of(path) for path in state(store, table, version).files})
    with errors_explained(store, table):
        from deltalake import QueryBuilder
        from deltalake.exceptions import DeltaError

        held = _opened(*store.delta_address(table.name), version)
        query = QueryBuilder().register("held", held)
        counts = {}
        # One after the other, so that memory has room for the numbers.
        for month in months:
            counting = query.execute(
                f"SELECT count({table.order}), count(DISTINCT {table.order}) FROM held "
                f"WHERE {MONTH} = '{month}'"
            )
            try:
                found = counting.read_all()
            # arro3 has no other name for what can't be read.
            except Exception as error:
                raise DeltaError(f"{month}: {_first_line(error)}") from error
            rows, numbers = (column.to_pylist()[0] for column in found.columns)
            counts[month] = (rows, numbers)
        return counts


def taken(store: ObjectStore, table: LakeTable, application: str) -> int:
    """The last number that was added under a name other than that of the archive; 0 for none."""
    with errors_explained(store, table):
        found = _opened(*store.delta_address(table.name))
        return found.transaction_version(application) or 0


def append(
    store: ObjectStore,
    table: LakeTable,
    rows: Any,
    numbers: Mapping[str, int],
    *,
    anew: bool = False,
) -> None:
    """Add rows to a table, which is made where there is none.

    Args:
        store: where the lake is.
        table: which table.
        rows: an Arrow stream of all its columns and `month`.
        numbers: what to keep with them in the log: under each name, the last number added.
        anew: whether they come in the place of everything that is there.

    Raises:
        StorageUnavailableError: somebody else added rows under one of these names meanwhile, or
            changed anything of what the rows come in the place of.
        StorageError: the table has columns of other types, or the store can't be used.
    """
    with errors_explained(store, table):
        from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

        uri, options = store.delta_address(table.name)
        kept = CommitProperties(
            app_transactions=[Transaction(name, number) for name, number in numbers.items()],
            max_commit_retries=0 if anew else None,
        )
        if not DeltaTable.is_deltatable(uri, storage_options=options):
            write_deltalake(
                uri,
                rows,
                partition_by=[MONTH],
                configuration={
                    **_CONFIGURATION,
                    "delta.dataSkippingStatsColumns": ",".join(table.measured),
                },
                storage_options=options,
                writer_properties=_properties(),
                commit_properties=kept,
            )
        elif anew:
            write_deltalake(
                _opened(uri, options),
                rows,
                mode="overwrite",
                schema_mode="overwrite",
                writer_properties=_properties(),
                commit_properties=kept,
            )
        else:
            write_deltalake(
                _opened(uri, options),
                rows,
                mode="append",
                schema_mode="merge",
                writer_properties=_properties(),
                commit_properties=kept,
            )


def replace(
    store: ObjectStore, table: LakeTable, month: str, version: int, rows: Iterable[Any]
) -> None:
    """Put rows in the place of all those of a month, in one entry of the log.

    Args:
        store: where the lake is.
        table: which table.
        month: which month.
        version: the version of the table whose rows are replaced.
        rows: the rows as Arrow streams, which are read one after the other.

    Raises:
        StorageUnavailableError: the table has another version by now.
        StorageError: the store can't be used.
    """
    with errors_explained(store, table):
        from arro3.core import RecordBatchReader
        from deltalake import CommitProperties, write_deltalake

        streams = map(RecordBatchReader.from_stream, rows)
        first = next(streams)
        write_deltalake(
            _opened(*store.delta_address(table.name), version),
            RecordBatchReader.from_batches(
                first.schema, chain(first, chain.from_iterable(streams))
            ),
            mode="overwrite",
            schema_mode="merge",
            predicate=f"{MONTH} = '{month}'",
            target_file_size=FULL_BYTES,
            writer_properties=_properties(),
            commit_properties=CommitProperties(max_commit_retries=0),
        )


def compact(store: ObjectStore, table: LakeTable, month: str) -> int:
    """Make few files of a month's many; returns how many were replaced.

    Somebody else who compacts the same files at the same time doubles their rows.
    """
    with errors_explained(store, table):
        done = _opened(*store.delta_address(table.name)).optimize.compact(
            partition_filters=[(MONTH, "=", month)],
            target_size=FULL_BYTES,
            max_concurrent_tasks=1,
            writer_properties=_properties(),
        )
        return int(done["numFilesRemoved"])


def month_of(path: str) -> str:
    """The month of a table's file."""
    return path.partition("/")[0].partition("=")[2]


def vacuum(store: ObjectStore, table: LakeTable, *, dry_run: bool) -> Sequence[str]:
    """Delete the files that have belonged to no state for `RETENTION`; returns their paths.

    Files that no writer of Delta tables names so are left alone, whatever the log says of them.
    """
    with errors_explained(store, table):
        found = _opened(*store.delta_address(table.name)).vacuum(
            RETENTION // timedelta(hours=1), dry_run=True, full=True
        )
    paths = [path for path in sorted(found) if PATH.fullmatch(path)]
    for path in () if dry_run else paths:
        store.delete(f"{table.name}/{path}")
    return paths


def declare(folder: Path) -> None:
    """Make the Parquet files of a folder a Delta table, where they lie.

    Raises:
        SettingsError: the extra `lake` is missing.
        StorageError: delta-rs can't use the folder.
    """
    try:
        from deltalake import convert_to_deltalake
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise SettingsError(
            "tables of Delta need the extra `lake`: pip install 'newsapi-dentsu[lake]', or ask "
            "for plain Parquet with --format parquet"
        ) from None
    try:
        convert_to_deltalake(str(folder))
    except DeltaError as error:
        raise StorageError(
            f"{folder} can't be made a Delta table ({_first_line(error)}): name a folder "
            "without % in its path, or ask for plain Parquet with --format parquet"
        ) from error


def _refuse_strange(store: ObjectStore, table: LakeTable, paths: Iterable[str]) -> None:
    for path in paths:
        if not PATH.fullmatch(path):
            raise StorageError(
                f"the log of {table.name} in {store.location} names {path[:100]!r}, which no "
                "archiving wrote: nothing was touched; take that out, or write the lake anew in "
                "another place with `newsapi archive --to`"
            )


def _properties() -> "WriterProperties":
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=_ROW_GROUP)


def _opened(uri: str, options: Mapping[str, str], version: int | None = None) -> "DeltaTable":
    from deltalake import DeltaTable

    return DeltaTable(uri, version=version, storage_options=dict(options))


@contextmanager
def errors_explained(store: ObjectStore, table: LakeTable) -> Iterator[None]:
    """Turn delta-rs's errors into the pipeline's, which say what to do.

    Raises:
        StorageError: there is no such table or version, or the store can't be used.
        SettingsError: the extra `lake` is missing.
    """
    try:
        from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
    except ImportError:
        raise SettingsError(
            f"{store.location} is a lake of Delta tables, which need the extra `lake`: "
            "pip install 'newsapi-dentsu[lake]'"
        ) from None
    # Its warnings repeat what the errors say.
    logging.getLogger("deltalake").setLevel(logging.ERROR)
    where = f"{table.name} in {store.location}"
    try:
        yield
    except TableNotFoundError as error:
        raise StorageError(f"{where} is no Delta table: `newsapi archive` makes one") from error
    except CommitFailedError as error:
        raise StorageUnavailableError(
            f"somebody else changed {where} meanwhile; nothing was changed, run it again"
        ) from error
    except DeltaError as error:
        if "Invalid table version" in str(error):
            raise StorageError(
                f"{where} can't be changed: its store does not begin a list at the name that it is "
                "asked to begin at (`startFrom`), as Azurite before 3.37 doesn't; nothing is lost, "
                "use a newer one"
            ) from error
        raise StorageError(
            f"{where} can't be used ({_first_line(error)}): bring its files back as they were, or "
            "write the lake anew from the database with `newsapi archive --anew`"
        ) from error
    except OSError as error:
        raise StorageUnavailableError(f"{where} can't be reached: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line.strip(" ↳") for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
