"""TLS towards a server that has it: required, verified, refused."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse.engines.base import one

from .conftest import Open
from .server import USER, Server


@pytest.fixture
def certificate(server: Server) -> Iterator[Path]:
    """A certificate of 127.0.0.1 that the server shows, signed by itself."""
    with server.admin() as admin:
        (library,) = admin.execute("SHOW ssl_library").fetchone() or ("",)
    if not library or shutil.which("openssl") is None:
        pytest.skip("this server was built without TLS, or there is no openssl")
    key, crt = server.data / "server.key", server.data / "server.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(crt)),
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    if os.geteuid() == 0:
        for path in (key, crt):
            shutil.chown(path, USER)
    trusted = server.folder / "trusted.crt"
    shutil.copy(crt, trusted)
    with server.admin() as admin:
        admin.execute("ALTER SYSTEM SET ssl = on")
    server.restart("fast")
    yield trusted
    with server.admin() as admin:
        admin.execute("ALTER SYSTEM RESET ssl")
    server.restart("fast")


def encrypted(opened: Open, **options: object) -> bool:
    return bool(
        opened(**options).write(
            lambda session: one(session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        )
    )


def test_a_connection_is_encrypted_and_verified(opened: Open, certificate: Path) -> None:
    assert encrypted(opened, sslmode="require")
    assert encrypted(opened, sslmode="prefer")
    assert encrypted(opened, sslmode="verify-full", sslrootcert=str(certificate))
    assert not encrypted(opened, sslmode="disable")


def test_a_server_that_cannot_be_verified_is_refused(opened: Open, certificate: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no TLS connection.*POSTGRES_SSLROOTCERT"):
        encrypted(opened, sslmode="verify-full", sslrootcert="system")
    with pytest.raises(WarehouseError, match=r"no TLS connection.*POSTGRES_SSLROOTCERT"):
        encrypted(opened, sslmode="verify-full", host="localhost", sslrootcert=str(certificate))
