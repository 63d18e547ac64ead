"""Moving a whole warehouse into another one, as `newsapi migrate`, `import` and `restore` do it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.meaning import open_embedder
from newsapi_dentsu.progress import Bars
from newsapi_dentsu.scratch import scratch_folder
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.pipeline import CURATE, DEDUPLICATE, GROUP, UNDERSTAND
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.transfer import direct, foreign, merging
from newsapi_dentsu.transfer.direct import OccupiedError, Plan, Transferred
from newsapi_dentsu.transfer.foreign_import import Complaint, ImportReport, import_foreign
from newsapi_dentsu.transfer.merging import Merged
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine, DuckDBSession
from newsapi_dentsu.warehouse.engines.duckdb_held import HeldDuckDBEngine
from newsapi_dentsu.warehouse.engines.opening import open_duckdb, open_postgres


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a target is to be treated, as the options of the commands say."""

    merge: bool = False
    """Add to what it holds what it lacks."""

    replace: bool = False
    """Delete first what it holds."""

    dry_run: bool = False
    """Only look at both sides."""

    compress: bool = False
    """Have PostgreSQL compress long texts while loading even where it only knows pglz."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How another pipeline's file was read; the rows that could not be mapped whole, in a file."""

    path: Path
    report: ImportReport
    complaints: Path
    language: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A DuckDB file, whoever made it, that is open as one of this version.

    `mark` is the fingerprint of the very file, so that an interrupted migration of it can be
    resumed; a copy that had to be made has none.
    """

    session: DuckDBSession
    mark: str | None = None
    imported: Imported | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving everything came to: from where, to where, and what was done or would be."""

    source: str
    target: str
    result: Plan | Transferred | Merged


class Job:
    """One use of a command that moves everything."""

    def __init__(self, settings: Settings, treatment: Treatment, name: str) -> None:
        self._settings = settings
        self._treatment = treatment
        self._name = name
        self._scratch: Path | None = None

    @contextmanager
    def file(self, path: Path, language: str, bars: Bars) -> Iterator[SourceFile]:
        """Open a DuckDB file; one that isn't of this version in a copy that is.

        Args:
            path: the file.
            language: taken for another pipeline's rows that don't say theirs.
            bars: gives each step's progress callback.

        Raises:
            WarehouseError: the file can't be read, or holds no news.
        """
        engine = open_duckdb(self._settings, path)
        with ExitStack() as stack:
            # In a folder that can't be written, nothing runs.
            if path.exists() and os.access(path.parent, os.W_OK):
                stack.enter_context(engine.run_lock(self._name, self._settings.run_wait_seconds))
            kind = foreign.kind_of(engine)
            if kind == "own":
                session = stack.enter_context(direct.opened(Warehouse(engine)))
                yield SourceFile(session, direct.fingerprint(path, session))
                return
            copy = stack.enter_context(self.scratch())
            imported = None
            if kind == "earlier":
                foreign.upgraded_copy(engine, copy)
            else:
                imported = self._import_foreign(engine, path, copy, language, bars)
            yield SourceFile(stack.enter_context(self.opened(copy)), imported=imported)

    @contextmanager
    def opened(self, path: Path) -> Iterator[DuckDBSession]:
        """Open a file that this process has made."""
        with direct.opened(Warehouse(open_duckdb(self._settings, path))) as session:
            yield session

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A place for a DuckDB file that is needed for the time of the block.

        Raises:
            WarehouseError: the folder of the temporary files can't be written.
        """
        folder = self._settings.data_folder
        try:
            with scratch_folder(folder, "migration") as made:
                self._scratch = made / "news.duckdb"
                yield self._scratch
        except OSError as error:
            raise WarehouseError(
                f"{folder} can't be written ({error.strerror}): the folder of DUCKDB_PATH takes "
                "the temporary files"
            ) from error

    def to_postgres(
        self, session: DuckDBSession, source: str, mark: str | None, bars: Bars
    ) -> Moved:
        """Move an open DuckDB file to the PostgreSQL database of the settings."""
        treatment = self._treatment
        with closing(Warehouse(open_postgres(self._settings))) as target:
            if treatment.dry_run:
                plan = direct.plan_to_postgres(session, target, mark)
                return Moved(source, target.location, plan)

            def copy() -> Transferred:
                return direct.to_postgres(
                    session,
                    target,
                    mark=mark,
                    replace=treatment.replace,
                    compress=treatment.compress,
                    bars=bars,
                )

            return self._fill(session, source, target, copy, bars)

    def to_file(self, session: DuckDBSession, source: str, path: Path, bars: Bars) -> Moved:
        """Move an open DuckDB file to another one."""
        engine = open_duckdb(self._settings, path)
        with closing(Warehouse(engine)) as target:
            if self._treatment.dry_run:
                return Moved(source, target.location, direct.plan_to_duckdb(session, target))

            def copy() -> Transferred:
                return direct.file_to_duckdb(
                    session,
                    engine,
                    scratch=self._scratch,
                    replace=self._treatment.replace,
                    memory=self._settings.duckdb_memory_limit,
                    bars=bars,
                )

            return self._fill(session, source, target, copy, bars)

    def to_database(
        self, session: DuckDBSession, source: str, mark: str | None, bars: Bars
    ) -> Moved:
        """Move an open DuckDB file to the database of the settings, of whichever engine."""
        if self._settings.use_postgres:
            return self.to_postgres(session, source, mark, bars)
        return self.to_file(session, source, self._settings.duckdb_path, bars)

    def postgres_to_file(self, path: Path, bars: Bars) -> Moved:
        """Move what the PostgreSQL database of the settings holds to a DuckDB file."""
        engine = open_duckdb(self._settings, path)
        with (
            closing(Warehouse(open_postgres(self._settings))) as source,
            closing(Warehouse(engine)) as target,
            source.snapshot() as session,
        ):
            if self._treatment.dry_run:
                plan = direct.plan_to_duckdb(session, target)
                return Moved(source.location, target.location, plan)

            def copy() -> Transferred:
                return direct.to_duckdb(
                    source,
                    engine,
                    replace=self._treatment.replace,
                    memory=self._settings.duckdb_memory_limit,
                    bars=bars,
                )

            return self._fill(session, source.location, target, copy, bars)

    def run_stages(self, warehouse: Warehouse, now: datetime, bars: Bars) -> None:
        """Let the stages work through what a warehouse has waiting."""
        settings = self._settings
        deduplicate(warehouse, now=now, progress=bars(DEDUPLICATE.name))
        understand(warehouse, open_embedder(settings), progress=bars(UNDERSTAND.name))
        group(
            warehouse,
            load_topics(settings),
            now=now,
            horizon_days=settings.duplicate_horizon_days,
            embedder=open_embedder(settings),
            progress=bars(GROUP.name),
        )
        curate(warehouse, now=now, progress=bars(CURATE.name))

    def _fill(
        self,
        session: Session,
        source: str,
        target: Warehouse,
        copy: Callable[[], Transferred],
        bars: Bars,
    ) -> Moved:
        """Copy into the target, or merge where it holds other data and that is wanted."""
        with target.run_lock(self._name, self._settings.run_wait_seconds):
            try:
                return Moved(source, target.location, copy())
            except OccupiedError:
                if not self._treatment.merge:
                    raise
            with self._held(target) as open_target:
                open_target.upgrade()
                merged = merging.merge(session, open_target, bars("Merging"))
                self.run_stages(open_target, datetime.now(UTC), bars)
            return Moved(source, target.location, merged)

    def _import_foreign(
        self, engine: DuckDBEngine, path: Path, copy: Path, language: str, bars: Bars
    ) -> Imported:
        """Make a warehouse of somebody else's file."""
        complaints = Path(f"{path.stem}-not-mapped.jsonl")
        now = datetime.now(UTC)
        with (
            self._held(Warehouse(open_duckdb(self._settings, copy))) as warehouse,
            foreign.reading(engine) as file,
            _lines(complaints) as write,
        ):

            def complain(one: Complaint) -> None:
                write({"table": one.table, "row": one.row, "url": one.url, "reason": one.reason})

            warehouse.upgrade()
            report = import_foreign(
                file,
                warehouse,
                language=language,
                now=now,
                complain=complain,
                progress=bars("Mapping"),
            )
            self.run_stages(warehouse, now, bars)
        return Imported(path, report, complaints, language)

    @contextmanager
    def _held(self, warehouse: Warehouse) -> Iterator[Warehouse]:
        """The warehouse; where it is a DuckDB file, open until the end of the block."""
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
