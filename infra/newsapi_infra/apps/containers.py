"""What apps and jobs have in common: the image, its commands and sizes, identity and secrets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import app, managedidentity

from newsapi_infra import names
from newsapi_infra.apps.app_settings import SECRETS
from newsapi_infra.context import Context
from newsapi_infra.data.cache import Cache
from newsapi_infra.data.database import Database
from newsapi_infra.data.key_vault import KeyVault
from newsapi_infra.data.registry import Registry
from newsapi_infra.data.storage import Storage
from newsapi_infra.identity.identities import Identities
from newsapi_infra.monitoring.observability import Observability

UI_PORT = 3000
NEWS_PORT = 8060
HEALTH_PORT = 8080
GRACE_SECONDS = 600
"""The longest that the platform allows between SIGTERM and SIGKILL, for runs in the daemon."""
CODE = "newsapi_dentsu.definitions"

COMMANDS = {
    names.WEBSERVER: ["dagster-webserver", "-h", "0.0.0.0", "-p", str(UI_PORT), "-m", CODE],  # noqa: S104
    # Less than the platform's grace, so that a run without time left is still marked.
    names.DAEMON: ["newsapi", "daemon", "--stop-seconds", str(GRACE_SECONDS - 30)],
    names.NEWS_API: ["newsapi", "serve", "--host", "0.0.0.0", "--port", str(NEWS_PORT)],  # noqa: S104
    names.DATABASE_ROLE_JOB: ["newsapi", "db", "role"],
    names.ROTATION: ["newsapi", "db", "rotate"],
    names.UPGRADE: ["newsapi", "db", "upgrade", "--keep-way-back"],
    names.UPGRADE_FOR_GOOD: ["newsapi", "db", "upgrade"],
    names.ALERTS_CHECK: ["newsapi", "alerts", "check"],
    names.SMOKE_RUN: ["newsapi", "run", "--json"],
}
"""Arguments of the image's entrypoint, which prepares Dagster's home and becomes the command."""


@dataclass(frozen=True, slots=True)
class Size:
    """What one replica gets."""

    cpu: float
    memory: str

    @property
    def gib(self) -> float:
        """The memory as a number."""
        return float(self.memory.removesuffix("Gi"))


SMALL = Size(0.5, "1Gi")

SIZES = {
    "dev": {
        names.WEBSERVER: Size(0.5, "1Gi"),
        names.DAEMON: Size(1.0, "2Gi"),
        names.NEWS_API: Size(0.5, "1Gi"),
    },
    "prod": {
        names.WEBSERVER: Size(1.0, "2Gi"),
        names.DAEMON: Size(2.0, "4Gi"),
        names.NEWS_API: Size(1.0, "2Gi"),
    },
    "dr": {
        names.WEBSERVER: Size(1.0, "2Gi"),
        names.DAEMON: Size(2.0, "4Gi"),
        names.NEWS_API: Size(1.0, "2Gi"),
    },
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What apps and jobs stand on."""

    environment: app.ManagedEnvironment
    identities: Identities
    database: Database
    vault: KeyVault
    storage: Storage
    registry: Registry
    cache: Cache | None
    observability: Observability

    ui_host: pulumi.Output[str]
    """The name that people reach the UI by."""
    news_host: pulumi.Output[str]
    """The name that people reach the news by."""

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """What must exist before an app starts: roles, names and the database."""
        return [
            *self.vault.ready,
            *self.registry.ready,
            *self.storage.ready,
            *self.database.ready,
            *(self.cache.ready if self.cache else ()),
        ]

    @property
    def password_url(self) -> pulumi.Output[str]:
        """Where the password of the database is: asked for at each connection, never a variable."""
        return self.vault.secret_url(names.POSTGRES_SECRET)

    def image(self, digest: str) -> pulumi.Output[str]:
        """The image's full name."""
        return pulumi.Output.concat(self.registry.login_server, f"/{names.IMAGE}@{digest}")


def container(
    context: Context,
    name: str,
    image: pulumi.Output[str],
    environment: list[app.EnvironmentVarArgs],
    probes: list[app.ContainerAppProbeArgs] | None = None,
    options: Sequence[pulumi.Input[str]] = (),
) -> app.ContainerArgs:
    """The one container of an app or job; `options`: of its command, beside those it has."""
    size = SIZES[context.config.stack].get(name, SMALL)
    return app.ContainerArgs(
        name=name,
        image=image,
        args=[*COMMANDS[name], *options],
        env=environment,
        resources=app.ContainerResourcesArgs(cpu=size.cpu, memory=size.memory),
        probes=probes,
    )


def acting_as(
    identity: managedidentity.UserAssignedIdentity,
) -> app.ManagedServiceIdentityArgs:
    """The identity of an app or job."""
    return app.ManagedServiceIdentityArgs(
        type=app.ManagedServiceIdentityType.USER_ASSIGNED,
        user_assigned_identities=[identity.id],
    )


def registry_login(
    around: Surroundings, identity: managedidentity.UserAssignedIdentity
) -> app.RegistryCredentialsArgs:
    """Pulling with the identity's role, without a password."""
    return app.RegistryCredentialsArgs(server=around.registry.login_server, identity=identity.id)


def secret_references(
    around: Surroundings,
    identity: managedidentity.UserAssignedIdentity,
    settings: Iterable[str],
    more: Iterable[tuple[str, str]] = (),
) -> list[app.SecretArgs]:
    """References to the vault: an app never holds a value of its own.

    Args:
        around: what apps stand on.
        identity: who reads the vault.
        settings: secret settings of the application.
        more: other secrets, as names in the app and in the vault.
    """
    named = [(SECRETS[setting], SECRETS[setting]) for setting in settings]
    return [
        app.SecretArgs(
            name=own, key_vault_url=around.vault.secret_url(secret), identity=identity.id
        )
        for own, secret in [*named, *more]
    ]


def as_deployed(
    context: Context, around: Surroundings, *, lasting: bool = False
) -> pulumi.ResourceOptions:
    """Made when all is ready; its image is then changed by deployments, not by Pulumi."""
    return pulumi.ResourceOptions(
        depends_on=around.ready,
        ignore_changes=["template.containers[0].image"],
        protect=lasting and context.config.protected,
    )
