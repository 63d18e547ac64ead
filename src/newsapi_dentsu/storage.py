"""Object stores, which keep files under names: a folder, or a container of Azure Blob Storage.

Names within a store are relative, with slashes. A file appears under its name whole or not at all.
"""

import itertools
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

from newsapi_dentsu.errors import SettingsError, StorageError, StorageUnavailableError

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

_PART = ".part"
_STRANGE_TO_DELTA = re.compile(r"[\\\[\]|^]|%[0-9A-Fa-f]{2}")
"""What delta-rs takes for something else in a path, or comes to a panic at."""

_STREAMS = 2
_TIMEOUT_SECONDS = 60
_PASSING = frozenset({None, 408, 429, 500, 502, 503, 504})
"""HTTP answers after which the same call may succeed later."""


class ObjectStore(Protocol):
    """What is needed of an object store; a method raises StorageError where it can't be used."""

    location: str

    def names(self, prefix: str = "") -> list[str]:
        """The names of all files that begin with `prefix`, sorted."""
        ...

    def sizes(self) -> dict[str, int]:
        """The names of all files with their sizes in bytes."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a small file; None where there is none."""
        ...

    def download(self, name: str, target: Path) -> None:
        """Copy a file from here to the disk; one that is missing is an error."""
        ...

    def upload(self, source: Path, name: str) -> None:
        """Copy a file from the disk to here; one of the same name is replaced."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def delta_address(self, name: str) -> tuple[str, dict[str, str]]:
        """Where delta-rs finds a table that is a folder of this name, and the options it needs."""
        ...


def open_store(location: str) -> ObjectStore:
    """The store that a setting or an option names: a folder, or the https address of a container.

    A container is reached with the identity that the machine has (a managed identity, the login of
    `az`), never with an account's key.

    Raises:
        SettingsError: the address isn't one of a container, or the extra `azure` is missing.
    """
    if "://" not in location:
        return Folder(Path(location))
    if not location.startswith("https://") or "?" in location or location.count("/") < 3:
        raise SettingsError(
            f"{location.partition('?')[0]} is no object store: give a folder, or a container as "
            "https://ACCOUNT.blob.core.windows.net/CONTAINER, without a key or signature"
        )
    return Container(location)


def fetch(store: ObjectStore, name: str, size: int, folder: Path) -> Path:
    """Download a file of a known size into a folder, unless it is there from an attempt before.

    Raises:
        StorageError: it is missing, or of another size.
    """
    path = folder / name
    if path.exists() and path.stat().st_size == size:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}{_PART}")
    store.download(name, part)
    found = part.stat().st_size
    if found != size:
        raise StorageError(
            f"{name} in {store.location} has {found:,} bytes instead of {size:,}: it is damaged"
        )
    os.replace(part, path)  # noqa: PTH105
    return path


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, under which nothing looks for it; returns that name."""
    for number in itertools.count(1):
        aside = path.with_name(f"{path.name}.damaged{number}")
        if not aside.exists():
            path.rename(aside)
            return aside
    raise AssertionError


class Folder(ObjectStore):
    """A folder on a disk of this machine; no name and no link leads out of it.

    A folder below it that is a link, or may not be read, is told as if it were an empty file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.location = str(path)

    @override
    def names(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self.sizes() if name.startswith(prefix))

    @override
    def sizes(self) -> dict[str, int]:
        with self._errors_explained():
            if not self._path.exists():
                return {}
            found = self._below(self._path)
            return {path.relative_to(self._path).as_posix(): size for path, size in found}

    @override
    def read(self, name: str) -> bytes | None:
        with self._errors_explained():
            path = self._inside(name)
            return path.read_bytes() if path.exists() else None

    @override
    def download(self, name: str, target: Path) -> None:
        with self._errors_explained():
            shutil.copyfile(self._inside(name), target)

    @override
    def upload(self, source: Path, name: str) -> None:
        with self._errors_explained():
            target = self._inside(name)
            part = target.with_name(f".{target.name}{_PART}")
            target.parent.mkdir(parents=True, exist_ok=True)
            # What stands there was left by an attempt before, or is a link of somebody's making.
            part.unlink(missing_ok=True)
            with source.open("rb") as here, part.open("wb") as there:
                shutil.copyfileobj(here, there, 1 << 20)
                there.flush()
                # What is written after this, such as a manifest, vouches for it.
                os.fsync(there.fileno())
            os.replace(part, target)  # noqa: PTH105

    @override
    def delete(self, name: str) -> None:
        with self._errors_explained():
            path = self._inside(name)
            path.unlink(missing_ok=True)
            if path.parent != self._path and not any(path.parent.iterdir()):
                path.parent.rmdir()

    @override
    def delta_address(self, name: str) -> tuple[str, dict[str, str]]:
        with self._errors_explained():
            path = self._inside(name).absolute()
            if strange := _STRANGE_TO_DELTA.search(str(path)):
                raise StorageError(
                    f"tables of Delta can't lie in {self.location}: name a folder without "
                    f"{strange[0]} in its path"
                )
            # delta-rs follows every link.
            for below in path.rglob("*"):
                if not self._holds(below):
                    self._inside(below.relative_to(self._path).as_posix())
            return str(path), {}

    def _below(self, folder: Path) -> Iterator[tuple[Path, int]]:
        """The files in a folder, at any depth, with their sizes."""
        with os.scandir(folder) as entries:
            paths = [folder / entry.name for entry in entries]
        for path in paths:
            try:
                if path.is_dir():
                    yield from [(path, 0)] if path.is_symlink() else [*self._below(path)]
                elif path.is_file() and self._holds(path):
                    yield path, path.stat().st_size
            except PermissionError:
                yield path, 0
            except FileNotFoundError:
                # Somebody deleted it meanwhile.
                continue

    def _inside(self, name: str) -> Path:
        """The path of a file, which is below this folder whatever the name says."""
        path = self._path / name
        if not self._holds(path):
            raise StorageError(
                f"{name!r} leads out of {self.location}: a link in it, or a list of files that "
                "this program didn't write; nothing was touched"
            )
        return path

    def _holds(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._path))

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StorageError(f"{error.filename} is missing in {self.location}") from error
        except OSError as error:
            raise StorageError(
                f"{self.location} can't be used ({error.strerror or error}): make room or give "
                "this program the right to it, or name another store"
            ) from error


class Container(ObjectStore):
    """A container of Azure Blob Storage."""

    def __init__(self, location: str) -> None:
        self.location = location

    @override
    def names(self, prefix: str = "") -> list[str]:
        with self._errors_explained(prefix):
            return sorted(self._client.list_blob_names(name_starts_with=prefix))

    @override
    def sizes(self) -> dict[str, int]:
        with self._errors_explained(""):
            return {blob.name: blob.size for blob in self._client.list_blobs()}

    @override
    def read(self, name: str) -> bytes | None:
        from azure.core.exceptions import ResourceNotFoundError

        with self._errors_explained(name):
            try:
                return self._client.download_blob(name).readall()
            except ResourceNotFoundError as error:
                if _is_file(error):
                    return None
                raise

    @override
    def download(self, name: str, target: Path) -> None:
        with self._errors_explained(name), target.open("wb") as there:
            self._client.download_blob(name, max_concurrency=_STREAMS).readinto(there)

    @override
    def upload(self, source: Path, name: str) -> None:
        with self._errors_explained(name), source.open("rb") as here:
            self._client.upload_blob(name, here, overwrite=True, max_concurrency=_STREAMS)

    @override
    def delete(self, name: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        with self._errors_explained(name):
            try:
                self._client.delete_blob(name)
            except ResourceNotFoundError as error:
                if not _is_file(error):
                    raise

    @override
    def delta_address(self, name: str) -> tuple[str, dict[str, str]]:
        endpoint, _, container = self.location.rstrip("/").rpartition("/")
        host, _, account = endpoint.removeprefix("https://").partition("/")
        with self._errors_explained(name):
            # delta-rs's own way to a managed identity doesn't work on Container Apps.
            token = self._credential.get_token("https://storage.azure.com/.default").token
        return f"az://{container}/{name}", {
            "azure_storage_account_name": account or host.partition(".")[0],
            "azure_storage_endpoint": endpoint,
            "bearer_token": token,
            "timeout": f"{_TIMEOUT_SECONDS}s",
        }

    @cached_property
    def _credential(self) -> "DefaultAzureCredential":
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise self._extra_is_missing() from None
        return DefaultAzureCredential()

    def _extra_is_missing(self) -> SettingsError:
        return SettingsError(
            f"{self.location} needs the extra `azure`: pip install 'newsapi-dentsu[azure]'"
        )

    @cached_property
    def _client(self) -> "ContainerClient":
        try:
            from azure.storage.blob import ContainerClient, ExponentialRetry
        except ImportError:
            raise self._extra_is_missing() from None
        # Its warnings repeat what the errors say.
        logging.getLogger("azure").setLevel(logging.ERROR)
        return ContainerClient.from_container_url(
            self.location,
            credential=self._credential,
            # Azure's own patience is a minute and a half, also with a login that never works.
            retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4),
            connection_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
        )

    @contextmanager
    def _errors_explained(self, name: str) -> Iterator[None]:
        from azure.core.exceptions import (
            AzureError,
            ClientAuthenticationError,
            HttpResponseError,
            ResourceNotFoundError,
        )

        try:
            yield
        except ResourceNotFoundError as error:
            if _is_file(error):
                raise StorageError(f"{name} is missing in {self.location}") from error
            raise StorageError(
                f"{self.location} doesn't exist: create the container, or name another store"
            ) from error
        except ClientAuthenticationError as error:
            raise StorageError(
                f"{self.location}: nobody is logged in to Azure whom it knows "
                f"({_first_line(error)}); check AZURE_CLIENT_ID, or log in with `az login`"
            ) from error
        except HttpResponseError as error:
            if error.status_code == 403:
                raise StorageError(
                    f"{self.location} refused access: the identity needs the role Storage Blob "
                    "Data Contributor on the container, from a network that it lets in"
                ) from error
            passing = error.status_code in _PASSING
            kind = StorageUnavailableError if passing else StorageError
            raise kind(f"{self.location}: {_first_line(error)}") from error
        except AzureError as error:
            raise StorageUnavailableError(
                f"{self.location} can't be reached: {_first_line(error)}"
            ) from error


def _is_file(error: Exception) -> bool:
    """Whether it is a file that wasn't found, rather than the container."""
    return getattr(error, "error_code", None) == "BlobNotFound"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
