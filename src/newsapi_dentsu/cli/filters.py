"""What commands filter by, as it is typed."""

import click


def stripped(_context: click.Context, _option: click.Parameter, typed: str | None) -> str | None:
    """A text without the blanks around it; one of nothing else is no filter."""
    return (typed or "").strip() or None
