"""A collector on loopback: a real HTTP server that keeps what it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

from .http import serve_in_background


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Collector:
    """What it got, and how it answers."""

    url: str = ""
    status: int = 200
    hang: threading.Event | None = None
    answer: bytes = b""
    received: list[Received] = field(default_factory=list)


@contextmanager
def collector(status: int = 200, *, hang: bool = False, answer: bytes = b"") -> Iterator[Collector]:
    """Collect requests while the test lasts; one that hangs never answers."""
    made = Collector(status=status, hang=threading.Event() if hang else None, answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.received.append(Received(self.path, headers, body))
            if made.hang is not None:
                made.hang.wait(60)
                return
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(made.answer)))
            self.end_headers()
            self.wfile.write(made.answer)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serve_in_background(server)
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        if made.hang is not None:
            made.hang.set()
        server.shutdown()
        server.server_close()
