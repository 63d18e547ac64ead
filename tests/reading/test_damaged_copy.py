"""A reader's copy that can't be read says what helps."""

from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading.library import open_library
from newsapi_dentsu.settings import Settings


def test_a_damaged_copy_is_told_with_its_remedy(tmp_path: Path) -> None:
    settings = Settings(duckdb_path=tmp_path / "news.duckdb")
    settings.reading_folder.mkdir(parents=True)
    (settings.reading_folder / "news.duckdb").write_bytes(b"garbage" * 1000)

    with (
        pytest.raises(WarehouseError, match=r"the next `newsapi run` makes it anew \(.*[^.!]\)$"),
        open_library(settings).session(),
    ):
        pass
