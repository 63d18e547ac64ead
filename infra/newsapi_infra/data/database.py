"""The PostgreSQL flexible server, reachable inside the network only."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import dbforpostgresql as pg

from newsapi_infra import names
from newsapi_infra.config import StackConfig
from newsapi_infra.context import Context
from newsapi_infra.network.addresses import DATABASE
from newsapi_infra.network.vnet import Network, link_to_pair, private_zone

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


def create_database(context: Context, net: Network) -> Database:
    """Declare the server, its database, its administrators and its parameters."""
    zone, link = private_zone(
        context, "database", f"newsapi-{context.config.stack}.postgres.database.azure.com", net.vnet
    )
    link_to_pair(context, "database", zone)
    server = _server(context, net, zone.id, link)
    if context.config.database_replica_of is not None:
        # The rest is what the primary has; parameters and administrators come with the promotion.
        return Database(server, server.fully_qualified_domain_name, [server])
    _virtual_endpoint(context, server)
    database = pg.Database(
        "database",
        resource_group_name=context.group_name,
        server_name=server.name,
        database_name=names.DATABASE,
        charset="UTF8",
        collation="en_US.utf8",
        opts=context.lasting(),
    )
    admins = pg.AdministratorsMicrosoftEntra(
        "database-admins",
        resource_group_name=context.group_name,
        server_name=server.name,
        object_id=context.config.database_admin_group_id,
        principal_name=context.config.database_admin_group,
        principal_type="Group",
        tenant_id=context.config.tenant_id,
        opts=pulumi.ResourceOptions(depends_on=[database]),
    )
    last = _parameters(context, server, admins)
    return Database(server, server.fully_qualified_domain_name, [database, last])


def _virtual_endpoint(context: Context, server: pg.Server) -> None:
    """What Azure promotes a replica by; the product goes by the own names of the servers."""
    host = context.config.pair_database_host
    if host is not None:
        pg.VirtualEndpoint(
            "database-pair",
            resource_group_name=context.group_name,
            server_name=server.name,
            virtual_endpoint_name=context.names.unique("db"),
            endpoint_type=pg.VirtualEndpointType.READ_WRITE,
            members=[host.partition(".")[0]],
        )


def _server(
    context: Context,
    net: Network,
    zone_id: pulumi.Output[str],
    link: pulumi.Resource,
) -> pg.Server:
    config = context.config
    ha = pg.PostgreSqlFlexibleServerHighAvailabilityMode
    return pg.Server(
        "database-server",
        resource_group_name=context.group_name,
        server_name=config.database_server or context.names.unique("pg"),
        location=context.location,
        version=pg.PostgresMajorVersion.POSTGRES_MAJOR_VERSION_16,
        create_mode=_create_mode(config),
        source_server_resource_id=config.database_replica_of or config.database_restore_from,
        point_in_time_utc=config.database_restore_time if config.database_restore_from else None,
        administrator_login=None if config.database_replica_of else names.DATABASE_ADMIN,
        administrator_login_password=(
            None if config.database_replica_of else config.secrets.postgres_admin_password
        ),
        auth_config=pg.AuthConfigArgs(
            active_directory_auth=pg.MicrosoftEntraAuth.ENABLED,
            password_auth=pg.PasswordBasedAuth.ENABLED,
            tenant_id=config.tenant_id,
        ),
        sku=pg.SkuArgs(name=config.database_sku.name, tier=config.database_sku.tier),
        storage=pg.StorageArgs(
            storage_size_gb=config.database_storage_gb,
            type=pg.StorageType.PREMIUM_LRS,
            auto_grow=pg.StorageAutoGrow.ENABLED,
        ),
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
        network=pg.NetworkArgs(
            delegated_subnet_resource_id=net.subnet_id(DATABASE),
            private_dns_zone_arm_resource_id=zone_id,
            public_network_access=pg.ServerPublicNetworkAccessState.DISABLED,
        ),
        maintenance_window=pg.MaintenanceWindowArgs(
            custom_window="Enabled", day_of_week=0, start_hour=3, start_minute=0
        ),
        tags=context.tags,
        opts=context.lasting(
            depends_on=[link],
            # A fail-over swaps the zones: no drift to undo.
            ignore_changes=["availabilityZone", "highAvailability.standbyAvailabilityZone"],
        ),
    )


def _create_mode(config: StackConfig) -> pg.CreateMode:
    if config.database_replica_of:
        return pg.CreateMode.REPLICA
    return pg.CreateMode.GEO_RESTORE if config.database_restore_from else pg.CreateMode.CREATE


def _parameters(context: Context, server: pg.Server, after: pulumi.Resource) -> pulumi.Resource:
    """Set parameters one after another: the server refuses two changes at once."""
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
