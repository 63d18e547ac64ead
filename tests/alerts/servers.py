"""The other sides of the channels, as real servers on loopback that can be told to misbehave."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.http import serve_in_background

USER, PASSWORD = "alerts@example.com", "s3cret/pass+word"


@dataclass
class Reply:
    """What an HTTP server answers; it waits before."""

    status: int = 202
    body: str = '{"status":"success","dedup_key":"x"}'
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0


class WebServer:
    """Keeps every JSON body that it took (2xx) and every one that it refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: list[Reply] = []
        self.default = Reply()
        self.taken: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []

    def answer(self, body: dict[str, Any]) -> Reply:
        reply = self.replies.pop(0) if self.replies else self.default
        self.asked.append(body)
        if reply.status < 300:
            self.taken.append(body)
        return reply


@contextmanager
def web_server() -> Iterator[WebServer]:
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = server.answer(body)
            if reply.wait:
                stop.wait(reply.wait)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            content = reply.body.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server = WebServer(f"http://127.0.0.1:{listening.server_address[1]}")
    serve_in_background(listening)
    try:
        yield server
    finally:
        stop.set()
        listening.shutdown()
        listening.server_close()


class MailServer:
    """Keeps every mail that it took; `refuse` is what it says to a mail instead of taking it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refuse: str | None = None
        self.refused_receivers: set[str] = set()
        self.refused_with = "550 no such mailbox"
        self.after: Callable[[], None] | None = None
        self.received: list[EmailMessage] = []
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused_receivers:
            return self.refused_with
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse is not None:
            return self.refuse
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.received.append(mail)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.after is not None:
            self.after()
        return f"250 2.0.0 queued as {len(self.received)}"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.received]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    key, certificate = folder / "server.key", folder / "server.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _greet(port: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain):
        pass


@contextmanager
def mail_server(
    security: str = "none",
    certificate: tuple[Path, Path] | None = None,
    *,
    login_as: tuple[str, str] = (USER, PASSWORD),
    **chosen: Any,
) -> Iterator[MailServer]:
    """An SMTP server; with TLS it demands a login. `chosen` are options of aiosmtpd."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    server = MailServer(free_port())

    def login(_server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
        right = data == LoginPassword(*(part.encode() for part in login_as))
        return AuthResult(success=right, handled=False)

    options: dict[str, Any] = chosen
    if security != "none":
        options = {"auth_required": True, "authenticator": login, **chosen}
    if security == "starttls":
        options |= {"require_starttls": True, "tls_context": context}
    elif security == "tls":
        options |= {"ssl_context": context, "auth_require_tls": False}
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    if security == "tls":
        # Its own look whether it is up speaks TLS to a certificate that nobody trusts here.
        controller._trigger_server = lambda: _greet(server.port)  # type: ignore[method-assign]
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def speaking_first(
    behave: Callable[[socket.socket, threading.Event], None],
) -> Iterator[int]:
    """A server that lets `behave` talk on each connection, and its port."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    behave(connection, stop)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
