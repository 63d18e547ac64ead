"""Private addresses of platform services inside the network, with their names."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from newsapi_infra.context import Context
from newsapi_infra.network.addresses import ENDPOINTS
from newsapi_infra.network.vnet import Network, private_zone


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of service: the sub-resource to reach, and the zone its name lives in."""

    kind: str
    sub_resource: str
    zone: str
    more_zones: tuple[str, ...] = ()
    """Further zones that its names live in."""


VAULT = Service("vault", "vault", "privatelink.vaultcore.azure.net")
BLOB = Service("blob", "blob", "privatelink.blob.core.windows.net")
BLOB_OF_PAIR = Service("blob-of-pair", "blob_secondary", "privatelink.blob.core.windows.net")
"""The second address of a geo-redundant account, read only."""
REGISTRY = Service("registry", "registry", "privatelink.azurecr.io")
CACHE = Service("cache", "redisEnterprise", "privatelink.redis.azure.net")
LEARNING = Service(
    "learning",
    "amlworkspace",
    "privatelink.api.azureml.ms",
    ("privatelink.notebooks.azure.net",),
)


Zone = tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]


def zone_of(context: Context, net: Network, service: Service) -> Zone:
    """The private zone that a service's names live in: one for all services of the kind."""
    return private_zone(context, service.kind, service.zone, net.vnet)


def private_endpoint(
    context: Context,
    net: Network,
    service: Service,
    target: pulumi.Input[str],
    known: Zone | None = None,
    after: Sequence[pulumi.Resource] = (),
) -> network.PrivateDnsZoneGroup:
    """Give a service an address in the network; what uses it waits for the result.

    `known`: the zone, where another service of the kind has made it; `after`: what must not be
    changed at the same time.
    """
    zones = [known or zone_of(context, net, service)]
    zones += [
        private_zone(context, f"{service.kind}-{place}", name, net.vnet)
        for place, name in enumerate(service.more_zones, 2)
    ]
    endpoint = network.PrivateEndpoint(
        f"endpoint-{service.kind}",
        resource_group_name=context.group_name,
        private_endpoint_name=context.names.of(f"{service.kind}-pe"),
        location=context.location,
        subnet=network.SubnetArgs(id=net.subnet_id(ENDPOINTS)),
        private_link_service_connections=[
            network.PrivateLinkServiceConnectionArgs(
                name=service.kind,
                private_link_service_id=target,
                group_ids=[service.sub_resource],
            )
        ],
        tags=context.tags,
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )
    return _zone_group(context, service, endpoint, zones)


def _zone_group(
    context: Context,
    service: Service,
    endpoint: network.PrivateEndpoint,
    zones: Sequence[Zone],
) -> network.PrivateDnsZoneGroup:
    return network.PrivateDnsZoneGroup(
        f"endpoint-dns-{service.kind}",
        resource_group_name=context.group_name,
        private_endpoint_name=endpoint.name,
        private_dns_zone_group_name="default",
        private_dns_zone_configs=[
            network.PrivateDnsZoneConfigArgs(
                name=name.replace(".", "-"), private_dns_zone_id=zone.id
            )
            for name, (zone, _) in zip((service.zone, *service.more_zones), zones, strict=True)
        ],
        opts=pulumi.ResourceOptions(depends_on=[link for _, link in zones]),
    )
