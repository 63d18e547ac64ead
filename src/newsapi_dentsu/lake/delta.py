"""The lake's Delta tables, through delta-rs: one table at a time, as it is at one version.

Another engine begins with `live_files`, which gives a consistent state of a table: the addresses of
its Parquet files at one version of its log.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from newsapi_dentsu.errors import SettingsError, StorageError, StorageUnavailableError
from newsapi_dentsu.lake.layout import LakeTable
from newsapi_dentsu.storage import ObjectStore

if TYPE_CHECKING:
    from deltalake import DeltaTable

APPLICATION: Final = "newsapi-archive"
"""Under this name a table's log keeps the last number that was archived."""


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
        return LiveFiles(found.version(), sum(counts), tuple(found.file_uris()), options)


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
        raise StorageError(
            f"{where} can't be used ({_first_line(error)}): bring its files back as they were, or "
            "write the lake anew from the database with `newsapi archive --anew`"
        ) from error
    except OSError as error:
        raise StorageUnavailableError(f"{where} can't be reached: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line.strip(" ↳") for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
