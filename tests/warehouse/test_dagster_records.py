"""What Dagster's records say of the daemon."""

from datetime import UTC, datetime, timedelta

from newsapi_dentsu.warehouse.queries.dagster_records import DagsterRecords

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def records(**minutes: float) -> DagsterRecords:
    heard = {kind: NOW - timedelta(minutes=age) for kind, age in minutes.items()}
    return DagsterRecords(heard, frozenset(), frozenset(), None)


def test_the_thread_that_is_longest_silent_counts() -> None:
    assert records(SENSOR=1, SCHEDULER=20).silence(NOW) == timedelta(minutes=20)


def test_a_thread_of_an_earlier_version_does_not_count() -> None:
    assert records(SENSOR=1, GONE=60 * 48).silence(NOW) == timedelta(minutes=1)


def test_a_daemon_that_stopped_long_ago_is_silent_since_then() -> None:
    assert records(SENSOR=60 * 50, SCHEDULER=60 * 51).silence(NOW) == timedelta(hours=51)


def test_no_daemon_was_ever_heard() -> None:
    assert records().silence(NOW) is None
