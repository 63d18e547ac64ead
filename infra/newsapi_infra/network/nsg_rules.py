"""Who may talk to whom, as data: one ordered list of rules for each subnet.

Each list ends with a refusal of everything else, since Azure's default rules let the whole
network in. Sources and targets are service tags, ranges or `*`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from newsapi_infra.config import StackConfig
from newsapi_infra.network.addresses import (
    APPS,
    BASTION,
    DATABASE,
    ENDPOINTS,
    GATEWAY,
    JUMP_HOST,
    SubnetPlan,
)

Protocol = Literal["Tcp", "Udp", "*"]
Direction = Literal["Inbound", "Outbound"]

INGRESS_PORTS = ("443", "30000-32767")
"""Where traffic for an app arrives in the subnet: the load balancer maps 443 to node ports."""


CACHE_PORT = "10000"
"""The one port of Azure Managed Redis with the cluster policy that has one address."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a network security group; its place in the list is its priority."""

    name: str
    direction: Direction
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    ports: tuple[str, ...]
    protocol: Protocol = "Tcp"
    allow: bool = True


def _inbound(
    name: str, sources: Iterable[str], target: str, *ports: str, protocol: Protocol = "Tcp"
) -> Rule:
    return Rule(name, "Inbound", tuple(sources), (target,), ports, protocol)


def _outbound(
    name: str, source: str, targets: Iterable[str], *ports: str, protocol: Protocol = "Tcp"
) -> Rule:
    return Rule(name, "Outbound", (source,), tuple(targets), ports, protocol)


def _refuse(direction: Direction) -> Rule:
    return Rule(f"refuse-other-{direction.lower()}", direction, ("*",), ("*",), ("*",), "*", False)


def rules_for(plan: SubnetPlan, config: StackConfig) -> list[Rule]:
    """The rules of one subnet in one stack."""
    return _RULES[plan.name](config)


def _range(plan: SubnetPlan, config: StackConfig) -> str:
    return str(plan.network(config.network_prefix))


def _with_pair(plan: SubnetPlan, config: StackConfig) -> list[str]:
    """The range of a subnet, and that of its twin in the other region of a pair."""
    pair = config.pair_network_prefix
    return [_range(plan, config), *([str(plan.network(pair))] if pair else [])]


def _gateway(config: StackConfig) -> list[Rule]:
    here = _range(GATEWAY, config)
    rules = [
        # Without these two an Application Gateway v2 fails to provision.
        _inbound("gateway-manager", ["GatewayManager"], "*", "65200-65535"),
        _inbound("load-balancer", ["AzureLoadBalancer"], "*", "*", protocol="*"),
    ]
    if config.ui_access == "gateway":
        rules.append(_inbound("https", ["Internet"], here, "443"))
        rules.append(_inbound("http-redirect", ["Internet"], here, "80"))
    elif config.ui_access == "vpn":
        inside = [config.vpn_client_range, _range(JUMP_HOST, config)]
        rules.append(_inbound("https-inside", inside, here, "443"))
        rules.append(_inbound("http-redirect-inside", inside, here, "80"))
    return [*rules, _refuse("Inbound")]


def _apps(config: StackConfig) -> list[Rule]:
    here = _range(APPS, config)
    clients = (
        list(config.company_ranges)
        if config.ui_access == "restricted"
        else [_range(GATEWAY, config)]
    )
    return [
        _inbound("ui", clients, here, *INGRESS_PORTS),
        _inbound("load-balancer", ["AzureLoadBalancer"], here, "30000-32767"),
        _inbound("own-subnet", [here], here, "*", protocol="*"),
        _refuse("Inbound"),
        _outbound("own-subnet-out", here, [here], "*", protocol="*"),
        _outbound("database", here, _with_pair(DATABASE, config), "5432"),
        _outbound("private-endpoints", here, [_range(ENDPOINTS, config)], "443"),
        *(
            [_outbound("cache", here, [_range(ENDPOINTS, config)], CACHE_PORT)]
            if config.redis_sku
            else []
        ),
        _outbound("monitor", here, ["AzureMonitor"], "443"),
        _outbound("platform-images", here, ["MicrosoftContainerRegistry"], "443"),
        _outbound("platform-images-cdn", here, ["AzureFrontDoor.FirstParty"], "443"),
        _outbound("registry", here, ["AzureContainerRegistry"], "443"),
        _outbound("entra", here, ["AzureActiveDirectory"], "443"),
        _outbound("platform", here, ["AzureCloud"], "443"),
        _outbound("dns", here, ["168.63.129.16"], "53", protocol="*"),
        _outbound("time", here, ["*"], "123", protocol="Udp"),
        _outbound("news-api-and-channels", here, ["Internet"], "443"),
        _outbound("mail-submission", here, ["Internet"], "587"),
        _refuse("Outbound"),
    ]


def _endpoints(config: StackConfig) -> list[Rule]:
    here = _range(ENDPOINTS, config)
    clients = [_range(APPS, config)]
    if config.has_gateway:
        # The gateway reads its certificate from the vault.
        clients.append(_range(GATEWAY, config))
    return [
        _inbound("clients", clients, here, "443"),
        *(
            [_inbound("cache", [_range(APPS, config)], here, CACHE_PORT)]
            if config.redis_sku
            else []
        ),
        _refuse("Inbound"),
        _refuse("Outbound"),
    ]


def _database(config: StackConfig) -> list[Rule]:
    here = _range(DATABASE, config)
    return [
        _inbound("apps", _with_pair(APPS, config), here, "5432"),
        # The standby of another zone, and the server of the other region.
        _inbound("standby", _with_pair(DATABASE, config), here, "5432"),
        _refuse("Inbound"),
        _outbound("standby-out", here, _with_pair(DATABASE, config), "5432"),
        # The standby ships its log over Storage; logins with Entra tokens need Entra.
        _outbound("storage", here, ["Storage"], "443"),
        _outbound("entra", here, ["AzureActiveDirectory"], "443"),
        _refuse("Outbound"),
    ]


def _bastion(config: StackConfig) -> list[Rule]:
    rules = [
        _inbound("gateway-manager", ["GatewayManager"], "*", "443"),
        _inbound("load-balancer", ["AzureLoadBalancer"], "*", "443"),
        _inbound("data-plane", ["VirtualNetwork"], "VirtualNetwork", "8080", "5701", protocol="*"),
    ]
    if config.company_ranges:
        rules.insert(0, _inbound("company", config.company_ranges, "*", "443"))
    return [
        *rules,
        _refuse("Inbound"),
        _outbound("machines", "*", ["VirtualNetwork"], "22", "3389"),
        _outbound("platform", "*", ["AzureCloud"], "443"),
        _outbound(
            "data-plane-out", "VirtualNetwork", ["VirtualNetwork"], "8080", "5701", protocol="*"
        ),
        _outbound("session-validation", "*", ["Internet"], "80"),
        _refuse("Outbound"),
    ]


def _jump_host(config: StackConfig) -> list[Rule]:
    here = _range(JUMP_HOST, config)
    return [
        _inbound("bastion", [_range(BASTION, config)], here, "22"),
        _refuse("Inbound"),
        _outbound("ui", here, [_range(GATEWAY, config)], "443"),
        _refuse("Outbound"),
    ]


_RULES = {
    GATEWAY.name: _gateway,
    APPS.name: _apps,
    ENDPOINTS.name: _endpoints,
    DATABASE.name: _database,
    BASTION.name: _bastion,
    JUMP_HOST.name: _jump_host,
}
