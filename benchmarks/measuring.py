"""Measuring whole processes, and comparing them in pairs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from newsapi_dentsu.settings import Settings

_LAUNCHER = Path(__file__).with_name("launch.py")
SETTINGS = {field.upper() for field in Settings.model_fields} | {"DAGSTER_HOME"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a program: when it started (Unix time), how long it took, what it needed."""

    started_at: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    stdout: str


def program(name: str) -> str:
    """The path of a command that stands beside this interpreter."""
    return str(Path(sys.executable).with_name(name))


def execute(
    command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
) -> Execution:
    """Execute a program in a folder, with these settings of the pipeline and no others.

    Raises:
        RuntimeError: it failed; the message holds what it wrote.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCHER), str(folder), *command],
        cwd=folder,
        env={**environment, **(settings or {})},
        stdout=subprocess.PIPE,
        check=True,
    )
    measured = json.loads(launched.stdout)
    stdout = (folder / "stdout").read_text()
    if measured["exit_code"] != 0:
        stderr = (folder / "stderr").read_text()
        raise RuntimeError(f"{' '.join(command)} failed:\n{stdout}\n{stderr}")
    return Execution(
        measured["started_at"],
        measured["seconds"],
        measured["cpu_seconds"],
        measured["peak_bytes"],
        stdout,
    )


def alternate(subjects: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Measure each subject once a round, in an order that turns round every time.

    A machine's speed drifts; what is measured side by side drifts together.
    """
    measured: dict[str, list[T]] = {name: [] for name in subjects}
    order = list(subjects)
    for number in range(rounds):
        for name in order if number % 2 == 0 else reversed(order):
            measured[name].append(subjects[name]())
    return measured


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the paired ratios."""
    return median(one / other for one, other in zip(of, to, strict=True))
