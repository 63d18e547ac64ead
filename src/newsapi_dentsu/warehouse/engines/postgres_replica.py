"""Reading from a replica of the database as long as it is near enough to its primary.

How far it is behind is told by the primary: what that has written must have been replayed. A
replica alone can't know it: one that was cut off believes that it has everything, and one of an
idle primary, by the time of its last transaction, that it is hours behind.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from typing_extensions import override

from newsapi_dentsu.deadline import within
from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine, PostgresSession

_LOOK_SECONDS: Final = 1.0
"""How often the two are compared at most."""

_OUTDATED_SECONDS: Final = 5.0
"""After so long what was found isn't believed any more: whoever looks again hasn't come back."""

_AVOIDED_SECONDS: Final = 5.0
"""How long a replica is left alone on which something went wrong."""

_OWN_WRITES_SECONDS: Final = 2.0
"""How long a command waits for the replica to have what was written before it began."""

_QUICK_SECONDS: Final = 2
"""How long the replica is waited for, and looking at either of them may take."""

_SILENT_SECONDS: Final = 4.0
"""How long either is waited for in all, whatever becomes of its own limits."""

_PAUSE: Final = 0.01
_LEAST_PATIENCE: Final = 1.0
_OF_REPLICA: Final = (
    "SELECT pg_is_in_recovery(), "
    "CAST(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS bigint), "
    "pg_last_xact_replay_timestamp()"
)
_OF_PRIMARY: Final = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE "
    "CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bigint) END, clock_timestamp()"
)
_WRITTEN: Final = "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bigint)"


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """Whether the replica is read, how far it is behind in seconds at most, and what is wrong.

    `lag` is None where nobody knows: the primary doesn't answer, or the replica.
    """

    used: bool
    lag: float | None
    trouble: str | None = None


class ReplicaSession(PostgresSession):
    """A transaction on the replica."""


class ReadingEngine(PostgresEngine):
    """The database for those who only read: snapshots are the replica's while it may be read.

    Everything else, and snapshots otherwise, are the primary's. An error of the replica that
    another try may not meet leads the next try to the primary.

    Args:
        replica: how to reach the replica.
        most_lag: how far it may be behind, in seconds.
        own_writes: whether what was written before the first snapshot must be in it.
        primary: how to reach the primary.
    """

    def __init__(
        self, replica: Mapping[str, Any], *, most_lag: float, own_writes: bool, **primary: Any
    ) -> None:
        super().__init__(**primary)
        quick = {"wait": _QUICK_SECONDS, "statement_timeout": _QUICK_SECONDS, "pool_size": 1}
        self._replica = PostgresEngine(**{**replica, "wait": _QUICK_SECONDS})
        # Of their own: looking waits for nobody who reads much.
        self._replica_watch = PostgresEngine(**{**replica, **quick})
        self._primary_watch = PostgresEngine(**{**primary, **quick})
        self._most_lag = most_lag
        self._lock = threading.Lock()
        self._state = ReplicaState(used=False, lag=None, trouble="nobody has looked at it yet")
        self._looked_at = float("-inf")
        self._avoided_until = float("-inf")
        self._seen: deque[tuple[float, int]] = deque(maxlen=600)
        self._waits = own_writes

    @property
    def replica_location(self) -> str:
        """Where the replica is, for people."""
        return self._replica.location

    @property
    @override
    def patience(self) -> float:
        return max(super().patience, _LEAST_PATIENCE)

    @override
    def close(self) -> None:
        super().close()
        for engine in (self._replica, self._replica_watch, self._primary_watch):
            engine.close()

    @override
    def run_under_way(self, session: Session) -> bool:
        # Locks are known on the primary only.
        with super().snapshot() as own:
            return super().run_under_way(own)

    @override
    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        if self._waits:
            self._waits = False
            self._wait_for_own_writes()
        if self.replica_state().used:
            begun = False
            try:
                with self._replica.snapshot() as session:
                    if not one(session, "SELECT pg_is_in_recovery()"):
                        raise WarehouseAwayError(f"{self._replica.location} was promoted")
                    begun = True
                    yield ReplicaSession(_connection(session))
                    return
            except WarehouseError as error:
                if begun and not isinstance(error, WarehouseAwayError):
                    raise
                self._avoid(str(error))
                if begun:
                    raise
        with super().snapshot() as session:
            yield session

    @override
    def glance(self, sql: str) -> str:
        if self.replica_state().used:
            try:
                # A replica that was promoted meanwhile tells nothing.
                told = self._replica.glance(f"SELECT ({sql}) WHERE pg_is_in_recovery()")
            except WarehouseError as error:
                self._avoid(str(error))
            else:
                if told:
                    return told
                self._avoid(f"{self._replica.location} was promoted")
        return super().glance(sql)

    @override
    async def glance_here(self, sql: str) -> str | None:
        # Looking at the replica takes a thread.
        return None

    def replica_state(self) -> ReplicaState:
        """What was found of the replica within the last second."""
        now = time.monotonic()
        if now < self._avoided_until:
            return self._state
        if now - self._looked_at >= _LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._state = self._look()
                self._looked_at = time.monotonic()
            finally:
                self._lock.release()
        elif now - self._looked_at > _OUTDATED_SECONDS:
            return ReplicaState(used=False, lag=None, trouble="it doesn't answer")
        return self._state

    def _avoid(self, trouble: str, seconds: float = _AVOIDED_SECONDS) -> None:
        self._state = ReplicaState(used=False, lag=None, trouble=trouble)
        self._avoided_until = time.monotonic() + seconds

    def _look(self) -> ReplicaState:
        try:
            follows, replayed, last = _told(self._replica_watch, _OF_REPLICA)
        except WarehouseError as error:
            return ReplicaState(used=False, lag=None, trouble=str(error))
        if not follows or replayed is None:
            return ReplicaState(used=False, lag=None, trouble="it follows no other server any more")
        try:
            written, clock = _told(self._primary_watch, _OF_PRIMARY)
        except WarehouseError as error:
            # Better what it has than nothing.
            return ReplicaState(used=True, lag=None, trouble=f"the primary is away: {error}")
        if written is None or replayed > written:
            return ReplicaState(used=False, lag=None, trouble="it follows another server")
        lag = self._lag(replayed, written, last, clock)
        if lag is None or lag > self._most_lag:
            told = "unknown" if lag is None else f"{lag:.0f} s"
            trouble = f"it is too far behind ({told}, at most {self._most_lag:g} s)"
            return ReplicaState(used=False, lag=lag, trouble=trouble)
        return ReplicaState(used=True, lag=lag)

    def _lag(
        self, replayed: int, written: int, last: datetime | None, clock: datetime
    ) -> float | None:
        """How far it is behind at most."""
        now = time.monotonic()
        self._seen.append((now, written))
        if replayed >= written:
            return 0.0
        # It has all that the primary had at these moments, and all transactions up to its last one.
        bounds = [now - at for at, place in self._seen if place <= replayed]
        if last is not None:
            bounds.append(max(0.0, (clock - last).total_seconds()))
        return min(bounds, default=None)

    def _wait_for_own_writes(self) -> None:
        """Wait until the replica has all that is written by now; else it isn't read."""
        if not self.replica_state().used:
            return
        try:
            (written,) = _told(self._primary_watch, _WRITTEN)
            deadline = time.monotonic() + _OWN_WRITES_SECONDS
            while time.monotonic() < deadline:
                _, replayed, _ = _told(self._replica_watch, _OF_REPLICA)
                if replayed is not None and replayed >= written:
                    return
                time.sleep(_PAUSE)
        except WarehouseError as error:
            if not self.replica_state().used:
                self._avoid(str(error))
            return
        self._avoid("it hasn't what was written just now", seconds=float("inf"))


def _told(engine: PostgresEngine, sql: str) -> Row:
    """The only row of a statement, which a server that is silent isn't waited for to tell.

    Raises:
        WarehouseAwayError: it didn't tell in time.
    """

    def ask() -> Row:
        with engine.snapshot() as session:
            (row,) = session.rows(sql)
            return row

    try:
        return within(_SILENT_SECONDS, ask)
    except TimeoutError:
        # Whoever waited on goes on doing so, and keeps the engine's only connection.
        raise WarehouseAwayError(f"{engine.location} doesn't answer") from None


def _connection(session: Session) -> Any:
    assert isinstance(session, PostgresSession)  # noqa: S101
    return session.connection
