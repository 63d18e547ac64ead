"""A small HTTP server for pages on this machine, bounded in time and number whoever asks.

Python's own gives each connection a thread of its own, for as long as the other side likes.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn

from typing_extensions import override

from newsapi_dentsu.errors import ServingError

MOST_AT_ONCE = 16
"""Requests that are answered at the same time; the next ones are told to come again."""

HEAD_SECONDS = 10.0
"""Longest time for a request to arrive; a half-open one is dropped then."""

ANSWER_SECONDS = 60.0
"""Longest time for an answer to be made and taken."""

_LOOK_SECONDS = 1.0

_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


class BoundedServer(ThreadingHTTPServer):
    """Answers `MOST_AT_ONCE` requests at a time."""

    daemon_threads = True
    # A thread that still answers when the server ends is not waited for.
    block_on_close = False
    # Python's own five make the sixth who comes at once wait a second for its next try.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type["BoundedHandler"]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, handler)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            with suppress(OSError):
                request.settimeout(0)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    @override
    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that break: they are the other side's affair."""


class BoundedHandler(BaseHTTPRequestHandler):
    """Takes one request within `HEAD_SECONDS`, and answers it within `ANSWER_SECONDS`.

    `hosts` are the names by which the server may be called, besides addresses in numbers. A page
    of somebody else's can make a browser come here under a name that they let point here; that
    name is refused. None takes any.
    """

    hosts: Collection[str] | None = None

    @override
    def setup(self) -> None:
        super().setup()
        self._cut = self._cut_after(HEAD_SECONDS)

    @override
    def finish(self) -> None:
        self._cut.cancel()
        super().finish()

    @override
    def parse_request(self) -> bool:
        whole = super().parse_request()
        self._cut.cancel()
        self._cut = self._cut_after(ANSWER_SECONDS)
        if whole and self.hosts is not None:
            named = self.headers.get_all("Host", [])
            if len(named) != 1:
                self.send_error(HTTPStatus.BAD_REQUEST, "One Host is needed")
                return False
            if not is_called(named[0], self.hosts):
                self.send_error(
                    HTTPStatus.MISDIRECTED_REQUEST, "This server is not called by that name"
                )
                return False
        return whole

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing about each request."""

    def _cut_after(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, _cut, [self.connection])
        timer.daemon = True
        timer.start()
        return timer


def stand_by(serving: threading.Thread) -> NoReturn:
    """Wait for Ctrl-C while a thread serves.

    Raises:
        KeyboardInterrupt: it came.
        ServingError: the thread has ended.
    """
    while serving.is_alive():
        time.sleep(_LOOK_SECONDS)
    raise ServingError("the server broke, as told above: start it again")


def is_called(host: str, names: Collection[str]) -> bool:
    """Whether a request's `Host` is an address in numbers or one of these names, with any port."""
    name, colon, port = host.strip().rpartition(":")
    if not colon or not port.isdecimal():
        name = host.strip()
    name = name.lower().removesuffix(".")
    with suppress(ValueError):
        ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
        return True
    return name in {known.lower().removesuffix(".") for known in names}


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
