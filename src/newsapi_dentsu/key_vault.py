"""Reading a secret from Azure Key Vault with this process's identity."""

import json
import logging

from newsapi_dentsu.errors import SettingsError

NEWSAPI_KEY_SECRET = "newsapi-api-key"  # noqa: S105

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "7.4"
_PATIENCE_SECONDS = 20
_LONGEST_ANSWER = 1 << 16


def read_secret(vault: str, name: str) -> str:
    """The newest version of a secret.

    Args:
        vault: the vault's base address.
        name: the secret's name.

    Raises:
        SettingsError: there is no identity, the vault refuses it or can't be reached, or the secret
            is blank.
    """
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise SettingsError(
            "KEY_VAULT_URL needs the extra `azure`: install newsapi-dentsu[azure]"
        ) from None
    from newsapi_dentsu.deadline import within
    from newsapi_dentsu.http import HttpError, exchange

    logging.getLogger("azure").setLevel(logging.ERROR)
    try:
        # The library asks one possible place of an identity after the other.
        token = within(_PATIENCE_SECONDS, lambda: DefaultAzureCredential().get_token(_SCOPE).token)
        answer = exchange(
            "GET",
            f"{vault}/secrets/{name}?api-version={_VERSION}",
            headers={"Authorization": f"Bearer {token}"},
            seconds=_PATIENCE_SECONDS,
            most=_LONGEST_ANSWER,
        )
    except (ClientAuthenticationError, TimeoutError):
        raise SettingsError(
            "Microsoft Entra gave no token for the vault: check that the container has a managed "
            "identity (AZURE_CLIENT_ID for a user-assigned one)"
        ) from None
    except HttpError as error:
        raise SettingsError(f"{vault} can't be reached ({error}): check KEY_VAULT_URL") from None
    if answer.status != 200:
        raise SettingsError(
            f"{vault} doesn't give the secret {name} (status {answer.status}): check that it "
            "exists and that the identity may read it"
        )
    try:
        value = json.loads(answer.body)["value"]
    except (ValueError, LookupError, TypeError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise SettingsError(f"{vault} answers unlike a key vault: check KEY_VAULT_URL")
    if not value.strip():
        raise SettingsError(f"the secret {name} in {vault} is blank: store the key there")
    return value
