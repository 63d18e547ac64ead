"""Commands that judge nothing don't wait for what executes the sentence model."""

import subprocess
import sys

import pytest

from support.parts import first_quick

from .conftest import Workspace

HEAVY = {"onnxruntime", "tokenizers", "numpy"}


@pytest.mark.parametrize("command", first_quick([["articles"], ["status"], ["--help"]]))
def test_reading_does_not_load_the_model(filled: Workspace, command: list[str]) -> None:
    shown = (
        "import sys\n"
        "from newsapi_dentsu.cli.main import main\n"
        f"try: main({command!r}, prog_name='newsapi')\n"
        f"finally: print('loaded:', sorted({HEAVY!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=filled.folder,
        env=filled.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "loaded: []" in done.stdout, done.stderr
