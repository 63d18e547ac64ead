"""No command waits for what it doesn't use."""

import subprocess
import sys

import pytest

from support.parts import first_quick

from .conftest import NEWSAPI, Workspace

HEAVY = {"onnxruntime", "tokenizers", "numpy"}
OF_OTHER_SETTINGS = (
    *("psycopg", "langcodes", "pyspark", "deltalake"),
    *("opentelemetry", "azure", "newsapi_dentsu.telemetry", "newsapi_dentsu.dashboard"),
)


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


def test_a_run_loads_what_its_settings_ask_for(connected: Workspace) -> None:
    """Neither the driver of another database, nor collectors that nobody has named."""
    done = subprocess.run(
        [NEWSAPI, "run", "--json"],
        cwd=connected.folder,
        env=connected.environment(PYTHONPROFILEIMPORTTIME="1"),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "newsapi_dentsu" in imported
    assert [name for name in imported if name.startswith(OF_OTHER_SETTINGS)] == []
