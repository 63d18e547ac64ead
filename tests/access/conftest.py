"""Places of keys on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsapi_dentsu.access.store import FilePlace, KeyStore, Place, ServerPlace
from support.databases import PostgresDatabases, disconnect


@pytest.fixture(params=["file", "postgres"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[KeyStore, KeyStore, Place]]:
    """Two servers' views of one place, and the place."""
    if request.param == "file":
        path = tmp_path / "data" / "access.sqlite"
        place: Place = FilePlace(path)
        yield KeyStore(place), KeyStore(FilePlace(path)), place
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
    made = databases.create(tables=False)
    one, other = made.open(), made.open()
    place = ServerPlace(one.engine)
    yield KeyStore(place), KeyStore(ServerPlace(other.engine)), place
    disconnect(one)
    disconnect(other)
    databases.drop(made)
