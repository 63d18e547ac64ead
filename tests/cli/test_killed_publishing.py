"""A run that is killed while it publishes for the first time, as whole processes are killed.

Readers then find a whole copy or none, and the next run completes it.
"""

import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest

from newsapi_dentsu.reading.chapters import LINK

from .conftest import Workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "articles_are_there"),
    [(".working.duckdb", False), (".articles-*/*.parquet", None), (".search-*", True)],
)
def test_killed_as_it_publishes_the_next_run_completes_it(
    filled: Workspace, moment: str, articles_are_there: bool | None
) -> None:
    folder = filled.folder / "data/reading"
    shutil.rmtree(folder)
    run = filled.start("run")
    try:
        wait_for(folder, moment)
    finally:
        run.kill()
        run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL

    assert not (folder / LINK).exists()
    there = (folder / "news.duckdb").exists()
    assert articles_are_there in (there, None)
    if there:
        assert_whole(filled)
    searched = filled.newsapi("articles", "--search", "agency", "--format", "jsonl")
    assert searched.code == 1
    assert "newsapi run" in searched.err

    again = filled.newsapi("run")
    assert again.code == 0, again.err
    assert_whole(filled)
    searched = filled.newsapi("articles", "--search", "agency", "--format", "jsonl")
    assert searched.code == 0, searched.err
    assert searched.out
    told = filled.newsapi("doctor").out
    assert "data/reading has all of final" in told
    assert "all of final can be searched" in told


def wait_for(folder: Path, pattern: str) -> None:
    """Wait until something of this name is there."""
    until = time.monotonic() + 120
    while not any(folder.glob(pattern)):
        assert time.monotonic() < until, f"no {pattern} in {folder}"
        time.sleep(0.001)


def assert_whole(workspace: Workspace) -> None:
    """The copy has each article that the database has, and its stories are theirs."""
    with duckdb.connect() as reader:
        for name, path in (("stored", "data/news.duckdb"), ("copy", "data/reading/news.duckdb")):
            reader.execute(f"ATTACH '{workspace.folder / path}' AS {name} (READ_ONLY)")
        for table in ("articles", "stories", "article_concepts", "reading_state"):
            (counts,) = reader.execute(
                f"SELECT (SELECT count(*) FROM stored.final.{table}), "
                f"(SELECT count(*) FROM copy.final.{table}), (SELECT count(*) FROM "
                f"(SELECT * FROM stored.final.{table} EXCEPT SELECT * FROM copy.final.{table}))"
            ).fetchall()
            assert counts == (counts[0], counts[0], 0), table
            assert counts[0] > 0
