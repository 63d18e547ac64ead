"""The folder that a rebuild fills: what may be in it, and how its tables get there."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.scratch import FolderInUseError, locked

LIST: Final = "rebuild.json"
"""Written last: tables beside it are whole."""

_WORK: Final = ".rebuild"
_LOCK: Final = "lock"
_GONE: Final = ".gone"
"""Ends the names of working folders that are being deleted: no attempt goes on with a part."""


@dataclass(frozen=True, slots=True)
class Output:
    """The folder of a rebuild, and what tells this rebuild from others.

    `key` follows from the records and the rules, so that an attempt that was killed is gone on
    with, and no other's steps are taken for its own.
    """

    folder: Path
    key: str

    @property
    def work(self) -> Path:
        """Where steps are kept until the tables are whole."""
        return self.folder / _WORK / self.key

    @contextmanager
    def begun(self, *, replace: bool) -> Iterator[None]:
        """Have the working folder, and no other rebuild in this one, for the time of the block.

        Raises:
            StorageError: the folder holds another rebuild, or something else, or can't be written,
                or another process rebuilds there.
        """
        try:
            if (self.folder / LIST).exists():
                if not replace:
                    raise StorageError(
                        f"{self.folder} holds a rebuild already: name another folder, or let "
                        "--replace put this one in its place"
                    )
            elif self.folder.exists():
                if not self.folder.is_dir():
                    raise StorageError(f"{self.folder} is a file: name a folder with --out")
                if any(self.folder.iterdir()) and not (self.folder / _WORK).is_dir():
                    raise StorageError(
                        f"{self.folder} holds something else: name an empty folder with --out"
                    )
            (self.folder / _WORK).mkdir(parents=True, exist_ok=True)
            with self._alone():
                self.work.mkdir(exist_ok=True)
                for other in (self.folder / _WORK).iterdir():
                    if other.is_dir() and other != self.work:
                        _delete(other)
                yield
        except OSError as error:
            raise StorageError(_unwritable(self.folder, error)) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder / _WORK / _LOCK))
            except FolderInUseError:
                raise StorageError(
                    f"another process rebuilds in {self.folder}: wait for it, or name another "
                    "folder with --out"
                ) from None
            yield

    def finish(self, tables: Mapping[str, Path], told: Mapping[str, object]) -> dict[str, Path]:
        """Move the tables' folders to their places, and tell what they are.

        Returns:
            Each table's place.
        """
        (self.folder / LIST).unlink(missing_ok=True)
        places = {}
        for name, made in tables.items():
            places[name] = place = self.folder / name
            if made.exists():
                shutil.rmtree(place, ignore_errors=True)
                made.rename(place)
        part = self.work / LIST
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.rename(self.folder / LIST)
        _delete(self.work)
        shutil.rmtree(self.folder / _WORK)
        return places


def _delete(folder: Path) -> None:
    """Delete a working folder so that, killed in between, nothing is left under its name."""
    gone = folder
    if folder.suffix != _GONE:
        gone = folder.with_name(f"{folder.name}{_GONE}")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone)


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"{folder} can't be written ({error.strerror or error}): make room or give this account "
        "the right to write there, and run it again, which goes on where it was"
    )
