"""`newsapi archive`: add the new raw records to the lake, in a folder or in Blob Storage."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.storage import open_store


@click.command()
@click.option(
    "--to",
    "location",
    metavar="PLACE",
    help="A folder, or the https address of a container (default: LAKE_LOCATION).",
)
@click.option("--anew", is_flag=True, help="Write all records, in the place of what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def archive(*, location: str | None, anew: bool, as_json: bool) -> None:
    """Add the raw records that are new to the lake: Parquet, a folder for each day.

    Beside them lies how far the searches are, so that `newsapi restore --raw-only` can rebuild
    everything from the lake alone. Killed at any moment and run again, it loses nothing and keeps
    nothing twice. Files of a day that is over are merged into one.
    """
    from newsapi_dentsu.recovery import lake
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    chosen = location or settings.lake_location
    if chosen is None:
        raise SettingsError("no place for the archive: set LAKE_LOCATION, or name one here")
    store = open_store(chosen)
    with (
        closing(open_warehouse(settings)) as source,
        source.run_lock("newsapi archive", settings.run_wait_seconds),
        progress_bars(shown=not as_json) as bars,
    ):
        done = lake.archive(
            source,
            store,
            scratch=settings.data_folder,
            anew=anew,
            now=datetime.now(UTC),
            progress=bars("Archiving"),
        )
    if as_json:
        figures = {
            "place": store.location,
            "added": done.added,
            "merged_files": done.merged,
            "rows": done.lake.rows,
            "files": len(done.lake.records),
            "through": done.lake.through,
        }
        click.echo(json.dumps(figures))
        return
    click.echo(
        f"{done.added:,} records were added to {store.location}: {done.lake.rows:,} in "
        f"{len(done.lake.records):,} files there now"
        + (f", {done.merged:,} files of days that are over were merged" if done.merged else "")
    )
