"""`--out` writes as a shell's tools do: plain files at once, everything else straight through."""

import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from support.parts import first_quick

from .conftest import NEWSAPI, Finished, Workspace

Write = Callable[..., Finished]


@pytest.fixture(params=["csv", "parquet", "dashboard"])
def write(request: pytest.FixtureRequest, filled: Workspace) -> Write:
    """Write an output of some kind to a place."""
    command = ["dashboard"] if request.param == "dashboard" else ["articles", "--limit", "3"]
    form = [] if request.param == "dashboard" else ["--format", request.param]

    def write(out: object, **settings: str) -> Finished:
        return filled.newsapi(*command, *form, "--out", str(out), **settings)

    return write


def test_a_plain_file_keeps_its_mode_and_what_links_to_it(write: Write, tmp_path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    new = tmp_path / "new"
    assert write(new).code == 0
    assert stat.S_IMODE(new.stat().st_mode) == 0o666 & ~umask

    file = tmp_path / "place" / "file"
    file.parent.mkdir()
    file.write_text("before")
    file.chmod(0o640)
    (tmp_path / "first").symlink_to("place/file")
    (tmp_path / "second").symlink_to(tmp_path / "first")
    assert write(tmp_path / "second").code == 0
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert len(file.read_bytes()) > 100
    assert [*file.parent.iterdir()] == [file]


def test_a_link_to_nothing_yet_is_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    assert write(tmp_path / "link").code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").stat().st_size > 100


def test_a_file_with_two_names_keeps_both(write: Write, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("before" * 100_000)
    second.hardlink_to(first)
    assert write(first).code == 0
    assert first.samefile(second)
    assert first.stat().st_size < 600_000


def test_a_pipe_with_a_name_stays_one(write: Write, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert write(pipe).code == 0
    reader.join(20)
    assert len(got[0]) > 100
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_devices_stay_devices(write: Write) -> None:
    assert write("/dev/null").code == 0
    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)
    full = write("/dev/full")
    assert full.code == 1
    assert "No space left" in full.err
    assert "Traceback" not in full.err


def test_what_cannot_be_written_is_told_and_left(write: Write, tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "missing" / "file", Path("/proc/nothing")):
        told = write(out)
        assert told.code == 1
        assert f"Error: {out} can't be written" in told.err


@pytest.mark.parametrize(
    "place", first_quick(["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"], 2)
)
def test_an_open_file_goes_on_where_it_is(filled: Workspace, place: str) -> None:
    out = filled.folder / "log"
    out.write_text("before\n")
    with out.open("a") as target:
        subprocess.run(
            [NEWSAPI, "articles", "--limit", "2", "--format", "jsonl", "--out", place],
            cwd=filled.folder,
            env=filled.environment(),
            stdout=target,
            check=True,
        )
    lines = out.read_text().splitlines()
    assert lines[0] == "before"
    assert [json.loads(line)["origin"] for line in lines[1:]] == ["sandbox"] * 2


@pytest.mark.parametrize("out", ["", "folder/", "new/"])
def test_what_names_no_file_is_refused(write: Write, out: str) -> None:
    told = write(out)
    assert told.code == 2
    assert "must be a file's path" in told.err


def test_a_name_may_be_as_long_as_the_file_system_takes(write: Write, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 255)
    assert write(out).code == 0
    assert out.stat().st_size > 100


def test_a_failure_leaves_the_file_that_was_there(filled: Workspace) -> None:
    out = filled.folder / "articles.csv"
    out.write_text("before")
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as file:
        file.execute("DROP TABLE final.filtered_news")
    assert filled.newsapi("articles", "--format", "csv", "--out", str(out)).code != 0
    assert out.read_text() == "before"
    assert [one.name for one in filled.folder.iterdir() if one.name.startswith(".a")] == []
