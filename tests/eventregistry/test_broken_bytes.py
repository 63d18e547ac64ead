"""Bytes that are no UTF-8 in one record don't cost the other records of its page."""

import socket
import threading

from newsapi_dentsu.eventregistry.client import NewsApi
from support.articles import TOPICS
from support.clock import NOON
from support.http import raw_server

BODY = (
    b'{"articles": {"totalResults": 2, "results": '
    b'[{"uri": "1", "title": "caf\xe9"}, {"uri": "2", "title": "good"}]}}'
)


def answer(connection: socket.socket, _stop: threading.Event) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + BODY)


def test_they_are_kept_as_surrogates() -> None:
    with raw_server(answer) as url:
        page = NewsApi(url, "key", attempts=1, timeout=5).search(TOPICS, NOON.date(), 1)

    assert page.records == [{"uri": "1", "title": "caf\udce9"}, {"uri": "2", "title": "good"}]
