"""Into how many tasks a rebuild on Spark is cut."""

import pytest

from newsapi_dentsu.rebuild.job import RECORDS_PER_TASK, tasks_for


@pytest.mark.parametrize(
    ("records", "cores", "per_core", "tasks"),
    [(0, 1, 1, 1), (300, 2, 2, 4), (100_000, 2, 2, 4), (100_000, 64, 2, 128), (100_001, 2, 2, 5)],
)
def test_each_core_has_its_tasks_and_a_large_archive_has_more(
    records: int, cores: int, per_core: int, tasks: int
) -> None:
    assert tasks_for(records, cores, per_core) == tasks


@pytest.mark.parametrize("records", [1_000_000, 100_000_000])
def test_what_a_task_takes_does_not_grow_with_the_archive(records: int) -> None:
    assert records / tasks_for(records, 2, 2) <= RECORDS_PER_TASK
