"""The HTTP side of the sandbox: a local server that answers as newsapi.ai does."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from newsapi_dentsu.sandbox.account import Account
from newsapi_dentsu.sandbox.articles import Corpus
from newsapi_dentsu.sandbox.corpus import GeneratedCorpus
from newsapi_dentsu.sandbox.faults import Fault, FaultScript
from newsapi_dentsu.sandbox.service import Answer, RequestLog, Service, error_answer

SANDBOX_KEY = "sandbox-key"
SANDBOX_HEADER = "x-newsapi-sandbox"
"""Sent with every answer: what it comes with is invented."""

_MAX_REQUEST_BYTES = 1_000_000
_POLL_SECONDS = 0.02

_log = logging.getLogger(__name__)


class Sandbox:
    """A local newsapi.ai: a context manager, whose thread serves."""

    def __init__(
        self,
        corpus: Corpus | None = None,
        *,
        seed: int = 7,
        articles_per_day: float = 20.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: frozenset[str] = frozenset({SANDBOX_KEY}),
        tokens: int = 2000,
        faults: Sequence[Fault] = (),
    ) -> None:
        if corpus is None:
            corpus = GeneratedCorpus(seed=seed, articles_per_day=articles_per_day)
        self._account = Account(api_keys, tokens)
        self._script = FaultScript(faults)
        self._service = Service(corpus, self._account, self._script, clock)
        self._server = _Server((host, port), self._service)
        self.thread = threading.Thread(
            target=self._server.serve_forever, args=[_POLL_SECONDS], name="sandbox", daemon=True
        )
        """What serves, inside the context."""

    def __enter__(self) -> "Sandbox":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and close every connection at once, those of hung requests included."""
        self._service.stopping.set()
        if self.thread.is_alive():
            self._server.shutdown()
            self.thread.join()
        self._server.server_close()
        self._server.close_connections()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> list[RequestLog]:
        """The requests so far, in the order in which they ended."""
        return self._service.requests

    @property
    def tokens_used(self) -> int:
        """The tokens spent so far."""
        return self._account.used

    @property
    def tokens_left(self) -> int:
        """The tokens still to spend."""
        return self._account.left

    def add_fault(self, fault: Fault) -> None:
        """Add a piece of scripted trouble."""
        self._script.add(fault)

    def clear_faults(self) -> None:
        """Forget all scripted trouble."""
        self._script.clear()


class _Server(ThreadingHTTPServer):
    """The HTTP server; it keeps its connections at hand, to close them when it stops."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        super().__init__(address, _Handler)
        self.service = service
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection and serve it in a thread of its own."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, except for clients that hang up early: some have deadlines."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Close the connections that are still open."""
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            super().shutdown_request(connection)


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests, asks the service, writes the answers."""

    protocol_version = "HTTP/1.1"
    server_version = "newsapi-sandbox"
    sys_version = ""
    # One write per answer, sent at once: otherwise small answers wait for the client's delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer a request whose fields are in the query string."""
        self._respond({})

    def do_POST(self) -> None:
        """Answer a request whose fields are in a JSON body, a query string, or both."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(411, "The request needs a Content-Length.")
            return
        if int(length) > _MAX_REQUEST_BYTES:
            self._refuse(413, f"The body is larger than {_MAX_REQUEST_BYTES} bytes.")
            return
        body = self.rfile.read(int(length))
        try:
            fields = json.loads(body) if body.strip() else {}
        except ValueError:
            fields = None
        if isinstance(fields, dict):
            self._respond(fields)
        else:
            self._send(error_answer(400, "The body must be a JSON object."))

    def end_headers(self) -> None:
        """Mark every answer, so that a client can tell it from the real service's."""
        self.send_header(SANDBOX_HEADER, "1")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        """Log an answer by its path only: the query string can carry the API key."""
        _log.info("%s %s: %s", self.command, urlsplit(getattr(self, "path", "")).path, code)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing else, for the same reason: messages quote the request line."""

    def _respond(self, fields: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        query = {
            name: values if len(values) > 1 else values[0]
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        answer = self.server.service.answer(parts.path, {**query, **fields})
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    def _refuse(self, status: int, message: str) -> None:
        """Answer without reading the body, which makes the connection useless."""
        self.close_connection = True
        self._send(error_answer(status, message))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.cut_at is not None or self.close_connection:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        # A 204 has no body, and bytes after it would be read as the next answer.
        if answer.status != 204:
            self.wfile.write(answer.content[: answer.cut_at])
