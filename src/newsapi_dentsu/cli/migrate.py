"""`newsapi migrate`, `export` and `import`: moving everything to another engine, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.settings import Settings, load_settings

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse import Warehouse
    from newsapi_dentsu.warehouse.transfer.direct import Plan, Transferred

Command = Callable[..., None]


def _onto_data(command: Command) -> Command:
    """The options that say what becomes of data that the target holds."""
    for option in (
        click.option("--replace", is_flag=True, help="Delete first what the target holds."),
        click.option("--merge", is_flag=True, help="Add to what the target holds."),
    ):
        command = option(command)
    return command


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
compress_option = click.option(
    "--compress",
    is_flag=True,
    help="Have PostgreSQL compress long texts while loading although it knows only the slow pglz.",
)


@click.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="The DuckDB file to read (default: DUCKDB_PATH).",
)
@click.option(
    "--to",
    type=click.Choice(["postgres", "duckdb"]),
    default="postgres",
    show_default=True,
    help="duckdb: back, from PostgreSQL to a file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="With --to duckdb: the file to write (default: DUCKDB_PATH).",
)
@_onto_data
@click.option("--dry-run", is_flag=True, help="Tell what would happen, and change nothing.")
@compress_option
@as_json
def migrate(
    *,
    source: Path | None,
    to: str,
    out: Path | None,
    merge: bool,
    replace: bool,
    dry_run: bool,
    compress: bool,
    as_json: bool,
) -> None:
    """Move everything from DuckDB to PostgreSQL, or back, and prove that it arrived.

    Reads the DuckDB file as it is and fills the PostgreSQL database of the POSTGRES_ settings:
    articles, watermarks, what each stage has done; the next run there simply continues. A
    migration that was interrupted goes on when it is started again; until it has ended, no run
    starts on the target. At the end both sides count and hash each table; exit code 0 means that
    they are equal.
    """
    _check_mode(merge=merge, replace=replace)
    settings = load_settings()
    if to == "duckdb":
        if source is not None:
            raise click.UsageError("--to duckdb reads PostgreSQL: there is no --from")
        _to_duckdb(settings, out, replace=replace, dry_run=dry_run, as_json=as_json)
        return
    if out is not None:
        raise click.UsageError("--out goes with --to duckdb")
    _to_postgres(
        settings,
        source or settings.duckdb_path,
        replace=replace,
        dry_run=dry_run,
        compress=compress,
        as_json=as_json,
    )


def _check_mode(*, merge: bool, replace: bool) -> None:
    if merge and replace:
        raise click.UsageError("--merge keeps what is there, --replace deletes it: choose one")


def _to_postgres(
    settings: Settings,
    path: Path,
    *,
    replace: bool,
    dry_run: bool,
    compress: bool,
    as_json: bool,
) -> None:
    from newsapi_dentsu.warehouse.transfer import direct

    source = _duckdb(settings, path)
    with (
        closing(_postgres(settings)) as target,
        _lock(source, settings, path),
        direct.opened(source) as session,
    ):
        mark = direct.fingerprint(path, session)
        if dry_run:
            plan = direct.plan_to_postgres(session, target, mark)
            _show_plan(plan, source.location, target.location, as_json=as_json)
            return
        with (
            target.run_lock("newsapi migrate", settings.run_wait_seconds),
            progress_bars(shown=not as_json) as bars,
        ):
            result = direct.to_postgres(
                session, target, mark=mark, replace=replace, compress=compress, bars=bars
            )
    _report(result, source.location, target.location, as_json=as_json)


def _to_duckdb(
    settings: Settings, out: Path | None, *, replace: bool, dry_run: bool, as_json: bool
) -> None:
    from newsapi_dentsu.warehouse.duckdb_engine import DuckDBEngine
    from newsapi_dentsu.warehouse.transfer import direct

    path = out or settings.duckdb_path
    target = _duckdb(settings, path)
    if not isinstance(target.engine, DuckDBEngine):
        raise TypeError("the target is not a DuckDB file")
    with closing(_postgres(settings)) as source:
        if dry_run:
            plan = direct.plan_to_duckdb(source, target)
            _show_plan(plan, source.location, target.location, as_json=as_json)
            return
        with (
            target.run_lock("newsapi migrate", settings.run_wait_seconds),
            progress_bars(shown=not as_json) as bars,
        ):
            result = direct.to_duckdb(
                source,
                target.engine,
                path,
                replace=replace,
                memory=settings.duckdb_memory_limit,
                bars=bars,
            )
        _report(result, source.location, target.location, as_json=as_json)


@contextmanager
def _lock(source: Warehouse, settings: Settings, path: Path) -> Iterator[None]:
    """Keep runs away from the source; nothing runs on a file in a folder that can't be written."""
    if path.exists() and os.access(path.parent, os.W_OK):
        with source.run_lock("newsapi migrate", settings.run_wait_seconds):
            yield
    else:
        yield


def _duckdb(settings: Settings, path: Path) -> Warehouse:
    from newsapi_dentsu.warehouse import open_warehouse

    return open_warehouse(settings.model_copy(update={"use_postgres": False, "duckdb_path": path}))


def _postgres(settings: Settings) -> Warehouse:
    from newsapi_dentsu.warehouse import open_warehouse

    return open_warehouse(settings.model_copy(update={"use_postgres": True}))


def _show_plan(plan: Plan, source: str, target: str, *, as_json: bool) -> None:
    what = _intention(plan)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "source": source,
                    "target": target,
                    "rows": {"source": plan.source, "target": plan.target},
                    "intention": what,
                }
            )
        )
        return
    click.echo(f"from  {source}\nto    {target}")
    _print_columns(
        [
            ("table", "rows in source", "rows in target"),
            *(
                (table, f"{count:,}", f"{plan.target.get(table, 0):,}")
                for table, count in plan.source.items()
            ),
        ]
    )
    click.echo(f"{what} Nothing was changed.")


def _intention(plan: Plan) -> str:
    if plan.resumable:
        return "An interrupted migration of this very state would be resumed."
    if plan.unfinished:
        return "An interrupted migration of another state would be discarded and this one begun."
    if plan.holds_data:
        return (
            "The target holds data: were it other than the source's, --merge or --replace would "
            "be needed."
        )
    return f"{sum(plan.source.values()):,} rows would be copied."


def _report(result: Transferred, source: str, target: str, *, as_json: bool) -> None:
    """Show the proof; exit with 1 when the two sides differ."""
    if as_json:
        click.echo(json.dumps(_as_json(result, source, target)))
    else:
        click.echo(f"from  {source}\nto    {target}")
        _print_proof(result)
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items())
        click.echo(f"{result.action}{': ' + steps if steps else ''}")
    if not result.equal:
        raise click.ClickException(
            "the two sides are NOT equal; the target stays closed to runs: migrate again"
        )


def _as_json(result: Transferred, source: str, target: str) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "action": result.action,
        "equal": result.equal,
        "seconds": {name: round(value, 3) for name, value in result.seconds.items()},
        "tables": {
            table: {
                "rows": [here.rows, there.rows],
                "hashes": [here.hash, there.hash],
            }
            for table, here in result.source.items()
            for there in [result.target[table]]
        },
    }


def _print_proof(result: Transferred) -> None:
    rows = [("table", "rows in source", "in target", "hash in source", "hash in target", "")]
    for table, here in result.source.items():
        there = result.target[table]
        verdict = "equal" if here == there else "DIFFERENT"
        rows.append((table, f"{here.rows:,}", f"{there.rows:,}", here.hash, there.hash, verdict))
    _print_columns(rows)


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  " + "  ".join([first, *rest]).rstrip())
