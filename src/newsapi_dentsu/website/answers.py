"""Answers that were given before, under names that say all they depend on.

What a name stands for never changes, so nothing has to be deleted when the news do: a new state has
new names, and the answers of former ones are forgotten in time.
"""

import asyncio
import gzip
import json
import logging
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from newsapi_dentsu.settings import Settings

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 2_000_000
"""Size of an answer that is kept."""

KEPT_SECONDS: Final = 900
"""How long Redis keeps an answer."""

_TAG: Final = b"etag"
_VARIES: Final = ((b"vary", b"Accept-Encoding"),)
_PACKED: Final = (b"content-encoding", b"gzip")
_LEAST_PACKED: Final = 1_000
_LEVEL: Final = 5
_OVERHEAD: Final = 1_000
_GUARD_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 2.0
"""How long another replica is waited for that makes the same answer."""

_LOOK_SECONDS: Final = 0.02


_Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Answer:
    """An answer to a request; `packed` is the body compressed, where that pays.

    `given` are the parts of the address that the route names; None where there is no such address.
    """

    status: int
    headers: _Headers
    body: bytes
    packed: bytes | None
    given: Mapping[str, str] | None

    @property
    def size(self) -> int:
        """About how much memory it takes."""
        return len(self.body) + len(self.packed or b"") + _OVERHEAD

    # What is sent each time the answer is given is worked out once.

    @cached_property
    def tag(self) -> str:
        """Its ETag; empty where it has none."""
        return next((value.decode("latin-1") for name, value in self.headers if name == _TAG), "")

    @cached_property
    def whole(self) -> tuple[_Headers, bytes]:
        """Headers and body for whoever takes it as it is."""
        varies = _VARIES if self.packed is not None else ()
        return (*self.headers, *varies, _length(self.body)), self.body

    @cached_property
    def shorter(self) -> tuple[_Headers, bytes]:
        """Headers and body for whoever takes it compressed."""
        if self.packed is None:
            return self.whole
        return (*self.headers, *_VARIES, _PACKED, _length(self.packed)), self.packed

    @cached_property
    def unchanged(self) -> _Headers:
        """Headers for whoever has it already."""
        return tuple(pair for pair in self.headers if pair[0] != b"content-type")


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


def answer_of(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, given: Mapping[str, str] | None
) -> Answer:
    """An answer, compressed once for all who take that."""
    packed = gzip.compress(body, _LEVEL, mtime=0) if len(body) >= _LEAST_PACKED else None
    return Answer(status, tuple(headers), body, packed, given)


class NearAnswers:
    """Answers in this process, of those asked for last; bounded in bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._all: OrderedDict[Hashable, Answer] = OrderedDict()

    def get(self, name: Hashable) -> Answer | None:
        """The answer of this name."""
        found = self._all.get(name)
        if found is not None:
            self._all.move_to_end(name)
        return found

    def put(self, name: Hashable, answer: Answer) -> None:
        """Keep an answer, and let go of those that nobody has asked for for longest."""
        if answer.size > min(MOST_BYTES, self.most_bytes):
            return
        former = self._all.pop(name, None)
        self.bytes += answer.size - (former.size if former else 0)
        self._all[name] = answer
        while self.bytes > self.most_bytes:
            _, oldest = self._all.popitem(last=False)
            self.bytes -= oldest.size


class RedisAnswers:
    """Answers in Redis, for all replicas; while it is away, there are none."""

    def __init__(self, client: Any) -> None:
        from newsapi_dentsu.redis_connection import Absence

        self._client = client
        self._away = Absence("Redis keeps no answers: this process works each of them out")

    async def get(self, name: str) -> Answer | None:
        """The answer of this name."""
        told = await self._tried(lambda: self._client.get(_key(name)))
        return None if not isinstance(told, bytes) else _read(name, told)

    async def put(self, name: str, answer: Answer) -> None:
        """Keep an answer for a while."""
        written = _written(name, answer)
        if len(written) <= MOST_BYTES:
            await self._tried(
                lambda: self._client.set(_key(name), written, px=KEPT_SECONDS * 1_000)
            )

    async def may_make(self, name: str) -> bool:
        """Whether this process is to make the answer, because no other process is making it."""
        guarded = await self._tried(
            lambda: self._client.set(
                f"{_key(name)}:making", b"1", nx=True, px=int(_GUARD_SECONDS * 1_000)
            ),
            otherwise=True,
        )
        return bool(guarded)

    async def made(self, name: str) -> None:
        """Let other processes make the answer: this one has made it, or can't."""
        await self._tried(lambda: self._client.delete(f"{_key(name)}:making"))

    async def awaited(self, name: str) -> Answer | None:
        """The answer that another process is making; None where it takes too long."""
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline and not self._away:
            await asyncio.sleep(_LOOK_SECONDS)
            if (found := await self.get(name)) is not None:
                return found
            if await self.may_make(name):
                return await self.get(name)
        return None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _tried(self, ask: Any, otherwise: Any = None) -> Any:
        from redis.exceptions import RedisError, ResponseError

        if self._away:
            return otherwise
        try:
            return await ask()
        except ResponseError:
            # It is there and refuses: its memory is full, or a replica takes no writes.
            return otherwise
        except (RedisError, OSError, TimeoutError) as error:
            self._away.begin(logger, error)
            return otherwise


def _key(name: str) -> str:
    return f"newsapi:answer:{name}"


def _written(name: str, answer: Answer) -> bytes:
    """An answer as bytes. It has its name, lest somebody else's is taken for it."""
    told = {
        "name": name,
        "status": answer.status,
        "headers": [[one.decode("latin-1") for one in pair] for pair in answer.headers],
        "given": dict(answer.given or {}),
    }
    return zlib.compress(json.dumps(told).encode() + b"\n" + answer.body, 1)


def _read(name: str, written: bytes) -> Answer | None:
    """What was written; None for whatever isn't that."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(written, 4 * MOST_BYTES)
        head, _, body = text.partition(b"\n")
        told = json.loads(head)
        if not unpacking.eof or told["name"] != name:
            return None
        headers = [
            (key.encode("latin-1"), value.encode("latin-1")) for key, value in told["headers"]
        ]
        return answer_of(int(told["status"]), headers, body, dict(told["given"]))
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Answers:
    """Where answers are kept: in this process, and where there is Redis, in that for all.

    `whose` is in their names: what answers depend on besides the question and the news.
    """

    near: NearAnswers
    far: RedisAnswers | None
    whose: str = ""


def open_answers(settings: Settings, whose: str) -> Answers | None:
    """The answers that the settings let keep; None where they let none."""
    if not settings.answer_cache_mb:
        return None
    far = None
    if settings.redis_url is not None:
        from newsapi_dentsu import redis_connection

        url = settings.redis_url.get_secret_value()
        provider = redis_connection.provider_of(settings)
        far = RedisAnswers(redis_connection.async_connection(url, provider))
    return Answers(NearAnswers(settings.answer_cache_mb * 1_000_000), far, whose)
