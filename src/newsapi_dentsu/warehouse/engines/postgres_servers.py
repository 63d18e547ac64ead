"""The servers of a database that is replicated: which one to write to, and keeping out the others.

Replication to another region is asynchronous and promotion is somebody's decision. So a server that
was given up may come back and take writes. Each promotion raises the epoch, a row of the database:
the server with the highest epoch is the primary, and whoever meets one with a lower epoch that
takes writes puts a fence on it, a row that runs on that server look for.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

import psycopg

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.warehouse.engines.postgres_login import Address
from newsapi_dentsu.warehouse.engines.postgres_session import prepare_session

EPOCH, FENCED_BY = "epoch", "fenced_by"
"""Names in ops.positions: how often the database was promoted, and the epoch that put the fence."""

_LOOK_SECONDS = 2
_STATEMENT_SECONDS = 60
_CHOICE_SECONDS = 10.0
_POSITIONS: LiteralString = (
    "SELECT name, value FROM ops.positions WHERE name IN ('epoch', 'fenced_by')"
)
_SET: LiteralString = (
    "INSERT INTO ops.positions (name, value) VALUES (%s, %s) ON CONFLICT (name) "
    "DO UPDATE SET value = greatest(positions.value, excluded.value)"
)

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What a server says of itself."""

    address: Address
    trouble: str | None = None
    """Why it can't be asked; the rest then means nothing."""
    standby: bool = False
    """Whether it only follows another server."""
    epoch: int = 0
    fenced_by: int = 0
    replayed_at: datetime | None = None
    """Of a standby: when the newest transaction that it has was committed."""

    @property
    def takes_writes(self) -> bool:
        """Whether it may be written to."""
        return self.trouble is None and not self.standby and not self.fenced

    @property
    def fenced(self) -> bool:
        """Whether another server was promoted in its place; a standby shows its primary's rows."""
        return not self.standby and self.fenced_by > self.epoch

    @property
    def name(self) -> str:
        """Its host and port."""
        return _name(self.address)


def look(address: Address, password: str | None) -> State:
    """Ask a server what it is, for two seconds."""
    try:
        with _open(address, password) as connection:
            row = connection.execute(
                "SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp(), "
                "to_regclass('ops.positions') IS NOT NULL"
            ).fetchone()
            standby, replayed_at, made = row or (False, None, False)
            positions = dict(connection.execute(_POSITIONS).fetchall()) if made else {}
    except WarehouseError as error:
        return State(address, trouble=str(error))
    return State(
        address,
        standby=standby,
        epoch=positions.get(EPOCH, 0),
        fenced_by=positions.get(FENCED_BY, 0),
        replayed_at=replayed_at,
    )


def fence(state: State, password: str | None, epoch: int) -> bool:
    """Keep runs off a server, as one of that epoch takes its place; tells whether it is done."""
    if state.trouble or state.standby:
        return False
    with suppress(WarehouseError), _open(state.address, password) as connection:
        connection.execute(_SET, [FENCED_BY, epoch])
        return True
    return False


def primary(states: Iterable[State]) -> State:
    """The server to write to.

    Raises:
        WarehouseAwayError: none takes writes at the moment.
        WarehouseError: those that would are fenced.
    """
    states = list(states)
    able = sorted((state for state in states if state.takes_writes), key=lambda state: state.epoch)
    if len(able) > 1 and able[-1].epoch == able[-2].epoch:
        raise WarehouseError(
            f"{able[-1].name} and {able[-2].name} both take writes, and neither was promoted over "
            "the other: say which one it is with `newsapi failover --planned --to SERVER`"
        )
    if able:
        return able[-1]
    fenced = [state for state in states if state.fenced]
    if fenced and not any(state.standby for state in states):
        raise fenced_error(fenced[0].name, fenced[0].fenced_by)
    told = "; ".join(f"{state.name} {_condition(state)}" for state in states)
    raise WarehouseAwayError(
        f"no server takes writes ({told}): wait for the primary, or promote the other one with "
        "`newsapi failover`"
    )


def fenced_error(name: str, epoch: int) -> WarehouseError:
    """What a run is told that was led to a server of the past."""
    return WarehouseError(
        f"{name} is fenced: another server was promoted in its place (epoch {epoch}), and what is "
        "written here would be lost. Nothing was done. Set POSTGRES_HOST to the new primary, and "
        "make this server its standby before it is used again"
    )


def refuse_fenced(connection: psycopg.Connection[Any]) -> None:
    """Refuse to run on a server of the past.

    Raises:
        WarehouseError: it is fenced.
    """
    made = connection.execute("SELECT to_regclass('ops.positions') IS NOT NULL").fetchone()
    positions = dict(connection.execute(_POSITIONS).fetchall()) if made and made[0] else {}
    by = positions.get(FENCED_BY, 0)
    if by > positions.get(EPOCH, 0):
        raise fenced_error(f"{connection.info.host}:{connection.info.port}", by)


class Servers:
    """The servers of one database, and which of them was the primary when they were last asked."""

    def __init__(self, addresses: Iterable[Address], password: Callable[[], str | None]) -> None:
        self.addresses = tuple(addresses)
        self._password = password
        self._chosen: Address | None = None
        self._chosen_at = 0.0

    def choose(self) -> Address:
        """The address of the primary; asked for again after ten seconds, or `forget`.

        Raises:
            WarehouseAwayError, WarehouseError: as `primary` does.
        """
        if len(self.addresses) == 1:
            return self.addresses[0]
        if self._chosen is None or time.monotonic() - self._chosen_at > _CHOICE_SECONDS:
            states = self.states()
            chosen = primary(states)
            self._fence_those_of_the_past(states, chosen)
            self._chosen, self._chosen_at = chosen.address, time.monotonic()
        return self._chosen

    def forget(self) -> None:
        """Ask again: the primary did not answer."""
        self._chosen = None

    def states(self) -> list[State]:
        """What each server says of itself."""
        password = self._password()
        return [look(address, password) for address in self.addresses]

    def _fence_those_of_the_past(self, states: Iterable[State], chosen: State) -> None:
        for state in states:
            if state.takes_writes and state.epoch < chosen.epoch:
                fence(state, self._password(), chosen.epoch)


def set_epoch(address: Address, password: str | None, epoch: int) -> None:
    """Make a server the primary of an epoch.

    Raises:
        WarehouseError: it didn't take the row.
    """
    with _open(address, password) as connection:
        connection.execute(_SET, [EPOCH, epoch])


def promote(address: Address, password: str | None, seconds: int) -> None:
    """Let a standby take writes, and wait for it.

    Raises:
        WarehouseError: the role may not, or it takes too long.
    """
    with _open(address, password) as connection:
        try:
            done = connection.execute("SELECT pg_promote(true, %s)", [seconds]).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            raise WarehouseError(
                f"{_name(address)} doesn't let this role promote it. On Azure: `az postgres "
                "flexible-server replica promote -n SERVER -g GROUP --promote-mode switchover "
                "--promote-option forced --yes`; elsewhere `pg_ctl promote`. Then run this again"
            ) from None
    if not (done and done[0]):
        raise WarehouseError(f"{_name(address)} wasn't promoted within {seconds} s: see its log")


def caught_up(behind: Address, ahead: Address, password: str | None, seconds: float) -> bool:
    """Wait until a standby has everything that its primary had when this began."""
    with _open(ahead, password) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    wanted = row[0] if row else "0/0"
    deadline = time.monotonic() + seconds
    with _open(behind, password) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, true)", [wanted]
            ).fetchone()
            if row and row[0]:
                return True
            time.sleep(0.05)
    return False


@contextmanager
def _open(address: Address, password: str | None) -> Iterator[psycopg.Connection[Any]]:
    parameters = replace(address, connect_timeout=_LOOK_SECONDS).parameters()
    try:
        with psycopg.connect(**parameters, password=password, autocommit=True) as connection:
            prepare_session(
                connection,
                role=None,
                statement_timeout=_STATEMENT_SECONDS,
                lock_timeout=_STATEMENT_SECONDS,
                clean=False,
            )
            yield connection
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise WarehouseError(f"{_name(address)}: {reason}") from error


def _name(address: Address) -> str:
    return f"{address.host}:{address.port}"


def _condition(state: State) -> str:
    if state.trouble:
        return f"doesn't answer ({state.trouble})"
    return "only follows" if state.standby else "is fenced"
