"""The roles that are granted, as data, and the granting."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity

from newsapi_infra.context import Context

PRINCIPAL_KIND = authorization.PrincipalType.SERVICE_PRINCIPAL


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role that Azure defines; its GUID is the same everywhere."""

    title: str
    guid: str


SECRETS_USER = BuiltInRole("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6")
SECRETS_OFFICER = BuiltInRole("Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
BLOB_CONTRIBUTOR = BuiltInRole(
    "Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
)
IMAGE_PULL = BuiltInRole("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d")
IMAGE_PUSH = BuiltInRole("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec")
IMAGE_DELETE = BuiltInRole("AcrDelete", "c2f4ef07-c644-48eb-af81-4b1b4947fb11")
METRICS_PUBLISHER = BuiltInRole(
    "Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb"
)

CONTRIBUTOR = BuiltInRole("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c")
VAULT_ADMINISTRATOR = BuiltInRole("Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483")
DATA_SCIENTIST = BuiltInRole("AzureML Data Scientist", "f6c7c914-8db3-469d-8ca1-694a8f32e121")

LAUNCH_ACTIONS = (
    "Microsoft.App/jobs/read",
    "Microsoft.App/jobs/write",
    "Microsoft.App/jobs/delete",
    "Microsoft.App/jobs/start/action",
    "Microsoft.App/jobs/stop/action",
    "Microsoft.App/jobs/execution/read",
    "Microsoft.App/jobs/executions/read",
    "Microsoft.App/managedEnvironments/read",
    "Microsoft.App/managedEnvironments/join/action",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
)
"""What starting a run as a Container Apps Job takes, and no more."""

ROTATION_ACTIONS = ("Microsoft.App/jobs/start/action",)
"""What starting the job that changes the database's password takes, on that job only."""

PREVIEW_ACTIONS = (
    "*/read",
    # The preview asks for the address at which Slack's Logic App is called.
    "Microsoft.Logic/workflows/triggers/listCallbackUrl/action",
)
"""What showing the changes of a pull request takes: looking, and one secret address."""

UPKEEP_ACTIONS = ("Microsoft.App/containerApps/read", "Microsoft.App/jobs/read")
"""What asking takes which images run."""

SUBSCRIPTION_PREVIEW_ACTIONS = (
    "Microsoft.Insights/diagnosticSettings/read",
    "Microsoft.Authorization/roleDefinitions/read",
    "Microsoft.Authorization/roleAssignments/read",
)
"""The same beyond the group: the Activity Log's setting, and this role itself."""

DEPLOY_ACTIONS = (
    "Microsoft.App/containerApps/read",
    "Microsoft.App/containerApps/write",
    "Microsoft.App/jobs/read",
    "Microsoft.App/jobs/write",
    "Microsoft.App/jobs/start/action",
    # One execution, by its name; the list is another action, `executions`.
    "Microsoft.App/jobs/execution/read",
    "Microsoft.App/managedEnvironments/read",
    "Microsoft.App/managedEnvironments/join/action",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    # A backup before the tables change.
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/backups/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/backups/write",
)
"""What deploying another image takes, and no more."""


def grant(
    context: Context,
    name: str,
    identity: managedidentity.UserAssignedIdentity,
    role: BuiltInRole,
    scope: pulumi.Input[str],
) -> authorization.RoleAssignment:
    """Let an identity act in a built-in role on one resource."""
    return _assign(context, name, identity, _built_in(context, role), scope, role.title)


def _built_in(context: Context, role: BuiltInRole) -> str:
    return (
        f"/subscriptions/{context.config.subscription_id}/providers/Microsoft.Authorization"
        f"/roleDefinitions/{role.guid}"
    )


def grant_group(
    context: Context, name: str, group_id: str, role: BuiltInRole, scope: pulumi.Input[str]
) -> authorization.RoleAssignment:
    """Let the members of an Entra group act in a built-in role on one resource."""
    return authorization.RoleAssignment(
        f"grant-{name}",
        role_assignment_name=context.names.guid("grant", name),
        principal_id=group_id,
        principal_type=authorization.PrincipalType.GROUP,
        role_definition_id=_built_in(context, role),
        scope=scope,
        description=role.title,
    )


def grant_actions(
    context: Context,
    name: str,
    identity: managedidentity.UserAssignedIdentity,
    title: str,
    actions: tuple[str, ...],
    scope: pulumi.Input[str] | None = None,
    within: pulumi.Input[str] | None = None,
) -> authorization.RoleAssignment:
    """Define a role of exactly these actions and grant it: on the stack's group, or on `scope`.

    `within`: where the role can be granted, if that isn't the group.
    """
    within = within or context.group.id
    role = authorization.RoleDefinition(
        f"role-{name}",
        role_definition_id=context.names.guid("role", name),
        role_name=f"{title} ({context.names.of('role')} {context.names.suffix})",
        description=title,
        role_type="CustomRole",
        scope=within,
        assignable_scopes=[within],
        permissions=[authorization.PermissionArgs(actions=list(actions), not_actions=[])],
    )
    return _assign(context, name, identity, role.id, scope or context.group.id, title)


def _assign(
    context: Context,
    name: str,
    identity: managedidentity.UserAssignedIdentity,
    role_id: pulumi.Input[str],
    scope: pulumi.Input[str],
    description: str,
) -> authorization.RoleAssignment:
    return authorization.RoleAssignment(
        f"grant-{name}",
        role_assignment_name=context.names.guid("grant", name),
        principal_id=identity.principal_id,
        # Named, or Azure looks for a new identity in the directory before it has arrived there.
        principal_type=PRINCIPAL_KIND,
        role_definition_id=role_id,
        scope=scope,
        description=description,
    )


def keep(
    context: Context, name: str, scope: pulumi.Input[str], parts: list[pulumi.Resource]
) -> None:
    """Let nobody delete a resource before the lock is deleted, whatever their role.

    A lock holds for the `parts` of the resource as well, so it is made after them and goes first.
    """
    authorization.ManagementLockByScope(
        f"lock-{name}",
        scope=scope,
        lock_name=context.names.of("keep"),
        level=authorization.LockLevel.CAN_NOT_DELETE,
        notes="Holds data.",
        opts=pulumi.ResourceOptions(depends_on=parts),
    )
