"""An endpoint may read tones; whatever is wrong with it, the program's own model reads instead."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from newsapi_dentsu.domain.tone import Tone
from newsapi_dentsu.meaning import Passage, tone_model
from newsapi_dentsu.meaning.tone_endpoint import AT_ONCE, EndpointReader
from support.http import serve_in_background

PASSAGES = [
    Passage("Customers love Acme.", 15, 19, "brand"),
    Passage("Critics condemn Acme.", 16, 20, "org"),
]


class Endpoint(ThreadingHTTPServer):
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.model = tone_model().model
        self.tone: Any = [0.25, 0.25, 0.5]
        self.body: bytes | None = None
        self.asked: list[dict[str, Any]] = []
        self.authorized: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/score"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.authorized.append(self.headers["Authorization"])
        tones = [self.server.tone] * len(asked["passages"])
        body = self.server.body
        if body is None:
            body = json.dumps({"model": self.server.model, "tones": tones}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        serve_in_background(server)
        yield server
        server.shutdown()


def test_an_endpoint_with_the_same_model_reads(endpoint: Endpoint) -> None:
    reader = EndpointReader(endpoint.url, SecretStr("secret"), tone_model())

    assert reader.read(PASSAGES * AT_ONCE) == [Tone(0.25, 0.25, 0.5)] * 2 * AT_ONCE
    assert len(endpoint.asked) == 2
    assert endpoint.authorized == ["Bearer secret"] * 2
    assert endpoint.asked[0]["passages"][0] == ["Customers love Acme.", 15, 19, "brand"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"status": 500}, "answered 500"),
        ({"model": "other@1"}, "serves another model"),
        ({"tone": [0.5, 0.5, 0.5]}, "something else than a tone for each"),
        ({"tone": [2, -1, 0]}, "something else than a tone for each"),
        ({"tone": "high"}, "something else than tones"),
        ({"body": b"[" * 100_000}, "something else than tones"),
        ({"body": b'{"model": 1'}, "something else than tones"),
        ({"body": b"x" * 2_000_000}, "gave no answer"),
    ],
)
def test_otherwise_the_programs_model_reads_and_says_so(
    endpoint: Endpoint, wrong: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in wrong.items():
        setattr(endpoint, name, value)
    reader = EndpointReader(endpoint.url, SecretStr("secret"), tone_model())

    with caplog.at_level(logging.WARNING):
        assert reader.read(PASSAGES) == tone_model().read(PASSAGES)
        assert reader.read(PASSAGES) == tone_model().read(PASSAGES)
    assert len(endpoint.asked) == 1
    assert told in caplog.text
    assert "secret" not in caplog.text


def test_an_endpoint_that_is_not_there_costs_little() -> None:
    reader = EndpointReader("http://127.0.0.1:9/score", None, tone_model(), seconds=2)

    assert reader.read(PASSAGES) == tone_model().read(PASSAGES)
