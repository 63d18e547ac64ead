"""The dashboard answers who may ask, and is not held up by anybody."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from threading import Event, Thread, active_count

import pytest

from newsapi_dentsu import serving
from newsapi_dentsu.serving import BoundedHandler, BoundedServer, is_called
from support.http import serve_in_background
from support.services import until


class Page(BoundedHandler):
    """A page that takes until it may go on where it is asked to."""

    hosts = ("localhost", "news.example")
    may_go_on = Event()

    def do_GET(self) -> None:  # noqa: N802
        if self.path == "/slow":
            self.may_go_on.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@pytest.fixture
def port() -> Iterator[int]:
    with BoundedServer(("127.0.0.1", 0), Page) as server:
        serve_in_background(server)
        yield server.server_port
        server.shutdown()


def ask(port: int, *hosts: str, path: str = "/") -> int:
    """The status of an answer to a request with these Host lines."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("GET", path, skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost:8050", "localhost.", "127.0.0.1", "127.0.0.1:80", "[::1]:8050"),
        *("192.168.1.7", "news.example", "NEWS.example:443"),
    ],
)
def test_own_names_and_addresses_are_answered(port: int, host: str) -> None:
    assert ask(port, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8050", "localhost.evil.example", "evillocalhost"),
        *("127.0.0.1.nip", "news.example.evil", "", " ", "localhost@evil.example", "localhost:x"),
        *("[::1", "a b"),
    ],
)
def test_other_names_are_refused(port: int, host: str) -> None:
    assert ask(port, host) == 421


def test_one_host_is_needed(port: int) -> None:
    assert ask(port) == 400
    assert ask(port, "localhost", "evil.example") == 400


def test_any_name_is_taken_where_no_names_are_set() -> None:
    assert BoundedHandler.hosts is None
    assert not is_called("a.example", [])


def test_half_open_requests_are_dropped_and_hold_nobody_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.5)
    threads = active_count()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    dripping = socket.create_connection(("127.0.0.1", port))
    started = time.monotonic()
    with suppress(OSError):
        for _ in range(1000):
            dripping.sendall(b"G")
            time.sleep(0.05)
    assert time.monotonic() - started < 30
    # A thread and a timer for each request that is answered at the same time, and no more.
    assert active_count() - threads <= 2 * serving.MOST_AT_ONCE
    for one in silent:
        one.settimeout(30)
        assert b"200" not in one.recv(1000)
        one.close()
    monkeypatch.undo()
    assert ask(port, "localhost") == 200


def test_more_requests_than_are_answered_at_once_are_told_to_come_again(port: int) -> None:
    got: list[int] = []
    Page.may_go_on.clear()

    def ask_slowly() -> None:
        try:
            got.append(ask(port, "localhost", path="/slow"))
        except ConnectionError:
            # The answer came before the question was read, and went with the connection.
            got.append(503)

    asking = [Thread(target=ask_slowly) for _ in range(30)]
    for one in asking:
        one.start()
    until(lambda: len(got) == 30 - serving.MOST_AT_ONCE, "answers to those who were too many")
    assert set(got) == {503}
    Page.may_go_on.set()
    for one in asking:
        one.join(60)
    assert got.count(200) == serving.MOST_AT_ONCE
    assert ask(port, "localhost") == 200


def test_a_connection_takes_one_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        client.settimeout(30)
        taken = b""
        while block := client.recv(1000):
            taken += block
        assert taken.count(b"200 OK") == 1
