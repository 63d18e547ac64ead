"""Running the `newsapi` command without paying for its imports each time.

Each command is a process of its own, with its own folder, environment, output and exit code.
"""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from .forking import server
from .vectors import remembered, shared


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run_newsapi(
    arguments: list[str], folder: Path, environment: dict[str, str], scratch: Path
) -> Finished:
    """Run the command in a folder and wait for its end."""
    out, err = scratch / "out", scratch / "err"
    process = server.Process(
        target=_command, args=(arguments, folder, environment, out, err, shared())
    )
    process.start()
    process.join(240)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"newsapi {' '.join(arguments)} did not end")
    return Finished(process.exitcode, out.read_text(), err.read_text())


class Started:
    """A command under way; of what `subprocess.Popen` offers, that which tests ask of it."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        (self._out, out), (self._err, err) = server.Pipe(duplex=False), server.Pipe(duplex=False)
        self._arguments = arguments
        self._process = server.Process(
            target=_program, args=(arguments, folder, environment, out, err, shared())
        )
        self._process.start()
        for written in (out, err):
            written.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it goes on."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end; returns what it has written to stdout and stderr."""
        with ThreadPoolExecutor() as readers:
            written = [readers.submit(_read, stream) for stream in (self._out, self._err)]
            self._process.join(timeout)
            if self._process.exitcode is None:
                self._process.kill()
                raise subprocess.TimeoutExpired(self._arguments, timeout)
            out, err = (one.result() for one in written)
        return out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.join()
        for stream in (self._out, self._err):
            stream.close()


def _read(stream: Connection) -> str:
    with os.fdopen(os.dup(stream.fileno()), encoding="utf-8") as text:
        return text.read()


def _program(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    out: Connection,
    err: Connection,
    vectors: Path,
) -> None:
    from newsapi_dentsu.cli import program

    for stream, name, number in ((out, "stdout", 1), (err, "stderr", 2)):
        os.dup2(stream.fileno(), number)
        stream.close()
        # The one that was there may be of a file, and take this pipe for one.
        setattr(sys, name, os.fdopen(number, "w", closefd=False))
    move_to(folder, environment)
    sys.argv = ["newsapi", *arguments]
    with remembered(vectors):
        program()


def _command(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
    vectors: Path,
) -> None:
    from newsapi_dentsu.cli import main

    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    move_to(folder, environment)
    with remembered(vectors):
        main(arguments, prog_name="newsapi")


def move_to(folder: Path, environment: dict[str, str]) -> None:
    """Be in a folder, with an environment, and without input."""
    from newsapi_dentsu.settings import load_settings

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    load_settings.cache_clear()
