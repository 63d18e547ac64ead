"""A file of tests is compiled by one of the processes, for which the others wait.

They all collect the same files in the same order. In a fresh clone each would compile each file,
with the assertions that pytest rewrites, which takes as long as all else that collecting does.
"""

from collections.abc import Generator

import pytest
from filelock import FileLock

from .sharing import of_this_run


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Import a file that nobody has compiled yet while no other process does."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    path = collector.path
    if any(path.parent.glob(f"__pycache__/{path.stem}.*-pytest-*.pyc")):
        return (yield)
    name = path.relative_to(collector.config.rootpath).as_posix().replace("/", "+")
    with FileLock(of_this_run() / f"{name}.lock"):
        return (yield)
