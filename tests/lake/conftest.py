"""A place for a lake."""

from pathlib import Path

import pytest

from newsapi_dentsu.storage import Folder


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    """An empty folder for a lake."""
    (tmp_path / "place").mkdir()
    return Folder(tmp_path / "place")
