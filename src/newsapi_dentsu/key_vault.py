"""Reading a secret from Azure Key Vault with this process's identity."""

import logging

from newsapi_dentsu.errors import SettingsError

NEWSAPI_KEY_SECRET = "newsapi-api-key"  # noqa: S105

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "7.4"
_PATIENCE_SECONDS = 20


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
    import requests

    logging.getLogger("azure").setLevel(logging.ERROR)
    try:
        token = DefaultAzureCredential().get_token(_SCOPE).token
        answer = requests.get(
            f"{vault}/secrets/{name}",
            params={"api-version": _VERSION},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_PATIENCE_SECONDS,
        )
    except ClientAuthenticationError:
        raise SettingsError(
            "Microsoft Entra gave no token for the vault: check that the container has a managed "
            "identity (AZURE_CLIENT_ID for a user-assigned one)"
        ) from None
    except requests.RequestException as error:
        raise SettingsError(
            f"{vault} can't be reached ({type(error).__name__}): check KEY_VAULT_URL"
        ) from None
    if answer.status_code != 200:
        raise SettingsError(
            f"{vault} doesn't give the secret {name} (status {answer.status_code}): check that it "
            "exists and that the identity may read it"
        )
    value: str = answer.json()["value"]
    if not value.strip():
        raise SettingsError(f"the secret {name} in {vault} is blank: store the key there")
    return value
