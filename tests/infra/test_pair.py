"""Two stacks as a pair: production, and the region that follows it and can take over."""

from collections.abc import Callable
from typing import Any

import pytest

from newsapi_infra.identity.roles import IMAGE_PULL
from newsapi_infra.offline.graph import Graph
from newsapi_infra.offline.variants import PAIR_PRIMARY, PAIR_STANDBY

Graphs = Callable[[str], Graph]
SIDES = ("pair-primary", "pair-standby")


def told(graph: Graph, token: str) -> dict[str, dict[str, Any]]:
    """The variables of each app or job."""
    return {
        item.logical: {one["name"]: one.get("value") for one in container["env"]}
        for item in graph.all(token)
        for container in item.inputs["template"]["containers"]
    }


def test_the_standbys_server_follows_and_has_nothing_of_its_own(graphs: Graphs) -> None:
    graph = graphs("pair-standby")
    server = graph.one("dbforpostgresql:Server", "database-server").inputs
    assert server["createMode"] == "Replica"
    assert server["sourceServerResourceId"] == PAIR_STANDBY["databaseReplicaOf"]
    assert server["highAvailability"]["mode"] == "Disabled"
    assert "administratorLoginPassword" not in server
    assert "pointInTimeUTC" not in server
    for kind in ("Database", "Configuration", "AdministratorsMicrosoftEntra", "VirtualEndpoint"):
        assert not graph.all(f"dbforpostgresql:{kind}"), kind
    source = graphs("pair-primary").one("dbforpostgresql:Server", "database-server")
    assert server["sourceServerResourceId"].endswith(source.inputs["serverName"])
    for part in ("sku", "storage"):
        assert server[part] == source.inputs[part], "a promotion needs servers of one size"


def test_the_primary_has_the_endpoint_that_a_promotion_needs(graphs: Graphs) -> None:
    endpoint = graphs("pair-primary").one("dbforpostgresql:VirtualEndpoint").inputs
    standby = (
        graphs("pair-standby").one("dbforpostgresql:Server", "database-server").inputs["serverName"]
    )
    assert endpoint["members"] == [standby]
    assert endpoint["endpointType"] == "ReadWrite"


@pytest.mark.parametrize("side", SIDES)
def test_whoever_reaches_the_database_knows_both_servers(graphs: Graphs, side: str) -> None:
    graph = graphs(side)
    other = (PAIR_PRIMARY if side == "pair-primary" else PAIR_STANDBY)["pairDatabaseHost"]
    for token in ("app:ContainerApp", "app:Job"):
        for name, variables in told(graph, token).items():
            if "USE_POSTGRES" in variables:
                assert variables["POSTGRES_STANDBY"] == other, name
                assert variables["POSTGRES_HOST"] != other


def test_the_primary_lets_in_the_identities_of_the_region_that_follows(graphs: Graphs) -> None:
    """Roles of a server are on its replicas too, where nobody can make them."""
    let_in = told(graphs("pair-primary"), "app:Job")["newsapi-db-role"]
    outputs = graphs("pair-standby").outputs
    for name, output in (
        ("POSTGRES_ROLE_LOGINS", "databaseLogins"),
        ("NEWS_READER_LOGINS", "databaseReaders"),
    ):
        named = {one.partition("=")[0] for one in let_in[name].split(" ")}
        assert {one.partition("=")[0] for one in outputs[output].split(" ")} < named


@pytest.mark.parametrize(("side", "here", "there"), [(SIDES[0], 0, 1), (SIDES[1], 1, 0)])
def test_the_servers_reach_each_other_and_nothing_else_of_the_other_network(
    graphs: Graphs, side: str, here: int, there: int
) -> None:
    graph = graphs(side)
    foreign = {
        (group.logical, rule["name"], rule["destinationPortRange"])
        for group in graph.all("network:NetworkSecurityGroup")
        for rule in group.inputs["securityRules"]
        if f"10.{there}." in str(rule)
    }
    assert foreign == {
        ("nsg-container-apps", "database", "5432"),
        ("nsg-database", "apps", "5432"),
        ("nsg-database", "standby", "5432"),
        ("nsg-database", "standby-out", "5432"),
    }
    assert f"10.{here}." in str(graph.one("network:VirtualNetwork").inputs["addressSpace"])


def test_the_follower_joins_the_networks_both_ways_before_its_server_is_made(
    graphs: Graphs,
) -> None:
    """The halves of a peering know each other's network, and neither server is made without it."""
    standby, primary = graphs("pair-standby"), graphs("pair-primary")
    assert not primary.all("network:VirtualNetworkPeering")
    server = standby.one("dbforpostgresql:Server", "database-server")
    networks = {graph.one("network:VirtualNetwork").id for graph in (standby, primary)}
    peerings = standby.all("network:VirtualNetworkPeering")
    halves = {
        item.id.partition("/virtualNetworkPeerings/")[0]: item.inputs["remoteVirtualNetwork"]["id"]
        for item in peerings
    }
    assert halves.keys() == set(halves.values()) == networks
    assert all(item.inputs["useRemoteGateways"] is False for item in peerings)
    zones = {
        graph.one("privatedns:PrivateZone", "zone-database").id for graph in (standby, primary)
    }
    seen = {
        (item.id.partition("/virtualNetworkLinks/")[0], item.inputs["virtualNetwork"]["id"])
        for graph in (standby, primary)
        for item in graph.all("privatedns:VirtualNetworkLink")
    }
    assert {(zone, vnet) for zone in zones for vnet in networks} <= seen
    needed = {item.urn for item in peerings} | {
        f"azure-native:privatedns:VirtualNetworkLink::zone-link-database{side}"
        for side in ("", "-pair", "-back")
    }
    assert needed <= set(server.depends_on)


def test_the_standby_pulls_from_the_pairs_registry_and_reads_the_pairs_storage(
    graphs: Graphs,
) -> None:
    graph = graphs("pair-standby")
    assert not graph.all("containerregistry:Registry")
    registry = graphs("pair-primary").one("containerregistry:Registry")
    replica = graphs("pair-primary").one("containerregistry:Replication").inputs
    assert replica["location"] == graph.config["azure-native:location"]
    assert graph.config["newsapi-infra:registryId"] == registry.id
    pulling = [
        item.inputs["scope"]
        for item in graph.all("authorization:RoleAssignment")
        if item.inputs["roleDefinitionId"].endswith(IMAGE_PULL.guid)
    ]
    assert pulling == [registry.id] * 4
    for item in graph.all("app:ContainerApp"):
        (only,) = item.inputs["template"]["containers"]
        assert only["image"].startswith("newsapiprodcrdnt1.azurecr.io/newsapi-dagster@sha256:")
    targets = {
        group: connection["privateLinkServiceId"]
        for item in graph.all("network:PrivateEndpoint")
        for connection in item.inputs["privateLinkServiceConnections"]
        for group in connection["groupIds"]
    }
    assert targets["registry"] == registry.id
    account = graphs("pair-primary").one("storage:StorageAccount")
    assert targets["blob_secondary"] == account.id
    assert account.inputs["sku"]["name"] == "Standard_RAGRS"
    zones = [item.inputs["privateZoneName"] for item in graph.all("privatedns:PrivateZone")]
    assert len(zones) == len(set(zones))


def test_a_stack_that_is_no_pair_knows_no_other_server(prod: Graph) -> None:
    for token in ("app:ContainerApp", "app:Job"):
        for variables in told(prod, token).values():
            assert "POSTGRES_STANDBY" not in variables
    assert not prod.all("network:VirtualNetworkPeering")


def test_the_uis_name_is_a_record_that_may_be_moved_to_the_other_region(graphs: Graphs) -> None:
    records = graphs("everything").all("dns:RecordSet")
    assert {item.inputs["relativeRecordSetName"] for item in records} == {"dagster", "news"}
    for record in records:
        assert record.inputs["zoneName"] == "example.com"
        assert record.inputs["ttl"] == 60
        assert record.inputs["aRecords"] == [{"ipv4Address": "203.0.113.250"}]
        assert record.ignored == ("aRecords",)
    assert not graphs("prod").all("dns:RecordSet")
