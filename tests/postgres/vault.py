"""A stand-in for Azure Key Vault, with the identity endpoint that a container has."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.http import serve_in_background

HEADER = "the-identity-header"
NAME = "newsapi-postgres-credentials"


@dataclass
class Vault:
    """Holds versions of secrets; refuses what the real one refuses."""

    url: str = ""
    may_set: bool = True
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reads: int = 0

    @property
    def address(self) -> str:
        """Of the password."""
        return f"{self.url}/secrets/{NAME}"

    @property
    def password(self) -> str:
        """The newest version's value."""
        value: str = self.versions[NAME][-1]["value"]
        return value

    def set(self, value: str, expires: float | None = None) -> None:
        """Store a version as an operator does."""
        attributes = {"enabled": True} | ({} if expires is None else {"exp": int(expires)})
        self.versions.setdefault(NAME, []).append({"value": value, "attributes": attributes})

    def environment(self) -> dict[str, str]:
        """What a container finds its identity by."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": HEADER}

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """The status and the JSON."""
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if parts.path == "/msi/token":
            token = {"access_token": "a token", "expires_on": str(int(time.time()) + 3600)}
            return 200, token | {"resource": query["resource"][0], "token_type": "Bearer"}
        if headers.get("Authorization") != "Bearer a token":
            return 401, {"error": {"code": "Unauthorized"}}
        if "api-version" not in query:
            return 400, {"error": {"code": "BadParameter"}}
        name = parts.path.removeprefix("/secrets/")
        if method == "PUT":
            if not self.may_set:
                return 403, {"error": {"code": "Forbidden"}}
            given = json.loads(body)
            if not isinstance(given.get("value"), str) or headers.get_content_type() != (
                "application/json"
            ):
                return 400, {"error": {"code": "BadParameter"}}
            self.versions.setdefault(name, []).append(given)
            return 200, given
        self.reads += 1
        found = self.versions.get(name)
        return (200, found[-1]) if found else (404, {"error": {"code": "SecretNotFound"}})


@contextmanager
def running_vault() -> Iterator[Vault]:
    """A vault on loopback."""
    made = Vault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, answer = made.answer(
                self.command, self.path, self.headers, self.rfile.read(length)
            )
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serve_in_background(server)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
