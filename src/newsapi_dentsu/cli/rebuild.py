"""`newsapi rebuild`: the tables made anew of the lake, on this machine or on a Spark cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.cli.restore import lake_of
from newsapi_dentsu.settings import load_settings


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
    help="Spark's tasks for each core: more of them need less memory each.",
)
@click.option(
    "--conf",
    "conf",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting of Spark's own, such as spark.executor.memory=2g; may be repeated.",
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
    as_json: bool,
) -> None:
    """Make processed and final anew of the lake's records, as Delta tables in a folder.

    Nothing in the database changes. Both engines make the same rows, but for the names of stories.
    An attempt that was killed goes on when it is started again.
    """
    from newsapi_dentsu.rebuild.job import Cluster
    from newsapi_dentsu.rebuild.job import rebuild as rebuilt

    if engine == "local" and (master or conf):
        raise click.UsageError("--master and --conf are Spark's: add --engine spark")
    pairs = [one.partition("=") for one in conf]
    if any(not (name.strip() and mark) for name, mark, _ in pairs):
        raise click.UsageError("--conf takes NAME=VALUE, as spark.executor.memory=2g")
    settings = load_settings()
    cluster = Cluster(master, tasks_per_core, tuple((name, value) for name, _, value in pairs))
    with progress_bars(shown=not as_json) as bars:
        done = rebuilt(
            settings,
            lake_of(settings, location),
            folder,
            bars,
            cluster=cluster if engine == "spark" else None,
            replace=replace,
            form=form,
        )
    if as_json:
        told = {"engine": done.engine, "folder": str(done.folder), "rows": dict(done.rows)}
        click.echo(json.dumps(told))
        return
    for name, count in done.rows.items():
        click.echo(f"{count:>12,}  {done.folder / name}")
