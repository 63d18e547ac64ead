"""The code location in this process, on a folder and a Dagster instance of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu import sandbox
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from support.vectors import remembered, shared

_SETTINGS = ("NEWSAPI_KEY", "NEWSAPI_HOST", "NEWSAPI_SANDBOX", "DUCKDB_PATH", "TOPICS_FILE")

FEW = 14
"""Articles of a day: enough for tests that begin just after midnight, when a day has none yet."""


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Work in a folder without settings, in which the sandbox's last two days are read."""
    few = partial(sandbox.Sandbox, articles_per_day=FEW)
    with pytest.MonkeyPatch.context() as patched, remembered(shared()):
        patched.setattr(sandbox, "Sandbox", few)
        for name in _SETTINGS:
            patched.delenv(name, raising=False)
        patched.setenv("LOOKBACK_DAYS", "2")
        patched.chdir(folder)
        load_settings.cache_clear()
        yield folder
    load_settings.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The working directory of a test of its own."""
    with working_in(tmp_path) as folder:
        yield folder


@pytest.fixture
def stored(folder: Path) -> Warehouse:
    """The warehouse of that folder."""
    return open_warehouse(load_settings())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made
