"""Servers that misbehave below the level of whole answers."""

import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import BaseServer

Behaviour = Callable[[socket.socket, threading.Event], None]


def serve_in_background(server: BaseServer) -> None:
    """Let a server answer in a thread of its own, until it is told to shut down."""
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()


@contextmanager
def raw_server(behave: Behaviour, *, reads: bool = True) -> Iterator[str]:
    """Read one request on each connection, if asked to, and leave the rest to `behave`."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if reads:
                _read_request(connection)
            behave(connection, stop)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=serve, args=[connection], daemon=True)
                thread.start()
                threads.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join(5)


def _read_request(connection: socket.socket) -> None:
    # What is left unread would make the system reset the connection when it is closed.
    request = b""
    while b"\r\n\r\n" not in request and (piece := connection.recv(65536)):
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: *([0-9]+)", head)
    missing = int(found[1]) - len(body) if found else 0
    while missing > 0 and (piece := connection.recv(65536)):
        missing -= len(piece)


def answering(text: str | bytes) -> Behaviour:
    """Answer with this text, head and all."""

    def behave(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(text.encode() if isinstance(text, str) else text)

    return behave


def dripping(head: str | bytes, piece: bytes, pause: float) -> Behaviour:
    """Answer with a head and then with a piece of body every `pause` seconds, without end."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(head.encode() if isinstance(head, str) else head)
        while not stop.wait(pause):
            connection.sendall(piece)

    return behave


OK = "HTTP/1.1 200 OK\r\n"
CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n"
GZIP = OK + "Content-Encoding: gzip\r\n\r\n"
_GZIP_BEGUN = GZIP.encode() + gzip.compress(b"", mtime=0)[:10]
_EMPTY_BLOCK = b"\0\0\0\xff\xff"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SLOWLY = 0.05

WITHOUT_END: Mapping[str, Behaviour] = {
    "nothing at all": dripping("", b"", _SLOWLY),
    "a dripped status line": dripping("HTTP/1.1 2", b"0", _SLOWLY),
    "a dripped header": dripping(OK + "X-Much: ", b"x", _SLOWLY),
    "headers, slowly": dripping(OK, b"A: b\r\n", _SLOWLY),
    "headers, as a flood": dripping(OK, b"A: b\r\n" * 1000, 0),
    "one header, as a flood": dripping(OK + "X-Much: ", b"x" * 65536, 0),
    "100 Continue, slowly": dripping("", _CONTINUE, _SLOWLY),
    "100 Continue, as a flood": dripping("", _CONTINUE * 1000, 0),
    "headers of 100 Continue, as a flood": dripping(_CONTINUE[:-2], b"A: b\r\n" * 1000, 0),
    "103 Early Hints, as a flood": dripping("", b"HTTP/1.1 103 Early\r\n\r\n" * 1000, 0),
    "no line at all, as a flood": dripping("", b"x" * 65536, 0),
    "a dripped body": dripping(OK + "Content-Length: 1000000\r\n\r\n", b" ", _SLOWLY),
    "a body of unknown length": dripping(OK + "\r\n", b" ", _SLOWLY),
    "a body, as a flood": dripping(OK + "\r\n", b" " * 65536, 0),
    "less than announced": dripping(OK + "Content-Length: 20\r\n\r\n{}", b"", _SLOWLY),
    "a dripped chunk-size line": dripping(CHUNKED, b"0", _SLOWLY),
    "a chunk-size line, as a flood": dripping(CHUNKED, b"0" * 65536, 0),
    "a dripped chunk extension": dripping(CHUNKED + "2;name=", b"x", _SLOWLY),
    "a dripped chunk": dripping(CHUNKED + "fffff\r\n", b" ", _SLOWLY),
    "a dripped chunk trailer": dripping(CHUNKED + "2\r\n{}\r\n0\r\nX-Much: ", b"x", _SLOWLY),
    "chunk trailers, as a flood": dripping(CHUNKED + "2\r\n{}\r\n0\r\n", b"A: b\r\n" * 1000, 0),
    "gzip of empty blocks": dripping(_GZIP_BEGUN, _EMPTY_BLOCK, _SLOWLY),
    "gzip of empty blocks, as a flood": dripping(_GZIP_BEGUN, _EMPTY_BLOCK * 10_000, 0),
    "gzip of empty files, as a flood": dripping(GZIP, gzip.compress(b"", mtime=0) * 1000, 0),
    "a redirect with a dripping head": dripping("HTTP/1.1 302 Found\r\nLocation: /", b"x", _SLOWLY),
}
"""Answers that never end, each in its own way."""

FLOODS = [name for name in WITHOUT_END if "flood" in name]
"""Those that come as fast as they are read."""
