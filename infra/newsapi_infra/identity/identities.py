"""Who acts: the apps, the small jobs beside them, the gateway, deployments from GitHub."""

from dataclasses import dataclass

from pulumi_azure_native import managedidentity

from newsapi_infra.context import Context


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of a stack; what each may do is granted beside the resource concerned."""

    apps: managedidentity.UserAssignedIdentity
    news: managedidentity.UserAssignedIdentity
    """Of the news API: reads the views and the cache, and nothing else."""
    jobs: managedidentity.UserAssignedIdentity
    """Of the jobs that look after the deployment: no news API, no blobs, no starting of runs."""
    administration: managedidentity.UserAssignedIdentity
    """Of the jobs that log in to the database as its administrator."""
    rotation: managedidentity.UserAssignedIdentity | None
    """Of what starts the job that changes the database's password, where there is one."""
    gateway: managedidentity.UserAssignedIdentity | None
    deployment: managedidentity.UserAssignedIdentity | None
    preview: managedidentity.UserAssignedIdentity | None
    """Of pull requests: looks at what there is, changes nothing."""
    upkeep: managedidentity.UserAssignedIdentity | None
    """Of the daily look at what runs, which nobody approves: deletes old images, deploys none."""


def create_identities(context: Context) -> Identities:
    """Declare the identities that this stack uses."""
    return Identities(
        apps=new_identity(context, "apps"),
        news=new_identity(context, "news"),
        jobs=new_identity(context, "jobs"),
        administration=new_identity(context, "administration"),
        rotation=None if context.config.by_identity else new_identity(context, "rotation"),
        gateway=new_identity(context, "gateway") if context.config.has_gateway else None,
        deployment=_github(context, "deployment", context.config.stack),
        preview=_github(context, "preview", f"{context.config.stack}-preview"),
        upkeep=_github(context, "upkeep", f"{context.config.stack}-upkeep"),
    )


def new_identity(context: Context, kind: str) -> managedidentity.UserAssignedIdentity:
    """Declare one more identity of the stack."""
    return managedidentity.UserAssignedIdentity(
        f"identity-{kind}",
        resource_group_name=context.group_name,
        resource_name_=context.names.of(f"{kind}-id"),
        location=context.location,
        tags=context.tags,
    )


def _github(
    context: Context, kind: str, environment: str
) -> managedidentity.UserAssignedIdentity | None:
    """GitHub's workflows log in with a token of theirs: there is no credential to store."""
    repository = context.config.github_repository
    if not repository:
        return None
    identity = new_identity(context, kind)
    managedidentity.FederatedIdentityCredential(
        f"identity-{kind}-github",
        resource_group_name=context.group_name,
        resource_name_=identity.name,
        federated_identity_credential_resource_name="github",
        issuer="https://token.actions.githubusercontent.com",
        subject=f"repo:{repository}:environment:{environment}",
        audiences=["api://AzureADTokenExchange"],
    )
    return identity
