"""Who acts: the apps, the small jobs beside them, the gateway, deployments from GitHub."""

from dataclasses import dataclass

from pulumi_azure_native import managedidentity

from newsapi_infra.context import Context


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of a stack; what each may do is granted beside the resource concerned."""

    apps: managedidentity.UserAssignedIdentity
    jobs: managedidentity.UserAssignedIdentity
    """Of the jobs that look after the deployment: no news API, no blobs, no starting of runs."""
    gateway: managedidentity.UserAssignedIdentity | None
    deployment: managedidentity.UserAssignedIdentity | None


def create_identities(context: Context) -> Identities:
    """Declare the identities that this stack uses."""
    return Identities(
        apps=_identity(context, "apps"),
        jobs=_identity(context, "jobs"),
        gateway=_identity(context, "gateway") if context.config.has_gateway else None,
        deployment=_deployment(context) if context.config.github_repository else None,
    )


def _identity(context: Context, kind: str) -> managedidentity.UserAssignedIdentity:
    return managedidentity.UserAssignedIdentity(
        f"identity-{kind}",
        resource_group_name=context.group_name,
        resource_name_=context.names.of(f"{kind}-id"),
        location=context.location,
        tags=context.tags,
    )


def _deployment(context: Context) -> managedidentity.UserAssignedIdentity:
    """GitHub's workflows log in with a token of theirs: there is no credential to store."""
    identity = _identity(context, "deployment")
    managedidentity.FederatedIdentityCredential(
        "identity-deployment-github",
        resource_group_name=context.group_name,
        resource_name_=identity.name,
        federated_identity_credential_resource_name="github",
        issuer="https://token.actions.githubusercontent.com",
        subject=f"repo:{context.config.github_repository}:environment:{context.config.stack}",
        audiences=["api://AzureADTokenExchange"],
    )
    return identity
