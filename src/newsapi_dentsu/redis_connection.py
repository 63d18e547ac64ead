"""Connections to Redis, a help and no more: whoever asks it waits a moment, then goes without."""

import asyncio
import base64
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError
from redis.retry import Retry
from typing_extensions import override

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AWAY_SECONDS: Final = 5.0
"""For how long a Redis that didn't answer isn't asked again."""

_SCOPE: Final = "https://redis.azure.com/.default"
_SECONDS: Final = 0.25
_RENEW_BEFORE_SECONDS: Final = 300


class EntraProvider(CredentialProvider):
    """Logs in with Microsoft Entra tokens of this process's identity, renewed before they expire.

    A server ends a connection whose token has expired; the next one then brings a new token.
    """

    def __init__(self, credential: "TokenCredential | None" = None) -> None:
        if credential is None:
            try:
                from azure.identity import DefaultAzureCredential
            except ImportError:
                raise SettingsError(
                    "REDIS_AUTH=entra needs the extra `azure`: install newsapi-dentsu[azure]"
                ) from None
            logging.getLogger("azure").setLevel(logging.ERROR)
            credential = DefaultAzureCredential()
        self._credential = credential
        self._login = "", ""
        self._expires_at = 0.0

    @override
    def get_credentials(self) -> tuple[str, str]:
        """The identity's object id, and a token that holds for another five minutes at least.

        Raises:
            redis.exceptions.ConnectionError: no identity gives a token.
        """
        from azure.core.exceptions import AzureError

        if time.time() > self._expires_at - _RENEW_BEFORE_SECONDS:
            try:
                token = self._credential.get_token(_SCOPE)
                self._login = _object_id(token.token), token.token
            except (AzureError, ValueError, KeyError):
                # Its message may hold more than the log should.
                raise LostError("Microsoft Entra gave no token for Redis") from None
            self._expires_at = token.expires_on
        return self._login

    @override
    async def get_credentials_async(self) -> tuple[str, str]:
        """The same, without keeping others waiting."""
        return await asyncio.to_thread(self.get_credentials)


def _object_id(token: str) -> str:
    """Whom a token names; Redis itself checks that it is genuine."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["oid"])


def connection(url: str, provider: CredentialProvider | None = None) -> "Redis":
    """A client for threads; nothing is opened yet."""
    # At once and once more: the server has ended a connection that was kept.
    retry = Retry(NoBackoff(), 1, supported_errors=(LostError,))
    client: Redis = Redis.from_url(url, **_options(provider), retry=retry)
    return client


def async_connection(url: str, provider: CredentialProvider | None = None) -> "AsyncRedis":
    """A client for one loop; nothing is opened yet."""
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=(LostError,))
    client: AsyncRedis = AsyncRedis.from_url(url, **_options(provider), retry=retry)
    return client


def provider_of(settings: Settings) -> CredentialProvider | None:
    """How to log in where the address doesn't say it.

    Raises:
        SettingsError: what gives tokens isn't installed.
    """
    return EntraProvider() if settings.redis_auth == "entra" else None


def _options(provider: CredentialProvider | None) -> dict[str, Any]:
    known = {} if provider is None else {"credential_provider": provider}
    return {
        "socket_timeout": _SECONDS,
        "socket_connect_timeout": _SECONDS,
        "max_connections": 64,
        **known,
    }


class Absence:
    """Whether Redis is away: told once, and then not asked for a while."""

    def __init__(self, told: str) -> None:
        self._told = told
        self._until = 0.0

    def __bool__(self) -> bool:
        return time.monotonic() < self._until

    def begin(self, logger: logging.Logger, error: RedisError | OSError | TimeoutError) -> None:
        """Note that it didn't answer."""
        self._until = time.monotonic() + AWAY_SECONDS
        # Its message may hold the address, and so a password.
        logger.warning("%s (%s)", self._told, type(error).__name__)
