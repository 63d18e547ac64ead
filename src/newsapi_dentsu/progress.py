"""How far work has come, told to whoever shows it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how much of how much is done."""

Bars = Callable[[str], Progress]
"""Gives the `Progress` of each step, by the step's name."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""
