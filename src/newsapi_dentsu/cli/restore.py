"""`newsapi restore`: a working database out of a backup, the lake, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli import migration_report as shown
from newsapi_dentsu.cli.backup import backup_store
from newsapi_dentsu.cli.moving import target_options, treatment
from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.errors import SettingsError, StorageError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.storage import open_store

if TYPE_CHECKING:
    from newsapi_dentsu.lake.listing import Lake
    from newsapi_dentsu.storage import ObjectStore


@click.command()
@click.argument("name", required=False)
@click.option(
    "--from",
    "location",
    metavar="PLACE",
    help="Where the backups are (default: BACKUP_LOCATION).",
)
@click.option(
    "--lake",
    "lake_location",
    metavar="PLACE",
    help="Where the lake is (default: LAKE_LOCATION).",
)
@click.option("--no-lake", is_flag=True, help="The backup alone, without what the lake has beyond.")
@click.option("--raw-only", is_flag=True, help="The lake alone, followed by a full refresh.")
@target_options
def restore(
    *,
    name: str | None,
    location: str | None,
    lake_location: str | None,
    no_lake: bool,
    raw_only: bool,
    merge: bool,
    replace: bool,
    dry_run: bool,
    compress: bool,
    as_json: bool,
) -> None:
    """Make a working database of the newest backup, or of the one of this NAME.

    Adds the records that the lake has beyond the backup, lets the stages work them through, and
    moves everything into the database of the settings, which both sides prove by counts and
    hashes. The next run reads from the restored watermark on, so what was lost since comes back.
    A database that holds other data is refused, unless --merge or --replace says what should
    become of it. An attempt that was interrupted goes on when it is started again.
    """
    from newsapi_dentsu.recovery.backups import find
    from newsapi_dentsu.recovery.restoring import Sources, discard, prepare
    from newsapi_dentsu.transfer.direct import fingerprint
    from newsapi_dentsu.transfer.job import Job

    if no_lake and raw_only:
        raise click.UsageError("--no-lake takes the backup alone, --raw-only the lake: choose one")
    if raw_only and name is not None:
        raise click.UsageError("--raw-only takes no backup: leave its name out")
    chosen = treatment(merge=merge, replace=replace, dry_run=dry_run, compress=compress)
    settings = load_settings()
    job = Job(settings, chosen, "newsapi restore")
    backup = lake = None
    if not raw_only:
        store = backup_store(settings, location)
        backup = (store, find(store, name))
    if raw_only:
        lake = lake_of(settings, lake_location)
    elif not no_lake and (lake_location or settings.lake_location):
        lake = _lake_beside_backup(settings, lake_location)
    sources = Sources(backup, lake)
    with progress_bars(shown=not as_json) as bars:
        path = prepare(
            sources,
            settings.data_folder,
            settings.duckdb_memory_limit,
            settings.database_wait_seconds,
            job.run_stages,
            bars,
            dry_run=dry_run,
        )
        with job.opened(path) as session:
            mark = fingerprint(path, session)
            moved = job.to_database(session, sources.description, mark, bars)
    shown.moved(moved, as_json=as_json)
    discard(settings.data_folder, dry_run=dry_run)


def lake_of(settings: Settings, location: str | None) -> tuple[ObjectStore, Lake]:
    """The lake at a location, or else at that of the settings.

    Raises:
        SettingsError: neither names a place.
        StorageError: there is no lake.
    """
    from newsapi_dentsu.lake.listing import read_lake

    chosen = location or settings.lake_location
    if chosen is None:
        raise SettingsError("no place of the lake: set LAKE_LOCATION, or name one with --lake")
    store = open_store(chosen)
    lake = read_lake(store)
    if lake is None or lake.archived_at is None:
        raise StorageError(f"{store.location} holds no lake: `newsapi archive` makes one")
    return store, lake


def _lake_beside_backup(settings: Settings, location: str | None) -> tuple[ObjectStore, Lake]:
    """The lake; where there is none, the error tells how to do without what only it has."""
    try:
        return lake_of(settings, location)
    except StorageError as error:
        if error.transient:
            raise
        raise StorageError(f"{error}; to restore the backup without it, say --no-lake") from error
