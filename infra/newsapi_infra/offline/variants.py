"""The stacks as they are configured, and what their switches make of them."""

from typing import Any

from newsapi_infra.offline.graph import Graph, build_graph

_GROUPS = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups"
_PROVIDERS = f"{_GROUPS}/newsapi-rg/providers"
PAIR_PRIMARY = {
    "pairDatabaseHost": "newsapi-dr-pg-dnt1.newsapi-dr.postgres.database.azure.com",
    "pairNetworkPrefix": "10.1",
    "pairDatabaseLogins": "newsapi-dr-apps-id=44444444-4444-4444-4444-444444444444 "
    "newsapi-dr-jobs-id=55555555-5555-5555-5555-555555555555",
    "pairDatabaseReaders": "newsapi-dr-news-id=66666666-6666-6666-6666-666666666666",
}
PAIR_STANDBY = {
    "databaseRestoreFrom": "",
    "databaseReplicaOf": f"{_PROVIDERS}/Microsoft.DBforPostgreSQL/flexibleServers/"
    "newsapi-prod-pg-dnt1",
    "pairDatabaseHost": "newsapi-prod-pg-dnt1.newsapi-prod.postgres.database.azure.com",
    "pairNetworkId": f"{_PROVIDERS}/Microsoft.Network/virtualNetworks/newsapi-prod-vnet",
    "pairNetworkPrefix": "10.0",
    "pairStorageId": f"{_PROVIDERS}/Microsoft.Storage/storageAccounts/newsapiprodstdnt1",
    "registryId": f"{_PROVIDERS}/Microsoft.ContainerRegistry/registries/newsapiprodcrdnt1",
}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "dr": ("dr", {}),
    "vpn": (
        "prod",
        {
            "uiAccess": "vpn",
            "vpnGateway": True,
            "smtpHost": "",
            "digestSlackWebhookUrl": "",
            "deletionLocks": False,
        },
    ),
    "passwords": ("prod", {"databaseLogin": "password", "redisSku": "", "newsMinReplicas": 2}),
    "everything": (
        "prod",
        {
            "bastion": True,
            "wafMode": "Prevention",
            "secretsAdminGroupId": "22222222-2222-2222-2222-222222222222",
            "jumpHostSshKey": "ssh-ed25519 AAAA test",
            "runLauncher": "jobs",
            "digestEmailTo": "newsapi-readers@example.com",
            "githubRepository": "example/newsapi-dentsu",
            "databaseServer": "newsapi-prod-pg-dnt1-r1",
            "databaseStorageGb": 256,
            "dnsZone": "example.com",
            "readerGroup": "newsapi-readers",
            "readerGroupId": "33333333-3333-3333-3333-333333333333",
        },
    ),
    "pair-primary": ("prod", dict(PAIR_PRIMARY)),
    "pair-standby": ("dr", dict(PAIR_STANDBY)),
    "learning": (
        "prod",
        {
            "machineLearning": True,
            "dataScientistsGroupId": "77777777-7777-7777-7777-777777777777",
            "sentimentEndpoint": "https://tone.eastus.inference.ml.azure.com/score",
        },
    ),
    "first-stage": ("prod", {"stage": "foundation", "imageDigest": ""}),
}
"""Each with its stack and what differs; between them every switch is in every position."""


def build_variant(name: str) -> Graph:
    """Build the graph of one of them."""
    stack, changes = VARIANTS[name]
    return build_graph(stack, changes)
