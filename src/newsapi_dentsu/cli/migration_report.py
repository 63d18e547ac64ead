"""What `newsapi migrate`, `export` and `import` print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from newsapi_dentsu.transfer.direct import Plan, Transferred
    from newsapi_dentsu.transfer.files import Exported
    from newsapi_dentsu.transfer.job import Imported, Moved
    from newsapi_dentsu.transfer.merging import Merged
    from newsapi_dentsu.transfer.proof import Digest


def moved(done: Moved, *, as_json: bool) -> None:
    """Show what moving everything came to; exit with 1 when something didn't arrive."""
    from newsapi_dentsu.transfer.direct import Plan, Transferred

    source, target, result = done.source, done.target, done.result
    if isinstance(result, Plan):
        _show_plan(result, source, target, as_json=as_json)
    elif isinstance(result, Transferred):
        _show_transferred(result, source, target, as_json=as_json)
    else:
        _show_merged(result, source, target, as_json=as_json)


def _show_plan(found: Plan, source: str, target: str, *, as_json: bool) -> None:
    what = _intention(found)
    if as_json:
        rows = {"source": found.source, "target": found.target}
        value = {"source": source, "target": target, "rows": rows, "intention": what}
        click.echo(json.dumps(value))
        return
    click.echo(f"from  {source}\nto    {target}")
    _columns(
        [
            ("table", "rows in source", "rows in target"),
            *(
                (table, f"{count:,}", f"{found.target.get(table, 0):,}")
                for table, count in found.source.items()
            ),
        ]
    )
    click.echo(f"{what} Nothing was changed.")


def _intention(found: Plan) -> str:
    if found.resumable:
        return "An interrupted migration of this very state would be resumed."
    if found.unfinished:
        return "An interrupted migration of another state would be discarded, and this one begun."
    if found.holds_data:
        return (
            "The target holds data: if it isn't the same as the source's, --merge or --replace "
            "is needed."
        )
    return f"{sum(found.source.values()):,} rows would be copied."


def _show_transferred(result: Transferred, source: str, target: str, *, as_json: bool) -> None:
    if as_json:
        value: dict[str, Any] = {"source": source, "target": target, "action": result.action}
        seconds = {name: round(value, 3) for name, value in result.seconds.items()}
        click.echo(
            json.dumps({**value, **_proof(result.source, result.target), "seconds": seconds})
        )
    else:
        click.echo(f"from  {source}\nto    {target}")
        _print_proof(result.source, result.target, "target")
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items())
        click.echo(f"{result.action}{': ' + steps if steps else ''}")
    if not result.equal:
        raise click.ClickException(
            f"the two sides are NOT equal, and {target} is not released: migrate again"
        )


def _show_merged(result: Merged, source: str, target: str, *, as_json: bool) -> None:
    if as_json:
        value = {
            "source": source,
            "target": target,
            "action": "merged",
            "records": result.records,
            "added": result.added,
            "found": result.found,
            "equal": result.complete,
        }
        click.echo(json.dumps(value))
    else:
        click.echo(
            f"from  {source}\nto    {target}\n"
            f"merged: {result.added:,} of {result.records:,} records were added; "
            f"{result.found:,} of {result.records:,} are there, by uri and content"
        )
    if not result.complete:
        raise click.ClickException("not every record of the source is in the target")


def exported(result: Exported, source: str, folder: Path, *, as_json: bool) -> None:
    """Show the proof; exit with 1 when the files don't hold what the source holds."""
    if as_json:
        value = {"source": source, "target": str(folder)}
        click.echo(json.dumps({**value, **_proof(result.source, result.files)}))
    else:
        click.echo(f"from  {source}\nto    {folder}")
        _print_proof(result.source, result.files, "files")
    if not result.equal:
        raise click.ClickException(
            "the files don't hold what the source holds, and were thrown away"
        )


def imported(file: Imported) -> None:
    """Show on stderr how another pipeline's tables were read, and what of them was not."""
    report = file.report
    click.echo(f"{file.path} is not of this pipeline: its tables were mapped.", err=True)
    for table in report.tables:
        click.echo(
            f"  {table.table}: {table.rows:,} rows = {table.stored:,} stored as records"
            f" + {table.repeated:,} the same as another"
            f" + {table.covered:,} of pages that an earlier table told of; "
            f"{table.unusable:,} can't become articles",
            err=True,
        )
        known = ", ".join(f"{' or '.join(names)} → {to}" for to, names in table.columns.items())
        click.echo(f"    columns: {known}", err=True)
        if table.other_columns:
            click.echo(
                f"    kept in the record under `legacy`: {', '.join(table.other_columns)}", err=True
            )
        if "lang" not in table.columns and "record" not in table.columns:
            click.echo(f"    no column tells the language: taken as {file.language}", err=True)
    if report.ignored:
        click.echo(f"  no news, left out: {', '.join(report.ignored)}", err=True)
    if report.complaints:
        click.echo(
            f"  {report.complaints:,} rows could not be mapped whole: {file.complaints} names each",
            err=True,
        )


def _proof(source: Mapping[str, Digest], target: Mapping[str, Digest]) -> dict[str, Any]:
    return {
        "equal": source == target,
        "tables": {
            table: {
                "rows": [here.rows, target[table].rows],
                "hashes": [here.hash, target[table].hash],
            }
            for table, here in source.items()
        },
    }


def _print_proof(source: Mapping[str, Digest], target: Mapping[str, Digest], name: str) -> None:
    rows: list[tuple[str, ...]] = [
        ("table", "rows in source", f"in {name}", "hash in source", f"hash in {name}", "")
    ]
    for table, here in source.items():
        there = target[table]
        verdict = "equal" if here == there else "DIFFERENT"
        rows.append((table, f"{here.rows:,}", f"{there.rows:,}", here.hash, there.hash, verdict))
    _columns(rows)


def _columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  " + "  ".join([first, *rest]).rstrip())
