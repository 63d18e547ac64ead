"""The role that the pipeline logs in as, made by an administrator of the server."""

from collections.abc import Iterable

from pydantic import SecretStr

from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.opening import open_postgres

# Parameters can't stand in a CREATE ROLE; `format` quotes, and the statement itself, which a server
# may log, holds no password.
_PREPARE = """
DO $$
DECLARE
    role text := current_setting('newsapi.role');
    password text := current_setting('newsapi.password');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', role);
    END IF;
    IF password <> '' THEN
        EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', role, password);
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
END
$$
"""


def prepare_role(
    settings: Settings, admin: str, admin_password: SecretStr, statements: Iterable[str]
) -> None:
    """Make the role that the settings name, set its password and run `statements`, or none of it.

    Doing it again changes nothing but the password. The administrator needs CREATEROLE and the
    right to create schemas in the database, but no superuser.

    Args:
        settings: the role is `postgres_user`; without a `postgres_password` it gets none.
        admin: the administrator's role.
        admin_password: the administrator's password.
        statements: what the role needs granted.

    Raises:
        WarehouseError: the server isn't reached, or refuses.
    """
    password = settings.postgres_password
    engine = open_postgres(
        settings.model_copy(
            update={
                "postgres_user": admin,
                "postgres_password": admin_password,
                "postgres_auth": "password",
            }
        )
    )
    try:
        with engine.transaction() as session:
            session.execute(
                "SELECT set_config('newsapi.role', $1, true), "
                "set_config('newsapi.password', $2, true)",
                settings.postgres_user,
                password.get_secret_value() if password else "",
            )
            session.execute(_PREPARE)
            for statement in statements:
                session.execute(statement)
    finally:
        engine.close()
