"""`newsapi searches index` completes the index; until then, what is missing is told."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.meaning.embedder import open_embedder
from newsapi_dentsu.reading import making
from newsapi_dentsu.reading.chapters import LINK, read_stamp
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.index import publish_search
from newsapi_dentsu.settings import Settings
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabase
from support.processing import process, store

from .conftest import NEWSAPI, Workspace

ARTICLES = 12
SLOWLY = """
import time
from newsapi_dentsu.reading import making
from newsapi_dentsu.cli import program
made, making._CHAPTER = making._Making.continued, 1
making._Making.continued = lambda *of: (time.sleep(0.1), made(*of))[1]
program()
"""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A folder with articles of which the newest two can be searched."""
    (tmp_path / "data").mkdir()
    warehouse = DuckDBDatabase(tmp_path / "data" / "news.duckdb").open()
    warehouse.upgrade()
    store(warehouse, *(record(f"{n:05}", NOON - n * timedelta(days=1)) for n in range(ARTICLES)))
    process(warehouse)
    monkeypatch.setattr(making, "_CHAPTER", 2)
    folder = tmp_path / "data" / "reading"
    publish(warehouse, folder)
    publish_search(warehouse, folder, open_embedder(Settings()).model, seconds=0)
    warehouse.close()
    return Workspace(tmp_path, {})


def found(workspace: Workspace) -> int:
    stamp = read_stamp(workspace.folder / "data" / "reading" / LINK)
    assert stamp is not None
    return stamp.articles


def search(workspace: Workspace) -> tuple[int, str]:
    told = workspace.newsapi("articles", "--search", "story", "--format", "jsonl")
    assert told.code == 0
    return len(told.out.splitlines()), told.err


def test_what_is_missing_is_told_until_it_is_completed(begun: Workspace) -> None:
    hits, note = search(begun)
    assert hits == 2
    assert "before 2026-11-19T12:00:00Z can't be found yet: newsapi searches index" in note
    doctor = begun.newsapi("doctor").out
    assert (
        "Searches find nothing from before 2026-11-19T12:00:00Z yet: the index lacks 10 articles"
        in doctor
    )

    told = begun.newsapi("searches", "index")
    assert (told.code, told.out, told.err) == (0, "all articles can be searched\n", "")
    assert search(begun) == (ARTICLES, "")
    assert "all of final can be searched" in begun.newsapi("doctor").out
    there = (begun.folder / "data" / "reading" / LINK).resolve()
    assert begun.newsapi("searches", "index").out == told.out
    assert (begun.folder / "data" / "reading" / LINK).resolve() == there


def test_killed_it_keeps_what_it_has_and_goes_on(begun: Workspace) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, "searches", "index"],
        cwd=begun.folder,
        env=begun.environment(),
    )
    deadline = time.monotonic() + 60
    while found(begun) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    kept = found(begun)
    assert 4 <= kept < ARTICLES
    assert search(begun)[0] == kept
    assert begun.newsapi("searches", "index").code == 0
    assert found(begun) == ARTICLES


def test_a_terminal_shows_how_far_it_is(begun: Workspace) -> None:
    shown, terminal = pty.openpty()
    told = subprocess.run(
        [NEWSAPI, "searches", "index"],
        cwd=begun.folder,
        env=begun.environment(TERM="xterm", COLUMNS="100"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
    )
    os.close(terminal)
    text = b"".join(_read(shown)).decode()
    assert told.stdout == b"all articles can be searched\n"
    assert "Indexing" in text
    assert f"{ARTICLES}/{ARTICLES}" in text


def _read(shown: int) -> Iterator[bytes]:
    # Linux tells of the other side's end by an error.
    with suppress(OSError):
        while piece := os.read(shown, 4_096):
            yield piece
    os.close(shown)


def test_without_a_run_it_says_what_to_do_first(tmp_path: Path) -> None:
    told = Workspace(tmp_path, {}).newsapi("searches", "index")
    assert told.code == 1
    assert "run `newsapi run` first" in told.err
