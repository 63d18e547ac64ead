"""What several processes share that ask the news API at once: a budget, and the pace of asking.

Both are rows of the warehouse, so that processes on other machines share them as well. What a
process reserved that is killed counts as spent: it may have asked.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from typing_extensions import override

from newsapi_dentsu.eventregistry.source import Gate
from newsapi_dentsu.stages.collect import price
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import backfills

LONGEST_HOLD_OFF = 60.0
"""Seconds for which all stand back at most when the API refuses one of them with 429."""


class SharedGate(Gate):
    """The gate through which a month of a backfill passes before each search."""

    def __init__(
        self,
        warehouse: Warehouse,
        backfill_id: str,
        month: str,
        *,
        per_minute: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._warehouse = warehouse
        self._backfill_id = backfill_id
        self._month = month
        self._pause = timedelta(minutes=1) / per_minute
        self._sleep = sleep
        before = warehouse.read(lambda session: backfills.spent_by(session, backfill_id, month))
        # Of a process that was killed nobody knows whether it had asked.
        self.spent = replace(before, reserved=0, unanswered=before.unanswered + before.reserved)

    @override
    def enter(self, day: date) -> None:
        # A day dearer than it may be: the API's clock may be a day ahead of this one.
        tokens = price(day, datetime.now(UTC).date() + timedelta(days=1))
        wait, self.spent = self._warehouse.write(
            lambda session: (
                backfills.take_turn(session, self._pause),
                backfills.reserve(session, self._backfill_id, self._month, self.spent, tokens),
            )
        )
        self._warehouse.release()
        if wait > timedelta():
            self._sleep(wait.total_seconds())

    @override
    def leave(self, tokens: int | None, hold_off: float | None) -> None:
        # It is written by the next request, or by `keep`: until then the reservation stands for it.
        spent = self.spent
        self.spent = replace(
            spent,
            reserved=0,
            tokens=spent.tokens + (tokens or 0),
            unanswered=spent.unanswered + (spent.reserved if tokens is None else 0),
        )
        if hold_off is not None:
            pause = timedelta(seconds=min(hold_off, LONGEST_HOLD_OFF))
            self._warehouse.write(lambda session: backfills.hold_off(session, pause))
            self._warehouse.release()

    def note_left(self, tokens: int | None) -> None:
        """Store what the account has left, where that is known."""
        if tokens is not None:
            now = datetime.now(UTC)
            self._warehouse.write(
                lambda session: backfills.note_left(session, self._backfill_id, tokens, now)
            )

    def keep(self) -> None:
        """Store what was spent so far."""
        self._warehouse.write(
            lambda session: backfills.keep(session, self._backfill_id, self._month, self.spent)
        )
