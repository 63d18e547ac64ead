"""Secrets of Azure Key Vault, with this process's identity."""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from newsapi_dentsu.errors import SettingsError

NEWSAPI_KEY_SECRET = "newsapi-api-key"  # noqa: S105

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "7.4"
_PATIENCE_SECONDS = 20
_LONGEST_ANSWER = 1 << 16


@dataclass(frozen=True, slots=True)
class Secret:
    """The newest version of a secret."""

    value: str
    expires: datetime | None


def read_secret(vault: str, name: str) -> str:
    """The newest version's value of a secret.

    Args:
        vault: the vault's base address.
        name: the secret's name.

    Raises:
        SettingsError: as `read` does.
    """
    return read(f"{vault}/secrets/{name}").value


def read(address: str) -> Secret:
    """The newest version of the secret at an address, such as https://VAULT/secrets/NAME.

    Raises:
        SettingsError: there is no identity, the vault refuses it or can't be reached, or the secret
            is blank.
    """
    answer = _asked("GET", address, "check that it exists and that the identity may read it")
    value, attributes = answer.get("value"), answer.get("attributes")
    if not isinstance(value, str):
        raise _no_vault(address)
    if not value.strip():
        vault, name = _parts(address)
        raise SettingsError(f"the secret {name} in {vault} is blank: store the key there")
    seconds = attributes.get("exp") if isinstance(attributes, dict) else None
    try:
        expires = datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, OverflowError, OSError):
        raise _no_vault(address) from None
    return Secret(value, expires)


def store(address: str, value: str, expires: datetime) -> None:
    """Store a new version of the secret at an address.

    Raises:
        SettingsError: as `read` does; whether it was stored is unknown if the vault gave no answer.
    """
    attributes = {"enabled": True, "exp": int(expires.timestamp())}
    body = {"value": value, "contentType": "text/plain", "attributes": attributes}
    may = "check that the identity may set it (Key Vault Secrets Officer)"
    _asked("PUT", address, may, json=body)


def _asked(method: str, address: str, may: str, json: object = None) -> dict[str, Any]:
    """The vault's answer; `may`: what to check where it refuses."""
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise SettingsError(
            "a secret of Azure Key Vault needs the extra `azure`: install newsapi-dentsu[azure]"
        ) from None
    from newsapi_dentsu.deadline import within
    from newsapi_dentsu.http import HttpError, exchange

    logging.getLogger("azure").setLevel(logging.ERROR)
    vault, name = _parts(address)
    try:
        # The library asks one possible place of an identity after the other.
        token = within(_PATIENCE_SECONDS, lambda: DefaultAzureCredential().get_token(_SCOPE).token)
        answer = exchange(
            method,
            f"{address}?api-version={_VERSION}",
            headers={"Authorization": f"Bearer {token}"},
            seconds=_PATIENCE_SECONDS,
            json=json,
            most=_LONGEST_ANSWER,
        )
    except (ClientAuthenticationError, TimeoutError):
        raise SettingsError(
            "Microsoft Entra gave no token for the vault: check that the container has a managed "
            "identity (AZURE_CLIENT_ID for a user-assigned one)"
        ) from None
    except HttpError as error:
        raise SettingsError(f"{vault} can't be reached ({error}): check its address") from None
    if answer.status != 200:
        verb = "give" if method == "GET" else "take"
        raise SettingsError(
            f"{vault} doesn't {verb} the secret {name} (status {answer.status}): {may}"
        )
    return _object(address, answer.body)


def _object(address: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _no_vault(address)
    return found


def _no_vault(address: str) -> SettingsError:
    return SettingsError(f"{_parts(address)[0]} answers unlike a key vault: check its address")


def _parts(address: str) -> tuple[str, str]:
    """The vault and the secret's name."""
    vault, _, name = address.rpartition("/secrets/")
    return vault, name
