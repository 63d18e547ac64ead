"""The code location in this process, on a folder and a Dagster instance of the test's own."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu import sandbox
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from support.vectors import remembered, shared

FEW = 14
"""Articles of a day: enough for tests that begin just after midnight, when a day has none yet."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory without settings, in which the sandbox's last two days are read."""
    few = partial(sandbox.Sandbox, articles_per_day=FEW)
    monkeypatch.setattr(sandbox, "Sandbox", few)
    for name in ("NEWSAPI_KEY", "NEWSAPI_HOST", "NEWSAPI_SANDBOX", "DUCKDB_PATH", "TOPICS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOOKBACK_DAYS", "2")
    monkeypatch.chdir(tmp_path)
    load_settings.cache_clear()
    with remembered(shared()):
        yield tmp_path
    load_settings.cache_clear()


@pytest.fixture
def stored(folder: Path) -> Warehouse:
    """The warehouse of that folder."""
    return open_warehouse(load_settings())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made
