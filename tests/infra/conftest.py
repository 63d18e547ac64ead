"""The graphs that the tests look at, each built once."""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from newsapi_infra.offline.graph import Graph

# The pipeline is developed without these dependencies; `make infra-test` has them.
AVAILABLE = find_spec("pulumi_azure_native") is not None
collect_ignore_glob = [] if AVAILABLE else ["test_*.py"]
VARIANT_NAMES: list[str] = []
if AVAILABLE:
    from newsapi_infra.offline.variants import VARIANTS

    VARIANT_NAMES = list(VARIANTS)


def pytest_report_header() -> str | None:
    return None if AVAILABLE else "infra: skipped without pulumi (make infra-test runs them)"


@lru_cache
def graph_of(variant: str) -> "Graph":
    from newsapi_infra.offline.variants import build_variant

    return build_variant(variant)


@pytest.fixture(scope="session")
def graphs() -> "Callable[[str], Graph]":
    return graph_of


@pytest.fixture(params=VARIANT_NAMES)
def graph(request: pytest.FixtureRequest) -> "Graph":
    return graph_of(request.param)


@pytest.fixture(params=["dev", "prod", "dr"])
def stack_graph(request: pytest.FixtureRequest) -> "Graph":
    return graph_of(request.param)


@pytest.fixture
def prod() -> "Graph":
    return graph_of("prod")
