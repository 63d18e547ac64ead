"""The address plan as data: which subnet holds what, and what Azure demands of it."""

from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True, slots=True)
class SubnetPlan:
    """One subnet; `within` is what follows the network's first two octets."""

    name: str
    within: str
    delegation: str | None = None
    service_endpoints: tuple[str, ...] = ()
    nat: bool = False
    filtered: bool = True
    """Whether it carries a network security group; a VPN gateway's subnet must not."""

    def network(self, prefix: str) -> IPv4Network:
        """Its range under the first two octets of a stack's network."""
        return IPv4Network(f"{prefix}.{self.within}")


GATEWAY = SubnetPlan("gateway", "1.0/24")
BASTION = SubnetPlan("AzureBastionSubnet", "2.0/24")
VPN = SubnetPlan("GatewaySubnet", "3.0/27", filtered=False)
JUMP_HOST = SubnetPlan("jump-host", "4.0/28")
APPS = SubnetPlan("container-apps", "10.0/24", delegation="Microsoft.App/environments", nat=True)
ENDPOINTS = SubnetPlan("private-endpoints", "11.0/24")
DATABASE = SubnetPlan(
    "database",
    "20.0/24",
    delegation="Microsoft.DBforPostgreSQL/flexibleServers",
    service_endpoints=("Microsoft.Storage",),
)
SPARE = IPv4Network("10.0.21.0/24")
"""Kept free in the first stack's plan (x.y.21.0/24 in the others)."""

SUBNETS = (GATEWAY, BASTION, VPN, JUMP_HOST, APPS, ENDPOINTS, DATABASE)

MINIMUM_PREFIX = {
    GATEWAY.name: 24,
    BASTION.name: 26,
    VPN.name: 27,
    APPS.name: 27,
    DATABASE.name: 28,
}
"""The smallest size (longest prefix) that the vendor documents for a use."""


def network_range(prefix: str) -> IPv4Network:
    """The range of the whole network."""
    return IPv4Network(f"{prefix}.0.0/16")
