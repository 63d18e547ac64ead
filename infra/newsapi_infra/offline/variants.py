"""The stacks as they are configured, and what their switches make of them."""

from typing import Any

from newsapi_infra.offline.graph import Graph, build_graph

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
"""Each with its stack and what differs; between them every switch is in every position."""


def build_variant(name: str) -> Graph:
    """Build the graph of one of them."""
    stack, changes = VARIANTS[name]
    return build_graph(stack, changes)
