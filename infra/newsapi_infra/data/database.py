"""The PostgreSQL flexible server, reachable inside the network only."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import dbforpostgresql as pg
from pulumi_azure_native import resources

from newsapi_infra import names
from newsapi_infra.config import StackConfig
from newsapi_infra.context import Context
from newsapi_infra.identity.identities import Identities
from newsapi_infra.network.addresses import DATABASE
from newsapi_infra.network.vnet import Network, link_to_pair, private_zone

HOW_IT_WAS_MADE = ("createMode", "sourceServerResourceId", "pointInTimeUTC")
"""Of interest once: a server that was promoted or restored must not be replaced for them."""

THREAT_PROTECTION = "Microsoft.DBforPostgreSQL/flexibleServers/advancedThreatProtectionSettings"

PARAMETERS = {
    "require_secure_transport": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "1000",
    "logfiles.retention_days": "7",
    "connection_throttle.enable": "on",
    "idle_in_transaction_session_timeout": "600000",
    "azure.extensions": "PG_STAT_STATEMENTS,VECTOR",
    "pg_qs.query_capture_mode": "top",
    # Transactions and deadlocks are metrics only with it.
    "metrics.collector_database_activity": "on",
    # So is the age of transaction ids.
    "metrics.autovacuum_diagnostics": "on",
}


@dataclass(frozen=True, slots=True)
class Database:
    """The server and what must exist before an app may log in."""

    server: pg.Server
    host: pulumi.Output[str]
    ready: list[pulumi.Resource]
    replica: pg.Server | None
    """What the news API reads from; none: the server itself."""
    parts: list[pulumi.Resource]
    """What lies in the server."""


def create_database(context: Context, net: Network, identities: Identities) -> Database:
    """Declare the server, its database, its administrators and its parameters."""
    zone, link = private_zone(
        context, "database", f"newsapi-{context.config.stack}.postgres.database.azure.com", net.vnet
    )
    links = [link, *net.pair, *link_to_pair(context, net, "database", zone)]
    server = _server(context, net, zone.id, links)
    if context.config.database_replica_of is not None:
        # The rest is what the primary has; parameters and administrators come with the promotion.
        return Database(server, server.fully_qualified_domain_name, [server], None, [])
    database = pg.Database(
        "database",
        resource_group_name=context.group_name,
        server_name=server.name,
        database_name=names.DATABASE,
        charset="UTF8",
        collation="en_US.utf8",
        opts=context.lasting(),
    )
    # One after another: the server refuses two changes at once.
    last = _parameters(context, server, _administrators(context, server, identities, database))
    ready: list[pulumi.Resource] = [database, last]
    if context.config.threat_protection:
        last = _threat_protection(context, server, last)
    last = _virtual_endpoint(context, server, last)
    replica = None
    if context.config.database_read_replica:
        replica = _read_replica(context, net, server, zone.id, last)
    return Database(server, server.fully_qualified_domain_name, ready, replica, [*ready, last])


def _threat_protection(
    context: Context, server: pg.Server, after: pulumi.Resource
) -> pulumi.Resource:
    """Let Defender watch the server's logins, as the vendor's verified module does.

    The SDK lacks this kind, so a template of its own makes it.
    """
    return resources.Deployment(
        "database-threat-protection",
        resource_group_name=context.group_name,
        deployment_name=context.names.of("threat-protection"),
        properties=resources.DeploymentPropertiesArgs(
            mode=resources.DeploymentMode.INCREMENTAL,
            template={
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/"
                "deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": [
                    {
                        "type": THREAT_PROTECTION,
                        "apiVersion": "2025-08-01",
                        "name": pulumi.Output.concat(server.name, "/Default"),
                        "properties": {"state": "Enabled"},
                    }
                ],
            },
        ),
        opts=pulumi.ResourceOptions(depends_on=[after]),
    )


def _administrators(
    context: Context, server: pg.Server, identities: Identities, after: pulumi.Resource
) -> pulumi.Resource:
    """People of a group, and the identity of the job that makes roles; one after the other."""
    config = context.config
    last = after
    for name, object_id, principal, kind in (
        ("database-admins", config.database_admin_group_id, config.database_admin_group, "Group"),
        (
            "database-administration",
            identities.administration.principal_id,
            identities.administration.name,
            "ServicePrincipal",
        ),
    ):
        last = pg.AdministratorsMicrosoftEntra(
            name,
            resource_group_name=context.group_name,
            server_name=server.name,
            object_id=object_id,
            principal_name=principal,
            principal_type=kind,
            tenant_id=config.tenant_id,
            opts=pulumi.ResourceOptions(depends_on=[last]),
        )
    return last


def _read_replica(
    context: Context,
    net: Network,
    source: pg.Server,
    zone_id: pulumi.Output[str],
    after: pulumi.Resource,
) -> pg.Server:
    """A server that follows, in the same subnet: no standby, no backup, the roles of the source."""
    config = context.config
    return pg.Server(
        "database-read-replica",
        resource_group_name=context.group_name,
        server_name=context.names.unique("pg-read"),
        location=context.location,
        create_mode=pg.CreateMode.REPLICA,
        source_server_resource_id=source.id,
        auth_config=_logins(config),
        sku=pg.SkuArgs(name=config.database_sku.name, tier=config.database_sku.tier),
        # Never smaller than the source's, or it can't follow.
        storage=_storage(config),
        availability_zone=config.zones[-1] if config.zones else None,
        network=_place(net, zone_id),
        tags=context.tags,
        opts=pulumi.ResourceOptions(
            # The source is at work with its parameters, some of which take a restart of both.
            depends_on=[after],
            ignore_changes=["availabilityZone", *HOW_IT_WAS_MADE],
        ),
    )


def _logins(config: StackConfig) -> pg.AuthConfigArgs:
    return pg.AuthConfigArgs(
        active_directory_auth=pg.MicrosoftEntraAuth.ENABLED,
        password_auth=(
            pg.PasswordBasedAuth.DISABLED if config.by_identity else pg.PasswordBasedAuth.ENABLED
        ),
        tenant_id=config.tenant_id,
    )


def _storage(config: StackConfig) -> pg.StorageArgs:
    return pg.StorageArgs(
        storage_size_gb=config.database_storage_gb,
        type=pg.StorageType.PREMIUM_LRS,
        auto_grow=pg.StorageAutoGrow.ENABLED,
    )


def _place(net: Network, zone_id: pulumi.Output[str]) -> pg.NetworkArgs:
    return pg.NetworkArgs(
        delegated_subnet_resource_id=net.subnet_id(DATABASE),
        private_dns_zone_arm_resource_id=zone_id,
        public_network_access=pg.ServerPublicNetworkAccessState.DISABLED,
    )


def _virtual_endpoint(
    context: Context, server: pg.Server, after: pulumi.Resource
) -> pulumi.Resource:
    """What Azure promotes a replica by; the product goes by the own names of the servers."""
    host = context.config.pair_database_host
    if host is None:
        return after
    return pg.VirtualEndpoint(
        "database-pair",
        resource_group_name=context.group_name,
        server_name=server.name,
        virtual_endpoint_name=context.names.unique("db"),
        endpoint_type=pg.VirtualEndpointType.READ_WRITE,
        members=[host.partition(".")[0]],
        opts=pulumi.ResourceOptions(depends_on=[after]),
    )


def _server(
    context: Context,
    net: Network,
    zone_id: pulumi.Output[str],
    links: list[pulumi.Resource],
) -> pg.Server:
    config = context.config
    ha = pg.PostgreSqlFlexibleServerHighAvailabilityMode
    # An administrator with a password is there only where passwords are taken.
    has_password = not config.by_identity and config.database_replica_of is None
    return pg.Server(
        "database-server",
        resource_group_name=context.group_name,
        server_name=config.database_server or context.names.unique("pg"),
        location=context.location,
        version=pg.PostgresMajorVersion.POSTGRES_MAJOR_VERSION_16,
        create_mode=_create_mode(config),
        source_server_resource_id=config.database_replica_of or config.database_restore_from,
        point_in_time_utc=config.database_restore_time if config.database_restore_from else None,
        administrator_login=names.DATABASE_ADMIN if has_password else None,
        administrator_login_password=(
            config.secrets.postgres_admin_password if has_password else None
        ),
        auth_config=_logins(config),
        sku=pg.SkuArgs(name=config.database_sku.name, tier=config.database_sku.tier),
        storage=_storage(config),
        backup=pg.BackupArgs(
            backup_retention_days=7,
            geo_redundant_backup=(
                pg.GeographicallyRedundantBackup.ENABLED
                if config.database_geo_backup
                else pg.GeographicallyRedundantBackup.DISABLED
            ),
        ),
        availability_zone=config.zones[0] if config.zones else None,
        high_availability=pg.HighAvailabilityArgs(
            mode=ha.ZONE_REDUNDANT if config.database_standby else ha.DISABLED,
            standby_availability_zone=config.zones[1] if config.database_standby else None,
        ),
        network=_place(net, zone_id),
        maintenance_window=pg.MaintenanceWindowArgs(
            custom_window="Enabled", day_of_week=0, start_hour=3, start_minute=0
        ),
        tags=context.tags,
        opts=context.lasting(
            depends_on=links,
            # A fail-over swaps the zones: no drift to undo.
            ignore_changes=[
                "availabilityZone",
                "highAvailability.standbyAvailabilityZone",
                *HOW_IT_WAS_MADE,
            ],
        ),
    )


def _create_mode(config: StackConfig) -> pg.CreateMode:
    if config.database_replica_of:
        return pg.CreateMode.REPLICA
    return pg.CreateMode.GEO_RESTORE if config.database_restore_from else pg.CreateMode.CREATE


def _parameters(context: Context, server: pg.Server, after: pulumi.Resource) -> pulumi.Resource:
    """Set parameters one after another."""
    last = after
    for name, value in PARAMETERS.items():
        last = pg.Configuration(
            f"parameter-{name}",
            resource_group_name=context.group_name,
            server_name=server.name,
            configuration_name=name,
            source="user-override",
            value=value,
            opts=pulumi.ResourceOptions(depends_on=[last]),
        )
    return last
