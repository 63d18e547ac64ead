"""Answers whether one end may talk to another, by the security groups as they were declared."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from newsapi_infra.offline.graph import Graph

TAGS_INSIDE = {"VirtualNetwork"}


@dataclass(frozen=True)
class End:
    """A place to talk from or to: an address, and the service tags that it is known by."""

    address: str
    tags: frozenset[str] = frozenset()

    @classmethod
    def internet(cls, address: str = "198.51.100.77") -> "End":
        return cls(address, frozenset({"Internet"}))

    @classmethod
    def tag(cls, *tags: str) -> "End":
        return cls("198.51.100.88", frozenset(tags))

    def matches(self, prefix: str) -> bool:
        if prefix == "*" or prefix in self.tags:
            return True
        if prefix[0].isdigit():
            return ip_address(self.address) in ip_network(prefix)
        return False


class Reach:
    """The security groups of one graph."""

    def __init__(self, graph: Graph) -> None:
        vnet = graph.one("network:VirtualNetwork").inputs
        self.space = vnet["addressSpace"]["addressPrefixes"][0]
        self.subnets = {item["name"]: item for item in vnet["subnets"]}
        self.rules = {
            item.id: item.inputs["securityRules"]
            for item in graph.all("network:NetworkSecurityGroup")
        }

    def inside(self, subnet: str, host: int = 20) -> End:
        network = ip_network(self.subnets[subnet]["addressPrefix"])
        return End(str(network[min(host, network.num_addresses - 2)]), frozenset(TAGS_INSIDE))

    def allowed(self, source: End, target: End, port: int, protocol: str = "Tcp") -> bool:
        """Both groups must agree: the one that is left and the one that is entered."""
        return self._agrees("Outbound", source, source, target, port, protocol) and self._agrees(
            "Inbound", target, source, target, port, protocol
        )

    def _agrees(
        self, direction: str, at: End, source: End, target: End, port: int, protocol: str
    ) -> bool:
        rules = self._rules_at(at)
        if rules is None:
            return True
        for rule in sorted(rules, key=lambda item: item["priority"]):
            if (
                rule["direction"] == direction
                and rule["protocol"] in ("*", protocol)
                and any(source.matches(item) for item in _many(rule, "sourceAddressPrefix"))
                and any(target.matches(item) for item in _many(rule, "destinationAddressPrefix"))
                and any(_in(port, item) for item in _many(rule, "destinationPortRange"))
            ):
                return bool(rule["access"] == "Allow")
        return self._by_default(direction, source, target)

    def _rules_at(self, end: End) -> list[dict[str, Any]] | None:
        for subnet in self.subnets.values():
            if ip_address(end.address) in ip_network(subnet["addressPrefix"]):
                group = subnet.get("networkSecurityGroup")
                return self.rules[group["id"]] if group else None
        return None

    def _by_default(self, direction: str, source: End, target: End) -> bool:
        """Azure's own last rules: the network talks to itself, and to the internet."""
        both_inside = all(
            ip_address(end.address) in ip_network(self.space) for end in (source, target)
        )
        if direction == "Outbound":
            return both_inside or "Internet" in target.tags
        return both_inside or "AzureLoadBalancer" in source.tags


def _many(rule: dict[str, Any], name: str) -> list[str]:
    plural = f"{name}es" if name.endswith("x") else f"{name}s"
    return list(rule.get(plural) or [rule[name]])


def _in(port: int, wanted: str) -> bool:
    if wanted == "*":
        return True
    first, _, last = wanted.partition("-")
    return int(first) <= port <= int(last or first)
