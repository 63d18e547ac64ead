"""How a process logs in to PostgreSQL: connection parameters, passwords, Entra tokens."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from newsapi_dentsu import key_vault
from newsapi_dentsu.errors import SettingsError, WarehouseError

ENTRA_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
_RENEW_BEFORE_SECONDS = 300

KEEPALIVES: dict[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""With these a peer that vanished without a word is noticed within a minute, and an idle run lock
outlives what forgets silent connections (Azure's load balancers, after four minutes).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the database is, as whom to log in and within which limits; the password is apart."""

    host: str
    port: int
    database: str
    user: str
    connect_timeout: int
    sslmode: str = "prefer"
    sslrootcert: str | None = None

    @property
    def shown(self) -> str:
        """The address for people."""
        return f"{self.user}@{self.host}:{self.port}/{self.database}"

    def parameters(self) -> dict[str, Any]:
        """What psycopg is called with, without the password."""
        trusted = {"sslrootcert": self.sslrootcert} if self.sslrootcert else {}
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "connect_timeout": self.connect_timeout,
            "sslmode": self.sslmode,
            "application_name": "newsapi",
            **trusted,
            **KEEPALIVES,
        }


class Login(Protocol):
    """Gives the password for the next connection."""

    def password(self) -> str | None:
        """The password, or None where the server asks for none."""
        ...

    def refused(self) -> bool:
        """Take note that the server refused it; tells whether to ask for another and try again."""
        ...


class PasswordLogin(Login):
    """A password that stays."""

    def __init__(self, password: str | None) -> None:
        self._password = password

    def password(self) -> str | None:
        """The password."""
        return self._password

    def refused(self) -> bool:
        """There is no other."""
        return False


class VaultLogin(Login):
    """A password that is changed under way: Azure Key Vault has the one that holds."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._password: str | None = None

    def password(self) -> str:
        """The password that was read last, or the vault's.

        Raises:
            SettingsError: the vault doesn't give it.
        """
        if self._password is None:
            self._password = key_vault.read(self._address).value
        return self._password

    def refused(self) -> bool:
        """It was changed: the vault has the new one."""
        self._password = None
        return True


class EntraLogin(Login):
    """Microsoft Entra tokens of this process's identity, renewed before they expire."""

    def __init__(self) -> None:
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise SettingsError(
                "POSTGRES_AUTH=entra needs the extra `azure`: install newsapi-dentsu[azure]"
            ) from None
        # Why each of a dozen other ways to log in doesn't apply is of no use to anybody.
        logging.getLogger("azure").setLevel(logging.ERROR)
        # AZURE_CLIENT_ID chooses among several user-assigned identities.
        self._credential = DefaultAzureCredential()
        self._token = ""
        self._expires_at = 0.0

    def password(self) -> str:
        """A token that is valid for another five minutes at least.

        Raises:
            WarehouseError: no identity gives a token.
        """
        from azure.core.exceptions import ClientAuthenticationError

        if time.time() > self._expires_at - _RENEW_BEFORE_SECONDS:
            try:
                token = self._credential.get_token(ENTRA_SCOPE)
            except ClientAuthenticationError:
                raise WarehouseError(
                    "Microsoft Entra gave no token for the database: check that the app has a "
                    "managed identity (AZURE_CLIENT_ID for a user-assigned one)"
                ) from None
            self._token, self._expires_at = token.token, token.expires_on
        return self._token

    def refused(self) -> bool:
        """Another token would say the same."""
        return False


def login(
    auth: Literal["password", "entra"], password: str | None, address: str | None = None
) -> Login:
    """The way to log in that the settings name; `address`: of the password in a vault."""
    if auth == "entra":
        return EntraLogin()
    return VaultLogin(address) if address else PasswordLogin(password)
