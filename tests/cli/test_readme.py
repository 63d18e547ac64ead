"""What README shows for reading the news works as it stands, after the first run."""

import re
import shlex
import subprocess
import sys

import pytest
from tools.generate_docs import ROOT

from .conftest import Workspace

SECTION = re.search(
    r"^## Read the news\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
)
assert SECTION
# One that serves until it is ended has tests of its own.
COMMANDS = [
    command
    for command in re.findall(r"^newsapi (.+?)(?:\s+#.*)?$", SECTION[1], re.M)
    if command != "serve"
]
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```", SECTION[1], re.M | re.S)


def test_the_program(filled: Workspace) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=filled.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "source_name" in finished.stdout
    assert filled.newsapi("status").code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(filled: Workspace, command: str) -> None:
    url = filled.newsapi("articles", "--format", "jsonl", "--limit", "1").json["url"]
    finished = filled.newsapi(
        *(url if word.startswith("https://") else word for word in shlex.split(command))
    )
    assert finished.code == 0, finished.err


def test_a_file_that_was_asked_for_is_there(filled: Workspace) -> None:
    (command,) = (one for one in COMMANDS if "--out" in one)
    filled.newsapi(*shlex.split(command))
    assert (filled.folder / "articles.csv").stat().st_size > 10_000
