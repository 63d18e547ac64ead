"""How each kind of resource that is used here is called by Azure Resource Manager."""

import importlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ArmType:
    """One kind: its type, where its name stands in the inputs, how the SDK reshaped it."""

    name: str
    name_inputs: tuple[str, ...]
    top: frozenset[str] = frozenset({"location", "tags"})
    """Inputs that stand beside `properties`, not inside."""
    nested: tuple[str, ...] = ()
    """Paths of lists or objects whose parts have `properties` of their own."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Paths that the SDK gave another name, with the name that Azure uses."""
    references: tuple[str, ...] = ()
    """Paths of objects that only refer to another resource by its id."""
    bare: bool = False
    """Whether it has no `properties` at all."""
    scope_input: str | None = None
    """The input that says which resource this one extends."""


def _top(*more: str) -> frozenset[str]:
    return frozenset({"location", "tags", *more})


_GATEWAY_PARTS = (
    "gatewayIPConfigurations",
    "frontendIPConfigurations",
    "frontendPorts",
    "sslCertificates",
    "httpListeners",
    "redirectConfigurations",
    "backendAddressPools",
    "backendHttpSettingsCollection",
    "probes",
    "requestRoutingRules",
)

TYPES = {
    "resources:ResourceGroup": ArmType(
        "Microsoft.Resources/resourceGroups", ("resourceGroupName",)
    ),
    "network:VirtualNetwork": ArmType(
        "Microsoft.Network/virtualNetworks",
        ("virtualNetworkName",),
        nested=("subnets", "subnets.delegations"),
    ),
    "network:NetworkSecurityGroup": ArmType(
        "Microsoft.Network/networkSecurityGroups",
        ("networkSecurityGroupName",),
        nested=("securityRules",),
    ),
    "network:NatGateway": ArmType(
        "Microsoft.Network/natGateways", ("natGatewayName",), _top("sku", "zones")
    ),
    "network:PublicIPAddress": ArmType(
        "Microsoft.Network/publicIPAddresses", ("publicIpAddressName",), _top("sku", "zones")
    ),
    "network:ApplicationGateway": ArmType(
        "Microsoft.Network/applicationGateways",
        ("applicationGatewayName",),
        _top("zones", "identity"),
        nested=_GATEWAY_PARTS,
    ),
    "network:WebApplicationFirewallPolicy": ArmType(
        "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies", ("policyName",)
    ),
    "network:PrivateEndpoint": ArmType(
        "Microsoft.Network/privateEndpoints",
        ("privateEndpointName",),
        nested=("privateLinkServiceConnections",),
        references=("subnet",),
    ),
    "network:PrivateDnsZoneGroup": ArmType(
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        ("privateEndpointName", "privateDnsZoneGroupName"),
        nested=("privateDnsZoneConfigs",),
    ),
    "network:BastionHost": ArmType(
        "Microsoft.Network/bastionHosts",
        ("bastionHostName",),
        _top("sku", "zones"),
        nested=("ipConfigurations",),
    ),
    "network:VirtualNetworkGateway": ArmType(
        "Microsoft.Network/virtualNetworkGateways",
        ("virtualNetworkGatewayName",),
        nested=("ipConfigurations",),
    ),
    "network:NetworkInterface": ArmType(
        "Microsoft.Network/networkInterfaces",
        ("networkInterfaceName",),
        nested=("ipConfigurations",),
        references=("ipConfigurations.properties.subnet",),
    ),
    "compute:VirtualMachine": ArmType(
        "Microsoft.Compute/virtualMachines",
        ("vmName",),
        _top("zones", "identity"),
        nested=("networkProfile.networkInterfaces",),
    ),
    "privatedns:PrivateZone": ArmType("Microsoft.Network/privateDnsZones", ("privateZoneName",)),
    "privatedns:VirtualNetworkLink": ArmType(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        ("privateZoneName", "virtualNetworkLinkName"),
    ),
    "privatedns:PrivateRecordSet": ArmType(
        "Microsoft.Network/privateDnsZones/A", ("privateZoneName", "relativeRecordSetName")
    ),
    "resources:Deployment": ArmType("Microsoft.Resources/deployments", ("deploymentName",)),
    "authorization:ManagementLockByScope": ArmType(
        "Microsoft.Authorization/locks", ("lockName",), frozenset(), scope_input="scope"
    ),
    "monitor:ActivityLogAlert": ArmType(
        "Microsoft.Insights/activityLogAlerts", ("activityLogAlertName",)
    ),
    "dns:RecordSet": ArmType(
        "Microsoft.Network/dnszones/A", ("zoneName", "relativeRecordSetName"), frozenset()
    ),
    "managedidentity:UserAssignedIdentity": ArmType(
        "Microsoft.ManagedIdentity/userAssignedIdentities", ("resourceName",), bare=True
    ),
    "managedidentity:FederatedIdentityCredential": ArmType(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        ("resourceName", "federatedIdentityCredentialResourceName"),
    ),
    "authorization:RoleDefinition": ArmType(
        "Microsoft.Authorization/roleDefinitions",
        ("roleDefinitionId",),
        scope_input="scope",
        renamed={"roleType": "type"},
    ),
    "authorization:RoleAssignment": ArmType(
        "Microsoft.Authorization/roleAssignments", ("roleAssignmentName",), scope_input="scope"
    ),
    "keyvault:Vault": ArmType("Microsoft.KeyVault/vaults", ("vaultName",)),
    "keyvault:Secret": ArmType(
        "Microsoft.KeyVault/vaults/secrets",
        ("vaultName", "secretName"),
        renamed={"attributes.expires": "exp"},
    ),
    "storage:StorageAccount": ArmType(
        "Microsoft.Storage/storageAccounts",
        ("accountName",),
        _top("sku", "kind", "identity"),
        renamed={
            "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
            "networkRuleSet": "networkAcls",
        },
    ),
    "storage:BlobServiceProperties": ArmType(
        "Microsoft.Storage/storageAccounts/blobServices", ("accountName", "blobServicesName")
    ),
    "storage:BlobContainer": ArmType(
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        ("accountName", "=default", "containerName"),
    ),
    "storage:ManagementPolicy": ArmType(
        "Microsoft.Storage/storageAccounts/managementPolicies",
        ("accountName", "managementPolicyName"),
    ),
    "containerregistry:Registry": ArmType(
        "Microsoft.ContainerRegistry/registries", ("registryName",), _top("sku", "identity")
    ),
    "containerregistry:Replication": ArmType(
        "Microsoft.ContainerRegistry/registries/replications", ("registryName", "replicationName")
    ),
    "dbforpostgresql:Server": ArmType(
        "Microsoft.DBforPostgreSQL/flexibleServers", ("serverName",), _top("sku", "identity")
    ),
    "dbforpostgresql:Database": ArmType(
        "Microsoft.DBforPostgreSQL/flexibleServers/databases", ("serverName", "databaseName")
    ),
    "dbforpostgresql:VirtualEndpoint": ArmType(
        "Microsoft.DBforPostgreSQL/flexibleServers/virtualendpoints",
        ("serverName", "virtualEndpointName"),
    ),
    "network:VirtualNetworkPeering": ArmType(
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        ("virtualNetworkName", "virtualNetworkPeeringName"),
    ),
    "dbforpostgresql:Configuration": ArmType(
        "Microsoft.DBforPostgreSQL/flexibleServers/configurations",
        ("serverName", "configurationName"),
    ),
    "dbforpostgresql:AdministratorsMicrosoftEntra": ArmType(
        "Microsoft.DBforPostgreSQL/flexibleServers/administrators",
        ("serverName", "objectId"),
    ),
    "redisenterprise:RedisEnterprise": ArmType(
        "Microsoft.Cache/redisEnterprise", ("clusterName",), _top("sku", "zones", "identity")
    ),
    "redisenterprise:Database": ArmType(
        "Microsoft.Cache/redisEnterprise/databases", ("clusterName", "databaseName")
    ),
    "redisenterprise:AccessPolicyAssignment": ArmType(
        "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
        ("clusterName", "databaseName", "accessPolicyAssignmentName"),
    ),
    "machinelearningservices:Workspace": ArmType(
        "Microsoft.MachineLearningServices/workspaces",
        ("workspaceName",),
        _top("kind", "sku", "identity"),
    ),
    "machinelearningservices:Compute": ArmType(
        "Microsoft.MachineLearningServices/workspaces/computes",
        ("workspaceName", "computeName"),
        _top("sku", "identity"),
    ),
    "machinelearningservices:BatchEndpoint": ArmType(
        "Microsoft.MachineLearningServices/workspaces/batchEndpoints",
        ("workspaceName", "endpointName"),
        _top("kind", "sku", "identity"),
    ),
    "operationalinsights:Workspace": ArmType(
        "Microsoft.OperationalInsights/workspaces", ("workspaceName",), _top("identity")
    ),
    "operationalinsights:SavedSearch": ArmType(
        "Microsoft.OperationalInsights/workspaces/savedSearches",
        ("workspaceName", "savedSearchId"),
        top=frozenset(),
    ),
    "operationalinsights:DataExport": ArmType(
        "Microsoft.OperationalInsights/workspaces/dataExports",
        ("workspaceName", "dataExportName"),
        renamed={"resourceId": "destination.resourceId"},
    ),
    "applicationinsights:Component": ArmType(
        "Microsoft.Insights/components",
        ("resourceName",),
        _top("kind"),
        renamed={
            "applicationType": "Application_Type",
            "workspaceResourceId": "WorkspaceResourceId",
            "ingestionMode": "IngestionMode",
            "disableLocalAuth": "DisableLocalAuth",
            "retentionInDays": "RetentionInDays",
        },
    ),
    "applicationinsights:Workbook": ArmType(
        "Microsoft.Insights/workbooks", ("resourceName",), _top("kind", "identity")
    ),
    "monitor:DiagnosticSetting": ArmType(
        "Microsoft.Insights/diagnosticSettings",
        ("name",),
        top=frozenset(),
        scope_input="resourceUri",
    ),
    "monitor:SubscriptionDiagnosticSetting": ArmType(
        "Microsoft.Insights/diagnosticSettings", ("name",), top=frozenset()
    ),
    "monitor:ActionGroup": ArmType("Microsoft.Insights/actionGroups", ("actionGroupName",)),
    "monitor:MetricAlert": ArmType(
        "Microsoft.Insights/metricAlerts",
        ("ruleName",),
        renamed={"criteria.odataType": "odata.type"},
    ),
    "monitor:ScheduledQueryRule": ArmType(
        "Microsoft.Insights/scheduledQueryRules", ("ruleName",), _top("kind", "identity")
    ),
    "logic:Workflow": ArmType("Microsoft.Logic/workflows", ("workflowName",), _top("identity")),
    "eventgrid:SystemTopic": ArmType(
        "Microsoft.EventGrid/systemTopics", ("systemTopicName",), _top("identity")
    ),
    "eventgrid:SystemTopicEventSubscription": ArmType(
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        ("systemTopicName", "eventSubscriptionName"),
        nested=("destination",),
    ),
    "consumption:Budget": ArmType(
        "Microsoft.Consumption/budgets", ("budgetName",), top=frozenset(), scope_input="scope"
    ),
    "app:ManagedEnvironment": ArmType(
        "Microsoft.App/managedEnvironments", ("environmentName",), _top("kind", "identity")
    ),
    "app:ContainerApp": ArmType(
        "Microsoft.App/containerApps", ("containerAppName",), _top("identity", "kind")
    ),
    "app:Job": ArmType("Microsoft.App/jobs", ("jobName",), _top("identity")),
    "app:ContainerAppsAuthConfig": ArmType(
        "Microsoft.App/containerApps/authConfigs", ("containerAppName", "authConfigName")
    ),
}


def arm_type(token: str) -> ArmType:
    """The kind of a Pulumi type token such as `azure-native:app:ContainerApp`."""
    return TYPES[token.removeprefix("azure-native:")]


def arm_identity(identity: dict[str, Any]) -> dict[str, Any]:
    """The SDK takes a list of ids where Azure takes an object keyed by them."""
    users = identity.get("userAssignedIdentities")
    if isinstance(users, list):
        return identity | {"userAssignedIdentities": {user: {} for user in users}}
    return identity


@lru_cache
def api_version(token: str) -> str:
    """The version of Azure's interface that the SDK uses for a kind, by its own account."""
    _, module_name, class_name = token.split(":")
    module = importlib.import_module(f"pulumi_azure_native.{module_name}")
    source = Path(importlib.import_module(getattr(module, class_name).__module__).__file__ or "")
    found = re.search(
        r"Uses Azure REST API version ([\d]{4}-\d\d-\d\d(?:-\w+)?)",
        source.read_text(encoding="utf-8"),
    )
    if found is None:
        raise LookupError(f"{token}: the SDK doesn't tell its API version")
    return found.group(1)
