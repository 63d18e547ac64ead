"""Moving a whole warehouse into another: what `migrate`, `import` and `restore` share."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli import migration_report as shown
from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Bars
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from newsapi_dentsu.transfer.direct import Transferred
    from newsapi_dentsu.warehouse import Warehouse
    from newsapi_dentsu.warehouse.engines.base import Session
    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession

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
    """Give a command the options of class Mode."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Mode:
    """How a target is to be treated."""

    def __init__(
        self, merge: bool, replace: bool, dry_run: bool, compress: bool, as_json: bool
    ) -> None:
        if merge and replace:
            raise click.UsageError("--merge keeps what is there, --replace deletes it: choose one")
        self.merge, self.replace, self.dry_run = merge, replace, dry_run
        self.compress, self.as_json = compress, as_json


class Job:
    """One use of a command that moves everything."""

    def __init__(self, settings: Settings, mode: Mode, name: str) -> None:
        self._settings = settings
        self._mode = mode
        self._name = name
        self._scratch: Path | None = None

    @contextmanager
    def file(self, path: Path, language: str) -> Iterator[tuple[DuckDBSession, str | None]]:
        """Open a DuckDB file, whoever made it, as one of this version.

        Gives its fingerprint as well where it is the very file, so that an interrupted migration
        of it can be resumed.
        """
        from newsapi_dentsu.transfer import direct, foreign

        source = self._duckdb(path)
        engine = _duckdb_engine(source)
        with ExitStack() as stack:
            # In a folder that can't be written, nothing runs.
            if path.exists() and os.access(path.parent, os.W_OK):
                stack.enter_context(source.run_lock(self._name, self._settings.run_wait_seconds))
            kind = foreign.kind_of(engine)
            if kind == "own":
                session = stack.enter_context(direct.opened(source))
                yield session, direct.fingerprint(path, session)
                return
            copy = stack.enter_context(self.scratch())
            if kind == "earlier":
                foreign.upgraded_copy(engine, copy)
            else:
                self._take_over(engine, path, copy, language)
            yield stack.enter_context(self.opened(copy)), None

    @contextmanager
    def opened(self, path: Path) -> Iterator[DuckDBSession]:
        """Open a file that this process has made."""
        from newsapi_dentsu.transfer import direct

        with direct.opened(self._duckdb(path)) as session:
            yield session

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A place for a DuckDB file that is needed for the time of the block."""
        folder = self._settings.data_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".migration-", dir=folder) as temporary:
                self._scratch = Path(temporary) / "news.duckdb"
                yield self._scratch
        except OSError as error:
            raise WarehouseError(
                f"{folder} can't be written ({error.strerror}): the folder of DUCKDB_PATH takes "
                "the temporary files"
            ) from error

    def file_to(
        self, session: DuckDBSession, source: str, mark: str | None, path: Path | None
    ) -> None:
        """Move an open DuckDB file to PostgreSQL, or to a DuckDB file at `path`."""
        from newsapi_dentsu.transfer import direct

        mode = self._mode
        with closing(self._target(path)) as target:
            if mode.dry_run:
                plan = (
                    direct.plan_to_postgres(session, target, mark)
                    if path is None
                    else direct.plan_to_duckdb(session, target)
                )
                shown.plan(plan, source, target.location, as_json=mode.as_json)
                return

            def copy(bars: Bars) -> Transferred:
                if path is None:
                    return direct.to_postgres(
                        session,
                        target,
                        mark=mark,
                        replace=mode.replace,
                        compress=mode.compress,
                        bars=bars,
                    )
                return direct.file_to_duckdb(
                    session,
                    _duckdb_engine(target),
                    path,
                    scratch=self._scratch,
                    replace=mode.replace,
                    memory=self._settings.duckdb_memory_limit,
                    bars=bars,
                )

            self._fill(session, source, target, copy)

    def restored_to(self, session: DuckDBSession, source: str, file: Path) -> None:
        """Move an open DuckDB file that was restored to the database of the settings."""
        from newsapi_dentsu.transfer import direct

        if self._settings.use_postgres:
            self.file_to(session, source, direct.fingerprint(file, session), None)
        else:
            self.file_to(session, source, None, self._settings.duckdb_path)

    def postgres_to_duckdb(self, path: Path) -> None:
        """Move what PostgreSQL holds to a DuckDB file."""
        from newsapi_dentsu.transfer import direct

        with closing(self._target(None)) as source, closing(self._target(path)) as target:
            if self._mode.dry_run:
                with source.snapshot() as session:
                    plan = direct.plan_to_duckdb(session, target)
                shown.plan(plan, source.location, target.location, as_json=self._mode.as_json)
                return

            def copy(bars: Bars) -> Transferred:
                return direct.to_duckdb(
                    source,
                    _duckdb_engine(target),
                    path,
                    replace=self._mode.replace,
                    memory=self._settings.duckdb_memory_limit,
                    bars=bars,
                )

            with source.snapshot() as session:
                self._fill(session, source.location, target, copy)

    def _fill(
        self,
        session: Session,
        source: str,
        target: Warehouse,
        copy: Callable[[Bars], Transferred],
    ) -> None:
        """Copy into the target, or merge where it holds other data and that is wanted."""
        from newsapi_dentsu.transfer import merging
        from newsapi_dentsu.transfer.direct import OccupiedError

        as_json = self._mode.as_json
        merged = None
        with (
            target.run_lock(self._name, self._settings.run_wait_seconds),
            progress_bars(shown=not as_json) as bars,
        ):
            try:
                result = copy(bars)
            except OccupiedError:
                if not self._mode.merge:
                    raise
                with self._held(target) as open_target:
                    open_target.upgrade()
                    merged = merging.merge(session, open_target, bars("Merging"))
                    self.run_stages(open_target, bars)
        if merged is not None:
            shown.merged(merged, source, target.location, as_json=as_json)
        else:
            shown.transferred(result, source, target.location, as_json=as_json)

    def run_stages(self, warehouse: Warehouse, bars: Bars) -> None:
        """Let the stages work through what a warehouse has waiting."""
        from newsapi_dentsu.source import load_topics
        from newsapi_dentsu.stages.curate import curate
        from newsapi_dentsu.stages.deduplicate import deduplicate
        from newsapi_dentsu.stages.group import group
        from newsapi_dentsu.stages.pipeline import CURATE, DEDUPLICATE, GROUP

        now, settings = datetime.now(UTC), self._settings
        deduplicate(warehouse, now=now, progress=bars(DEDUPLICATE.name))
        group(
            warehouse,
            load_topics(settings),
            now=now,
            horizon_days=settings.duplicate_horizon_days,
            progress=bars(GROUP.name),
        )
        curate(warehouse, now=now, progress=bars(CURATE.name))

    def _take_over(self, engine: DuckDBEngine, path: Path, copy: Path, language: str) -> None:
        """Make a warehouse of somebody else's file."""
        from newsapi_dentsu.transfer import foreign
        from newsapi_dentsu.transfer.foreign_import import Complaint, take_over

        complaints = Path(f"{path.stem}-not-mapped.jsonl")
        with (
            self._held(self._duckdb(copy)) as warehouse,
            foreign.reading(engine) as file,
            _lines(complaints) as write,
            progress_bars(shown=not self._mode.as_json) as bars,
        ):

            def complain(one: Complaint) -> None:
                write({"table": one.table, "row": one.row, "url": one.url, "reason": one.reason})

            warehouse.upgrade()
            report = take_over(
                file,
                warehouse,
                language=language,
                now=datetime.now(UTC),
                complain=complain,
                progress=bars("Mapping"),
            )
            self.run_stages(warehouse, bars)
        shown.taken_over(report, path, complaints, language)

    @contextmanager
    def _held(self, warehouse: Warehouse) -> Iterator[Warehouse]:
        """The warehouse; where it is a DuckDB file, open until the end of the block."""
        from newsapi_dentsu.warehouse import Warehouse
        from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
        from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine

        if not isinstance(warehouse.engine, DuckDBEngine):
            yield warehouse
            return
        engine = HeldDuckDBEngine(
            Path(warehouse.location),
            memory_limit=self._settings.duckdb_memory_limit,
            wait=self._settings.database_wait_seconds,
        )
        with closing(Warehouse(engine)) as held:
            yield held

    def _target(self, path: Path | None) -> Warehouse:
        from newsapi_dentsu.warehouse import open_warehouse

        if path is not None:
            return self._duckdb(path)
        return open_warehouse(self._settings.model_copy(update={"use_postgres": True}))

    def _duckdb(self, path: Path) -> Warehouse:
        from newsapi_dentsu.warehouse import open_warehouse

        return open_warehouse(
            self._settings.model_copy(update={"use_postgres": False, "duckdb_path": path})
        )


def _duckdb_engine(warehouse: Warehouse) -> DuckDBEngine:
    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

    if not isinstance(warehouse.engine, DuckDBEngine):
        raise TypeError("the warehouse is not a DuckDB file")
    return warehouse.engine


@contextmanager
def _lines(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Write JSON lines to a file that only appears when there are any."""
    path.unlink(missing_ok=True)
    with ExitStack() as stack:
        target = None

        def write(value: dict[str, Any]) -> None:
            nonlocal target
            if target is None:
                target = stack.enter_context(path.open("w", encoding="utf-8"))
            target.write(json.dumps(value, ensure_ascii=False) + "\n")

        try:
            yield write
        except OSError as error:
            raise WarehouseError(f"{path} can't be written: {error.strerror or error}") from error
