"""`newsapi db role` for Microsoft Entra: identities log in as themselves, and act as one role."""

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from newsapi_dentsu.warehouse.schema import views
from support.commands import run_newsapi
from support.services import served

from .identity import HEADER, Identity, identity, next_token
from .server import Server, running_server

__all__ = ["identity"]

ADMIN, APPS, JOBS, API = (f"newsapi-test-{kind}-id" for kind in ("admin", "apps", "jobs", "api"))
PEOPLE = "News readers"
OWNER = 'the owner "of" all'
IDS = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in (APPS, JOBS, API, PEOPLE)}

# As on Azure: it is in the database `postgres`, makes a login that belongs to the platform, and
# fails where there is one.
CREATE_PRINCIPAL = """
CREATE FUNCTION public.pgaadauth_create_principal_with_oid(
    name text, object_id text, kind text, is_admin boolean, is_mfa boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('CREATE ROLE %I LOGIN', name);
    EXECUTE format('COMMENT ON ROLE %I IS %L', name, kind || ' ' || object_id);
    RETURN 'Created role for ' || name;
END
$$
"""


class Azure:
    """A database on a flexible server, whose administrator is an identity."""

    def __init__(self, server: Server, identity: Identity, folder: Path) -> None:
        self.server, self.identity, self.folder = server, identity, folder
        self.database = "entra_roles"
        with server.admin() as superuser:
            superuser.execute(CREATE_PRINCIPAL)
            superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(_name(ADMIN)))
            superuser.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(_name(self.database), _name(ADMIN))
            )
            superuser.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(_name(self.database))
            )
        self.accept_tokens(ADMIN)

    def accept_tokens(self, *roles: str) -> None:
        """Make the identity's token the password of these roles, which the server then checks."""
        with self.server.admin() as superuser:
            for role in roles:
                superuser.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        _name(role), sql.Literal(next_token(1))
                    )
                )

    def newsapi(self, *arguments: str, user: str, **more: str) -> tuple[int, str]:
        settings = self.settings(user) | {"POSTGRES_ROLE": OWNER} | more
        work = self.folder / user
        work.mkdir(exist_ok=True)
        done = run_newsapi(list(arguments), work, settings, self.folder)
        assert next_token(1) not in done.out + done.err
        return done.code, done.out + done.err

    def settings(self, user: str) -> dict[str, str]:
        settings = self.server.settings(self.database) | {
            "POSTGRES_AUTH": "entra",
            "POSTGRES_USER": user,
            "PATH": os.environ["PATH"],
            "IDENTITY_ENDPOINT": self.identity.url,
            "IDENTITY_HEADER": HEADER,
        }
        del settings["POSTGRES_PASSWORD"]
        return settings

    def served(self, user: str) -> AbstractContextManager[str]:
        """The address at which `newsapi serve` answers, as the app of production does."""
        options = ("--host", "127.0.0.1", "--without-keys")
        return served(self.folder, self.settings(user), *options)

    def make_roles(self) -> tuple[int, str]:
        return self.newsapi(
            *("db", "role", "--admin-auth", "entra", "--admin-user", ADMIN),
            *(f"--login={name}={IDS[name]}" for name in (APPS, JOBS)),
            *(f"--reader={API}={IDS[API]}", f"--reader={PEOPLE}={IDS[PEOPLE]}:group"),
            user=ADMIN,
        )


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


@pytest.fixture
def azure(identity: Identity, tmp_path: Path) -> Iterator[Azure]:
    identity.same = True
    # Its roles would be known to the databases of other tests.
    with running_server() as server:
        yield Azure(server, identity, tmp_path)


@pytest.mark.thorough("tests/postgres/test_entra.py::test_dagster_logs_in_with_tokens_as_well")
def test_identities_work_as_the_owner_of_the_tables_and_readers_read(azure: Azure) -> None:
    for _ in range(2):
        code, said = azure.make_roles()
        assert code == 0, said
    azure.accept_tokens(APPS, JOBS, API)

    code, said = azure.newsapi("db", "upgrade", user=JOBS)
    assert code == 0, said
    # Each token is about to expire, so a run asks for many, its own and Dagster's.
    azure.identity.lifetime, asked = 200, len(azure.identity.requests)
    code, said = azure.newsapi("run", "--json", user=APPS, NEWSAPI_SANDBOX="always")
    assert code == 0, said
    assert len(azure.identity.requests) - asked > 5
    azure.identity.lifetime = 3600
    code, said = azure.newsapi("db", "check", user=JOBS)
    assert code == 0, said

    with azure.server.admin(azure.database) as superuser:
        owners = superuser.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN "
            "('raw', 'processed', 'final', 'ops', 'dagster')"
        ).fetchall()
        assert owners == [(OWNER,)], "the next version alters them, whoever made them"
        logins = superuser.execute(
            "SELECT rolname, rolcanlogin, shobj_description(oid, 'pg_authid') FROM pg_roles "
            "WHERE rolname = ANY(%s) ORDER BY rolname",
            [[OWNER, views.READER, *IDS]],
        ).fetchall()
    assert {(name, may) for name, may, _ in logins} == {
        *((name, True) for name in IDS),
        *((OWNER, False), (views.READER, False)),
    }
    told = {name: described for name, _, described in logins}
    assert told[APPS] == f"service {IDS[APPS]}"
    assert told[PEOPLE] == f"group {IDS[PEOPLE]}"

    with azure.served(user=API) as url:
        assert requests.get(f"{url}health", timeout=30).json()["status"] == "ok"
        told = requests.get(f"{url}api/v1/articles?limit=1", timeout=30).json()
        assert told["total"] > 0
        assert requests.get(f"{url}search?q=ai", timeout=30).status_code == 200
    with psycopg.connect(
        host="127.0.0.1",
        port=azure.server.port,
        dbname=azure.database,
        user=API,
        password=next_token(1),
        autocommit=True,
    ) as reader:
        for statement in ("SELECT * FROM ops.positions", "CREATE TABLE final.mine (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())


def test_a_principal_is_given_by_name_and_id(tmp_path: Path) -> None:
    asked = ["db", "role", "--admin-user", "x", "--admin-auth", "entra", "--login", "apps"]
    done = run_newsapi(asked, tmp_path, {"PATH": os.environ["PATH"]}, tmp_path)
    assert done.code == 2
    assert "NAME=OBJECT-ID" in done.err
