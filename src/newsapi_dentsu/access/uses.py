"""Noting the use of keys: counted in memory, written every few seconds by a thread of its own."""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from newsapi_dentsu.access.store import KeyStore, Use, minute_of
from newsapi_dentsu.errors import PipelineError

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 2.0
_FORGET_EVERY: Final = timedelta(hours=6)
_MOST: Final = 10_000
"""Different notes that wait to be written; further ones are only counted as lost."""


class Uses:
    """The use of keys that isn't written yet."""

    def __init__(self, store: KeyStore, kept: timedelta) -> None:
        self._store = store
        self._kept = kept
        self._lock = threading.Lock()
        self._waiting: Counter[Use] = Counter()
        self._lost = 0
        self._forgot_at: datetime | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="key-uses", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def end(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self.write(datetime.now(UTC))

    def note(self, key_id: str, address: str, method: str, route: str, status: int) -> None:
        """Note one request."""
        use = Use(minute_of(datetime.now(UTC)), key_id, address, method, route, status)
        with self._lock:
            if use in self._waiting or len(self._waiting) < _MOST:
                self._waiting[use] += 1
            else:
                self._lost += 1

    def write(self, now: datetime) -> None:
        """Write what waits; what can't be written now waits on."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
            lost, self._lost = self._lost, 0
        if lost:
            logger.warning("The use of keys isn't noted for %s requests: too many kinds", lost)
        try:
            if waiting:
                self._store.note(waiting)
            if self._forgot_at is None or now - self._forgot_at > _FORGET_EVERY:
                self._store.forget(now - self._kept)
                self._forgot_at = now
        except PipelineError as error:
            logger.warning("The use of keys can't be noted now: %s", error)
            with self._lock:
                self._waiting.update(waiting)

    def _work(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.write(datetime.now(UTC))
