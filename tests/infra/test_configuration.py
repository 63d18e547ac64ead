"""What a stack's configuration is refused for, and the estimate that is made from it."""

from typing import Any

import pytest

from newsapi_infra.config import ConfigurationError
from newsapi_infra.cost.costs import DESIGN_TOTAL, estimate, price_table
from newsapi_infra.offline.configuration import read_config, stack_settings
from newsapi_infra.offline.cost_table import as_table
from newsapi_infra.offline.graph import build_graph
from newsapi_infra.offline.variants import PAIR_PRIMARY, PAIR_STANDBY, VARIANTS

DEFAULTS = {
    "runLauncher": "daemon",
    "wafMode": "Detection",
    "databaseLogin": "entra",
    "deletionLocks": True,
}
SWITCHES: dict[str, set[object]] = {
    "stage": {"foundation", "apps"},
    "uiAccess": {"gateway", "vpn", "restricted"},
    "wafMode": {"Detection", "Prevention"},
    "runLauncher": {"daemon", "jobs"},
    "vpnGateway": {True, False},
    "bastion": {True, False},
    "databaseStandby": {True, False},
    "databaseGeoBackup": {True, False},
    "registrySku": {"Basic", "Premium"},
    "databaseLogin": {"entra", "password"},
    "databaseReadReplica": {True, False},
    "redisSku": {"Balanced_B1", False},
    "machineLearning": {True, False},
    "threatProtection": {True, False},
    "digestEmailTo": {"newsapi-readers@example.com", False},
    "deletionLocks": {True, False},
}


@pytest.mark.parametrize(
    ("stack", "changes", "named"),
    [
        ("dev", {"companyRanges": []}, "companyRanges"),
        ("dev", {"companyRanges": ["somewhere"]}, "companyRanges"),
        ("dev", {"databaseStandby": True}, "databaseStandby"),
        ("dr", {"databaseStandby": True}, "databaseStandby"),
        ("prod", {"stage": "apps", "imageDigest": ""}, "imageDigest"),
        ("prod", {"stage": "foundation"}, "imageDigest"),
        ("prod", {"stage": ""}, "stage"),
        ("prod", {"hostName": ""}, "hostName"),
        ("prod", {"dnsZone": "elsewhere.example"}, "dnsZone"),
        ("dev", {"dnsZone": "example.com"}, "dnsZone"),
        ("prod", {"newsHostName": ""}, "newsHostName"),
        ("prod", {"newsHostName": "dagster.example.com"}, "newsHostName"),
        ("prod", {"newsHostName": "news.elsewhere.example", "dnsZone": "example.com"}, "dnsZone"),
        ("prod", {"newsMinReplicas": 11}, "newsMinReplicas"),
        ("prod", {"redisSku": "Standard_C1"}, "redisSku"),
        ("prod", {"databaseLogin": "password", "postgresPassword": ""}, "postgresPassword"),
        ("prod", {"databaseLogin": "password", "runLauncher": "jobs"}, "runLauncher"),
        ("prod", {"databaseLogin": "certificate"}, "databaseLogin"),
        ("dev", {"databaseReadReplica": True}, "databaseReadReplica"),
        ("dr", {**PAIR_STANDBY, "databaseReadReplica": True}, "databaseReadReplica"),
        ("prod", {"readerGroup": "analysts"}, "readerGroup"),
        ("dev", {"machineLearning": True}, "machineLearning"),
        ("prod", {"sentimentEndpoint": "http://tone.example.com"}, "sentimentEndpoint"),
        ("prod", {"sentimentEndpoint": "https://a.b", "sentimentEndpointKey": ""}, "EndpointKey"),
        ("prod", {"sentimentEndpoint": "https://a.b", "runLauncher": "jobs"}, "sentimentEndpoint"),
        ("prod", {"databaseStorageGb": 200}, "databaseStorageGb"),
        ("prod", {"imageDigest": "latest"}, "imageDigest"),
        ("prod", {"imageDigest": "newsapi-dagster:1.0"}, "imageDigest"),
        ("prod", {"databaseSku": "Standard_D2ds_v9"}, "databaseSku"),
        ("prod", {"registrySku": "Basic"}, "secondRegion"),
        ("prod", {"uiAccess": "open"}, "uiAccess"),
        ("prod", {"webserverMinReplicas": 5}, "webserverMinReplicas"),
        ("prod", {"bastion": True}, "jumpHostSshKey"),
        ("prod", {"suffix": "Too-Long"}, "suffix"),
        ("prod", {"alertEmailFrom": ""}, "alertEmailFrom"),
        ("prod", {"githubRepository": "https://github.com/example/news"}, "githubRepository"),
        ("prod", {"digestEmailTo": "a@example.com", "smtpHost": ""}, "digestEmailTo"),
        ("dev", {"threatProtection": True}, "threatProtection"),
        ("prod", {"budgetStart": "2026-12-15"}, "budgetStart"),
        ("dr", {"databaseRestoreTime": ""}, "databaseRestoreTime"),
        ("dr", {**PAIR_STANDBY, "databaseRestoreFrom": "/x"}, "databaseReplicaOf"),
        ("dr", {**PAIR_STANDBY, "databaseGeoBackup": True}, "databaseReplicaOf"),
        ("dr", {**PAIR_STANDBY, "databaseSku": "Standard_B2s"}, "databaseSku"),
        ("dr", {**PAIR_STANDBY, "pairDatabaseHost": ""}, "pairDatabaseHost"),
        ("dr", {**PAIR_STANDBY, "secondRegion": "eastus"}, "secondRegion"),
        ("prod", {**PAIR_PRIMARY, "pairNetworkPrefix": "10.0"}, "pairNetworkPrefix"),
        ("prod", {**PAIR_PRIMARY, "pairNetworkPrefix": ""}, "pairNetworkPrefix"),
        ("dr", {**PAIR_STANDBY, "pairNetworkId": "newsapi-prod-vnet"}, "pairNetworkId"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    stack: str, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        build_graph(stack, changes)


def test_the_estimate_says_that_the_design_was_too_low() -> None:
    production = estimate(read_config("prod"))
    assert production.total > 2 * DESIGN_TOTAL
    assert estimate(read_config("dev")).total < DESIGN_TOTAL


def test_every_price_says_how_far_it_can_be_trusted() -> None:
    table = price_table()
    assert table["recorded"]
    for name, price in table["prices"].items():
        assert price["status"] in ("secondary", "unverified"), name
        assert price["usd"] > 0
    text = as_table("prod", estimate(read_config("prod")))
    assert "unverified" in text
    assert table["recorded"] in text


def test_the_budget_holds_the_estimate() -> None:
    for stack in ("dev", "prod", "dr"):
        config = read_config(stack)
        assert estimate(config).total <= config.budget_usd


def test_the_variants_have_every_switch_in_every_position() -> None:
    seen: dict[str, set[object]] = {}
    for stack, changes in VARIANTS.values():
        settings = stack_settings(stack, {"stage": "apps"} | changes)
        for name in SWITCHES:
            value = settings.get(f"newsapi-infra:{name}", "")
            value = DEFAULTS.get(name, False) if value == "" else value
            seen.setdefault(name, set()).add(value)
    assert seen == SWITCHES
