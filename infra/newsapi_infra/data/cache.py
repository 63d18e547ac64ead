"""Azure Managed Redis: what replicas of the news API share; no keys, reached inside only."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import redisenterprise as redis

from newsapi_infra import names
from newsapi_infra.context import Context
from newsapi_infra.identity.identities import Identities
from newsapi_infra.network.nsg_rules import CACHE_PORT
from newsapi_infra.network.private_endpoints import CACHE, private_endpoint
from newsapi_infra.network.vnet import Network

PORT = int(CACHE_PORT)


@dataclass(frozen=True, slots=True)
class Cache:
    """The cluster with its one database, and what must exist before an app may log in."""

    cluster: redis.RedisEnterprise
    database: redis.Database
    ready: list[pulumi.Resource]

    @property
    def url(self) -> pulumi.Output[str]:
        """What the application is told; who logs in, it knows by its identity."""
        return pulumi.Output.concat("rediss://", self.cluster.host_name, f":{PORT}")


def create_cache(context: Context, net: Network, identities: Identities) -> Cache | None:
    """Declare the cache, where the stack wants one: it may be lost at any time."""
    sku = context.config.redis_sku
    if sku is None:
        return None
    cluster = redis.RedisEnterprise(
        "cache",
        resource_group_name=context.group_name,
        cluster_name=context.names.unique("redis"),
        location=context.location,
        sku=redis.SkuArgs(name=sku),
        # Away, it makes answers slower and never wrong.
        high_availability=(
            redis.HighAvailability.ENABLED
            if context.config.zones
            else redis.HighAvailability.DISABLED
        ),
        minimum_tls_version=redis.TlsVersion.TLS_VERSION_1_2,
        public_network_access=redis.PublicNetworkAccess.DISABLED,
        tags=context.tags,
    )
    database = redis.Database(
        "cache-database",
        resource_group_name=context.group_name,
        cluster_name=cluster.name,
        database_name=names.CACHE_DATABASE,
        access_keys_authentication=redis.AccessKeysAuthentication.DISABLED,
        client_protocol=redis.Protocol.ENCRYPTED,
        # One address for all keys: the application's client knows no shards.
        clustering_policy=redis.ClusteringPolicy.ENTERPRISE_CLUSTER,
        eviction_policy=redis.EvictionPolicy.ALL_KEYS_LRU,
        port=PORT,
    )
    access = redis.AccessPolicyAssignment(
        "cache-access-news",
        resource_group_name=context.group_name,
        cluster_name=cluster.name,
        database_name=database.name,
        access_policy_assignment_name="news",
        access_policy_name="default",
        user=redis.AccessPolicyAssignmentPropertiesUserArgs(object_id=identities.news.principal_id),
    )
    endpoint = private_endpoint(context, net, CACHE, cluster.id, after=[database])
    return Cache(cluster, database, [access, endpoint])
