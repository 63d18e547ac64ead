"""DuckDB's own command reads the copy as the documentation says it does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from newsapi_dentsu.reading.copy import publish
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHELL = re.compile(r"^(?:\.venv/bin/)?(duckdb .*)$", re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "docs/reading.md"])
def test_the_documented_line_shows_the_articles(
    duckdb_databases: DuckDBDatabases, tmp_path: Path, document: str
) -> None:
    warehouse = duckdb_databases.create().open(wait=60)
    store(warehouse, record("00001", NOON, title="Agency tries generative AI for its adverts"))
    process(warehouse)
    publish(warehouse, tmp_path / "data/reading")

    line = SHELL.search((ROOT / document).read_text("utf-8"))
    assert line
    shown = subprocess.run(
        ["/bin/sh", "-c", line[1]],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Agency tries generative AI" in shown.stdout
