"""The container registry: pulled by the apps' identity, pushed to by the deployment's."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerregistry as acr

from newsapi_infra.context import Context
from newsapi_infra.identity.identities import Identities
from newsapi_infra.identity.roles import IMAGE_DELETE, IMAGE_PULL, IMAGE_PUSH, grant
from newsapi_infra.network.private_endpoints import REGISTRY, private_endpoint
from newsapi_infra.network.vnet import Network

UNTAGGED_DAYS = 30
"""How long images without a tag stay; deployed images keep the tag of their commit."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry and what must exist before an app may pull."""

    id: pulumi.Output[str]
    login_server: pulumi.Output[str]
    ready: list[pulumi.Resource]
    own: bool
    """Whether this stack made it; a pair shares one, whose replica serves the other region."""


def create_registry(context: Context, net: Network, identities: Identities) -> Registry:
    """Declare the registry, or use that of the pair, under the same name by its nearest replica."""
    if context.config.registry_id is not None:
        shared = pulumi.Output.from_input(context.config.registry_id)
        name = context.config.registry_id.rsplit("/", 1)[-1]
        ready = _access(context, net, identities, shared)
        return Registry(shared, pulumi.Output.from_input(f"{name}.azurecr.io"), ready, own=False)
    premium = context.config.registry_sku == "Premium"
    registry = acr.Registry(
        "registry",
        resource_group_name=context.group_name,
        registry_name=context.names.compact("cr"),
        location=context.location,
        sku=acr.SkuArgs(name=context.config.registry_sku),
        admin_user_enabled=False,
        anonymous_pull_enabled=False,
        # GitHub's runners push from the internet, with a token; apps pull over the endpoint.
        public_network_access=acr.PublicNetworkAccess.ENABLED,
        zone_redundancy=(acr.ZoneRedundancy.ENABLED if premium and context.config.zones else None),
        policies=_policies() if premium else None,
        tags=context.tags,
        opts=context.lasting(),
    )
    ready = _access(context, net if premium else None, identities, registry.id)
    if context.config.second_region:
        acr.Replication(
            "registry-replica",
            resource_group_name=context.group_name,
            registry_name=registry.name,
            replication_name=context.config.second_region,
            location=context.config.second_region,
            tags=context.tags,
        )
    if identities.deployment is not None:
        grant(context, "deployment-push", identities.deployment, IMAGE_PUSH, registry.id)
    if identities.upkeep is not None:
        # Each morning (.github/workflows/running.yml): the running image, and old ones.
        grant(context, "upkeep-pull", identities.upkeep, IMAGE_PULL, registry.id)
        grant(context, "upkeep-delete", identities.upkeep, IMAGE_DELETE, registry.id)
    return Registry(registry.id, registry.login_server, ready, own=True)


def _access(
    context: Context,
    net: Network | None,
    identities: Identities,
    registry_id: pulumi.Output[str],
) -> list[pulumi.Resource]:
    """Who pulls, and, given a network, the address in it."""
    ready: list[pulumi.Resource] = [
        grant(context, "apps-pull", identities.apps, IMAGE_PULL, registry_id),
        grant(context, "jobs-pull", identities.jobs, IMAGE_PULL, registry_id),
        grant(context, "news-pull", identities.news, IMAGE_PULL, registry_id),
        grant(context, "administration-pull", identities.administration, IMAGE_PULL, registry_id),
    ]
    if net is not None:
        ready.append(private_endpoint(context, net, REGISTRY, registry_id))
    return ready


def _policies() -> acr.PoliciesArgs:
    return acr.PoliciesArgs(
        retention_policy=acr.RetentionPolicyArgs(
            days=UNTAGGED_DAYS, status=acr.PolicyStatus.ENABLED
        )
    )
