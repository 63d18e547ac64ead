"""Microsoft Entra tokens as passwords: asked for as Container Apps hands them out, and renewed."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse.tables import positions
from support.commands import run_newsapi

from .conftest import Open
from .identity import HEADER, Identity, identity, next_token
from .server import ROLE, Server

__all__ = ["identity"]


def accept_only(server: Server, token: str) -> None:
    """Make a token the role's password, which the server then really checks."""
    with server.admin() as admin:
        admin.execute(f"ALTER ROLE {ROLE}_entra PASSWORD '{token}'")


@pytest.fixture
def entra(server: Server, db_name: str) -> Iterator[str]:
    """A role that logs in with a token."""
    name = f"{ROLE}_entra"
    with server.admin() as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {ROLE}")
    yield name
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {db_name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {name}")


def test_a_token_of_the_identity_is_the_password(
    server: Server, opened: Open, identity: Identity, entra: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    accept_only(server, next_token(1))
    warehouse = opened(user=entra, password=None, auth="entra")
    warehouse.upgrade()
    with warehouse.run_lock("me", 1):
        warehouse.write(lambda session: positions.set_position(session, "x", 1))

    ((path, query, header),) = identity.requests
    assert path == "/msi/token"
    assert query["resource"] == ["https://ossrdbms-aad.database.windows.net"]
    assert query["api-version"]
    assert header == HEADER
    assert identity.tokens[0] not in caplog.text
    assert HEADER not in caplog.text


def test_the_client_id_chooses_among_identities(
    server: Server,
    opened: Open,
    identity: Identity,
    entra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
    accept_only(server, next_token(1))
    opened(user=entra, password=None, auth="entra").upgrade()
    assert identity.requests[0][1]["client_id"] == ["11111111-2222-3333-4444-555555555555"]


def test_a_token_is_renewed_before_it_expires(
    server: Server, opened: Open, identity: Identity, entra: str
) -> None:
    identity.lifetime = 200
    accept_only(server, next_token(1))
    warehouse = opened(user=entra, password=None, auth="entra")
    warehouse.write(lambda session: session.execute("SELECT 1"))
    given = len(identity.tokens)
    # The next connection comes less than five minutes before the first token's end.
    accept_only(server, next_token(given + 1))
    with warehouse.run_lock("me", 1):
        warehouse.write(lambda session: session.execute("SELECT 1"))
    assert len(identity.tokens) > given


def test_a_token_that_still_lasts_serves_the_next_connection(
    server: Server, opened: Open, identity: Identity, entra: str
) -> None:
    accept_only(server, next_token(1))
    warehouse = opened(user=entra, password=None, auth="entra")
    for _ in range(3):
        with warehouse.run_lock("me", 1):
            warehouse.write(lambda session: session.execute("SELECT 1"))
    assert len(identity.requests) == 1


def test_dagster_logs_in_with_tokens_as_well(
    server: Server, identity: Identity, entra: str, db_name: str, tmp_path: Path
) -> None:
    identity.same = True
    accept_only(server, next_token(1))
    settings = server.settings(db_name) | {"POSTGRES_AUTH": "entra", "POSTGRES_USER": entra}
    del settings["POSTGRES_PASSWORD"]
    environment = settings | {
        "PATH": os.environ["PATH"],
        "IDENTITY_ENDPOINT": identity.url,
        "IDENTITY_HEADER": HEADER,
    }
    (tmp_path / "work").mkdir()
    done = run_newsapi(["run", "--json"], tmp_path / "work", environment, tmp_path)

    assert "NEWSAPI_KEY is not set" in done.err + done.out
    with server.admin(db_name) as admin:
        assert admin.execute("SELECT status FROM dagster.runs").fetchall() == [("FAILURE",)]
    written = (tmp_path / "work/data/dagster/dagster.yaml").read_text()
    assert "azure_wif" in written
    assert "password" not in written
    assert next_token(1) not in done.out + done.err
    assert len(identity.requests) >= 2


def test_without_a_token_it_says_what_to_check(
    opened: Open, identity: Identity, entra: str
) -> None:
    identity.status = 400
    with pytest.raises(WarehouseError, match=r"Entra gave no token.*AZURE_CLIENT_ID") as caught:
        opened(user=entra, password=None, auth="entra").upgrade()
    assert "\n" not in str(caught.value)
