"""A DuckDB file with everything that a backup and the lake hold, ready to be moved to its place.

It is made in a working folder whose name follows from what it is made of. So an attempt that was
killed is gone on with: what was downloaded is not downloaded again, and a finished file not made
again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.lake.listing import Lake, LakeFile
from newsapi_dentsu.progress import Bars, Progress
from newsapi_dentsu.recovery.backups import Backup
from newsapi_dentsu.storage import ObjectStore, fetch, set_aside
from newsapi_dentsu.transfer import files, raw_files
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import refuse_unmerged
from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import raw

Stages = Callable[[Warehouse, datetime, Bars], None]
"""Runs the stages on a warehouse; the time given is taken for the present."""

BATCH_BYTES = 8_000_000
"""Size of the files, compressed, whose records are loaded at a time."""

_WORK = ".restore"
_DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True)
class Sources:
    """What to restore from: a backup, the lake, or a backup and what the lake has beyond it."""

    backup: tuple[ObjectStore, Backup] | None
    lake: tuple[ObjectStore, Lake] | None

    @property
    def description(self) -> str:
        """The sources in words."""
        parts = []
        if self.backup is not None:
            store, backup = self.backup
            parts.append(f"backup {backup.name} in {store.location}")
        if self.lake is not None:
            store, lake = self.lake
            parts.append(f"lake {store.location} as of {lake.archived_at:%Y-%m-%d %H:%M} UTC")
        return " and ".join(parts)

    @property
    def moment(self) -> datetime:
        """As of when the sources tell what was."""
        backup = self.backup and self.backup[1].manifest.exported_at
        lake = self.lake and self.lake[1].archived_at
        return max(moment for moment in (backup, lake) if moment is not None)

    @property
    def key(self) -> str:
        """What tells these very sources, as they are now, from all others."""
        told = (
            self.backup and (self.backup[0].location, self.backup[1].name),
            self.backup and sorted(self.backup[1].manifest.digests.items()),
            self.lake and (self.lake[0].location, sorted(self.lake[1].records)),
            self.lake and sorted(self.lake[1].searches.items()),
            self.moment,
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def prepare(
    sources: Sources,
    folder: Path,
    memory: str,
    wait: float,
    run_stages: Stages,
    bars: Bars,
    *,
    dry_run: bool,
) -> Path:
    """Make a DuckDB file of all that the sources hold, worked through by the stages.

    Args:
        sources: what to restore from.
        folder: where there is room for it.
        memory: how much DuckDB may take.
        wait: seconds to wait for the file.
        run_stages: runs the stages on a warehouse.
        bars: gives each step's progress callback.
        dry_run: whether what earlier attempts have left must stay as it is.

    Returns:
        The file; it stays for further attempts until `discard`.

    Raises:
        StorageError: what the sources hold isn't whole, or doesn't belong together.
        WarehouseError: the disk can't be written.
    """
    work = folder / _WORK / sources.key
    ready = work / "ready.duckdb"
    try:
        if dry_run and not ready.exists():
            work = folder / _WORK / _DRY_RUN
            ready = work / "ready.duckdb"
            _clear(work)
        for other in () if dry_run else (folder / _WORK).glob("*"):
            if other != work:
                _clear(other)
        work.mkdir(parents=True, exist_ok=True)
        if not ready.exists():
            part = work / "part.duckdb"
            for left in work.glob("part.duckdb*"):
                _clear(left)
            _build(sources, work, part, memory, wait, run_stages, bars)
            refuse_unmerged(part)
            os.replace(part, ready)  # noqa: PTH105
    except OSError as error:
        raise WarehouseError(f"{work} can't be written: {error.strerror or error}") from error
    return ready


def discard(folder: Path, *, dry_run: bool) -> None:
    """Delete what `prepare` has left in a folder; after a dry run only what that has left."""
    if not dry_run:
        shutil.rmtree(folder / _WORK, ignore_errors=True)
        return
    shutil.rmtree(folder / _WORK / _DRY_RUN, ignore_errors=True)
    with suppress(OSError):
        (folder / _WORK).rmdir()


def _clear(left: Path) -> None:
    """Delete a file, a link or a folder, if it is there."""
    if left.is_dir() and not left.is_symlink():
        shutil.rmtree(left)
    else:
        left.unlink(missing_ok=True)


def _build(
    sources: Sources,
    work: Path,
    path: Path,
    memory: str,
    wait: float,
    run_stages: Stages,
    bars: Bars,
) -> None:
    if sources.backup is not None:
        store, backup = sources.backup
        _load_backup(store, backup, work / "backup", path, memory, bars)
    with closing(Warehouse(HeldDuckDBEngine(path, memory_limit=memory, wait=wait))) as warehouse:
        warehouse.upgrade()
        if sources.lake is not None:
            store, lake = sources.lake
            after = sources.backup[1].manifest.exported_at if sources.backup else None
            if after is None or (lake.archived_at is not None and lake.archived_at > after):
                _add_lake(store, lake, work / "lake", warehouse, bars)
        # Not the present: whoever makes the file once more gets the very same, and can tell that
        # a target holds it already.
        run_stages(warehouse, sources.moment, bars)


def _load_backup(
    store: ObjectStore, backup: Backup, folder: Path, path: Path, memory: str, bars: Bars
) -> None:
    latest = history.migrations()[-1].version
    if backup.manifest.version != latest:
        raise StorageError(
            f"the backup {backup.name} was made by version {backup.manifest.program} with schema "
            f"version {backup.manifest.version}, this program's is {latest}: restore it with that "
            "version, and upgrade then"
        )
    progress = bars("Downloading")
    contents = [*backup.manifest.files.items(), (files.MANIFEST, len(backup.text))]
    for done, (file, size) in enumerate(contents, start=1):
        fetch(store, f"{backup.name}/{file}", size, folder)
        progress(done, len(contents))
    try:
        files.load(folder / backup.name, path, memory, bars("Loading"))
    except files.ChangedFilesError:
        raise StorageError(
            f"the files of the backup {backup.name} in {store.location} were changed or damaged "
            "since: `newsapi backup list` names the others. What these hold can be imported from a "
            f"copy of its folder without {files.MANIFEST}: newsapi import COPY"
        ) from None
    except WarehouseError as error:
        raise StorageError(
            f"the backup {backup.name} in {store.location} can't be read back ({error}): "
            "`newsapi backup list` names the others"
        ) from error
    finally:
        shutil.rmtree(folder)


def _add_lake(
    store: ObjectStore, lake: Lake, folder: Path, warehouse: Warehouse, bars: Bars
) -> None:
    """Add the records beyond those that are there, and take over how far the searches are."""
    last = warehouse.read(raw_files.last_seq)
    wanted = [name for name in sorted(lake.records) if lake.records[name].last >= max(last, 1)]
    paths = _proven(
        store,
        raw.TABLE,
        {name: lake.records[name] for name in wanted},
        folder,
        bars("Reading lake"),
        lake.columns,
    )
    own = warehouse.read(partial(raw_files.identity, seq=last))
    if last and raw_files.identity_in(list(paths.values()), last) != own:
        raise StorageError(
            f"the lake {store.location} doesn't go on where the backup ends: restore the backup "
            "with --no-lake, or the lake by itself with --raw-only"
        )
    progress = bars("Loading lake")
    for done, names in enumerate(batches := _batches(lake, wanted), start=1):
        with warehouse.transaction() as session:
            raw_files.load_records(session, [paths[name] for name in names], last, lake.columns)
        progress(done, len(batches))
    searches = {
        table: _proven(store, table, {name: file}, folder, bars("Reading searches"))[name]
        for table, (name, file) in lake.searches.items()
    }
    with warehouse.transaction() as session:
        raw_files.load_searches(session, searches)
        found = raw_files.count(session)
    if found != lake.rows:
        raise StorageError(
            f"{found:,} records came together instead of the lake's {lake.rows:,}: restore the "
            "backup with --no-lake, or the lake by itself with --raw-only"
        )
    shutil.rmtree(folder, ignore_errors=True)


def _batches(lake: Lake, names: Sequence[str]) -> list[list[str]]:
    """The files in groups that a transaction has room for."""
    groups: list[list[str]] = []
    size = BATCH_BYTES
    for name in names:
        if size + lake.records[name].bytes > BATCH_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += lake.records[name].bytes
    return groups


def _proven(
    store: ObjectStore,
    table: str,
    chosen: Mapping[str, LakeFile],
    folder: Path,
    progress: Progress,
    columns: Sequence[str] | None = None,
) -> dict[str, Path]:
    """Download files of a table and compare what they hold with what the lake's list says."""
    paths: dict[str, Path] = {}
    for name, file in chosen.items():
        paths[name] = fetch(store, name, file.bytes, folder)
        progress(len(paths), len(chosen))
    found = raw_files.digests(list(paths.values()), table, columns)
    damaged = [name for name, file in chosen.items() if found.get(paths[name]) != file.digest]
    for name in damaged:
        set_aside(paths[name])
    if damaged:
        raise StorageError(
            f"{damaged[0]} in {store.location} doesn't hold what the lake's list says: bring an "
            "earlier version of it back, or restore a backup with --no-lake"
        )
    return paths
