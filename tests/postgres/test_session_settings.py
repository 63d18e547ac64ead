"""What role, database and environment set otherwise is set by the connection."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import sql

from newsapi_dentsu.transfer import files
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres_servers import look, set_epoch
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from support.api import serving
from support.articles import article
from support.clock import NOON
from support.commands import run_newsapi
from support.limits import LIMITS
from support.tables import final_urls

from .conftest import Open
from .server import PASSWORD, ROLE, Server

SETTINGS = [
    ("datestyle", "German, DMY"),
    ("datestyle", "Postgres, DMY"),
    ("datestyle", "SQL, MDY"),
    ("intervalstyle", "iso_8601"),
    ("intervalstyle", "sql_standard"),
    ("timezone", "Asia/Kathmandu"),
    ("timezone", "America/St_Johns"),
    ("search_path", ""),
    ("search_path", "hidden, public"),
    ("client_encoding", "LATIN1"),
    ("client_encoding", "SQL_ASCII"),
    ("standard_conforming_strings", "off"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_isolation", "read uncommitted"),
    ("default_transaction_deferrable", "on"),
    ("statement_timeout", "150ms"),
    ("lock_timeout", "10ms"),
    ("idle_in_transaction_session_timeout", "20ms"),
    ("idle_session_timeout", "60ms"),
    ("exit_on_error", "on"),
    ("transaction_timeout", "150ms"),
    ("extra_float_digits", "-15"),
    ("bytea_output", "escape"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("plan_cache_mode", "force_generic_plan"),
]
EVERY = dict(SETTINGS)


@pytest.fixture(params=["role", "database", "role in database"])
def set_otherwise(request: pytest.FixtureRequest, server: Server, db_name: str) -> Iterator[None]:
    """Everything is set otherwise, for the role, the database or both."""
    where = {
        "role": sql.SQL("ROLE {}").format(sql.Identifier(ROLE)),
        "database": sql.SQL("DATABASE {}").format(sql.Identifier(db_name)),
        "role in database": sql.SQL("ROLE {} IN DATABASE {}").format(
            sql.Identifier(ROLE), sql.Identifier(db_name)
        ),
    }[request.param]
    with server.admin() as admin:
        for name, value in EVERY.items():
            if name == "transaction_timeout" and admin.info.server_version < 170_000:
                continue
            admin.execute(
                sql.SQL("ALTER {} SET {} = {}").format(
                    where, sql.Identifier(name), sql.Literal(value) if value else sql.SQL("''")
                )
            )
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER {} RESET ALL").format(where))


def test_the_pipeline_works_as_ever(
    server: Server, db_name: str, opened: Open, set_otherwise: None, tmp_path: Path
) -> None:
    # In the way of every table without a schema.
    with server.admin(db_name) as admin:
        admin.execute("CREATE SCHEMA hidden")
        admin.execute("CREATE VIEW hidden.pg_tables AS SELECT 1 AS nothing")
        admin.execute("CREATE FUNCTION hidden.length(text) RETURNS int LANGUAGE sql AS 'SELECT 7'")
        admin.execute(f"GRANT USAGE ON SCHEMA hidden TO {ROLE}")
    warehouse = opened(statement_timeout=60, lock_timeout=5)
    warehouse.upgrade()
    at = NOON - timedelta(hours=2)
    articles = [
        article(f"no-{number}", at=at, title=f"Smile \u20ac \\ ' \u4e2d {number}")
        for number in range(6)
    ]
    with serving(articles) as api:
        api.run(warehouse, lookback_days=1)
    assert len(final_urls(warehouse)) == 6
    with warehouse.snapshot() as session:
        rows = session.rows(
            "SELECT publishedAt, date_trunc('second', publishedAt), title, relevance "
            "FROM final.filtered_news ORDER BY publishedAt"
        )
        findings = {audit.name: audit.examine(session, NOON, LIMITS) for audit in AUDITS}
    assert all(row[0].astimezone(UTC) == row[1].astimezone(UTC) for row in rows)
    assert min(row[0] for row in rows).astimezone(UTC) >= at - timedelta(days=1)
    assert all("\\ '" in row[2] for row in rows)
    assert all(finding.passed for finding in findings.values()), findings
    exported = files.export(
        warehouse, tmp_path / "csv", "csv", "128MB", lambda _done, _total: None, now=NOON
    )
    assert exported.equal


def test_a_server_is_told_from_one_of_the_past(
    server: Server, db_name: str, opened: Open, set_otherwise: None
) -> None:
    opened(statement_timeout=60, lock_timeout=5).upgrade()
    (address,) = server.engine(db_name).servers.addresses
    set_epoch(address, PASSWORD, 3)
    state = look(address, PASSWORD)
    assert (state.trouble, state.epoch) == (None, 3)


@pytest.mark.thorough("tests/postgres/test_session_settings.py::test_the_pipeline_works_as_ever")
def test_a_whole_run_works_dagster_included(server: Server, db_name: str, tmp_path: Path) -> None:
    with server.admin(db_name) as admin:
        for name in (
            *("datestyle", "intervalstyle", "timezone", "search_path", "client_encoding"),
            *("standard_conforming_strings", "default_transaction_isolation"),
        ):
            admin.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(db_name), sql.Identifier(name), sql.Literal(EVERY[name])
                )
            )
    environment = server.settings(db_name) | {
        "NEWSAPI_SANDBOX": "always",
        "LOOKBACK_DAYS": "1",
        "DAGSTER_HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"],
    }
    done = run_newsapi(["run", "--json"], tmp_path, environment, tmp_path)
    assert done.code == 0, done.err
    with server.admin(db_name) as admin:
        row = admin.execute(
            "SELECT extract(epoch FROM now() AT TIME ZONE 'UTC' - max(create_timestamp))::integer "
            "FROM dagster.runs"
        ).fetchone()
    assert row is not None
    assert 0 <= row[0] < 300


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_each_setting_is_set_by_the_connection(
    server: Server, db_name: str, opened: Open, name: str, value: str
) -> None:
    with server.admin() as admin:
        if name == "transaction_timeout" and admin.info.server_version < 170_000:
            pytest.skip("PostgreSQL knows it since version 17")
        default = _shown(opened(), name)
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(db_name),
                sql.Identifier(name),
                sql.Literal(value) if value else sql.SQL("''"),
            )
        )
    assert _shown(opened(), name) == default


def _shown(warehouse: Warehouse, name: str) -> str:
    found = warehouse.inspect(lambda session: session.rows("SELECT current_setting($1)", name))
    return str(found[0][0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGOPTIONS", "-c datestyle=German -c search_path=hidden"),
        ("PGDATESTYLE", "SQL, DMY"),
        ("PGTZ", "Asia/Kathmandu"),
        ("PGCLIENTENCODING", "LATIN1"),
    ],
)
def test_the_environment_of_libpq_sets_nothing(
    opened: Open, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    warehouse = opened()
    with warehouse.engine.transaction() as session:
        ((moment, text),) = session.rows(
            "SELECT TIMESTAMPTZ '2026-11-02 03:04:05+00', '\u4e2d \u20ac'"
        )
    assert moment == datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    assert text == "\u4e2d \u20ac"


def test_a_role_that_only_reads_is_not_made_to_write(
    server: Server, db_name: str, opened: Open
) -> None:
    # Azure sets servers so whose storage is nearly full.
    with server.admin() as admin:
        admin.execute(f"ALTER DATABASE {db_name} SET default_transaction_read_only = on")
    with pytest.raises(Exception, match="is read-only"):
        opened().upgrade()
