"""The role that the pipeline works as, and who may act as it, made by an administrator."""

import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import SecretStr

from newsapi_dentsu import key_vault
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey
from newsapi_dentsu.warehouse.engines.opening import open_postgres
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from newsapi_dentsu.warehouse.engines.quoting import quoted_name

_PASSWORD_BYTES = 32

# Parameters can't stand in a CREATE ROLE; `format` quotes, and the statement itself, which a server
# may log, holds no password.
_PREPARE = """
DO $$
DECLARE
    role text := current_setting('newsapi.role');
    password text := current_setting('newsapi.password');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I %s', role, current_setting('newsapi.login'));
    END IF;
    IF password <> '' THEN
        EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', role, password);
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
END
$$
"""


_PRINCIPALS_DATABASE = "postgres"
"""Where Azure has the functions that make its roles."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who makes roles on the server."""

    user: str
    password: SecretStr | None
    """None: they log in with Microsoft Entra tokens of this process's identity."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity, a group or a person of Microsoft Entra that may log in."""

    name: str
    """Its name in Entra, which becomes the role's."""
    object_id: str
    kind: Literal["service", "group", "user"]


def let_in(
    settings: Settings, admin: Administrator, role: str, principals: Iterable[Principal]
) -> None:
    """Let those of Microsoft Entra log in, each under its own name, as members of a role.

    Doing it again changes nothing. On Azure's flexible server, with an administrator of Entra's.

    Args:
        settings: the server and the database.
        admin: the administrator.
        role: what they become members of.
        principals: who.

    Raises:
        WarehouseError: the server isn't reached, or refuses.
    """
    directory = settings.model_copy(update={"postgres_db": _PRINCIPALS_DATABASE})
    principals = list(principals)
    with (
        closing(_administration(directory, admin)) as engine,
        engine.transaction() as session,
    ):
        session.execute("SET LOCAL search_path = pg_catalog, public")
        for one in principals:
            if not session.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", one.name):
                session.execute(
                    "SELECT pgaadauth_create_principal_with_oid($1, $2, $3, false, false)",
                    *(one.name, one.object_id, one.kind),
                )
    with (
        closing(_administration(settings, admin)) as engine,
        engine.transaction() as session,
    ):
        for one in principals:
            session.execute(f"GRANT {quoted_name(role)} TO {quoted_name(one.name)}")


def prepare_role(
    settings: Settings, admin: Administrator, statements: Iterable[str], *, logs_in: bool = True
) -> None:
    """Make the role that the settings name, set its password and run `statements`, or none of it.

    Doing it again changes nothing but the password. The administrator needs CREATEROLE and the
    right to create schemas in the database, but no superuser.

    Args:
        settings: the role is `owner_role`; without a `postgres_password` it gets none.
        admin: the administrator.
        statements: what the role needs granted.
        logs_in: whether it is a login itself, where it is new.

    Raises:
        WarehouseError: the server isn't reached, or refuses.
    """
    password = settings.postgres_password
    value = password.get_secret_value() if password else ""
    if settings.postgres_password_url:
        value = key_vault.read(settings.postgres_password_url).value
    with (
        closing(_administration(settings, admin)) as engine,
        engine.transaction() as session,
    ):
        _prepare(session, settings.owner_role, value, logs_in=logs_in)
        for statement in statements:
            session.execute(statement)


def rotate_password(
    settings: Settings,
    address: str,
    admin: Administrator,
    *,
    now: datetime,
    within: timedelta,
    valid: timedelta,
) -> str:
    """Give the role a new password where the vault's is about to expire; returns what was done.

    The vault has the new one first, then the server: whoever is refused in between, or later with
    the old one, asks the vault again. Ended between the two, it is finished by the next call,
    which also mends a server that has another password than the vault.

    Args:
        settings: the role is `postgres_user`.
        address: of its password in the vault.
        admin: the administrator.
        now: the time.
        within: how long before the password expires it is changed.
        valid: how long the new one is to hold.

    Raises:
        SettingsError: the vault doesn't give the password, or takes no new one.
        WarehouseError: the server isn't reached, or refuses.
    """
    with (
        closing(_administration(settings, admin)) as engine,
        engine.transaction() as session,
    ):
        session.execute("SELECT pg_advisory_xact_lock($1)", LockKey.ROTATION.value)
        secret = key_vault.read(address)
        if not _logs_in(settings, secret.value):
            _prepare(session, settings.postgres_user, secret.value)
            return (
                f"{settings.postgres_user} had another password than the vault: it has the vault's"
            )
        if secret.expires is not None and secret.expires > now + within:
            return f"nothing to do: the password holds until {secret.expires:%Y-%m-%d}"
        value = secrets.token_urlsafe(_PASSWORD_BYTES)
        key_vault.store(address, value, now + valid)
        _prepare(session, settings.postgres_user, value)
    return f"{settings.postgres_user} has a new password, which holds until {now + valid:%Y-%m-%d}"


def _prepare(session: Session, role: str, password: str, *, logs_in: bool = True) -> None:
    session.execute(
        "SELECT set_config('newsapi.role', $1, true), set_config('newsapi.password', $2, true), "
        "set_config('newsapi.login', $3, true)",
        *(role, password, "LOGIN" if logs_in else "NOLOGIN"),
    )
    session.execute(_PREPARE)


def _logs_in(settings: Settings, password: str) -> bool:
    own = {"postgres_password": SecretStr(password), "postgres_password_url": None}
    with closing(open_postgres(settings.model_copy(update=own))) as engine:
        try:
            engine.connect().close()
        except WarehouseError:
            return False
    return True


def _administration(settings: Settings, admin: Administrator) -> PostgresEngine:
    """The server, as its administrator."""
    return open_postgres(
        settings.model_copy(
            update={
                "postgres_user": admin.user,
                "postgres_role": None,
                "postgres_password": admin.password,
                "postgres_password_url": None,
                "postgres_auth": "entra" if admin.password is None else "password",
            }
        )
    )
