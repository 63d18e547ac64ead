"""Servers that misbehave below the level of whole answers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket, threading.Event], None]


@contextmanager
def raw_server(behave: Behaviour) -> Iterator[str]:
    """Read one request on each connection and leave the rest to `behave`."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
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


def answering(text: str) -> Behaviour:
    """Answer with this text, head and all."""

    def behave(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(text.encode())

    return behave


def dripping(head: str, piece: bytes, pause: float) -> Behaviour:
    """Answer with a head and then with a piece of body every `pause` seconds, without end."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(head.encode())
        while not stop.wait(pause):
            connection.sendall(piece)

    return behave
