"""What the server refuses is told in one line that says what to do, without secrets."""

import os
import socket
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseBusyError, WarehouseError
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import final, positions
from support.api import serving
from support.articles import article, body
from support.clock import NOON
from support.processing import broken_promises
from support.tables import count

from .conftest import Open
from .server import PASSWORD, Server


def nothing(session: Session) -> None:
    session.execute("SELECT 1")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"password": "not-the-password"}, "refused the login: check POSTGRES_USER"),
        ({"password": None}, "refused the login"),
        ({"user": "nobody"}, "refused the login"),
        ({"port": 1}, r"doesn't answer \(Connection refused\)"),
        ({"host": "no-such-host.invalid"}, "has no address: check POSTGRES_HOST"),
        ({"sslmode": "require"}, "no TLS connection.*check POSTGRES_SSLMODE"),
        ({"sslmode": "verify-full"}, "no TLS connection.*check POSTGRES_SSLMODE"),
    ],
)
def test_a_login_that_fails_is_worded(
    opened: Open, options: dict[str, object], expected: str
) -> None:
    started = time.monotonic()
    with pytest.raises(WarehouseError, match=expected) as caught:
        opened(**options).write(nothing)
    assert time.monotonic() - started < 10
    assert "\n" not in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in told
    assert "not-the-password" not in told


def test_an_unknown_database_is_named(server: Server) -> None:
    with pytest.raises(WarehouseError, match=r"there is no database nowhere.*POSTGRES_DB"):
        server.open("nowhere").write(nothing)


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "WIN1252"])
def test_a_database_that_cannot_hold_all_languages_is_refused_empty(
    server: Server, encoding: str
) -> None:
    name = f"narrow_{encoding.lower()}"
    server.create_database(name, encoding=encoding)
    with (
        closing(server.open(name)) as warehouse,
        pytest.raises(WarehouseError, match=f"in {encoding}.*ENCODING 'UTF8'"),
    ):
        warehouse.upgrade()
    with server.admin(name) as admin:
        assert admin.execute("SELECT to_regclass('ops.positions')").fetchone() == (None,)


def test_a_database_without_an_encoding_holds_them_as_they_are(server: Server) -> None:
    server.create_database("bytes_only", encoding="SQL_ASCII")
    titles = {f"Straße \u20ac 中文 {number}" for number in range(3)}
    articles = [
        article(f"no-{title[-1]}", at=NOON - timedelta(hours=2), title=title) for title in titles
    ]
    with closing(server.open("bytes_only")) as warehouse, serving(articles) as api:
        warehouse.upgrade()
        api.run(warehouse, lookback_days=1)
        with warehouse.snapshot() as session:
            rows = session.rows("SELECT title FROM final.filtered_news")
    assert {title for (title,) in rows} == titles


def test_a_server_that_never_answers_is_left_after_the_wait(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        warehouse = opened(port=silent.getsockname()[1], wait=2)
        started = time.monotonic()
        with pytest.raises(WarehouseAwayError, match="doesn't answer"):
            warehouse.write(nothing)
        assert time.monotonic() - started < 12


def test_a_slow_statement_is_stopped_and_may_be_tried_later(opened: Open) -> None:
    warehouse = opened(statement_timeout=0.2)
    warehouse.upgrade()

    def slow(session: Session) -> None:
        positions.set_position(session, "slow", 1)
        session.execute("SELECT pg_sleep(5)")

    with pytest.raises(WarehouseBusyError, match="POSTGRES_STATEMENT_TIMEOUT_SECONDS") as caught:
        warehouse.write(slow)
    assert caught.value.transient
    with warehouse.snapshot() as session:
        assert positions.position(session, "slow") == 0


def test_an_upgrade_is_not_stopped_by_the_limit_for_statements(opened: Open) -> None:
    warehouse = opened(statement_timeout=0.001)
    with pytest.raises(WarehouseBusyError):
        warehouse.write(lambda session: session.execute("SELECT pg_sleep(1)"))
    with warehouse.transaction() as session:
        warehouse.engine.lift_limits(session)
        session.execute("SELECT pg_sleep(0.1)")


def test_a_lock_that_somebody_else_holds_is_waited_for_only_so_long(opened: Open) -> None:
    warehouse, other = opened(lock_timeout=0.2), opened()
    warehouse.upgrade()
    with other.transaction() as session:
        session.execute("LOCK TABLE ops.positions")
        with pytest.raises(WarehouseBusyError, match="POSTGRES_LOCK_TIMEOUT_SECONDS"):
            warehouse.write(lambda session: positions.set_position(session, "x", 1))


def test_a_read_only_server_is_told_from_a_broken_one(
    server: Server, db_name: str, opened: Open
) -> None:
    opened().upgrade()
    with server.admin() as admin:
        admin.execute(f"ALTER DATABASE {db_name} SET default_transaction_read_only = on")
    warehouse = opened()
    with pytest.raises(WarehouseError, match=r"is read-only.*95 %"):
        warehouse.write(lambda session: positions.set_position(session, "x", 1))
    with warehouse.snapshot() as session:
        assert positions.position(session, "x") == 0


@contextmanager
def connections_limited(server: Server, limit: int) -> Iterator[None]:
    server.options = f"-c max_connections={limit} -c max_wal_senders=0"
    server.restart("fast")
    try:
        yield
    finally:
        server.options = ""
        server.restart("fast")


def test_without_a_free_connection_it_waits_a_little_and_says_so(
    server: Server, db_name: str, opened: Open
) -> None:
    opened().upgrade()
    with connections_limited(server, 8), ExitStack() as held:
        taken: list[psycopg.Connection] = []
        for _ in range(9):
            with suppress(WarehouseBusyError):
                taken.append(held.enter_context(server.engine(db_name, wait=0).connect()))
        started = time.monotonic()
        with pytest.raises(WarehouseBusyError, match=r"no connection free.*max_connections"):
            opened(wait=1).write(nothing)
        assert 0.5 < time.monotonic() - started < 8
        threading.Timer(1, taken[0].close).start()
        opened(wait=10).write(nothing)


@pytest.fixture
def small_disk(server: Server) -> Iterator[Path]:
    """A file system of 24 MB for tables."""
    folder = Path(tempfile.mkdtemp("-small-disk"))
    folder.parent.chmod(folder.parent.stat().st_mode | 0o011)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("a file system of its own can't be mounted here: needs root and mount")
    folder.chmod(0o777)
    (folder / "tables").mkdir()
    (folder / "tables").chmod(0o777)
    if os.geteuid() == 0:
        import pwd

        os.chown(folder / "tables", pwd.getpwnam("pgserver").pw_uid, 0)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.thorough(
    "tests/warehouse/test_duckdb_trouble.py::test_a_full_disk_is_named_and_the_next_run_completes"
)
def test_a_full_disk_fails_a_run_and_after_more_room_it_completes(
    server: Server, small_disk: Path
) -> None:
    with server.admin() as admin:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{small_disk / 'tables'}'")
        admin.execute("GRANT CREATE ON TABLESPACE small TO dagster_user")
    server.create_database("on_small_disk", tablespace="small")
    warehouse = server.open("on_small_disk")
    warehouse.upgrade()
    articles = [
        article(
            f"{number:05}",
            at=NOON - timedelta(minutes=59) + timedelta(seconds=number),
            body=" ".join(body(f"{number} {part}") for part in range(45)),
        )
        for number in range(900)
    ]
    with serving(articles, tokens=100_000) as api:
        with (
            pytest.raises(WarehouseError, match=r"disk is full.*storage larger") as caught,
            warehouse.run_lock("run 1", 1),
        ):
            api.run(warehouse, lookback_days=1)
        assert not caught.value.transient
        assert broken_promises(warehouse) == set()
        remount = ["mount", "-o", "remount,size=200m", str(small_disk)]
        subprocess.run(remount, check=True)
        with warehouse.run_lock("run 2", 1):
            api.run(warehouse, lookback_days=1)
    assert broken_promises(warehouse) == set()
    assert count(warehouse, final.TABLE) == 900
    warehouse.close()
    with server.admin() as admin:
        admin.execute("DROP DATABASE on_small_disk WITH (FORCE)")
        admin.execute("DROP TABLESPACE small")


def test_connections_are_kept_and_closed(server: Server, db_name: str, opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()

    def sessions() -> list[int]:
        with server.admin() as admin:
            found = admin.execute(
                # The server's own, as one that vacuums, come when they like.
                "SELECT pid FROM pg_stat_activity WHERE datname = %s "
                "AND backend_type = 'client backend' ORDER BY pid",
                [db_name],
            )
            return [pid for (pid,) in found]

    for _ in range(20):
        with warehouse.snapshot() as session:
            positions.position(session, "x")
    assert len(sessions()) == 1
    before = sessions()
    warehouse.write(nothing)
    assert sessions() == before
    warehouse.close()
    deadline = time.monotonic() + 5
    while sessions() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sessions() == []


def test_more_connections_than_the_pool_has_are_refused_in_words(opened: Open) -> None:
    warehouse = opened(pool_size=1, wait=0.5)
    with (
        warehouse.transaction(),
        pytest.raises(WarehouseBusyError, match="POSTGRES_POOL_SIZE"),
        warehouse.transaction(),
    ):
        pass
