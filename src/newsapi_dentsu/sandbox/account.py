"""The keys, their tokens and their requests under way."""

import threading
from collections import Counter

MAX_SIMULTANEOUS = 5


class Account:
    """What the server keeps count of; safe to use from many threads."""

    def __init__(self, api_keys: frozenset[str], tokens: int) -> None:
        self._lock = threading.Lock()
        self._api_keys = api_keys
        self._total = tokens
        self._used = 0
        self._under_way: Counter[str] = Counter()

    def knows(self, api_key: str) -> bool:
        """Whether the key is valid."""
        return api_key in self._api_keys

    def enter(self, api_key: str) -> bool:
        """Begin a request of this key; False when too many are under way already."""
        with self._lock:
            if self._under_way[api_key] >= MAX_SIMULTANEOUS:
                return False
            self._under_way[api_key] += 1
            return True

    def leave(self, api_key: str) -> None:
        """End a request that `enter` let in."""
        with self._lock:
            self._under_way[api_key] -= 1

    def spend(self, tokens: int) -> bool:
        """Take tokens from the budget; False, and nothing taken, when it does not hold them."""
        with self._lock:
            if self._used + tokens > self._total:
                return False
            self._used += tokens
            return True

    def set_left(self, tokens: int) -> None:
        """Set what is left of the budget."""
        with self._lock:
            self._total = self._used + tokens

    @property
    def total(self) -> int:
        """All tokens of the account."""
        with self._lock:
            return self._total

    @property
    def used(self) -> int:
        """The tokens spent so far."""
        with self._lock:
            return self._used

    @property
    def left(self) -> int:
        """The tokens still to spend."""
        with self._lock:
            return self._total - self._used
