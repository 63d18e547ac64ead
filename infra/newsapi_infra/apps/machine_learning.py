"""Azure Machine Learning, where the stack wants it: to train the model of tone, to read batches.

A workspace with a storage account and a vault of its own: what runs there reaches neither backups
nor the application's secrets. The embedded model stays the default of runs.
"""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault, managedidentity, storage
from pulumi_azure_native import machinelearningservices as ml

from newsapi_infra.apps.containers import Surroundings
from newsapi_infra.context import Context
from newsapi_infra.data.key_vault import private_vault
from newsapi_infra.data.storage import private_account
from newsapi_infra.identity.identities import new_identity
from newsapi_infra.identity.roles import (
    BLOB_CONTRIBUTOR,
    CONTRIBUTOR,
    DATA_SCIENTIST,
    IMAGE_PULL,
    VAULT_ADMINISTRATOR,
    grant,
    grant_group,
)
from newsapi_infra.network.private_endpoints import LEARNING, private_endpoint
from newsapi_infra.network.vnet import Network

COMPUTE = "cpu-cluster"
"""As the files of infra/azureml name it."""

ENDPOINT = "tone-batch"
MACHINE = "Standard_D4ds_v5"


@dataclass(frozen=True, slots=True)
class MachineLearning:
    """What of it was declared, for diagnostic settings."""

    workspace: ml.Workspace
    account: storage.StorageAccount
    blobs: storage.BlobServiceProperties
    vault: keyvault.Vault


def create_machine_learning(
    context: Context, net: Network, around: Surroundings
) -> MachineLearning | None:
    """Declare the workspace, its cluster, which has no machine while nothing runs, its endpoint."""
    if not context.config.machine_learning:
        return None
    identity = new_identity(context, "learning")
    account, blobs = _account(context)
    # The workspace keeps there what its connections need.
    vault = private_vault(context, "learning-vault", "ml")
    insights = around.observability.insights.id
    ready: list[pulumi.Resource] = [
        # What a workspace needs that acts as an identity of its owner's.
        grant(context, "learning-storage", identity, CONTRIBUTOR, account.id),
        grant(context, "learning-blobs", identity, BLOB_CONTRIBUTOR, account.id),
        grant(context, "learning-vault", identity, CONTRIBUTOR, vault.id),
        grant(context, "learning-secrets", identity, VAULT_ADMINISTRATOR, vault.id),
        grant(context, "learning-figures", identity, CONTRIBUTOR, insights),
        grant(context, "learning-pull", identity, IMAGE_PULL, around.registry.id),
    ]
    workspace = ml.Workspace(
        "learning",
        resource_group_name=context.group_name,
        workspace_name=context.names.of("learning"),
        location=context.location,
        kind="Default",
        sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
        identity=ml.ManagedServiceIdentityArgs(
            type=ml.ManagedServiceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]
        ),
        primary_user_assigned_identity=identity.id,
        storage_account=account.id,
        key_vault=vault.id,
        application_insights=insights,
        container_registry=around.registry.id,
        system_datastores_auth_mode=ml.SystemDatastoresAuthMode.IDENTITY,
        public_network_access=ml.PublicNetworkAccessType.DISABLED,
        # Its machines are in a network of the platform's, with private endpoints to what is above.
        managed_network=ml.ManagedNetworkSettingsArgs(
            isolation_mode=ml.IsolationMode.ALLOW_INTERNET_OUTBOUND
        ),
        v1_legacy_mode=False,
        tags=context.tags,
        opts=pulumi.ResourceOptions(depends_on=ready),
    )
    private_endpoint(context, net, LEARNING, workspace.id)
    _cluster(context, workspace, identity)
    _endpoint(context, workspace)
    group = context.config.data_scientists_group_id
    if group is not None:
        grant_group(context, "data-scientists", group, DATA_SCIENTIST, workspace.id)
    return MachineLearning(workspace, account, blobs, vault)


def _cluster(
    context: Context, workspace: ml.Workspace, identity: managedidentity.UserAssignedIdentity
) -> None:
    ml.Compute(
        "learning-cluster",
        resource_group_name=context.group_name,
        workspace_name=workspace.name,
        compute_name=COMPUTE,
        location=context.location,
        identity=ml.ManagedServiceIdentityArgs(
            type=ml.ManagedServiceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]
        ),
        properties=ml.AmlComputeArgs(
            compute_type="AmlCompute",
            disable_local_auth=True,
            properties=ml.AmlComputePropertiesArgs(
                vm_size=MACHINE,
                vm_priority=ml.VmPriority.DEDICATED,
                enable_node_public_ip=False,
                remote_login_port_public_access=ml.RemoteLoginPortPublicAccess.DISABLED,
                scale_settings=ml.ScaleSettingsArgs(
                    min_node_count=0, max_node_count=1, node_idle_time_before_scale_down="PT10M"
                ),
            ),
        ),
        tags=context.tags,
    )


def _endpoint(context: Context, workspace: ml.Workspace) -> None:
    """The address; what answers there is deployed by infra/azureml/batch-deployment.yml."""
    ml.BatchEndpoint(
        "learning-endpoint",
        resource_group_name=context.group_name,
        workspace_name=workspace.name,
        endpoint_name=ENDPOINT,
        location=context.location,
        properties=ml.BatchEndpointPropertiesArgs(
            auth_mode=ml.EndpointAuthMode.AAD_TOKEN,
            description="Reads the tone of mentions in files of JSON lines.",
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(ignore_changes=["properties.defaults"]),
    )


def _account(context: Context) -> tuple[storage.StorageAccount, storage.BlobServiceProperties]:
    account = private_account(
        context,
        "learning-storage",
        context.names.compact("ml"),
        storage.SkuName.STANDARD_GRS,
        pulumi.ResourceOptions(),
    )
    blobs = storage.BlobServiceProperties(
        "learning-blobs",
        resource_group_name=context.group_name,
        account_name=account.name,
        blob_services_name="default",
        delete_retention_policy=storage.DeleteRetentionPolicyArgs(enabled=True, days=7),
        container_delete_retention_policy=storage.DeleteRetentionPolicyArgs(enabled=True, days=7),
    )
    return account, blobs
