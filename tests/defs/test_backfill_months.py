"""Past months as Dagster's partitions: a run a month, which share what their backfill may spend."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from newsapi_dentsu.dagster_private import InstanceRef
from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.hosting.home import dagster_yaml, prepare_home
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw
from support.tables import count

JOB = "backfill_months"
PRICE = 5


@pytest.fixture(autouse=True)
def quickly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait for its turn."""
    monkeypatch.setenv("BACKFILL_REQUESTS_PER_MINUTE", "6000")
    monkeypatch.setenv("NEWSAPI_SANDBOX", "always")
    load_settings.cache_clear()


def run(instance: dg.DagsterInstance, month: str, **tags: str) -> dg.ExecuteInProcessResult:
    return (
        build_definitions()
        .resolve_job_def(JOB)
        .execute_in_process(instance=instance, partition_key=month, tags=tags, raise_on_error=False)
    )


def test_a_partition_is_a_month_that_is_read_once(
    stored: Warehouse, instance: dg.DagsterInstance
) -> None:
    assert run(instance, "2026-02").success
    stored_records = count(stored, raw.TABLE)
    assert stored_records > 28
    again = run(instance, "2026-02")
    assert again.success
    assert count(stored, raw.TABLE) == stored_records
    spent = stored.read(
        lambda session: session.rows("SELECT tokens FROM ops.backfill_months ORDER BY tokens")
    )
    assert spent == [(0,), (28 * PRICE,)]


@pytest.mark.thorough(
    "tests/runs/test_budget.py"
    "::test_months_at_once_stay_within_their_tokens_and_the_next_backfill_ends_them"
)
def test_the_months_of_a_backfill_share_its_tokens(
    stored: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_TOKENS", str(40 * PRICE))
    load_settings.cache_clear()
    together = {"dagster/backfill": "years"}
    assert run(instance, "2026-02", **together).success
    second = run(instance, "2026-03", **together)
    (failure,) = second.get_step_failure_events()
    assert "may spend 200 tokens" in str(failure.step_failure_data.user_failure_data)
    spent = stored.read(lambda session: session.rows("SELECT sum(tokens) FROM ops.backfill_months"))
    assert spent == [(40 * PRICE,)]
    # Whoever launches it again allows as much again.
    assert run(instance, "2026-03", **{"dagster/backfill": "again"}).success


def test_every_month_since_the_index_began_is_a_partition(folder: Path) -> None:
    partitions = build_definitions().resolve_job_def(JOB).partitions_def
    assert partitions is not None
    keys = partitions.get_partition_keys()
    assert keys[:2] == ["2014-01", "2014-02"]
    assert keys[-1] >= "2026-11"


def test_only_so_many_are_started_at_once_and_they_have_their_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_JOBS", "3")
    load_settings.cache_clear()
    (limit,) = yaml.safe_load(dagster_yaml(load_settings()))["concurrency"]["runs"][
        "tag_concurrency_limits"
    ]
    tags = build_definitions().resolve_job_def(JOB).tags
    assert tags[limit["key"]]
    assert limit["limit"] == 3
    assert 3000 < int(tags["dagster/max_runtime"]) < 3600
    home = prepare_home(load_settings())
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.tag_concurrency_limits == [limit]
