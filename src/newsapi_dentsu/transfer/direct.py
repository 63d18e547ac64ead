"""From a DuckDB file of the pipeline's own to PostgreSQL, and from PostgreSQL to a new file."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Bars
from newsapi_dentsu.transfer import copying, loading, proof, unfinished
from newsapi_dentsu.transfer.postgres_snapshot import postgres_snapshot
from newsapi_dentsu.transfer.proof import Digest
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.duckdb import (
    DuckDBEngine,
    DuckDBSession,
    duckdb_session,
    refuse_unmerged,
)
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from newsapi_dentsu.warehouse.schema import history

Action = Literal["copied", "resumed", "already equal"]

_NOT_NEWS = frozenset(
    {
        *("ops.positions", "ops.run_metrics", "ops.stage_runs"),
        *("ops.backfills", "ops.backfill_months"),
    }
)
"""Tables that alone don't make a target one that holds data: a failed first run fills them."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was done, the digests of each table on both sides, and how long each step took."""

    action: Action
    source: dict[str, Digest]
    target: dict[str, Digest]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same."""
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Plan:
    """What a transfer would find: rows by table on both sides, and what it would have to do."""

    source: dict[str, int]
    target: dict[str, int]
    unfinished: bool
    resumable: bool

    @property
    def holds_data(self) -> bool:
        """Whether the target holds articles, searches or decisions about them."""
        return any(rows for table, rows in self.target.items() if table not in _NOT_NEWS)


class OccupiedError(WarehouseError):
    """The target holds other data, and no option says what becomes of it."""


def refuse(target: Warehouse) -> OccupiedError:
    """The error for a target that holds other data."""
    return OccupiedError(
        f"{target.location} holds other data already: --merge adds what is missing there, "
        "--replace deletes it first"
    )


def row_counts(session: Session) -> dict[str, int]:
    """Count the rows of every table."""
    return {
        table.name: session.rows(f"SELECT count(*) FROM {table.name}")[0][0] for table in tables()
    }


@contextmanager
def opened(source: Warehouse) -> Iterator[DuckDBSession]:
    """Open a DuckDB file for as long as the block lasts: nobody can change it meanwhile.

    Raises:
        WarehouseError: there is no such file, or it isn't of this program's schema version.
    """
    if not source.engine.exists():
        raise WarehouseError(f"{source.location} doesn't exist: name the DuckDB file with --from")
    with source.snapshot() as session:
        yield duckdb_session(session)


def fingerprint(path: Path, session: DuckDBSession) -> str:
    """What tells whether an unfinished transfer came from this very state of the file."""
    found = path.stat()
    parts = [(part.number, part.table.name, part.first) for part in loading.parts(session)]
    text = repr((found.st_size, found.st_mtime_ns, row_counts(session), parts))
    return hashlib.sha256(text.encode()).hexdigest()


def plan_to_postgres(session: DuckDBSession, target: Warehouse, mark: str | None) -> Plan:
    """Look at both sides and change nothing."""
    engine = _postgres(target)
    left = unfinished.pending(engine)
    found: dict[str, int] = {}
    if left is None:
        with engine.snapshot() as there:
            if history.applied_version(engine, there):
                found = row_counts(there)
    return Plan(
        row_counts(session), found, left is not None, left is not None and _same(left, mark)
    )


def plan_to_duckdb(session: Session, target: Warehouse) -> Plan:
    """Look at both sides and change nothing."""
    there: dict[str, int] = {}
    if target.engine.exists():
        with target.engine.snapshot() as other:
            if history.applied_version(target.engine, other):
                there = row_counts(other)
    return Plan(row_counts(session), there, unfinished=False, resumable=False)


def to_postgres(
    session: DuckDBSession,
    target: Warehouse,
    *,
    mark: str | None,
    replace: bool,
    compress: bool,
    bars: Bars,
) -> Transferred:
    """Copy everything and prove it; the caller holds the run locks.

    Args:
        session: the open source.
        target: the warehouse on PostgreSQL.
        mark: the source's fingerprint; a transfer of another one is begun anew.
        replace: whether data that the target holds is to go.
        compress: whether long texts are compressed although the server knows only pglz.
        bars: gives each step's progress callback.

    Raises:
        OccupiedError: the target holds other data; nothing was changed.
        WarehouseError: a side can't be used; running again goes on where this stopped.
    """
    engine = _postgres(target)
    left = unfinished.pending(engine)
    resumed = left is not None and _same(left, mark)
    clock = _Clock()
    if left is not None and not resumed:
        unfinished.discard(engine, left)
        left = None
    if left is None:
        target.upgrade()
        equal = _already_equal(session, target)
        if equal is not None:
            return equal
        with target.snapshot() as there:
            occupied = Plan({}, row_counts(there), False, False).holds_data
        if occupied and not replace:
            raise refuse(target)
        left = unfinished.begin(engine, mark, compress=compress)
    loading.load(session, engine, bars("Copying"))
    clock.lap("copying")
    loading.finish(engine, left)
    clock.lap("indexes")
    here, there_ = proofs(session, engine)
    clock.lap("proof")
    result = Transferred("resumed" if resumed else "copied", here, there_, clock.seconds)
    if result.equal:
        unfinished.release(engine)
    else:
        unfinished.distrust(engine)
    return result


def proofs(
    session: DuckDBSession, engine: PostgresEngine
) -> tuple[dict[str, Digest], dict[str, Digest]]:
    """The digests of both sides, computed at the same time."""
    found: dict[str, dict[str, Digest]] = {}

    def ours() -> None:
        with session.sibling() as connection:
            found["ours"] = proof.duckdb_digests(DuckDBSession(connection))

    def theirs() -> None:
        with postgres_snapshot(engine) as there:
            found["theirs"] = there.digests()

    loading.in_parallel([ours, theirs])
    return found["ours"], found["theirs"]


def to_duckdb(
    source: Warehouse, target: DuckDBEngine, *, replace: bool, memory: str, bars: Bars
) -> Transferred:
    """Make a DuckDB file of what PostgreSQL holds and prove it; the caller holds the run lock.

    The file is built beside its place and takes it when it is proven equal, so that a killed
    attempt leaves what was there before.

    Raises:
        OccupiedError: the target holds other data; nothing was changed.
        WarehouseError: a side can't be used.
    """
    engine = _postgres(source)
    clock = _Clock()
    with source.snapshot():
        pass  # the tables are there, whole, and of this version
    with postgres_snapshot(engine) as there:
        occupied = target.exists() and _holds_data(target)
        if occupied:
            theirs = there.digests()
            ours = _digests(target)
            if theirs == ours:
                return Transferred("already equal", theirs, ours)
            if not replace:
                raise refuse(Warehouse(target))
        with building(target.path) as part:
            copying.build(there, part, memory, bars("Copying"))
            clock.lap("copying")
            theirs = there.digests()
            ours = _digests(DuckDBEngine(part, memory_limit=memory, wait=0))
            clock.lap("proof")
            result = Transferred("copied", theirs, ours, clock.seconds)
            if result.equal:
                install(part, target)
    return result


def file_to_duckdb(
    session: DuckDBSession,
    target: DuckDBEngine,
    *,
    scratch: Path | None,
    replace: bool,
    memory: str,
    bars: Bars,
) -> Transferred:
    """Make a DuckDB file of another one and prove it; the caller holds the run lock.

    Args:
        session: the open source.
        target: the file to make.
        scratch: where the source is if nobody needs it afterwards: then it is made the target.
        replace: whether data that the target holds is to go.
        memory: how much DuckDB may take.
        bars: gives each step's progress callback.

    Raises:
        OccupiedError: the target holds other data; nothing was changed.
        WarehouseError: a side can't be used.
    """
    clock = _Clock()
    here = proof.duckdb_digests(session)
    if target.exists() and _holds_data(target):
        there = _digests(target)
        if here == there:
            return Transferred("already equal", here, there)
        if not replace:
            raise refuse(Warehouse(target))
    with building(target.path) as part:
        progress = bars("Copying")
        progress(0, 1)
        if scratch is None:
            copying.clone(session, part)
        else:
            _take(scratch, part)
        progress(1, 1)
        clock.lap("copying")
        there = _digests(DuckDBEngine(part, memory_limit=memory, wait=0))
        clock.lap("proof")
        result = Transferred("copied", here, there, clock.seconds)
        if result.equal:
            install(part, target)
    return result


@contextmanager
def building(path: Path) -> Iterator[Path]:
    """Give the path of a file to be built beside `path`, and clear away what is left of it."""
    part = path.with_name(f"{path.name}.part")
    _clear(part)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
    except OSError as error:
        raise WarehouseError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        _clear(part)


def install(part: Path, target: DuckDBEngine) -> None:
    """Put a built file in its place.

    Raises:
        WarehouseError: somebody has the file open that is there now, or the built one isn't whole.
    """
    refuse_unmerged(part)
    if target.exists():
        # Also writes what its log still holds: another file must not inherit that.
        with target.transaction():
            pass
        target.path.with_name(f"{target.path.name}.wal").unlink(missing_ok=True)
    os.replace(part, target.path)  # noqa: PTH105


def _take(scratch: Path, part: Path) -> None:
    try:
        os.link(scratch, part)
    except OSError:
        # The target is on another file system, or on one without links.
        shutil.copyfile(scratch, part)


def _clear(part: Path) -> None:
    for suffix in ("", ".wal"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)


def _holds_data(target: DuckDBEngine) -> bool:
    with target.snapshot() as session:
        if history.applied_version(target, session) == 0:
            return False
    with Warehouse(target).snapshot() as session:
        return Plan({}, row_counts(session), False, False).holds_data


def _digests(target: DuckDBEngine) -> dict[str, Digest]:
    with Warehouse(target).snapshot() as session:
        return proof.duckdb_digests(duckdb_session(session))


def _already_equal(session: DuckDBSession, target: Warehouse) -> Transferred | None:
    with target.snapshot() as there:
        if not any(row_counts(there).values()) or row_counts(there) != row_counts(session):
            return None
    here, there_ = proofs(session, _postgres(target))
    return Transferred("already equal", here, there_) if here == there_ else None


def _same(left: unfinished.Pending, mark: str | None) -> bool:
    return (
        mark is not None
        and left.source == mark
        and left.version == history.migrations()[-1].version
    )


def _postgres(warehouse: Warehouse) -> PostgresEngine:
    if not isinstance(warehouse.engine, PostgresEngine):
        raise TypeError("the warehouse is not on PostgreSQL")
    return warehouse.engine


class _Clock:
    """Notes how long each step took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = now - self._last
        self._last = now
