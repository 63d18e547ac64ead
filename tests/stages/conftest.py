"""Warehouses of these tests stay open from step to step, as in a run.

DuckDB would otherwise close and merge the file after each step, which takes longer than the step.
Where another process takes part, a test opens the database itself.
"""

from collections.abc import Iterator

import pytest

from newsapi_dentsu.warehouse import Warehouse


@pytest.fixture
def warehouse(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A fresh warehouse with empty tables."""
    with warehouse.kept_open():
        yield warehouse


@pytest.fixture
def other_warehouse(other_warehouse: Warehouse) -> Iterator[Warehouse]:
    """A second fresh warehouse, to compare with."""
    with other_warehouse.kept_open():
        yield other_warehouse
