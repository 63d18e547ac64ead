"""`uv sync` in a clone makes the command, as `make install` does."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def test_a_clone_that_was_synced_has_the_command_and_no_change(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    names = run("git", "ls-files", folder=ROOT).splitlines()
    for name in names:
        if name.startswith(("src/", "pyproject", "README", "LICENSE", ".gitignore")):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes((ROOT / name).read_bytes())
    run("git", "init", "--quiet", folder=clone)
    run(UV, "sync", "--quiet", "--python", sys.executable, folder=clone)
    told = run(".venv/bin/newsapi", "--version", folder=clone)
    assert told.strip() == importlib.metadata.version("newsapi-dentsu")
    assert "uv.lock" not in run("git", "status", "--short", folder=clone)


def run(program: str | Path, *arguments: str, folder: Path) -> str:
    """Run a program in a folder, and give its output."""
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=250,
    ).stdout
