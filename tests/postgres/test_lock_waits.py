"""Every wait for a lock ends, and names who has the lock."""

import threading
import time

import pytest

from newsapi_dentsu.errors import WarehouseBusyError
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey

from .conftest import Open
from .server import Server

SOON = 10.0


def test_a_table_that_a_reader_holds_is_waited_for_no_longer_than_is_set(
    server: Server, db_name: str, opened: Open
) -> None:
    warehouse = opened(lock_timeout=0.3)
    warehouse.upgrade()

    def alter(session: Session) -> None:
        # As in an upgrade of the tables.
        warehouse.engine.lift_limits(session)
        session.execute("ALTER TABLE final.filtered_news ADD COLUMN more text")

    with server.engine(db_name).connect() as reader:
        backend = reader.info.backend_pid
        reader.execute("SET application_name = 'somebody''s notebook'")
        with reader.transaction():
            reader.execute("SELECT count(*) FROM final.filtered_news")
            started = time.monotonic()
            with pytest.raises(WarehouseBusyError, match="POSTGRES_LOCK_TIMEOUT") as told:
                warehouse.write(alter)
        assert time.monotonic() - started < SOON
    assert f"somebody's notebook, backend {backend}, idle in transaction" in str(told.value)


def test_another_upgrade_is_waited_for_no_longer_than_is_set(
    opened: Open, db_name: str, server: Server
) -> None:
    first, second = opened(), opened(lock_timeout=0.3)
    with first.engine.upgrade_lock():
        started = time.monotonic()
        with pytest.raises(WarehouseBusyError, match=r"creates or alters the tables \(newsapi, "):
            second.upgrade()
        assert time.monotonic() - started < SOON


def test_an_upgrade_that_ends_in_time_is_waited_for(opened: Open) -> None:
    first, second = opened(), opened(lock_timeout=20)
    with first.engine.upgrade_lock():
        waiting = threading.Thread(target=second.upgrade)
        waiting.start()
        time.sleep(0.3)
        assert waiting.is_alive()
    waiting.join(20)
    assert not second.is_behind()


def test_whoever_tells_operators_is_named(server: Server, db_name: str, opened: Open) -> None:
    warehouse = opened()
    with server.engine(db_name).connect() as other:
        other.execute("SET application_name = 'the other daemon'")
        other.execute("SELECT pg_advisory_lock(%s)", [LockKey.ALERTS.value])
        with (
            pytest.raises(WarehouseBusyError, match="the other daemon"),
            warehouse.engine.alert_lock(0.2),
        ):
            pass


def test_a_session_of_another_role_is_named_as_far_as_it_shows(
    server: Server, db_name: str, opened: Open
) -> None:
    warehouse = opened()
    with server.admin(db_name) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LockKey.RUN.value])
        with (
            pytest.raises(WarehouseBusyError, match=r"role postgres, backend \d+"),
            warehouse.run_lock("run", 0.2),
        ):
            pass
