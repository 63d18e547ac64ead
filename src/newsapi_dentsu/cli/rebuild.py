"""`newsapi rebuild`: the tables made anew of the lake, on this machine or on a Spark cluster."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.cli.restore import lake_of
from newsapi_dentsu.settings import load_settings

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""An address such as abfss://… or dbfs:/…, of which a path keeps one slash."""


@click.command()
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="What moves the rows; the rules are the same.",
)
@click.option(
    "--master",
    metavar="ADDRESS",
    help="Spark's master, as spark://HOST:7077 or local[2] (default: what the job was submitted "
    "to, else all processors of this machine).",
)
@click.option(
    "--lake",
    "location",
    metavar="PLACE",
    help="Where the lake is (default: LAKE_LOCATION).",
)
@click.option(
    "--out",
    "folder",
    metavar="FOLDER",
    required=True,
    type=click.Path(path_type=Path),
    help="Where the tables go; all workers of a cluster must see it under this name.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["delta", "parquet"]),
    default="delta",
    show_default=True,
    help="Delta tables, or their Parquet files alone.",
)
@click.option("--replace", is_flag=True, help="Put it in the place of a rebuild that is there.")
@click.option(
    "--tasks-per-core",
    type=click.IntRange(1, 1000),
    default=2,
    show_default=True,
    help="Spark's tasks for each core, at least: more of them need less memory each.",
)
@click.option(
    "--conf",
    "conf",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting of Spark's own, such as spark.executor.memory=2g; may be repeated.",
)
@click.option(
    "--apply",
    "applied",
    is_flag=True,
    help="Take the tables over into the database; a rebuild that --out holds is not made again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rebuild(
    *,
    engine: str,
    master: str | None,
    location: str | None,
    folder: Path,
    form: Literal["delta", "parquet"],
    replace: bool,
    tasks_per_core: int,
    conf: tuple[str, ...],
    applied: bool,
    as_json: bool,
) -> None:
    """Make processed and final anew of the lake's records, as Delta tables in a folder.

    Both engines make the same rows, but for the names of stories. An attempt that was killed goes
    on when it is started again.

    Nothing in the database changes, unless --apply takes the tables over: in one transaction, and
    as `newsapi run --full-refresh` would leave them. Stories keep their names there, and
    final.changes tells what left. The database must hold just the records of the lake, so archive
    before, and let no run come in between.
    """
    from newsapi_dentsu.rebuild.applying import apply, is_finished
    from newsapi_dentsu.rebuild.job import Cluster, Rebuilt
    from newsapi_dentsu.rebuild.job import rebuild as rebuilt

    if engine == "local" and (master or conf):
        raise click.UsageError("--master and --conf are Spark's: add --engine spark")
    if _ADDRESS.match(str(folder)):
        raise click.UsageError(f"--out takes a folder, and {folder} is an address: name its mount")
    pairs = [one.partition("=") for one in conf]
    if any(not (name.strip() and mark) for name, mark, _ in pairs):
        raise click.UsageError("--conf takes NAME=VALUE, as spark.executor.memory=2g")
    settings = load_settings()
    cluster = Cluster(master, tasks_per_core, tuple((name, value) for name, _, value in pairs))
    with progress_bars(shown=not as_json) as bars:
        done: Rebuilt | None = None
        if not (applied and is_finished(folder) and not replace):
            done = rebuilt(
                settings,
                lake_of(settings, location),
                folder,
                bars,
                cluster=cluster if engine == "spark" else None,
                replace=replace,
                form=form,
            )
        taken = apply(settings, folder, bars) if applied else None
    rows = done.rows if done else taken.rows if taken else {}
    if as_json:
        told: dict[str, object] = {"folder": str(folder.absolute()), "rows": dict(rows)}
        if done:
            told["engine"] = done.engine
        if taken:
            told |= {"database": taken.database, "changes": asdict(taken.changes)}
        click.echo(json.dumps(told))
        return
    for name, count in rows.items():
        click.echo(f"{count:>12,}  {folder.absolute() / name}")
    if taken:
        click.echo(f"Taken over into {taken.database}, with the same rows:")
        for name in taken.rows:
            changes = taken.changes
            click.echo(
                f"{name}: {changes.added.get(name, 0):,} came, {changes.changed.get(name, 0):,} "
                f"changed, {changes.removed.get(name, 0):,} left"
            )
