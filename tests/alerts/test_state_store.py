"""What was told is remembered on both engines, and while the warehouse can't be opened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.alerts.state_store import COPY, StateStore
from newsapi_dentsu.domain.alerts.incidents import AlertState, Delivery, Incident, Notice
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables.alerts import save_state
from support.databases import Database, DuckDBDatabases, disconnect
from support.processes import event, hold_transaction, process
from support.tables import column

NOW = datetime(2026, 11, 10, 12, 0, 0, 123456, tzinfo=UTC)
INCIDENT = Incident(
    "failed-1", "pipeline_failure", "news_pipeline", "high", NOW, "a run failed \u00fc", NOW
)
NOTICE = Notice(
    "failure/r1",
    "failure",
    "failed-1",
    "high",
    NOW,
    {"error": 'a "b"\n\u00e9', "n": 1},
    ("r0", "r1"),
)
DELIVERY = Delivery("failure/r1", "email", "m1", "delivered", 1, NOW, "250 OK")
STATE = AlertState(
    NOW - timedelta(days=3),
    NOW,
    {INCIDENT.incident_id: INCIDENT},
    {NOTICE.notice_id: NOTICE},
    {("failure/r1", "email"): DELIVERY},
    {"tokens": NOW + timedelta(hours=2)},
)


def load(warehouse: Warehouse, home: Path, now: datetime = NOW) -> AlertState:
    return StateStore(warehouse, home).load(now, lambda _session: None)[0]


def test_the_state_comes_back_as_it_was(warehouse: Warehouse, tmp_path: Path) -> None:
    store = StateStore(warehouse, tmp_path)
    store.load(NOW, lambda _session: None)
    store.save(STATE)

    assert load(warehouse, tmp_path) == STATE
    assert load(warehouse, tmp_path / "another home") == STATE


def test_only_what_changed_is_written_and_the_rest_stays(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store = StateStore(warehouse, tmp_path)
    store.load(NOW, lambda _session: None)
    store.save(STATE)
    closed = replace(INCIDENT, closed_at=NOW)
    changed = replace(STATE, incidents={INCIDENT.incident_id: closed})
    store.save(changed.with_outcomes([NOTICE.notice_id], "told"))

    again = load(warehouse, tmp_path)
    assert again.incidents == {INCIDENT.incident_id: closed}
    assert again.notices[NOTICE.notice_id].outcome == "told"
    assert again.deliveries == STATE.deliveries


def test_what_is_settled_stays_settled_whoever_saves_an_older_view(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    closed = replace(INCIDENT, closed_at=NOW)
    settled = replace(STATE, incidents={INCIDENT.incident_id: closed})
    settled = settled.with_outcomes([NOTICE.notice_id], "told")
    late = STATE.with_deliveries([replace(DELIVERY, status="failed", answer="451", attempts=2)])
    for state in (settled, late):
        with warehouse.transaction() as session:
            save_state(session, state, None)

    assert load(warehouse, tmp_path) == settled


def test_old_settled_notices_stay_in_the_table_but_not_at_hand(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    closed = replace(INCIDENT, closed_at=NOW)
    settled = replace(STATE, incidents={INCIDENT.incident_id: closed})
    with warehouse.transaction() as session:
        save_state(session, settled.with_outcomes([NOTICE.notice_id], "told"), None)
        save_state(session, replace(STATE, scanned_until=NOW + timedelta(days=8)), None)

    later = load(warehouse, tmp_path, NOW + timedelta(days=8))
    assert (later.notices, later.incidents, later.deliveries) == ({}, {}, {})
    assert column(warehouse, "ops.notices", "notice_id") == [NOTICE.notice_id]


def test_a_warehouse_without_tables_is_no_obstacle(
    empty_database: Database, tmp_path: Path
) -> None:
    warehouse = empty_database.open()
    store = StateStore(warehouse, tmp_path)
    store.load(NOW, lambda _session: None)
    store.save(STATE)
    assert store.trouble is not None
    assert load(warehouse, tmp_path) == STATE

    warehouse.upgrade()
    assert load(warehouse, tmp_path) == STATE
    assert column(warehouse, "ops.incidents", "incident_id") == [INCIDENT.incident_id]
    disconnect(warehouse)


def test_what_was_told_while_the_warehouse_was_held_is_in_it_afterwards(
    duckdb_databases: DuckDBDatabases, tmp_path: Path
) -> None:
    database = duckdb_databases.create()
    warehouse = database.open(wait=0.2)
    ready = event()
    with process(hold_transaction, database, ready, 30):
        assert ready.wait(30)
        store = StateStore(warehouse, tmp_path)
        store.load(NOW, lambda _session: None)
        assert "held by another process" in str(store.trouble)
        store.save(STATE)
        assert load(warehouse, tmp_path) == STATE

    assert load(warehouse, tmp_path) == STATE
    assert column(warehouse, "ops.notices", "notice_id") == [NOTICE.notice_id]


def test_a_copy_that_cannot_be_read_is_left_aside(warehouse: Warehouse, tmp_path: Path) -> None:
    store = StateStore(warehouse, tmp_path)
    store.load(NOW, lambda _session: None)
    store.save(STATE)
    (tmp_path / COPY).write_text("{half")

    assert load(warehouse, tmp_path) == STATE


def test_two_looks_never_happen_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsapi_dentsu.alerts.state_store.LOCK_WAIT", 0.2)
    first, second = database.open(), database.open()
    with (
        StateStore(first, tmp_path).lock(),
        pytest.raises(AlertsError, match="somebody else is looking"),
        StateStore(second, tmp_path).lock(),
    ):
        pass
    with StateStore(second, tmp_path).lock():
        pass
    disconnect(first)
    disconnect(second)


def test_with_a_server_there_is_a_copy_only_while_it_is_away(
    warehouse: Warehouse, empty_database: Database, tmp_path: Path
) -> None:
    away = empty_database.open()
    store = StateStore(away, tmp_path, always_copy=False)
    store.load(NOW, lambda _session: None)
    store.save(STATE)
    assert (tmp_path / COPY).exists()

    store = StateStore(warehouse, tmp_path, always_copy=False)
    state, _ = store.load(NOW, lambda _session: None)
    store.save(state)
    assert state == STATE
    assert not (tmp_path / COPY).exists()
    disconnect(away)


def test_a_home_that_cannot_be_written_matters_only_without_the_warehouse(
    warehouse: Warehouse, empty_database: Database, tmp_path: Path
) -> None:
    home = tmp_path / "file"
    home.write_text("")
    store = StateStore(warehouse, home)
    store.load(NOW, lambda _session: None)
    store.save(STATE)
    assert load(warehouse, tmp_path / "another home") == STATE

    away = empty_database.open()
    store = StateStore(away, home)
    store.load(NOW, lambda _session: None)
    with pytest.raises(AlertsError, match="can't be written"):
        store.save(STATE)
    disconnect(away)
