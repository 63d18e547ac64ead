"""The graphs that the tests look at, each built once."""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from newsapi_infra.offline.graph import Graph

# The pipeline is developed without these dependencies; `make infra-test` has them.
AVAILABLE = find_spec("pulumi_azure_native") is not None
collect_ignore_glob = [] if AVAILABLE else ["test_*.py"]

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "dr": ("dr", {}),
    "vpn": ("prod", {"uiAccess": "vpn", "vpnGateway": True, "smtpHost": ""}),
    "everything": (
        "prod",
        {
            "bastion": True,
            "wafMode": "Prevention",
            "secretsAdminGroupId": "22222222-2222-2222-2222-222222222222",
            "jumpHostSshKey": "ssh-ed25519 AAAA test",
            "runLauncher": "jobs",
            "githubRepository": "example/newsapi-dentsu",
            "databaseServer": "newsapi-prod-pg-dnt1-r1",
            "databaseStorageGb": 256,
        },
    ),
    "first-stage": ("prod", {"stage": "foundation", "imageDigest": ""}),
}
"""The stacks as they are configured, and what switches make of them."""


def pytest_report_header() -> str | None:
    return None if AVAILABLE else "infra: skipped without pulumi (make infra-test runs them)"


@lru_cache
def graph_of(variant: str) -> "Graph":
    from newsapi_infra.offline.graph import build_graph

    return build_graph(*VARIANTS[variant])


@pytest.fixture(scope="session")
def graphs() -> "Callable[[str], Graph]":
    return graph_of


@pytest.fixture(params=list(VARIANTS))
def graph(request: pytest.FixtureRequest) -> "Graph":
    return graph_of(request.param)


@pytest.fixture(params=["dev", "prod", "dr"])
def stack_graph(request: pytest.FixtureRequest) -> "Graph":
    return graph_of(request.param)


@pytest.fixture
def prod() -> "Graph":
    return graph_of("prod")
