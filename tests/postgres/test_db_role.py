"""`newsapi db role`: an administrator who is no superuser makes the pipeline's role."""

import itertools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tools.generate_docs import ROOT

from newsapi_dentsu.warehouse.schema import views
from support.commands import run_newsapi

from .server import Server

ADMIN, ADMIN_PASSWORD = "newsapi_admin", "admin's secret"
ROLES_PASSWORD = "the role's p%ss"
_numbers = itertools.count(1)


class Place:
    """A new database on the server, as Azure hands one over: an administrator, and no role yet."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.name = f"fresh_{next(_numbers)}"
        self.role = f'Odd-role "{self.name}"'
        with server.admin() as superuser:
            if not superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [ADMIN]).rowcount:
                superuser.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                        sql.Identifier(ADMIN), sql.Literal(ADMIN_PASSWORD)
                    )
                )
            superuser.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(self.name), sql.Identifier(ADMIN)
                )
            )
            superuser.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(self.name))
            )

    def newsapi(
        self, *arguments: str, password: str = ROLES_PASSWORD, **more: str
    ) -> tuple[int, str]:
        settings = {
            **self.server.settings(self.name),
            "POSTGRES_USER": self.role,
            "POSTGRES_PASSWORD": password,
            **more,
        }
        with tempfile.TemporaryDirectory() as scratch:
            done = run_newsapi(list(arguments), self.folder, settings, Path(scratch))
        assert password not in done.out + done.err
        assert ADMIN_PASSWORD not in done.out + done.err
        return done.code, done.out + done.err

    def make_role(self, password: str = ROLES_PASSWORD) -> tuple[int, str]:
        admin = {"POSTGRES_ADMIN_USER": ADMIN, "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD}
        return self.newsapi("db", "role", password=password, **admin)


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


def test_the_role_it_makes_upgrades_and_checks_the_tables(place: Place) -> None:
    assert place.newsapi("db", "upgrade")[0] == 1
    code, said = place.make_role()
    assert code == 0, said
    code, said = place.newsapi("db", "upgrade")
    assert code == 0, said
    assert place.newsapi("db", "check")[0] == 0


def test_done_again_it_changes_the_password_and_open_connections_go_on(place: Place) -> None:
    assert place.make_role()[0] == 0
    assert place.newsapi("db", "upgrade")[0] == 0
    with psycopg.connect(
        host="127.0.0.1",
        port=place.server.port,
        dbname=place.name,
        user=place.role,
        password=ROLES_PASSWORD,
    ) as under_way:
        assert place.make_role("a new one")[0] == 0
        assert under_way.execute("SELECT 1").fetchone() == (1,)
    assert place.newsapi("db", "check")[0] == 1
    code, said = place.newsapi("db", "check", password="a new one")
    assert code == 0, said


def test_the_role_is_no_administrator(place: Place) -> None:
    assert place.make_role()[0] == 0
    with place.server.admin(place.name) as superuser:
        rights = superuser.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s",
            [place.role],
        ).fetchone()
    assert rights == (False, False, False)


def test_a_wrong_administrator_is_told_and_nothing_is_made(place: Place) -> None:
    wrong = {"POSTGRES_ADMIN_USER": ADMIN, "POSTGRES_ADMIN_PASSWORD": "wrong"}
    code, said = place.newsapi("db", "role", **wrong)
    assert code == 1
    assert "Traceback" not in said
    with place.server.admin(place.name) as superuser:
        made = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [place.role])
        assert made.rowcount == 0


READERS_PASSWORD = "the reader's p%ss"


def as_reader(place: Place) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=place.server.port,
        dbname=place.name,
        user=views.READER,
        password=READERS_PASSWORD,
        autocommit=True,
    )


def test_the_reader_reads_the_views_and_nothing_else(place: Place) -> None:
    assert place.make_role()[0] == 0
    assert place.newsapi("db", "upgrade")[0] == 0
    admin = {"POSTGRES_ADMIN_USER": ADMIN, "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD}
    for _ in range(2):
        code, said = place.newsapi("db", "reader", NEWS_READER_PASSWORD=READERS_PASSWORD, **admin)
        assert code == 0, said
        assert READERS_PASSWORD not in said

    with as_reader(place) as reader:
        for view in views.views("PostgreSQL"):
            reader.execute(f"SELECT * FROM {view}".encode())
        for statement in (
            "SELECT * FROM final.filtered_news",
            "SELECT * FROM processed.assessments",
            "SELECT * FROM raw.ai_marketing_news_raw",
            "SELECT * FROM ops.positions",
            "CREATE TABLE final.mine (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())


def test_an_upgrade_that_makes_views_anew_keeps_the_readers_rights(place: Place) -> None:
    assert place.make_role()[0] == 0
    assert place.newsapi("db", "upgrade")[0] == 0
    admin = {"POSTGRES_ADMIN_USER": ADMIN, "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD}
    place.newsapi("db", "reader", NEWS_READER_PASSWORD=READERS_PASSWORD, **admin)
    with place.server.admin(place.name) as superuser:
        superuser.execute("DROP VIEW final.stories")

    assert place.newsapi("db", "upgrade")[0] == 0

    with as_reader(place) as reader:
        reader.execute("SELECT * FROM final.stories")


def test_tools_find_the_views_and_read_them_as_documented(place: Place, tmp_path: Path) -> None:
    assert place.make_role()[0] == 0
    assert place.newsapi("db", "upgrade")[0] == 0
    admin = {"POSTGRES_ADMIN_USER": ADMIN, "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD}
    place.newsapi("db", "reader", NEWS_READER_PASSWORD=READERS_PASSWORD, **admin)

    with as_reader(place) as reader:
        # Where tools look for tables, through JDBC, .NET or ODBC.
        listed = reader.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
        ).fetchall()
    assert {name for (name,) in listed} == {*views.views("PostgreSQL"), *views.SEARCHED}

    (program,) = (
        block
        for block in re.findall(
            r"```python\n(.*?)```", (ROOT / "docs/reading.md").read_text("utf-8"), re.DOTALL
        )
        if "postgresql" in block
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={
            **os.environ,
            **{"PGHOST": "127.0.0.1", "PGPORT": str(place.server.port), "PGDATABASE": place.name},
            **{"PGUSER": views.READER, "PGPASSWORD": READERS_PASSWORD},
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "sources" in done.stdout
    assert "story_id" in done.stdout
