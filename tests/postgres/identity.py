"""The endpoint from which a container gets its identity's tokens, as Container Apps has it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from support.http import serve_in_background

HEADER = "the-identity-header"


@dataclass
class Identity:
    """The endpoint that gives a container its identity's tokens."""

    url: str = ""
    status: int = 200
    lifetime: float = 3600
    same: bool = False
    requests: list[tuple[str, dict[str, list[str]], str | None]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, str]:
        self.tokens.append(next_token(1 if self.same else len(self.tokens) + 1))
        return {
            "access_token": self.tokens[-1],
            "expires_on": str(int(time.time() + self.lifetime)),
            "resource": "https://ossrdbms-aad.database.windows.net",
            "token_type": "Bearer",
        }


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Identity]:
    """The endpoint, and the environment variables by which a container finds it."""
    made = Identity()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.requests.append(
                (parts.path, parse_qs(parts.query), self.headers.get("X-IDENTITY-HEADER"))
            )
            body = json.dumps(made.answer() if made.status == 200 else {"error": "no"}).encode()
            self.send_response(made.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serve_in_background(http)
    made.url = f"http://127.0.0.1:{http.server_address[1]}/msi/token"
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", made.url)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    yield made
    http.shutdown()
    http.server_close()


def next_token(number: int) -> str:
    return f"token-{number}." + "x" * 1500
