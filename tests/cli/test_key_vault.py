"""The API's key from the vault, by the identity of the machine; the vault is a stand-in."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from newsapi_dentsu import key_vault
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.masking import known_secrets
from newsapi_dentsu.settings import load_settings
from support.http import WITHOUT_END, raw_server, serve_in_background


@dataclass
class Vault:
    """Answers as Azure's identity endpoint and as a vault."""

    url: str = ""
    status: int = 200
    key: str = "the key in the vault"
    body: str | None = None
    """What it answers instead of the key."""
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    made = Vault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_token = self.path.startswith("/msi/token")
            body = made.body or json.dumps({"value": made.key})
            if is_token:
                token = {"access_token": "a token", "expires_on": "4102444800", "resource": "r"}
                body = json.dumps(token)
            else:
                made.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200 if is_token else made.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serve_in_background(server)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{made.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    monkeypatch.setenv("KEY_VAULT_URL", made.url)
    monkeypatch.delenv("NEWSAPI_KEY", raising=False)
    load_settings.cache_clear()
    yield made
    load_settings.cache_clear()
    server.shutdown()
    server.server_close()


def test_the_key_is_read_once_and_masked(vault: Vault) -> None:
    settings = load_settings()
    assert load_settings() is settings
    assert settings.newsapi_key is not None
    assert settings.newsapi_key.get_secret_value() == "the key in the vault"
    assert "the key in the vault" in known_secrets(settings)
    assert not settings.uses_sandbox
    assert vault.asked == [("/secrets/newsapi-api-key?api-version=7.4", "Bearer a token")]


def test_a_key_that_is_set_is_used_and_the_vault_not_asked(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSAPI_KEY", "own")
    key = load_settings().newsapi_key
    assert key is not None
    assert key.get_secret_value() == "own"
    assert vault.asked == []


@pytest.mark.parametrize("body", ["{}", "[]", "rubbish", '{"value": 5}', "[" * 50_000])
def test_what_is_no_vault_is_told(vault: Vault, body: str) -> None:
    vault.body = body
    with pytest.raises(SettingsError, match="unlike a key vault: check its address"):
        load_settings()


def test_a_vault_that_never_ends_its_answer_is_left(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_vault, "_PATIENCE_SECONDS", 1)
    with raw_server(WITHOUT_END["a dripped header"]) as url:
        monkeypatch.setenv("KEY_VAULT_URL", url)
        started = time.monotonic()
        with pytest.raises(SettingsError, match="no answer in time"):
            load_settings()
    assert time.monotonic() - started < 3


def test_a_vault_that_refuses_is_named_with_what_to_check(vault: Vault) -> None:
    vault.status = 403
    with pytest.raises(SettingsError, match=r"newsapi-api-key \(status 403\): check"):
        load_settings()


def test_white_space_around_the_key_in_the_vault_is_no_part_of_it(vault: Vault) -> None:
    vault.key = "the key\n"
    key = load_settings().newsapi_key
    assert key is not None
    assert key.get_secret_value() == "the key"


def test_a_blank_secret_in_the_vault_is_named(vault: Vault) -> None:
    vault.key = " \n"
    with pytest.raises(SettingsError, match=r"newsapi-api-key in .* is blank: store the key there"):
        load_settings()
