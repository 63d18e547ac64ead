"""What the commands that move a whole warehouse share: their options, and what they print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from newsapi_dentsu.transfer.job import Treatment

Command = Callable[..., None]

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_OPTIONS = (
    click.option("--merge", is_flag=True, help="Add to what the target holds what it lacks."),
    click.option("--replace", is_flag=True, help="Delete first what the target holds."),
    click.option("--dry-run", is_flag=True, help="Tell what would happen, and change nothing."),
    click.option(
        "--compress",
        is_flag=True,
        help="Have PostgreSQL compress long texts while loading even where it only knows pglz, "
        "which takes most of the time.",
    ),
    as_json,
)


def target_options(command: Command) -> Command:
    """Give a command the options of a target: those of `treatment`, and `--json`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def treatment(*, merge: bool, replace: bool, dry_run: bool, compress: bool) -> Treatment:
    """What the options say of the target.

    Raises:
        click.UsageError: they contradict each other.
    """
    from newsapi_dentsu.transfer.job import Treatment

    if merge and replace:
        raise click.UsageError("--merge keeps what is there, --replace deletes it: choose one")
    return Treatment(merge=merge, replace=replace, dry_run=dry_run, compress=compress)
