"""`newsapi migrate`, `export` and `import`: moving everything to another engine, and back."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import click

from newsapi_dentsu.cli import migration_report as shown
from newsapi_dentsu.cli.moving import as_json, target_options, treatment
from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.settings import load_settings


@click.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="The DuckDB file to read (default: DUCKDB_PATH). It may be one that another pipeline "
    "made: its tables are mapped.",
)
@click.option(
    "--to",
    type=click.Choice(["postgres", "duckdb"]),
    default="postgres",
    show_default=True,
    help="duckdb: to a file, from PostgreSQL or from the file named by --from.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="With --to duckdb: the file to write (default: DUCKDB_PATH).",
)
@target_options
@click.option(
    "--language",
    default="eng",
    show_default=True,
    help="Language (ISO 639-2) of another pipeline's rows that don't say theirs.",
)
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
    language: str,
) -> None:
    """Move everything from DuckDB to PostgreSQL, or back, and prove that it arrived.

    Reads the DuckDB file as it is and fills the PostgreSQL database of the POSTGRES_ settings:
    articles, watermarks, what each stage has done; the next run there simply continues. A
    migration that was interrupted goes on when it is started again; until it has ended, no run
    starts on the target. At the end both sides count and hash each table; exit code 0 means that
    they are equal.
    """
    from newsapi_dentsu.transfer.job import Job

    chosen = treatment(merge=merge, replace=replace, dry_run=dry_run, compress=compress)
    settings = load_settings()
    job = Job(settings, chosen, "newsapi migrate")
    if to == "postgres" and out is not None:
        raise click.UsageError("--out goes with --to duckdb")
    if to == "duckdb" and source is None:
        with progress_bars(shown=not as_json) as bars:
            moved = job.postgres_to_file(out or settings.duckdb_path, bars)
        shown.moved(moved, as_json=as_json)
        return
    path = source or settings.duckdb_path
    target = None if to == "postgres" else out or settings.duckdb_path
    if target is not None and target.absolute() == path.absolute():
        raise click.UsageError("--from and --out name the same file")
    with ExitStack() as stack:
        with progress_bars(shown=not as_json) as bars:
            file = stack.enter_context(job.file(path, language, bars))
        if file.imported is not None:
            shown.imported(file.imported)
        with progress_bars(shown=not as_json) as bars:
            if target is None:
                moved = job.to_postgres(file.session, str(path), file.mark, bars)
            else:
                moved = job.to_file(file.session, str(path), target, bars)
    shown.moved(moved, as_json=as_json)


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the files."
)
@as_json
def export(*, format_: str, folder: Path, as_json: bool) -> None:
    """Write every table into a folder as CSV or Parquet, and read it back to prove it.

    The CSV files load with \\COPY … CSV HEADER in psql; `newsapi import` reads either kind into
    the database of the settings. An earlier export in the folder is replaced.
    """
    from newsapi_dentsu.transfer import files
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    with (
        closing(open_warehouse(settings)) as source,
        progress_bars(shown=not as_json) as bars,
    ):
        result = files.export(
            source,
            folder,
            "csv" if format_ == "csv" else "parquet",
            settings.duckdb_memory_limit,
            bars("Exporting"),
            now=datetime.now(UTC),
        )
    shown.exported(result, source.location, folder, as_json=as_json)


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@target_options
def import_(
    *, folder: Path, merge: bool, replace: bool, dry_run: bool, compress: bool, as_json: bool
) -> None:
    """Read a folder that `newsapi export` wrote into the database of the settings.

    Also takes files of these names that DuckDB's COPY wrote (export_raw.csv and so on). The
    tables are proven equal to the files at the end, as by `newsapi migrate`.
    """
    from newsapi_dentsu.transfer import files
    from newsapi_dentsu.transfer.job import Job

    chosen = treatment(merge=merge, replace=replace, dry_run=dry_run, compress=compress)
    settings = load_settings()
    job = Job(settings, chosen, "newsapi import")
    files.read_manifest(folder)
    with progress_bars(shown=not as_json) as bars, job.scratch() as path:
        try:
            files.load(folder, path, settings.duckdb_memory_limit, bars("Reading files"))
        except files.ChangedFilesError as error:
            raise files.ChangedFilesError(
                f"{error}. To import them as they are, delete {files.MANIFEST} from a copy of the "
                "folder and import that."
            ) from None
        with job.opened(path) as session:
            moved = job.to_database(session, str(folder), None, bars)
    shown.moved(moved, as_json=as_json)
