"""Running the `newsapi` command without paying for its imports each time.

Each command is a process of its own, with its own folder, environment, output and exit code.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

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
    process.join(120)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"newsapi {' '.join(arguments)} did not end")
    return Finished(process.exitcode, out.read_text(), err.read_text())


def _command(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
    vectors: Path,
) -> None:
    from newsapi_dentsu.cli import main
    from newsapi_dentsu.settings import load_settings

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    load_settings.cache_clear()
    with remembered(vectors):
        main(arguments, prog_name="newsapi")
