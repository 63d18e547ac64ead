"""How far work has come, told to whoever shows it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how much of how much is done."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""
