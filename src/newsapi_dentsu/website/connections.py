"""Connections that are bounded in time, whatever the other side does.

Uvicorn waits for ever for a request that is begun and not finished, for the rest of a body, and
for somebody who doesn't read an answer; so a few hundred idle sockets would keep everybody out.
"""

import asyncio
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS: Final = 10.0
"""Longest time for a request's head to arrive, and between two requests."""

BODY_SECONDS: Final = 20.0
"""Longest time for the rest of a request to arrive."""

STALL_SECONDS: Final = 60.0
"""Longest time for which nobody takes what is ready to be sent."""

MOST_HEAD: Final = 65_536
"""Bytes of a request's head."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class BoundedConnection(asyncio.Protocol):
    """Uvicorn's own connection, given up when it takes too long or too much."""

    look_seconds = 1.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._inner: Any = AutoHTTPProtocol(*arguments, **named)
        self._loop = asyncio.get_running_loop()
        self._look: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._waits_since = self._loop.time()
        self._seen: tuple[object, bool] = (None, False)
        self._stalled_since: float | None = None
        self._inner.connection_made(transport)
        self._look = self._loop.call_later(self.look_seconds, self._look_again)

    @override
    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)
        if self._is_answering():
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD and not self._transport.is_closing():
            self._transport.write(_TOO_LARGE)
            self._transport.close()

    @override
    def eof_received(self) -> bool | None:
        ended: bool | None = self._inner.eof_received()
        return ended

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        self._inner.connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        self._stalled_since = self._loop.time()
        self._inner.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._stalled_since = None
        self._inner.resume_writing()

    def _is_answering(self) -> bool:
        cycle = self._inner.cycle
        return cycle is not None and not cycle.response_complete

    def _look_again(self) -> None:
        now, answers = self._loop.time(), self._is_answering()
        seen = (self._inner.cycle, answers)
        if seen != self._seen:
            self._seen, self._waits_since = seen, now
        waited = now - self._waits_since
        if answers:
            late = self._inner.cycle.more_body and waited > BODY_SECONDS
        else:
            late = waited > HEAD_SECONDS
        if late or (self._stalled_since is not None and now - self._stalled_since > STALL_SECONDS):
            self._transport.abort()
        else:
            self._look = self._loop.call_later(self.look_seconds, self._look_again)
