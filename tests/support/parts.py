"""The three parts of the tests: quick, thorough and slow (CONTRIBUTING.md says which is which)."""

from collections.abc import Iterable
from typing import Any

import pytest

ONLY_THOROUGH = pytest.StashKey[list[str]]()
"""The tests of which no form is quick."""


def first_quick(values: Iterable[Any], count: int = 1) -> list[Any]:
    """Parameters of which all but the first few are thorough; tuples are of several arguments."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[pytest.mark.thorough] if number >= count else [],
        )
        for number, value in enumerate(values)
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make tests thorough on DuckDB, but for those whose subject is the engine."""
    thorough, others = set(), set()
    for item in items:
        drawn = getattr(getattr(item, "callspec", None), "params", {})
        if drawn.get("databases") == "duckdb" and not item.get_closest_marker("each_engine"):
            item.add_marker(pytest.mark.thorough)
        if not item.get_closest_marker("slow"):
            found = thorough if item.get_closest_marker("thorough") else others
            found.add(item.nodeid.partition("[")[0])
    config.stash[ONLY_THOROUGH] = sorted(thorough - others)
