"""Servers that keep their connections and say nothing: a process that is frozen, a dead network.

No limit of the server's own holds then, and TCP is content as long as a kernel acknowledges. So
those who read for people look at the clock themselves. Whoever has waited for a while tries whether
the server still takes a login. If it doesn't, all who wait give up, and nobody waits again before
it does.
"""

import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from typing_extensions import override

from newsapi_dentsu.deadline import within
from newsapi_dentsu.errors import PipelineError, WarehouseAwayError
from newsapi_dentsu.warehouse.engines.base import Row

T = TypeVar("T")

SILENT: Final = "timeout expired: the server doesn't answer"

QUIET_SECONDS: Final = 4.0
"""How long a server is waited for before a login is tried, and how long that may take."""

LOGIN_SECONDS: Final = 5
"""Longest time for a login of those who read for people."""

_AGAIN_SECONDS: Final = 1.0
"""How often a login is tried at most on a server that is silent."""

_GRACE_SECONDS: Final = 5.0
"""How much longer than the server's own limit of a statement its end is waited for."""


class Silence:
    """What is known of a server's silence by all who read it.

    Args:
        statement_timeout: the server's own limit of a statement, in seconds; 0 for no limit.
    """

    def __init__(self, statement_timeout: float) -> None:
        self._longest = statement_timeout + _GRACE_SECONDS if statement_timeout else float("inf")
        self._reach: Callable[[], object] | None = None
        self._trying = threading.Lock()
        self._heard_at = float("-inf")
        self._tried_at = float("-inf")
        self._silent = False

    def reach_by(self, reach: Callable[[], object]) -> None:
        """Tell how to log in; of several ways the first is taken."""
        self._reach = self._reach or reach

    def refuse(self) -> None:
        """Refuse to wait for a server that is silent, after trying whether it still is.

        Raises:
            psycopg.OperationalError: it is.
        """
        if not self._silent:
            return
        if time.monotonic() - self._tried_at > _AGAIN_SECONDS and self._trying.acquire(
            blocking=False
        ):
            try:
                self._try()
            finally:
                self._trying.release()
        if self._silent:
            raise psycopg.OperationalError(SILENT)

    def note(self) -> None:
        """Take note that it took no login in time."""
        self._tried_at = time.monotonic()
        self._silent = True

    def check(self, since: float) -> None:
        """Give up waiting where that is in vain.

        Args:
            since: when the wait began.

        Raises:
            psycopg.OperationalError: it is.
        """
        now = time.monotonic()
        if now - since < QUIET_SECONDS:
            return
        self.refuse_longer(since)
        with self._trying:
            # Others may have tried meanwhile.
            if max(self._heard_at, self._tried_at) < now - QUIET_SECONDS:
                self._try()
        if self._silent:
            raise psycopg.OperationalError(SILENT)

    def refuse_longer(self, begun: float) -> None:
        """Give up an answer that comes in drops: the server's own limit doesn't end that.

        Args:
            begun: when the statement was sent.

        Raises:
            psycopg.OperationalError: it has taken longer than any statement may.
        """
        if time.monotonic() - begun > self._longest:
            raise psycopg.OperationalError(SILENT)

    def _try(self) -> None:
        assert self._reach is not None  # noqa: S101
        try:
            within(QUIET_SECONDS, self._reach)
        except (TimeoutError, psycopg.errors.ConnectionTimeout, WarehouseAwayError):
            self.note()
            return
        except (psycopg.Error, PipelineError):
            # A refusal is an answer: what waits is told soon, too.
            pass
        self._heard_at = time.monotonic()
        self._silent = False


class HeardConnection(psycopg.Connection[Row]):
    """A connection whose waits end if the server falls silent; without `silence`, as any other."""

    silence: Silence | None = None

    @override
    def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        if self.silence is None:
            return super().wait(gen, *arguments, **named)
        try:
            return super().wait(_heard(gen, self.silence), *arguments, **named)
        except _GivenUpError:
            self.close()
            raise psycopg.OperationalError(SILENT) from None


class _GivenUpError(Exception):
    """A wait has ended before the answer."""


def _heard(gen: PQGen[T], silence: Silence) -> Generator[Any, Any, T]:
    """The same steps of waiting; between two of them it is told now and then that nothing came."""
    since: float | None = None
    begun = time.monotonic()
    try:
        state = next(gen)
        while True:
            ready = yield state
            try:
                if ready:
                    since = None
                    silence.refuse_longer(begun)
                elif since is None:
                    since = time.monotonic()
                else:
                    silence.check(since)
            except psycopg.OperationalError as error:
                raise _GivenUpError from error
            state = gen.send(ready)
    except StopIteration as ended:
        result: T = ended.value
        return result
