"""The address plan, delegations, names inside the network."""

from collections.abc import Callable
from ipaddress import IPv4Network

from newsapi_infra.network.addresses import MINIMUM_PREFIX, SPARE
from newsapi_infra.offline.graph import Graph

PLAN = {
    "gateway": "10.0.1.0/24",
    "AzureBastionSubnet": "10.0.2.0/24",
    "GatewaySubnet": "10.0.3.0/27",
    "jump-host": "10.0.4.0/28",
    "container-apps": "10.0.10.0/24",
    "private-endpoints": "10.0.11.0/24",
    "database": "10.0.20.0/24",
}


def subnets(graph: Graph) -> dict[str, dict[str, object]]:
    return {item["name"]: item for item in graph.one("network:VirtualNetwork").inputs["subnets"]}


def test_production_has_the_designed_addresses(prod: Graph) -> None:
    vnet = prod.one("network:VirtualNetwork").inputs
    assert vnet["addressSpace"]["addressPrefixes"] == ["10.0.0.0/16"]
    assert {name: item["addressPrefix"] for name, item in subnets(prod).items()} == PLAN


def test_subnets_lie_in_the_network_and_do_not_overlap(graph: Graph) -> None:
    space = IPv4Network(
        graph.one("network:VirtualNetwork").inputs["addressSpace"]["addressPrefixes"][0]
    )
    ranges = [IPv4Network(str(item["addressPrefix"])) for item in subnets(graph).values()]
    assert all(item.subnet_of(space) for item in ranges)
    for place, item in enumerate(ranges):
        assert not [other for other in ranges[place + 1 :] if item.overlaps(other)]
    assert not [item for item in ranges if item.overlaps(SPARE)]


def test_subnets_are_as_large_as_their_use_needs(graph: Graph) -> None:
    for name, longest in MINIMUM_PREFIX.items():
        assert IPv4Network(str(subnets(graph)[name]["addressPrefix"])).prefixlen <= longest, name


def test_the_networks_of_the_stacks_can_be_joined(graphs: Callable[[str], Graph]) -> None:
    ranges = {
        graphs(stack).one("network:VirtualNetwork").inputs["addressSpace"]["addressPrefixes"][0]
        for stack in ("dev", "prod", "dr")
    }
    assert len(ranges) == 3


def test_delegations_and_service_endpoints(graph: Graph) -> None:
    delegated = {
        name: item["delegations"][0]["serviceName"]  # type: ignore[index]
        for name, item in subnets(graph).items()
        if item.get("delegations")
    }
    assert delegated == {
        "container-apps": "Microsoft.App/environments",
        "database": "Microsoft.DBforPostgreSQL/flexibleServers",
    }
    endpoints = subnets(graph)["database"]["serviceEndpoints"]
    assert [item["service"] for item in endpoints] == ["Microsoft.Storage"]  # type: ignore[attr-defined]


def test_every_subnet_but_the_vpns_is_filtered(graph: Graph) -> None:
    bare = [name for name, item in subnets(graph).items() if not item.get("networkSecurityGroup")]
    assert bare == ["GatewaySubnet"]


def test_the_apps_leave_through_the_nat_gateway(graph: Graph) -> None:
    behind = [name for name, item in subnets(graph).items() if item.get("natGateway")]
    assert behind == ["container-apps"]


def test_priorities_are_unique_and_everything_else_is_refused(graph: Graph) -> None:
    for group in graph.all("network:NetworkSecurityGroup"):
        rules = group.inputs["securityRules"]
        for direction in ("Inbound", "Outbound"):
            priorities = [item["priority"] for item in rules if item["direction"] == direction]
            assert len(priorities) == len(set(priorities))
            assert all(100 <= item <= 4096 for item in priorities)
        last = [item for item in rules if item["access"] == "Deny"]
        assert "Inbound" in {item["direction"] for item in last}, group.logical
        assert {item["priority"] for item in last} == {4096}


def test_every_private_zone_is_linked_before_it_is_used(graph: Graph) -> None:
    zones = {item.inputs["privateZoneName"] for item in graph.all("privatedns:PrivateZone")}
    # A pair's zones are linked to both networks, by one of the two stacks.
    links = [
        item
        for item in graph.all("privatedns:VirtualNetworkLink")
        if item.inputs["resourceGroupName"] == graph.config["newsapi-infra:resourceGroup"]
    ]
    assert zones == {item.inputs["privateZoneName"] for item in links}
    for group in graph.all("network:PrivateDnsZoneGroup"):
        assert [urn for urn in group.depends_on if "VirtualNetworkLink" in urn], group.logical
    server = graph.one("dbforpostgresql:Server", "database-server")
    assert [urn for urn in server.depends_on if "zone-link-database" in urn]


def test_the_environment_is_found_inside_the_network_by_its_own_name(prod: Graph) -> None:
    records = prod.all("privatedns:PrivateRecordSet")
    assert {item.inputs["relativeRecordSetName"] for item in records} == {"*", "@"}
    (zone,) = {item.inputs["privateZoneName"] for item in records}
    gateway = prod.one("network:ApplicationGateway").inputs
    called = [pool["backendAddresses"][0]["fqdn"] for pool in gateway["backendAddressPools"]]
    assert called == [f"{app}.{zone}" for app in ("dagster-webserver", "news-api")]
