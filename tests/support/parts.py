"""The three parts of the tests: quick, thorough and slow (CONTRIBUTING.md says which is which)."""

from collections.abc import Iterable
from typing import Any

import pytest

HELD_BY = pytest.StashKey[dict[str, str]]()
"""Of each test that has no quick form: the quick test that it names, or nothing."""

QUICK = pytest.StashKey[set[str]]()
"""The tests that have a quick form."""


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
    quick: set[str] = set()
    held_by: dict[str, str] = {}
    for item in items:
        drawn = getattr(getattr(item, "callspec", None), "params", {})
        if drawn.get("databases") == "duckdb" and not item.get_closest_marker("each_engine"):
            item.add_marker(pytest.mark.thorough)
        name = item.nodeid.partition("[")[0]
        if item.get_closest_marker("slow"):
            continue
        named = [arg for marker in item.iter_markers("thorough") for arg in marker.args]
        if item.get_closest_marker("thorough"):
            held_by[name] = next(iter(named), "")
        else:
            quick.add(name)
    config.stash[QUICK] = quick
    config.stash[HELD_BY] = {name: held_by[name] for name in sorted(held_by.keys() - quick)}
