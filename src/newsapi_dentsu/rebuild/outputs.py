"""The folder that a rebuild fills: what may be in it, and how its tables get there."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from newsapi_dentsu.errors import StorageError

LIST: Final = "rebuild.json"
"""Written last: tables beside it are whole."""

_WORK: Final = ".rebuild"


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

    def begin(self, *, replace: bool) -> None:
        """Make the working folder.

        Raises:
            StorageError: the folder holds another rebuild, or something else, or can't be written.
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
            self.work.mkdir(parents=True, exist_ok=True)
            for other in (self.folder / _WORK).iterdir():
                if other != self.work:
                    shutil.rmtree(other)
        except OSError as error:
            raise StorageError(_unwritable(self.folder, error)) from error

    def finish(self, tables: Mapping[str, Path], told: Mapping[str, object]) -> dict[str, Path]:
        """Move the tables' folders to their places, and tell what they are.

        Returns:
            Each table's place.
        """
        try:
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
            shutil.rmtree(self.folder / _WORK)
            return places
        except OSError as error:
            raise StorageError(_unwritable(self.folder, error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"{folder} can't be written ({error.strerror or error}): make room or give this account "
        "the right to write there, and run it again, which goes on where it was"
    )
