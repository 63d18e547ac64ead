"""DuckDB's own command and Jupyter read the copy as the documentation says they do."""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.reading.copy import publish
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LINES = [
    line
    for document in ("README.md", "docs/reading.md")
    for line in re.findall(
        r"^(?:\.venv/bin/)?((?:duckdb|jupyter) .*)$",
        (ROOT / document).read_text("utf-8"),
        re.MULTILINE,
    )
]
SUFFIXES = {"duckdb": ".csv", "jupyter": ".ipynb"}
TITLE = "Agency tries generative AI for its adverts"


@pytest.fixture(scope="module")
def folder(duckdb_databases: DuckDBDatabases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples, and a copy of few articles."""
    folder = tmp_path_factory.mktemp("shell")
    warehouse = duckdb_databases.create().open(wait=60)
    concepts = [
        {"uri": f"http://c.example/{name}", "type": "wiki", "score": 3, "label": {"eng": name}}
        for name in ("Robots", "Radio")
    ]
    store(
        warehouse,
        record("00001", NOON, title=TITLE, concepts=concepts),
        record("00002", NOON - timedelta(days=9), concepts=concepts[:1]),
    )
    process(warehouse)
    publish(warehouse, folder / "data/reading")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def test_there_are_lines() -> None:
    assert len(LINES) == 5


@pytest.mark.parametrize("line", LINES)
def test_a_documented_line_shows_the_articles(folder: Path, line: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-ec", line],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    if written := re.search(r'(?:> |--output="\$PWD/)([\w.]+)', line):
        shown = Path(folder, written[1]).with_suffix(SUFFIXES[line.split()[0]]).read_text("utf-8")
    assert any(told in shown for told in (TITLE[:26], "Ad Ledger", "week,articles"))
