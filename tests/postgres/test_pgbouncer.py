"""Through a real PgBouncer: session mode works, every other mode is refused before any lock."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from newsapi_dentsu.errors import WarehouseBusyError, WarehouseError
from newsapi_dentsu.health.doctor import diagnose
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey
from support.api import serving
from support.articles import many
from support.clock import NOON
from support.commands import run_newsapi
from support.parts import first_quick
from support.tables import final_urls

from .conftest import Open
from .pgbouncer import PROGRAM, pgbouncer
from .server import PASSWORD, ROLE, Server

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no pgbouncer: the Debian package of that name has it"
)


@pytest.fixture(autouse=True)
def schema_of_dagster(server: Server, db_name: str) -> None:
    """The role has Dagster's schema, as the documentation wants it."""
    with server.admin() as admin:
        admin.execute(f"ALTER ROLE {ROLE} IN DATABASE {db_name} SET search_path = dagster")
        admin.execute(f"ALTER ROLE {ROLE} IN DATABASE {db_name} SET timezone = 'UTC'")


def locks(server: Server, database: str) -> int:
    """How many advisory locks anybody has in a database."""
    with server.admin(database) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize(
    "options",
    first_quick(
        [
            {"pool_mode": "transaction"},
            {"pool_mode": "statement"},
            {"pool_mode": "transaction", "server_round_robin": 1},
            {"pool_mode": "transaction", "server_reset_query_always": 1},
            {"pool_mode": "transaction", "default_pool_size": 1},
        ],
        2,
    ),
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()),
)
@pytest.mark.parametrize("busy", [False, True], ids=["alone", "among others"])
def test_shared_sessions_are_refused_before_any_lock(
    server: Server,
    db_name: str,
    opened: Open,
    options: dict[str, object],
    busy: bool,
) -> None:
    with pgbouncer(server, **options) as port:
        others = [
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user=ROLE,
                password=PASSWORD,
                dbname=db_name,
                autocommit=True,
                prepare_threshold=None,
            )
            for _ in range(3 * busy)
        ]
        for other in others:
            other.execute("SELECT 1")
        warehouse = opened(port=port)
        for use in (
            lambda: warehouse.run_lock("run", 1).__enter__(),
            warehouse.upgrade,
            lambda: warehouse.engine.alert_lock(1).__enter__(),
            server.engine(db_name, port=port).connect,
        ):
            with pytest.raises(WarehouseError, match="pooler that shares sessions") as refused:
                use()
            assert "session mode" in str(refused.value)
            assert not isinstance(refused.value, WarehouseBusyError)
        assert locks(server, db_name) == 0
        for other in others:
            other.close()
    # Nothing is left that the next direct run would wait for.
    direct = opened()
    with direct.run_lock("run", 1):
        direct.upgrade()


@pytest.fixture
def session_mode(server: Server) -> Iterator[int]:
    """A PgBouncer in session mode; its port."""
    with pgbouncer(server) as port:
        yield port


def test_session_mode_works(server: Server, db_name: str, opened: Open, session_mode: int) -> None:
    warehouse = opened(port=session_mode)
    with serving(many(6, at=NOON - timedelta(hours=2))) as api:
        with warehouse.run_lock("the first", 1):
            warehouse.upgrade()
            api.run(warehouse, lookback_days=1)
            with (
                pytest.raises(WarehouseBusyError, match="newsapi: the first"),
                opened(port=session_mode).run_lock("the second", 0.2),
            ):
                pass
            with (
                pytest.raises(WarehouseBusyError, match="newsapi: the first"),
                opened().run_lock("a direct one", 0.2),
            ):
                pass
        for _ in range(8):  # psycopg prepares what it has executed several times
            api.run(opened(port=session_mode), lookback_days=1)
    assert len(final_urls(warehouse)) == 6
    warehouse.close()
    assert locks(server, db_name) == 0


@pytest.mark.parametrize("reset", ["DISCARD ALL", ""], ids=["reset", "not reset"])
def test_a_dead_run_is_in_nobodys_way_and_leaves_nothing(
    server: Server, db_name: str, opened: Open, reset: str
) -> None:
    with pgbouncer(server, server_reset_query=reset, default_pool_size=3) as port:
        first = opened(port=port)
        first.upgrade()
        first.close()
        dead = server.engine(db_name, port=port).connect()
        dead.execute("SELECT pg_advisory_lock(%s)", [LockKey.RUN.value])
        dead.execute("SET application_name = 'newsapi: the dead one'")
        dead.execute("PREPARE _pg3_0 AS SELECT 1")
        dead.close()
        if reset:
            with opened(port=port).run_lock("the next one", 2):
                pass
            return
        # Nobody frees it but whoever gets that session next: the wait ends, and names it.
        started = time.monotonic()
        with (
            pytest.raises(WarehouseBusyError, match="the dead one"),
            opened().run_lock("a direct one", 0.5),
        ):
            pass
        assert time.monotonic() - started < 5
        again = opened(port=port)
        with again.run_lock("the next one", 2), serving([]) as api:
            for _ in range(8):
                api.run(again, lookback_days=1)


@pytest.mark.thorough("tests/postgres/test_pgbouncer.py::test_session_mode_works")
def test_a_whole_run_goes_through_session_mode_dagster_included(
    server: Server, db_name: str, tmp_path: Path
) -> None:
    options = {"ignore_startup_parameters": "options", "default_pool_size": 40}
    with pgbouncer(server, **options) as port:
        environment = server.settings(db_name) | {
            "POSTGRES_PORT": str(port),
            "NEWSAPI_SANDBOX": "always",
            "LOOKBACK_DAYS": "1",
            "DAGSTER_HOME": str(tmp_path / "home"),
            "PATH": os.environ["PATH"],
        }
        done = run_newsapi(["run", "--json"], tmp_path, environment, tmp_path)
        assert done.code == 0, done.err
        with server.admin(db_name) as admin:
            tables = admin.execute(
                "SELECT schemaname FROM pg_tables WHERE tablename IN ('runs', 'event_logs')"
            ).fetchall()
        assert tables == [("dagster",), ("dagster",)]
    assert locks(server, db_name) == 0


def test_a_pooler_that_refuses_what_dagster_sends_is_told_as_the_cause(
    server: Server, db_name: str, tmp_path: Path
) -> None:
    with pgbouncer(server, default_pool_size=40) as port:
        environment = server.settings(db_name) | {
            "POSTGRES_PORT": str(port),
            "NEWSAPI_SANDBOX": "always",
            "DAGSTER_HOME": str(tmp_path / "home"),
            "PATH": os.environ["PATH"],
        }
        done = run_newsapi(["run"], tmp_path, environment, tmp_path)
    assert done.code == 1
    assert "ignore_startup_parameters = options" in done.err
    assert "when the server is back" not in done.err


def test_a_pooler_that_loses_dagsters_schema_is_refused(
    server: Server, db_name: str, opened: Open
) -> None:
    with server.admin() as admin:
        admin.execute(f"ALTER ROLE {ROLE} IN DATABASE {db_name} RESET search_path")
    with (
        pgbouncer(server, ignore_startup_parameters="options") as port,
        pytest.raises(WarehouseError, match=f"ALTER ROLE {ROLE} IN DATABASE {db_name} SET"),
    ):
        opened(port=port).upgrade()


def test_a_pool_of_one_session_is_told_as_too_small(
    server: Server, db_name: str, opened: Open
) -> None:
    with pgbouncer(server, default_pool_size=1) as port:
        warehouse = opened(port=port, wait=1)
        started = time.monotonic()
        with pytest.raises(WarehouseBusyError, match="default_pool_size"):
            warehouse.upgrade()
        assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_client_conn": 1}, "has no connection free.*max_client_conn"),
        ({"default_pool_size": 1, "query_wait_timeout": 1}, "no session free.*default_pool_size"),
    ],
    ids=["clients", "sessions"],
)
def test_a_pooler_without_room_is_told_as_one(
    server: Server, db_name: str, opened: Open, options: dict[str, object], told: str
) -> None:
    with pgbouncer(server, **options) as port:
        warehouse = opened(port=port, wait=3, patience=1)
        started = time.monotonic()
        with pytest.raises(WarehouseBusyError, match=told):
            warehouse.upgrade()
        assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("mode", "state", "told"),
    [
        ("transaction", "problem", "pooler that shares sessions"),
        ("session", "problem", "no tables yet"),
    ],
)
def test_the_doctor_says_so(
    server: Server,
    db_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    state: str,
    told: str,
) -> None:
    with pgbouncer(server, pool_mode=mode) as port:
        for name, value in server.settings(db_name).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("POSTGRES_PORT", str(port))
        monkeypatch.setenv("DATABASE_WAIT_SECONDS", "2")
        monkeypatch.setenv("POSTGRES_RECONNECT_SECONDS", "0")
        monkeypatch.chdir(tmp_path)
        load_settings.cache_clear()
        try:
            found = {one.check: one for one in diagnose(NOON)}
        finally:
            load_settings.cache_clear()
    assert found["database"].state == state
    assert told in found["database"].detail or mode == "session"
