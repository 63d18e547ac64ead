"""Which notice reached whom: rows of the warehouse, and a copy for when it can't be opened.

The copy lies in Dagster's home. With DuckDB it is written after every step, so that an evaluation
that finds the file held neither repeats nor forgets anything; with PostgreSQL, where Dagster's
records are on the same server, only while that is away. The next evaluation that can open the
warehouse brings it up to date.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from newsapi_dentsu.domain.alerts.incidents import (
    AlertState,
    Delivery,
    Incident,
    Notice,
    first_state,
)
from newsapi_dentsu.domain.alerts.rules import RuleName
from newsapi_dentsu.errors import AlertsBusyError, AlertsError, WarehouseError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables.alerts import load_state, save_state, silences

logger = logging.getLogger(__name__)

COPY = "alerts.json"
LOCK_WAIT = 10.0
"""Seconds to wait for another process that is notifying operators."""


@dataclass(frozen=True)
class _Copy:
    watching_since: datetime
    scanned_until: datetime
    incidents: list[Incident]
    notices: list[Notice]
    deliveries: list[Delivery]
    silences: dict[RuleName, datetime]
    saved: bool


T = TypeVar("T")
_COPIES = TypeAdapter(_Copy)


class StateStore:
    """The state of the alerts, for one evaluation."""

    def __init__(self, warehouse: Warehouse, home: Path, *, always_copy: bool = True) -> None:
        self._warehouse = warehouse
        self._always_copy = always_copy
        self._path = home / COPY
        self._stored: AlertState | None = None
        self.trouble: str | None = None
        """Why the warehouse can't be opened, for people."""

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from notifying operators meanwhile.

        Raises:
            AlertsError: another one is at it and doesn't end.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(self._warehouse.engine.alert_lock(LOCK_WAIT))
            except AlertsBusyError as error:
                raise AlertsError(str(error)) from None
            except WarehouseError:
                # While the database is away, no other process can share its state anyway.
                pass
            yield

    def load(self, now: datetime, also: Callable[[Session], T]) -> tuple[AlertState, T | None]:
        """The state, and what else is to be read in the same view of the warehouse.

        Where the warehouse can't be opened, the state is that of the copy, or the very first, and
        there is nothing else; `trouble` then says why.
        """
        copy = self._read_copy()
        try:
            stored, silent, more = self._warehouse.read(
                lambda session: (
                    load_state(session, now),
                    silences(session, now),
                    also(session),
                )
            )
            if copy is not None and (stored is None or not copy.saved):
                stored = self._warehouse.write(
                    lambda session: _brought_up_to_date(session, _state(copy), now)
                )
        except WarehouseError as error:
            self.trouble = str(error)
            return (_state(copy) if copy is not None else first_state(now)), None
        self._stored = stored
        return stored or replace(first_state(now), silences=silent), more

    def keep(self, state: AlertState, *, saved: bool = False) -> None:
        """Write the copy alone, where there has to be one.

        Raises:
            AlertsError: Dagster's home can't be written, and nothing else remembers.
        """
        if not self._always_copy and self.trouble is None:
            return
        copy = _Copy(
            state.watching_since,
            state.scanned_until,
            list(state.incidents.values()),
            list(state.notices.values()),
            list(state.deliveries.values()),
            dict(state.silences),
            saved,
        )
        part = self._path.with_name(f".{COPY}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_COPIES.dump_json(copy))
            part.replace(self._path)
        except OSError as error:
            problem = f"{self._path} can't be written ({error.strerror}): make its folder writable"
            if self.trouble is not None:
                raise AlertsError(problem) from None
            logger.warning("%s", problem)

    def save(self, state: AlertState) -> None:
        """Write the copy and, where it can be opened, the warehouse.

        Raises:
            AlertsError: neither can be written.
        """
        self.keep(state)
        if self.trouble is not None:
            return
        try:
            self._warehouse.write(lambda session: save_state(session, state, self._stored))
        except WarehouseError as error:
            self.trouble = str(error)
            logger.warning("The state of alerting is kept in %s for now: %s", self._path, error)
            self.keep(state)
            return
        self._stored = state
        self.keep(state, saved=True)
        if not self._always_copy:
            self._path.unlink(missing_ok=True)

    def _read_copy(self) -> _Copy | None:
        try:
            return _COPIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            logger.warning("%s can't be used and is left aside: %s", self._path, error)
            return None


def _brought_up_to_date(session: Session, copy: AlertState, now: datetime) -> AlertState | None:
    save_state(session, copy, None)
    return load_state(session, now)


def _state(copy: _Copy) -> AlertState:
    return AlertState(
        copy.watching_since,
        copy.scanned_until,
        {one.incident_id: one for one in copy.incidents},
        {one.notice_id: one for one in copy.notices},
        {(one.notice_id, one.channel): one for one in copy.deliveries},
        copy.silences,
    )
