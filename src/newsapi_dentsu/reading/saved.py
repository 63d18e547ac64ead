"""Saved searches: names for searches, in a file that may be edited by hand, too."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import filelock

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.reading.search import parse_search

MOST: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_WAIT: Final = 10.0


class SavedSearchError(ValueError):
    """A saved search can't be named so, or isn't there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that has a name."""

    name: str
    q: str


class SavedSearches:
    """The saved searches in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[SavedSearch]:
        """All of them, by name.

        Raises:
            StorageError: the file can't be read.
        """
        try:
            told = json.loads(self.path.read_text("utf-8"))
            found = [SavedSearch(str(one["name"]), str(one["q"])) for one in told["searches"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self.path} doesn't hold saved searches ({error}): mend it or move it away"
            ) from error
        return sorted(found, key=lambda one: one.name)

    def find(self, name: str) -> SavedSearch | None:
        """The one of this name; None where there is none.

        Raises:
            StorageError: the file can't be read.
        """
        return next((one for one in self.all() if one.name == name), None)

    def add(self, name: str, q: str) -> None:
        """Save a search under a name; one of that name is replaced.

        Raises:
            SavedSearchError: the name, or the search, can't be saved.
            StorageError: the file can't be read or written.
        """
        if not _NAME.fullmatch(name):
            raise SavedSearchError(
                "a name has small letters, digits and hyphens, at most 60, such as agency-deals"
            )
        if not q.strip():
            raise SavedSearchError("there is no word to look for")
        try:
            parse_search(q)
        except ValueError as error:
            raise SavedSearchError(str(error)) from None
        with self._held():
            others = [one for one in self.all() if one.name != name]
            if len(others) >= MOST:
                raise SavedSearchError(f"there are {MOST} saved searches: remove one first")
            self._write([*others, SavedSearch(name, q.strip())])

    def remove(self, name: str) -> None:
        """Forget the one of this name.

        Raises:
            SavedSearchError: there is none.
            StorageError: the file can't be read or written.
        """
        with self._held():
            there = self.all()
            others = [one for one in there if one.name != name]
            if len(others) == len(there):
                names = ", ".join(one.name for one in there) or "none"
                raise SavedSearchError(f"there is no saved search {name}; there are: {names}")
            self._write(others)

    @contextmanager
    def _held(self) -> Iterator[None]:
        lock = filelock.FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=_WAIT)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise StorageError(
                f"{self.path} is being changed by another process: try again later"
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _write(self, searches: list[SavedSearch]) -> None:
        part = self.path.with_name(f".{self.path.name}.part")
        told = {"searches": [asdict(one) for one in sorted(searches, key=lambda one: one.name)]}
        try:
            part.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
            part.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"{error.filename or self.path}: {error.strerror or error}; make room or make the "
            "folder writable"
        )
