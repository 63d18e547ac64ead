"""How the process of a command ends."""

import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = (sys.executable, "-c", "from newsapi_dentsu.cli import program; program()")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_goes_away_makes_no_noise(tmp_path: Path) -> None:
    with start(tmp_path, "config") as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.wait(60) == 0
        assert command.stderr is not None
        assert command.stderr.read() == ""


def test_a_command_that_is_told_to_stop_ends_as_by_ctrl_c(tmp_path: Path) -> None:
    with start(tmp_path, "sandbox", "--port", "0") as command:
        assert command.stderr is not None
        assert "SANDBOX" in command.stderr.readline()
        command.send_signal(signal.SIGTERM)
        # 1 where the signal comes before it serves.
        assert command.wait(60) in (0, 1)
        assert "Traceback" not in command.stderr.read()


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    with start(tmp_path, "nonsense") as command:
        assert command.wait(60) == 2
