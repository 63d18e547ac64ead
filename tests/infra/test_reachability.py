"""Network flows, as questions with one answer."""

from collections.abc import Callable

import pytest

from newsapi_infra.offline.graph import Graph

from .reachability import End, Reach

Graphs = Callable[[str], Graph]
INTERNET = End.internet()
NEWS_API = End.internet("192.0.2.80")
SUBNETS = (
    "gateway",
    "AzureBastionSubnet",
    "jump-host",
    "container-apps",
    "private-endpoints",
    "database",
)
PORTS = (22, 80, 443, 3000, 3389, 4000, 5432, 6432, 8060, 8080, 10000, 31443)


@pytest.fixture
def reach(graphs: Graphs) -> Reach:
    return Reach(graphs("prod"))


def test_the_internet_reaches_the_gateway_on_443_and_80_and_nothing_else(reach: Reach) -> None:
    open_ports = {
        (subnet, port)
        for subnet in SUBNETS
        for port in PORTS
        if reach.allowed(INTERNET, reach.inside(subnet), port)
    }
    assert open_ports == {("gateway", 443), ("gateway", 80)}


def test_port_80_only_redirects(graphs: Graphs) -> None:
    gateway = graphs("prod").one("network:ApplicationGateway").inputs
    plain = {item["name"] for item in gateway["httpListeners"] if item["protocol"] == "Http"}
    rules = [
        rule
        for rule in gateway["requestRoutingRules"]
        if rule["httpListener"]["id"].rsplit("/", 1)[-1] in plain
    ]
    assert len(rules) == len(plain) == 2
    for rule in rules:
        assert "redirectConfiguration" in rule
        assert "backendAddressPool" not in rule
    assert {item["redirectType"] for item in gateway["redirectConfigurations"]} == {"Permanent"}


def test_with_vpn_only_the_internet_reaches_nothing(graphs: Graphs) -> None:
    graph = graphs("vpn")
    reach = Reach(graph)
    assert not [
        (subnet, port)
        for subnet in SUBNETS
        for port in PORTS
        if reach.allowed(INTERNET, reach.inside(subnet), port)
    ]
    assert reach.allowed(End("172.16.100.9"), reach.inside("gateway"), 443)
    gateway = graph.one("network:ApplicationGateway").inputs
    for listener in gateway["httpListeners"]:
        assert listener["frontendIPConfiguration"]["id"].endswith("/private")


def test_without_a_gateway_only_the_company_reaches_the_apps(graphs: Graphs) -> None:
    graph = graphs("dev")
    reach = Reach(graph)
    apps = reach.inside("container-apps")
    assert reach.allowed(End("203.0.113.9", frozenset({"Internet"})), apps, 443)
    assert not [port for port in PORTS if reach.allowed(INTERNET, apps, port)]
    ingress = graph.one("app:ContainerApp", "dagster-webserver").inputs["configuration"]["ingress"]
    assert [item["ipAddressRange"] for item in ingress["ipSecurityRestrictions"]] == [
        "203.0.113.0/24"
    ]
    assert {item["action"] for item in ingress["ipSecurityRestrictions"]} == {"Allow"}


def test_the_apps_reach_the_database_on_5432_and_nothing_else_does(reach: Reach) -> None:
    database = reach.inside("database")
    for subnet in SUBNETS:
        expected = subnet in ("container-apps", "database")
        source = reach.inside(subnet, 30)
        assert reach.allowed(source, database, 5432) is expected, subnet
    for port in PORTS:
        if port != 5432:
            assert not reach.allowed(reach.inside("container-apps"), database, port), port


def test_the_gateway_reaches_the_apps_where_their_traffic_arrives(reach: Reach) -> None:
    gateway, apps = reach.inside("gateway"), reach.inside("container-apps")
    assert reach.allowed(gateway, apps, 443)
    assert reach.allowed(gateway, apps, 31443)
    assert not reach.allowed(gateway, apps, 22)
    assert not reach.allowed(gateway, apps, 3000)
    assert not reach.allowed(reach.inside("private-endpoints"), apps, 443)


def test_the_platform_reaches_what_it_must(reach: Reach) -> None:
    gateway, apps = reach.inside("gateway"), reach.inside("container-apps")
    assert reach.allowed(End.tag("GatewayManager"), gateway, 65200)
    assert reach.allowed(End.tag("GatewayManager"), gateway, 65535)
    assert reach.allowed(End.tag("AzureLoadBalancer"), gateway, 80)
    assert reach.allowed(End.tag("AzureLoadBalancer"), apps, 30500)
    assert reach.allowed(reach.inside("container-apps", 5), apps, 10250)


@pytest.mark.parametrize(
    ("target", "port", "protocol"),
    [
        (NEWS_API, 443, "Tcp"),
        (NEWS_API, 587, "Tcp"),
        (End.tag("AzureMonitor"), 443, "Tcp"),
        (End.tag("MicrosoftContainerRegistry"), 443, "Tcp"),
        (End.tag("AzureFrontDoor.FirstParty"), 443, "Tcp"),
        (End.tag("AzureActiveDirectory"), 443, "Tcp"),
        (End.tag("AzureCloud"), 443, "Tcp"),
        (NEWS_API, 123, "Udp"),
        (End("168.63.129.16"), 53, "Udp"),
    ],
)
def test_the_apps_reach_out_where_they_must(
    reach: Reach, target: End, port: int, protocol: str
) -> None:
    assert reach.allowed(reach.inside("container-apps"), target, port, protocol)


def test_the_apps_reach_out_nowhere_else(reach: Reach) -> None:
    apps = reach.inside("container-apps")
    assert not [port for port in (22, 25, 80, 3389, 8080) if reach.allowed(apps, NEWS_API, port)]


def test_private_endpoints_answer_apps_and_gateway_on_443_and_the_apps_for_the_cache(
    reach: Reach, graphs: Graphs
) -> None:
    endpoint = reach.inside("private-endpoints")
    allowed = {
        (subnet, port)
        for subnet in SUBNETS
        if subnet != "private-endpoints"
        for port in PORTS
        if reach.allowed(reach.inside(subnet), endpoint, port)
    }
    assert allowed == {("container-apps", 443), ("container-apps", 10000), ("gateway", 443)}
    without = Reach(graphs("passwords"))
    apps = without.inside("container-apps")
    assert not without.allowed(apps, without.inside("private-endpoints"), 10000)


def test_the_standby_finds_its_server_storage_and_entra(reach: Reach) -> None:
    database = reach.inside("database")
    assert reach.allowed(database, reach.inside("database", 30), 5432)
    assert reach.allowed(database, End.tag("Storage"), 443)
    assert reach.allowed(database, End.tag("AzureActiveDirectory"), 443)
    assert not reach.allowed(database, NEWS_API, 443)


def test_the_bastion_serves_the_company_and_reaches_machines(reach: Reach) -> None:
    bastion, machine = reach.inside("AzureBastionSubnet"), reach.inside("jump-host", 5)
    assert reach.allowed(End("203.0.113.9", frozenset({"Internet"})), bastion, 443)
    assert not reach.allowed(INTERNET, bastion, 443)
    assert reach.allowed(End.tag("GatewayManager"), bastion, 443)
    assert reach.allowed(bastion, machine, 22)
    assert reach.allowed(bastion, End.tag("AzureCloud"), 443)
    assert not reach.allowed(INTERNET, machine, 22)
    assert not reach.allowed(machine, reach.inside("database"), 5432)
