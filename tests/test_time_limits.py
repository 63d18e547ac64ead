"""A test that lasts too long is ended, shows where it was, and leaves no process behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from support import time_limits

TESTS = Path(__file__).parent

LEAVING_TWO_BEHIND = r"""
import signal, subprocess, time
from pathlib import Path

def where_it_is_stuck():
    time.sleep(300)

def start_two():
    subprocess.Popen(["sh", "-c", "echo $$ > child; exec sleep 300"])
    # The second one's parent ends at once.
    orphan = "sh -c 'echo $$ > orphan; exec sleep 300' &"
    subprocess.run(["sh", "-c", orphan], start_new_session=True)
    while not all(Path(name).exists() and Path(name).read_text() for name in ("child", "orphan")):
        time.sleep(0.01)
"""

WAITING = """
def test_that_waits():
    start_two()
    where_it_is_stuck()

def test_that_follows():
    pass
"""

DEAF = """
def test_that_no_signal_reaches():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    start_two()
    where_it_is_stuck()
"""


def run_tests(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a folder, each limited to a few seconds."""
    (folder / "conftest.py").write_text(
        "from support import time_limits\n"
        "pytest_plugins = ['support.time_limits']\n"
        "time_limits.GRACE = 1\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\ntimeout = 3\n")
    (folder / "test_it.py").write_text(LEAVING_TWO_BEHIND + text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "pytest_timeout"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def left_running(folder: Path) -> list[int]:
    pids = [int((folder / name).read_text()) for name in ("child", "orphan")]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.05)
    return [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_it_fails_with_its_stack_and_the_others_go_on(tmp_path: Path) -> None:
    done = run_tests(tmp_path, WAITING)

    assert "1 failed, 1 passed" in done.stdout
    assert "Timeout (>3.0s)" in done.stdout
    assert "where_it_is_stuck" in done.stdout
    assert left_running(tmp_path) == []


@pytest.mark.thorough(
    "tests/test_time_limits.py::test_it_fails_with_its_stack_and_the_others_go_on"
)
def test_one_that_no_signal_reaches_ends_pytest_with_every_stack(tmp_path: Path) -> None:
    done = run_tests(tmp_path, DEAF)

    assert done.returncode == 1
    assert "test_that_no_signal_reaches can't be ended" in done.stderr
    assert "in where_it_is_stuck" in done.stderr
    assert left_running(tmp_path) == []


@pytest.mark.thorough(
    "tests/test_time_limits.py::test_it_fails_with_its_stack_and_the_others_go_on"
)
def test_one_that_catches_its_end_fails(tmp_path: Path) -> None:
    caught = (
        "import time\ndef test_that_catches():\n"
        "    try:\n        time.sleep(30)\n    except BaseException:\n        pass\n"
    )
    done = run_tests(tmp_path, caught)

    assert "1 failed" in done.stdout
    assert "caught what was to end it at its limit of time" in done.stdout


@pytest.mark.thorough(
    "tests/test_time_limits.py::test_it_fails_with_its_stack_and_the_others_go_on"
)
def test_slow_tests_have_longer(tmp_path: Path) -> None:
    slow = "import pytest, time\n@pytest.mark.slow\ndef test_slow():\n    time.sleep(3.1)\n"
    assert "1 passed" in run_tests(tmp_path, slow).stdout


def test_every_test_has_a_limit(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("timeout")) < time_limits.SLOW <= 1200
