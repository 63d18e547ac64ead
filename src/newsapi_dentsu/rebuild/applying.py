"""Taking a rebuild over into the warehouse, in one transaction."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ValidationError

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.meaning import open_embedder
from newsapi_dentsu.progress import Bars, Progress
from newsapi_dentsu.rebuild.job import judged_by
from newsapi_dentsu.rebuild.outputs import LIST
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages.group import rules_now
from newsapi_dentsu.transfer.staging import stage
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import positions, rebuilt, wrapping_lines
from newsapi_dentsu.warehouse.tables.rebuilt import TakenOver


@dataclass(frozen=True, slots=True)
class Applied:
    """What was taken over from where to where."""

    folder: Path
    database: str
    rows: Mapping[str, int]
    changes: TakenOver


class _Told(BaseModel):
    """What `rebuild.json` says."""

    rows: dict[str, int]
    judged_by: str
    decisions: str


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a rebuild whose tables are whole."""
    return (folder / LIST).is_file()


def apply(settings: Settings, folder: Path, bars: Bars) -> Applied:
    """Make the warehouse's processed and final what a rebuild holds, as a full refresh would.

    All of it or nothing; runs are kept out meanwhile.

    Raises:
        StorageError: the folder holds no whole rebuild.
        WarehouseError: the rebuild was made of other records, or by other rules, than the
            warehouse has now.
        WarehouseBusyError: a run is under way.
    """
    told = _read(folder)
    if told.judged_by != judged_by(settings):
        raise WarehouseError(
            f"the rebuild in {folder} was judged by other topics, another model or another version "
            "of the program than runs go by now: rebuild anew, with --replace"
        )
    with (
        closing(open_warehouse(settings)) as warehouse,
        warehouse.run_lock("newsapi rebuild --apply", settings.run_wait_seconds),
    ):
        warehouse.upgrade()
        work = partial(_take, warehouse, told=told, folder=folder, settings=settings, bars=bars)
        changes = warehouse.write(work)
    return Applied(folder, warehouse.location, told.rows, changes)


def _take(
    warehouse: Warehouse,
    session: Session,
    *,
    told: _Told,
    folder: Path,
    settings: Settings,
    bars: Bars,
) -> TakenOver:
    warehouse.engine.lift_limits(session)
    _refuse_other_decisions(session, told)
    progress: Progress = bars("Loading")
    rebuilt.discard(session)
    for done, (table, (name, columns)) in enumerate(rebuilt.STAGED.items(), start=1):
        files = sorted((folder / table).glob("*.parquet"))
        if not files:
            raise StorageError(f"{folder / table} has no files: rebuild anew, with --replace")
        found = stage(session, files, name, columns, settings.duckdb_memory_limit)
        if found != told.rows.get(table):
            raise StorageError(
                f"{folder / table} has {found:,} rows instead of the {told.rows.get(table, 0):,} "
                f"that {LIST} tells: rebuild anew, with --replace"
            )
        progress(done, len(rebuilt.STAGED))
    progress = bars("Taking over")
    progress(0, 1)
    changes = rebuilt.take_over(session, datetime.now(UTC))
    rules, _ = rules_now(
        session,
        load_topics(settings),
        settings.duplicate_horizon_days,
        open_embedder(settings),
    )
    positions.set_position(session, positions.GROUPING_RULES, rules)
    rebuilt.discard(session)
    progress(1, 1)
    return changes


def _refuse_other_decisions(session: Session, told: _Told) -> None:
    if rebuilt.decisions(session) != told.decisions:
        raise WarehouseError(
            "since the lake was archived, records came back that others had replaced, or people "
            "said of articles whether they belong: run `newsapi archive`, rebuild anew with "
            "--replace, and take that over before the next run"
        )
    if wrapping_lines.all_lines(session):
        raise WarehouseError(
            "the database knows lines that sites put around their articles (`newsapi wrapping`), "
            "and the lake doesn't, so a rebuild has other texts: use `newsapi run --full-refresh`"
        )


def _read(folder: Path) -> _Told:
    try:
        return _Told.model_validate(json.loads((folder / LIST).read_text("utf-8")))
    except (OSError, ValueError, ValidationError):
        raise StorageError(
            f"{folder} holds no whole rebuild of this version: make one with "
            f"`newsapi rebuild --out {folder}`"
        ) from None
