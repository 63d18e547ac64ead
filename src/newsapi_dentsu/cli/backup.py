"""`newsapi backup`: write every table to a folder or to Blob Storage; list what is there."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.storage import ObjectStore, open_store
from newsapi_dentsu.wording import utc_text

if TYPE_CHECKING:
    from newsapi_dentsu.recovery.backups import Backup

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(invoke_without_command=True)
@click.option(
    "--to",
    "location",
    metavar="PLACE",
    help="A folder, or the https address of a container (default: BACKUP_LOCATION).",
)
@click.option("--keep", type=click.IntRange(1), help="Backups to keep (default: BACKUP_KEEP).")
@as_json
@click.pass_context
def backup(ctx: click.Context, *, location: str | None, keep: int | None, as_json: bool) -> None:
    """Write every table as Parquet to a folder or to Blob Storage, read back and proven.

    Each backup is a folder named after its moment, with what `newsapi export --format parquet`
    writes; its manifest (row counts, hashes, schema version) comes last, so that an interrupted
    backup is never taken for a whole one. Older ones beyond the newest --keep are deleted.
    `newsapi restore` makes a database of it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from newsapi_dentsu.recovery.backups import back_up
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    store = backup_store(settings, location)
    with (
        closing(open_warehouse(settings)) as source,
        source.run_lock("newsapi backup", settings.run_wait_seconds),
        progress_bars(shown=not as_json) as bars,
    ):
        done = back_up(
            source,
            store,
            scratch=settings.data_folder,
            memory=settings.duckdb_memory_limit,
            keep=keep or settings.backup_keep,
            now=datetime.now(UTC),
            progress=bars("Exporting"),
        )
    if as_json:
        shown = _figures(done.backup) | {"place": store.location, "deleted": list(done.deleted)}
        click.echo(json.dumps(shown))
        return
    _print(done.backup)
    for name in done.deleted:
        click.echo(f"deleted {name}: older than the newest {keep or settings.backup_keep}")


@backup.command(name="list")
@click.option(
    "--from",
    "location",
    metavar="PLACE",
    help="A folder, or the https address of a container (default: BACKUP_LOCATION).",
)
@as_json
def list_(*, location: str | None, as_json: bool) -> None:
    """List the whole backups, the newest first.

    Damaged ones are told with what is wrong with them.
    """
    from newsapi_dentsu.recovery.backups import list_backups

    store = backup_store(load_settings(), location)
    found = list_backups(store)
    if as_json:
        shown = {
            "place": store.location,
            "backups": [_figures(one) for one in found.whole],
            "damaged": [{"name": name, "reason": why} for name, why in found.damaged.items()],
        }
        click.echo(json.dumps(shown))
        return
    for one in found.whole:
        _print(one)
    for name, why in found.damaged.items():
        click.echo(f"{name} is not whole: {why}", err=True)
    if not found.whole:
        click.echo(f"no whole backup in {store.location}")


def backup_store(settings: Settings, location: str | None) -> ObjectStore:
    """The store of the backups that an option or the settings name.

    Raises:
        SettingsError: neither does.
    """
    chosen = location or settings.backup_location
    if chosen is None:
        raise SettingsError("no place for backups: set BACKUP_LOCATION, or name one here")
    return open_store(chosen)


def _figures(one: Backup) -> dict[str, Any]:
    manifest = one.manifest
    return {
        "name": one.name,
        "made_at": utc_text(manifest.exported_at),
        "program": manifest.program,
        "schema_version": manifest.version,
        "source": manifest.source,
        "origin": manifest.origin,
        "bytes": one.bytes,
        "rows": {table: digest.rows for table, digest in manifest.digests.items()},
    }


def _print(one: Backup) -> None:
    manifest = one.manifest
    click.echo(
        f"{one.name}  {one.rows:,} rows, {one.bytes / 1e6:,.1f} MB, of {manifest.source} "
        f"({manifest.origin or 'no articles'}), by version {manifest.program}, "
        f"schema version {manifest.version}"
    )
