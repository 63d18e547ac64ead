"""Backups: whole exports in an object store, one under each moment's name.

A backup is what `newsapi export` writes, and its manifest comes last: without it there is none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.scratch import scratch_folder
from newsapi_dentsu.storage import ObjectStore
from newsapi_dentsu.transfer import files
from newsapi_dentsu.transfer.files import MANIFEST, Manifest
from newsapi_dentsu.warehouse import Warehouse

_NAME = "%Y-%m-%dT%H-%M-%SZ"
_MOMENT = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z"
_FILE = f"(?:{files.FILES}|{re.escape(MANIFEST)})"
_OURS = re.compile(rf"({_MOMENT})/(?:{_FILE}|\.{_FILE}\.part)")


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup: its name, and its manifest as it is written and as it reads."""

    name: str
    text: bytes
    manifest: Manifest

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(digest.rows for digest in self.manifest.digests.values())

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(self.manifest.files.values())


@dataclass(frozen=True, slots=True)
class Listed:
    """What is in a store: the whole backups, and why others aren't, each the newest first.

    A backup without a manifest is neither: it is under way, or was broken off.
    """

    whole: tuple[Backup, ...]
    damaged: Mapping[str, str]

    @property
    def newer(self) -> dict[str, str]:
        """The damaged ones that are newer than the newest whole one."""
        newest = self.whole[0].name if self.whole else ""
        return {name: why for name, why in self.damaged.items() if name > newest}


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made, and the names of those that were deleted for it."""

    backup: Backup
    deleted: tuple[str, ...]


def back_up(
    source: Warehouse,
    store: ObjectStore,
    *,
    scratch: Path,
    memory: str,
    keep: int,
    now: datetime,
    progress: Progress,
) -> BackedUp:
    """Write every table to a store, read back and proven; the caller holds the run lock.

    Args:
        source: what to back up.
        store: where to.
        scratch: a folder on the disk with room for the files.
        memory: how much DuckDB may take.
        keep: how many whole backups stay, this one included.
        now: the time, which names the backup.
        progress: is told how far the export is.

    Raises:
        WarehouseError: the source can't be read, or the files don't hold what it holds.
        StorageError: the store can't be used.
    """
    name = _name(now)
    with scratch_folder(scratch, "backup") as folder:
        if not files.export(source, folder, "parquet", memory, progress, now=now).equal:
            raise StorageError("the files don't hold what the tables hold: no backup was made")
        made = _backup(name, (folder / MANIFEST).read_bytes(), store)
        for file in (*made.manifest.files, MANIFEST):
            store.upload(folder / file, f"{name}/{file}")
    return BackedUp(made, _retire(store, name, keep))


def backups(store: ObjectStore) -> list[Backup]:
    """The whole backups in a store, the newest first.

    Raises:
        StorageError: the store can't be used.
    """
    return [*list_backups(store).whole]


def list_backups(store: ObjectStore) -> Listed:
    """The backups in a store; one that is damaged is not in the way of the others.

    Whole is one whose files are there in their sizes; what is in them a restore proves.

    Raises:
        StorageError: the store can't be used.
    """
    whole: list[Backup] = []
    damaged = {}
    sizes = store.sizes()
    for path in sorted(sizes, reverse=True):
        name, _, file = path.partition("/")
        if re.fullmatch(_MOMENT, path):
            damaged[name] = "it is no folder that can be read"
        elif file == MANIFEST and _OURS.fullmatch(path):
            try:
                text = store.read(path)
                if text is None:
                    continue
                backup = _backup(name, text, store)
            except (StorageError, WarehouseError) as error:
                if error.transient:
                    raise
                damaged[name] = str(error)
                continue
            if why := _damage(backup, sizes, store):
                damaged[name] = why
            else:
                whole.append(backup)
    return Listed(tuple(whole), damaged)


def _damage(backup: Backup, sizes: Mapping[str, int], store: ObjectStore) -> str | None:
    """Why a backup isn't whole, as far as names and sizes tell."""
    made = _name(backup.manifest.exported_at)
    if made != backup.name:
        return f"its manifest is of {made}"
    for file, size in backup.manifest.files.items():
        found = sizes.get(f"{backup.name}/{file}")
        if found is None:
            return f"{file} is missing, or a link that leads out of {store.location}"
        if found != size:
            return f"{file} has {found:,} bytes instead of {size:,}"
    return None


def find(store: ObjectStore, name: str | None) -> Backup:
    """The whole backup of this name, or the newest.

    Raises:
        StorageError: there is none, or a newer one is damaged: which of the others will do is for
            a person to say.
    """
    found = list_backups(store)
    chosen = next((backup for backup in found.whole if name in (None, backup.name)), None)
    there = ", ".join(backup.name for backup in found.whole) or "none"
    damaged = "; ".join(f"{one} ({why})" for one, why in found.damaged.items())
    if chosen is None:
        raise StorageError(
            f"{store.location} holds no whole backup{f' {name}' if name else ''}; whole ones "
            f"there: {there}" + (f"; damaged ones: {damaged}" if damaged else "")
        )
    if name is None and found.newer:
        raise StorageError(
            f"{store.location} has damaged backups that are newer than the newest whole one: "
            f"mend them, or name the one to restore; whole ones there: {there}; damaged ones: "
            f"{damaged}"
        )
    return chosen


def _name(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_NAME)


def _backup(name: str, text: bytes, store: ObjectStore) -> Backup:
    where = f"{store.location}/{name}/{MANIFEST}"
    return Backup(name, text, files.parse_manifest(text, where))


def _retire(store: ObjectStore, newest: str, keep: int) -> tuple[str, ...]:
    """Delete the backups beyond the newest, and what interrupted ones before this one left."""
    every: dict[str, list[str]] = {}
    for path in store.names():
        if (match := _OURS.fullmatch(path)) and match[1] <= newest:
            every.setdefault(match[1], []).append(path)
    whole = [backup.name for backup in reversed(backups(store)) if backup.name in every]
    # One that is damaged is no backup to count on, but somebody may mend it.
    damaged = {name for name, paths in every.items() if f"{name}/{MANIFEST}" in paths} - {*whole}
    gone = [name for name in sorted(every) if name not in {*whole[-keep:], *damaged}]
    for name in gone:
        # The manifest first: what remains of a deletion that is interrupted is no backup.
        for path in sorted(every[name], key=lambda path: not path.endswith(MANIFEST)):
            store.delete(path)
    return tuple(name for name in gone if name in whole)
