"""`newsapi archive`: add what is new to the lake, in a folder or in Blob Storage; look after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.errors import SettingsError, StorageError
from newsapi_dentsu.scratch import scratch_folder
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.storage import ObjectStore, open_store
from newsapi_dentsu.wording import utc_text

if TYPE_CHECKING:
    from newsapi_dentsu.lake.listing import Lake
    from newsapi_dentsu.lake.maintenance import Due
    from newsapi_dentsu.warehouse import Warehouse

PLACE = "A folder, or the https address of a container (default: LAKE_LOCATION)."
TWICE = "{rows:,} rows were there twice, as when another program merges files at the same time"

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
in_place = click.option("--in", "location", metavar="PLACE", help=PLACE)


@click.group(invoke_without_command=True)
@click.option("--to", "location", metavar="PLACE", help=PLACE)
@click.option("--anew", is_flag=True, help="Write everything, in the place of what is there.")
@as_json
@click.pass_context
def archive(ctx: click.Context, *, location: str | None, anew: bool, as_json: bool) -> None:
    """Add what is new to the lake: Delta tables of records, articles, final and its changes.

    Beside them lies how far the searches are, so that `newsapi restore --raw-only` can rebuild
    everything from the lake alone. Killed at any moment and run again, it loses nothing and keeps
    nothing twice. Files of months that are over are merged into few. A lake of day files, as older
    versions wrote it, is taken over first. docs/lake.md shows how other programs read the tables.
    """
    if ctx.invoked_subcommand is not None:
        return
    from newsapi_dentsu.lake import archiving

    settings = load_settings()
    store = _store(settings, location)
    with (
        _locked(settings) as source,
        progress_bars(shown=not as_json) as bars,
    ):
        done = archiving.archive(
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
            "states": dict(done.states),
            "merged_files": done.merged,
            "doubled_rows": done.doubled,
            "rows": done.lake.rows,
            "files": len(done.lake.records),
            "through": done.lake.through,
        }
        click.echo(json.dumps(figures))
        return
    click.echo(
        f"{done.added:,} records were added to {store.location}: {done.lake.rows:,} in "
        f"{len(done.lake.records):,} files there now"
        + (f", {done.merged:,} files were merged into fewer" if done.merged else "")
    )
    if done.doubled:
        click.echo(f"{TWICE.format(rows=done.doubled)}, and were dropped", err=True)


@archive.command()
@in_place
@as_json
def status(*, location: str | None, as_json: bool) -> None:
    """Show what the lake's tables hold."""
    from newsapi_dentsu.lake import delta
    from newsapi_dentsu.lake.layout import TABLES
    from newsapi_dentsu.lake.mending import doubled

    store = _store(load_settings(), location)
    lake = _existing(store)
    states = {
        table.name: delta.state(store, table) for table in TABLES if delta.exists(store, table)
    }
    twice = sum(
        more
        for table in TABLES
        if table.name in states
        for more in doubled(store, table, lake.states.get(table.name)).values()
    )
    if as_json:
        figures = {
            "place": store.location,
            "archived_at": lake.archived_at.isoformat() if lake.archived_at else None,
            "records": lake.rows,
            "day_files": lake.of_days,
            "doubled_rows": twice,
            "tables": {
                name: {
                    "version": state.version,
                    "rows": state.rows,
                    "files": len(state.files),
                    "bytes": sum(size for size, _ in state.files.values()),
                    "through": state.through,
                }
                for name, state in states.items()
            },
        }
        click.echo(json.dumps(figures))
        return
    when = utc_text(lake.archived_at) if lake.archived_at else "never to its end"
    click.echo(f"{store.location}: archived {when}")
    if lake.of_days:
        click.echo(f"{lake.rows:,} records in day files: `newsapi archive` takes them over")
    for name, state in states.items():
        size = sum(size for size, _ in state.files.values())
        click.echo(
            f"{name}: {state.rows:,} rows in {len(state.files):,} files of {size / 1e6:,.1f} MB, "
            f"version {state.version}"
        )
    if twice:
        click.echo(f"{TWICE.format(rows=twice)}: `newsapi archive maintain` drops them", err=True)


@archive.command()
@in_place
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@as_json
def maintain(*, location: str | None, dry_run: bool, as_json: bool) -> None:
    """Merge small files, also of this month, prove the records, and delete unused files.

    `newsapi archive` does this for months that are over. Files that merging replaced stay for
    seven days, for readers that began before. Rows that are there twice, because another program
    merged files at the same time, are dropped.
    """
    from newsapi_dentsu.lake import maintenance

    settings = load_settings()
    store = _store(settings, location)
    now = datetime.now(UTC)
    if dry_run:
        lake = _existing(store)
        _tell(maintenance.due(store, lake, now, at_once=True), dry_run=True, as_json=as_json)
        return
    with (
        _locked(settings),
        scratch_folder(settings.data_folder, "archive") as folder,
        progress_bars(shown=not as_json) as bars,
    ):
        lake = _existing(store)
        if lake.of_days:
            raise StorageError(f"{store.location} has day files: `newsapi archive take-over` first")
        done = maintenance.maintain(store, lake, now, folder, bars("Maintaining"))
    _tell(done, dry_run=False, as_json=as_json)


@archive.command(name="take-over")
@in_place
@click.option("--dry-run", is_flag=True, help="Say what would be taken over; change nothing.")
def take_over(*, location: str | None, dry_run: bool) -> None:
    """Make Delta tables of a lake of day files, as older versions wrote it.

    Each file is proven before it is added, and all of them afterwards, by counts and hashes; only
    then the day files are deleted. An attempt that was interrupted goes on when it is run again.
    """
    from newsapi_dentsu.lake import taking_over

    settings = load_settings()
    store = _store(settings, location)
    lake = _existing(store)
    if not lake.of_days:
        click.echo(f"{store.location} has no day files: nothing to do")
        return
    if dry_run:
        click.echo(f"{lake.rows:,} records in {len(lake.records):,} day files would be taken over")
        return
    with (
        _locked(settings),
        scratch_folder(settings.data_folder, "archive") as folder,
        progress_bars(shown=True) as bars,
    ):
        done = taking_over.take_over(store, lake, folder, bars("Taking over"))
    click.echo(
        f"{done.rows:,} records were taken over into {len(done.records):,} files, proven by "
        "counts and hashes"
    )


def _store(settings: Settings, location: str | None) -> ObjectStore:
    chosen = location or settings.lake_location
    if chosen is None:
        raise SettingsError("no place for the archive: set LAKE_LOCATION, or name one here")
    return open_store(chosen)


def _existing(store: ObjectStore) -> Lake:
    from newsapi_dentsu.lake.listing import read_lake

    lake = read_lake(store)
    if lake is None:
        raise StorageError(f"{store.location} holds no lake: `newsapi archive` makes one")
    return lake


@contextmanager
def _locked(settings: Settings) -> Iterator[Warehouse]:
    """The database, with the lock under which alone the lake's list is replaced."""
    from newsapi_dentsu.warehouse import open_warehouse

    with (
        closing(open_warehouse(settings)) as warehouse,
        warehouse.run_lock("newsapi archive", settings.run_wait_seconds),
    ):
        yield warehouse


def _tell(done: list[Due], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        told = {
            one.table: {
                "small_files": one.months,
                "unused_files": len(one.unused),
                "doubled_rows": one.doubled,
            }
            for one in done
        }
        click.echo(json.dumps({"dry_run": dry_run, "tables": told}))
        return
    were = "would be" if dry_run else "were"
    for one in done:
        small = sum(one.months.values())
        click.echo(
            f"{one.table}: {small:,} small files of {len(one.months):,} months {were} merged, "
            f"{len(one.unused):,} unused files {were} deleted"
        )
        if one.doubled:
            click.echo(
                f"{one.table}: {TWICE.format(rows=one.doubled)}, and {were} dropped", err=True
            )
