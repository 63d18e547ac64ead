"""How often somebody may ask: buckets that fill evenly, shared by all replicas of a server.

A bucket is one number: the moment at which it is full again (the generic cell rate algorithm).
Redis keeps it where there is one, else the place of the keys; those without a key are counted by
each process for itself.
"""

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from typing_extensions import override

from newsapi_dentsu.access.store import KeyStore
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

WINDOW: Final = 60.0
"""Seconds for which a rate is told, and after which an empty bucket is full."""

_MOST_BUCKETS: Final = 10_000

_TAKE: Final = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + interval
if full_at - now > window + 0.000001 then
    return {0, tostring(full_at - interval - now)}
end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil(window * 1000) + 1000)
return {1, tostring(full_at - now)}
"""


class Verdict(NamedTuple):
    """Whether a request is taken, how many more are left, and the seconds until all are there."""

    taken: bool
    left: int
    full_in: float
    again_in: float
    """Seconds until there is one, for those who aren't taken."""


class Buckets(Protocol):
    """Buckets of requests."""

    def take(self, bucket: str, interval: float, window: float) -> tuple[bool, float]:
        """Take one from a bucket: whether there was one, and the seconds until it is full."""
        ...


def ask(buckets: Buckets, bucket: str, per_minute: int) -> Verdict:
    """Take one request of so many a minute."""
    interval = WINDOW / per_minute
    taken, full_in = buckets.take(bucket, interval, WINDOW)
    left = max(0, math.floor((WINDOW - full_in) / interval + 1e-6))
    return Verdict(taken, left, full_in, max(0.0, full_in + interval - WINDOW))


class LocalBuckets(Buckets):
    """Buckets of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: dict[str, float] = {}

    @override
    def take(self, bucket: str, interval: float, window: float) -> tuple[bool, float]:
        now = time.monotonic()
        with self._lock:
            full_at = max(self._full_at.get(bucket, 0.0), now) + interval
            if full_at - now > window + 1e-6:
                return False, full_at - interval - now
            if bucket not in self._full_at and len(self._full_at) >= _MOST_BUCKETS:
                self._make_room(now)
            self._full_at[bucket] = full_at
        return True, full_at - now

    def _make_room(self, now: float) -> None:
        kept = {name: at for name, at in self._full_at.items() if at > now}
        # Of too many that aren't full, those that are nearly so lose least.
        fewer = sorted(kept, key=lambda name: kept[name], reverse=True)[: _MOST_BUCKETS // 2]
        self._full_at = {name: kept[name] for name in fewer}


class RedisBuckets(Buckets):
    """Buckets in Redis; while it is away, those of another place."""

    def __init__(self, client: "Redis", otherwise: Buckets) -> None:
        from newsapi_dentsu.redis_connection import Absence

        self._take: Any = client.register_script(_TAKE)
        self._otherwise = otherwise
        self._away = Absence("Redis doesn't count requests: the place of the keys does meanwhile")

    @override
    def take(self, bucket: str, interval: float, window: float) -> tuple[bool, float]:
        import redis

        if not self._away:
            try:
                taken, full_in = self._take(
                    keys=[f"newsapi:bucket:{bucket}"], args=[repr(interval), repr(window)]
                )
                return bool(taken), max(0.0, float(full_in))
            except redis.RedisError as error:
                self._away.begin(logger, error)
        return self._otherwise.take(bucket, interval, window)


def open_buckets(settings: Settings, store: KeyStore) -> Buckets:
    """The buckets of keys that the settings name."""
    if settings.redis_url is None:
        return store
    from newsapi_dentsu.redis_connection import connection, provider_of

    client = connection(settings.redis_url.get_secret_value(), provider_of(settings))
    return RedisBuckets(client, store)
