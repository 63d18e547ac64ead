"""Azurite in the place of Azure Blob Storage, reached as production's is: HTTPS and tokens.

The programs under test log in as they do on Container Apps, whose managed identity answers over
HTTP at IDENTITY_ENDPOINT; here that is a server of this module, with tokens that Azurite takes.
"""

import base64
import ipaddress
import json
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import filelock
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / "build" / "azurite"
ACCOUNT = "devstoreaccount1"

_COMMAND = Path("node_modules", ".bin", "azurite-blob")
_INSTALL_SECONDS = 600
_START_SECONDS = 60


class MissingError(Exception):
    """Azurite can't be installed here; the message says why."""


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite: its address, and the environment of programs that may use it."""

    url: str
    environment: dict[str, str]
    certificate: Path

    def container(self, name: str) -> str:
        """Make a container, by Azure's own library, and give its address."""
        from azure.core.credentials import AccessToken
        from azure.storage.blob import ContainerClient

        class Credential:
            def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
                return AccessToken(_token(), int(time.time()) + 3600)

        location = f"{self.url}/{name}"
        with ContainerClient.from_container_url(
            location, credential=Credential(), connection_verify=str(self.certificate)
        ) as client:
            client.create_container()
        return location


def install() -> Path:
    """The command of Azurite, installed by npm where it isn't yet, by one process at a time.

    Raises:
        MissingError: there is no npm, or it can't get the package.
    """
    command = INSTALLED / _COMMAND
    npm = shutil.which("npm")
    if command.exists():
        return command
    if npm is None:
        raise MissingError("npm is not installed: Azurite is one of its packages")
    INSTALLED.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(INSTALLED.with_suffix(".lock"), timeout=2 * _INSTALL_SECONDS):
        if not command.exists():
            _install(npm)
    return command


def _install(npm: str) -> None:
    # It gets its name when it is whole: npm puts the command there before what the command needs.
    part = INSTALLED.with_suffix(".part")
    for left in (part, INSTALLED):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir()
    shutil.copy(Path(__file__).with_name("package.json"), part)
    done = subprocess.run(
        [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=part,
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode or not (part / _COMMAND).exists():
        raise MissingError(f"npm can't install Azurite: {done.stderr.strip()[-300:]}")
    part.rename(INSTALLED)


@contextmanager
def running(folder: Path) -> Iterator[Azurite]:
    """Azurite with an empty account, as long as the block lasts.

    Raises:
        MissingError: it can't be installed or doesn't start.
    """
    command = install()
    certificate, key = _certificate(folder)
    port = _free_port()
    with (folder / "azurite.log").open("w") as log, _identity_server() as identity:
        process = subprocess.Popen(
            [
                *(command, "--blobPort", str(port), "--location", folder / "blobs"),
                *("--cert", certificate, "--key", key, "--oauth", "basic"),
                *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _wait(process, port)
            yield Azurite(
                f"https://127.0.0.1:{port}/{ACCOUNT}",
                # Azure's library reads the first, delta-rs the second.
                {
                    **identity,
                    "REQUESTS_CA_BUNDLE": str(certificate),
                    "SSL_CERT_FILE": str(certificate),
                },
                certificate,
            )
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def _identity_server() -> Iterator[dict[str, str]]:
    """Container Apps' endpoint for tokens of an identity; gives the variables that name it."""
    header = secrets.token_hex(16)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("X-IDENTITY-HEADER") == header
            expires = int(time.time()) + 3600
            answer = {
                "access_token": _token(),
                "expires_on": str(expires),
                "resource": "https://storage.azure.com",
                "token_type": "Bearer",
            }
            body = json.dumps(answer).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) if allowed else 0))
            self.end_headers()
            if allowed:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_address[1]
        yield {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/msi/token",
            "IDENTITY_HEADER": header,
        }
    finally:
        server.shutdown()
        server.server_close()


def _token() -> str:
    """A token whose claims are right; Azurite doesn't look at the signature."""
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3600,
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    parts.append(secrets.token_bytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "azurite.pem", folder / "azurite.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise MissingError("Azurite did not start: see azurite.log")
