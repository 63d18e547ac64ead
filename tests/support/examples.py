"""How many examples of a property are tried."""

from hypothesis import settings

QUICK, MANY = 15, 250
"""Examples of each property: where the quick tests run, and where all do."""


def costly(count: int) -> settings:
    """Let the quick tests try so many, since each takes long, and all tests as many times more."""
    return settings(max_examples=count * settings().max_examples // QUICK)
