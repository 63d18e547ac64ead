"""The storage account: exports, logs and the raw archive; reached with identities only."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from newsapi_infra.context import Context
from newsapi_infra.identity.identities import Identities
from newsapi_infra.identity.roles import BLOB_CONTRIBUTOR, grant
from newsapi_infra.network.private_endpoints import BLOB, BLOB_OF_PAIR, private_endpoint, zone_of
from newsapi_infra.network.vnet import Network

EXPORTS = "exports"
LOGS = "logs"
RAW_ARCHIVE = "raw-archive"
CONTAINERS = (EXPORTS, LOGS, RAW_ARCHIVE)

EXPORTED_TABLES_PREFIX = "am-"
"""Log Analytics makes a container of this prefix for each table that it exports."""

ARCHIVED_LOGS_PREFIX = "insights-"
"""A diagnostic setting makes a container of this prefix for each kind of log, and for metrics."""

SOFT_DELETE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Tiering:
    """What becomes of blobs with age, in days; None: never.

    `versions`: of those that were overwritten or deleted, instead of those that are there.
    """

    name: str
    prefixes: tuple[str, ...]
    cool: int | None = None
    archive: int | None = None
    delete: int | None = None
    versions: bool = False


LIFECYCLE = (
    # The newest backups must be readable at once however old they are: age never archives them.
    Tiering("exports", (f"{EXPORTS}/",), cool=30),
    # The application keeps the newest eight; what it deletes stays as a version.
    Tiering("old-exports", (f"{EXPORTS}/",), cool=30, archive=90, delete=730, versions=True),
    Tiering(
        "logs",
        (f"{LOGS}/", EXPORTED_TABLES_PREFIX, ARCHIVED_LOGS_PREFIX),
        cool=30,
        archive=90,
        delete=730,
    ),
    # The lake is read by queries: never archived, never deleted.
    Tiering("raw-archive", (f"{RAW_ARCHIVE}/",), cool=30),
    Tiering("old-versions", (f"{LOGS}/", f"{RAW_ARCHIVE}/"), delete=90, versions=True),
)


@dataclass(frozen=True, slots=True)
class Storage:
    """The account and what must exist before an app may write to it."""

    account: storage.StorageAccount
    blobs: storage.BlobServiceProperties
    ready: list[pulumi.Resource]
    parts: list[pulumi.Resource]
    """What lies in the account, the grants on it included."""

    def container_url(self, name: str) -> pulumi.Output[str]:
        """The https address of a container."""
        return pulumi.Output.concat(self.account.primary_endpoints.blob, name)


def create_storage(context: Context, net: Network, identities: Identities) -> Storage:
    """Declare the account, its containers, its lifecycle and who writes where."""
    account = _account(context)
    zone = zone_of(context, net, BLOB)
    endpoint = private_endpoint(context, net, BLOB, account.id, zone)
    if context.config.pair_storage_id is not None:
        # Made beforehand: the other region's backups are read here while it is away.
        private_endpoint(context, net, BLOB_OF_PAIR, context.config.pair_storage_id, zone)
    blobs = storage.BlobServiceProperties(
        "blobs",
        resource_group_name=context.group_name,
        account_name=account.name,
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy=storage.DeleteRetentionPolicyArgs(
            enabled=True, days=SOFT_DELETE_DAYS
        ),
        container_delete_retention_policy=storage.DeleteRetentionPolicyArgs(
            enabled=True, days=SOFT_DELETE_DAYS
        ),
    )
    ready: list[pulumi.Resource] = [endpoint]
    parts: list[pulumi.Resource] = []
    for name in CONTAINERS:
        container = storage.BlobContainer(
            f"container-{name}",
            resource_group_name=context.group_name,
            account_name=account.name,
            container_name=name,
            public_access=storage.PublicAccess.NONE,
            opts=context.lasting(depends_on=[blobs]),
        )
        parts.append(container)
        if name != LOGS:
            ready.append(
                grant(context, f"apps-{name}", identities.apps, BLOB_CONTRIBUTOR, container.id)
            )
    parts.append(_lifecycle(context, account, blobs))
    return Storage(account, blobs, ready, [*ready, *parts])


def _account(context: Context) -> storage.StorageAccount:
    # Zone-redundant accounts have no archive tier; every account keeps a copy in the
    # paired region, production's readable.
    sku = storage.SkuName
    return private_account(
        context,
        "storage",
        context.names.compact("st"),
        sku.STANDARD_RAGRS if context.config.second_region else sku.STANDARD_GRS,
        context.lasting(),
    )


def private_account(
    context: Context,
    logical: str,
    name: str,
    sku: storage.SkuName,
    options: pulumi.ResourceOptions,
) -> storage.StorageAccount:
    """An account that is reached inside the network, with identities only."""
    return storage.StorageAccount(
        logical,
        resource_group_name=context.group_name,
        account_name=name,
        location=context.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=sku),
        access_tier=storage.AccessTier.HOT,
        enable_https_traffic_only=True,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        allow_blob_public_access=False,
        allow_shared_key_access=False,
        allow_cross_tenant_replication=False,
        default_to_o_auth_authentication=True,
        is_local_user_enabled=False,
        public_network_access=storage.PublicNetworkAccess.DISABLED,
        network_rule_set=storage.NetworkRuleSetArgs(
            # The workspace exports its logs as a trusted service.
            bypass=storage.Bypass.AZURE_SERVICES,
            default_action=storage.DefaultAction.DENY,
        ),
        encryption=storage.EncryptionArgs(
            key_source=storage.KeySource.MICROSOFT_STORAGE,
            require_infrastructure_encryption=True,
            services=storage.EncryptionServicesArgs(
                blob=storage.EncryptionServiceArgs(enabled=True, key_type=storage.KeyType.ACCOUNT)
            ),
        ),
        tags=context.tags,
        opts=options,
    )


def _lifecycle(
    context: Context, account: storage.StorageAccount, blobs: storage.BlobServiceProperties
) -> pulumi.Resource:
    return storage.ManagementPolicy(
        "lifecycle",
        resource_group_name=context.group_name,
        account_name=account.name,
        management_policy_name="default",
        policy=storage.ManagementPolicySchemaArgs(rules=[_rule(tiering) for tiering in LIFECYCLE]),
        opts=pulumi.ResourceOptions(depends_on=[blobs]),
    )


def _rule(tiering: Tiering) -> storage.ManagementPolicyRuleArgs:
    return storage.ManagementPolicyRuleArgs(
        name=tiering.name,
        enabled=True,
        type=storage.RuleType.LIFECYCLE,
        definition=storage.ManagementPolicyDefinitionArgs(
            actions=_version_actions(tiering) if tiering.versions else _actions(tiering),
            filters=storage.ManagementPolicyFilterArgs(
                blob_types=["blockBlob"], prefix_match=list(tiering.prefixes)
            ),
        ),
    )


def _actions(tiering: Tiering) -> storage.ManagementPolicyActionArgs:
    def after(days: int | None) -> storage.DateAfterModificationArgs | None:
        if days is None:
            return None
        return storage.DateAfterModificationArgs(days_after_modification_greater_than=days)

    return storage.ManagementPolicyActionArgs(
        base_blob=storage.ManagementPolicyBaseBlobArgs(
            tier_to_cool=after(tiering.cool),
            tier_to_archive=after(tiering.archive),
            delete=after(tiering.delete),
        )
    )


def _version_actions(tiering: Tiering) -> storage.ManagementPolicyActionArgs:
    def after(days: int | None) -> storage.DateAfterCreationArgs | None:
        if days is None:
            return None
        return storage.DateAfterCreationArgs(days_after_creation_greater_than=days)

    return storage.ManagementPolicyActionArgs(
        version=storage.ManagementPolicyVersionArgs(
            tier_to_cool=after(tiering.cool),
            tier_to_archive=after(tiering.archive),
            delete=after(tiering.delete),
        )
    )
