"""The virtual network: subnets, security groups, the way out, private name resolution."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from newsapi_infra.context import Context
from newsapi_infra.network.addresses import SUBNETS, SubnetPlan, network_range
from newsapi_infra.network.nsg_rules import Rule, rules_for


@dataclass(frozen=True, slots=True)
class Network:
    """The network that the other modules place things in."""

    vnet: network.VirtualNetwork
    security_groups: dict[str, network.NetworkSecurityGroup]
    nat: network.NatGateway
    nat_address: network.PublicIPAddress
    pair: list[pulumi.Resource]
    """What leads to the other region of a pair, both ways."""

    def subnet_id(self, plan: SubnetPlan) -> pulumi.Output[str]:
        """The id of a subnet, known once the network exists."""
        return pulumi.Output.concat(self.vnet.id, "/subnets/", plan.name)


def create_network(context: Context) -> Network:
    """Declare the network with its subnets inside it, so that an update never drops one."""
    nat_address = public_address(context, "nat-ip")
    nat = network.NatGateway(
        "nat",
        resource_group_name=context.group_name,
        nat_gateway_name=context.names.of("nat"),
        location=context.location,
        sku=network.NatGatewaySkuArgs(name=network.NatGatewaySkuName.STANDARD),
        public_ip_addresses=[network.SubResourceArgs(id=nat_address.id)],
        idle_timeout_in_minutes=10,
        tags=context.tags,
    )
    groups = {
        plan.name: _security_group(context, plan, rules_for(plan, context.config))
        for plan in SUBNETS
        if plan.filtered
    }
    vnet = network.VirtualNetwork(
        "network",
        resource_group_name=context.group_name,
        virtual_network_name=context.names.of("vnet"),
        location=context.location,
        address_space=network.AddressSpaceArgs(
            address_prefixes=[str(network_range(context.config.network_prefix))]
        ),
        subnets=[_subnet(context, plan, groups.get(plan.name), nat) for plan in SUBNETS],
        tags=context.tags,
    )
    return Network(vnet, groups, nat, nat_address, _peer(context, vnet))


def _peer(context: Context, vnet: network.VirtualNetwork) -> list[pulumi.Resource]:
    """Join the networks of a pair, from one side: a replica is made once both halves are there."""
    there = context.config.pair_network_id
    if there is None:
        return []
    group, name = there.split("/")[4::4]
    halves = (
        ("network-pair", context.group_name, vnet.name, "to-pair", there),
        ("network-pair-back", group, name, f"to-{context.config.stack}", vnet.id),
    )
    return [
        network.VirtualNetworkPeering(
            logical,
            resource_group_name=of_group,
            virtual_network_name=of_network,
            virtual_network_peering_name=called,
            remote_virtual_network=network.SubResourceArgs(id=remote),
            allow_virtual_network_access=True,
            allow_forwarded_traffic=False,
            allow_gateway_transit=False,
            use_remote_gateways=False,
        )
        for logical, of_group, of_network, called, remote in halves
    ]


def public_address(context: Context, kind: str) -> network.PublicIPAddress:
    """A fixed public address, in all zones that the stack uses; others know it."""
    return network.PublicIPAddress(
        kind,
        resource_group_name=context.group_name,
        public_ip_address_name=context.names.of(kind),
        location=context.location,
        sku=network.PublicIPAddressSkuArgs(name=network.PublicIPAddressSkuName.STANDARD),
        public_ip_allocation_method=network.IPAllocationMethod.STATIC,
        zones=list(context.config.zones) or None,
        tags=context.tags,
        opts=context.lasting(),
    )


def _subnet(
    context: Context,
    plan: SubnetPlan,
    group: network.NetworkSecurityGroup | None,
    nat: network.NatGateway,
) -> network.SubnetArgs:
    delegations = [network.DelegationArgs(name="delegation", service_name=plan.delegation)]
    return network.SubnetArgs(
        name=plan.name,
        address_prefix=str(plan.network(context.config.network_prefix)),
        network_security_group=network.NetworkSecurityGroupArgs(id=group.id) if group else None,
        nat_gateway=network.SubResourceArgs(id=nat.id) if plan.nat else None,
        delegations=delegations if plan.delegation else None,
        service_endpoints=[
            network.ServiceEndpointPropertiesFormatArgs(service=service)
            for service in plan.service_endpoints
        ]
        or None,
        # Enabled, or security groups would not apply to private endpoints.
        private_endpoint_network_policies=network.VirtualNetworkPrivateEndpointNetworkPolicies.ENABLED,
    )


def _security_group(
    context: Context, plan: SubnetPlan, rules: list[Rule]
) -> network.NetworkSecurityGroup:
    return network.NetworkSecurityGroup(
        f"nsg-{plan.name}",
        resource_group_name=context.group_name,
        network_security_group_name=context.names.of(f"{plan.name.lower()}-nsg"),
        location=context.location,
        security_rules=[_security_rule(rule, place) for place, rule in enumerate(rules)],
        tags=context.tags,
    )


def _security_rule(rule: Rule, place: int) -> network.SecurityRuleArgs:
    access = network.SecurityRuleAccess
    many_sources, many_targets = len(rule.sources) > 1, len(rule.targets) > 1
    many_ports = len(rule.ports) > 1
    return network.SecurityRuleArgs(
        name=rule.name,
        priority=4096 if not rule.allow else 100 + 10 * place,
        direction=rule.direction,
        access=access.ALLOW if rule.allow else access.DENY,
        protocol=rule.protocol,
        source_port_range="*",
        source_address_prefix=None if many_sources else rule.sources[0],
        source_address_prefixes=list(rule.sources) if many_sources else None,
        destination_address_prefix=None if many_targets else rule.targets[0],
        destination_address_prefixes=list(rule.targets) if many_targets else None,
        destination_port_range=None if many_ports else rule.ports[0],
        destination_port_ranges=list(rule.ports) if many_ports else None,
    )


def link_to_pair(
    context: Context, net: Network, kind: str, zone: privatedns.PrivateZone
) -> list[pulumi.Resource]:
    """Let the regions of a pair resolve the names of each other's private zone."""
    there, host = context.config.pair_network_id, context.config.pair_database_host
    if there is None or host is None:
        return []
    links = (
        (f"zone-link-{kind}-pair", context.group_name, zone.name, there),
        (f"zone-link-{kind}-back", there.split("/")[4], host.partition(".")[2], net.vnet.id),
    )
    return [
        privatedns.VirtualNetworkLink(
            logical,
            resource_group_name=of_group,
            private_zone_name=of_zone,
            virtual_network_link_name=context.names.of(f"{kind}-pair-link"),
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=into),
            tags=context.tags,
        )
        for logical, of_group, of_zone, into in links
    ]


def private_zone(
    context: Context, kind: str, zone: pulumi.Input[str], vnet: network.VirtualNetwork
) -> tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]:
    """A private DNS zone and its link to the network; wait for the link before using it."""
    declared = privatedns.PrivateZone(
        f"zone-{kind}",
        resource_group_name=context.group_name,
        private_zone_name=zone,
        location="global",
        tags=context.tags,
    )
    link = privatedns.VirtualNetworkLink(
        f"zone-link-{kind}",
        resource_group_name=context.group_name,
        private_zone_name=declared.name,
        virtual_network_link_name=context.names.of(f"{kind}-link"),
        location="global",
        registration_enabled=False,
        virtual_network=privatedns.SubResourceArgs(id=vnet.id),
        tags=context.tags,
    )
    return declared, link
