"""The two apps, made from one image: the webserver, and the daemon that exists once."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import app

from newsapi_infra import names
from newsapi_infra.app_settings import SECRETS, environment_of, plain_settings
from newsapi_infra.authentication import ENTRA_APP_SECRET, require_login
from newsapi_infra.context import Context
from newsapi_infra.database import Database
from newsapi_infra.environment import PROFILE
from newsapi_infra.identity import Identities
from newsapi_infra.key_vault import KeyVault
from newsapi_infra.observability import Observability
from newsapi_infra.registry import Registry
from newsapi_infra.roles import LAUNCH_ACTIONS, grant_actions
from newsapi_infra.storage import Storage

UI_PORT = 3000
PROBE_PATH = "/server_info"
HEALTH_PORT = 8080
HEALTH_PATH = "/health"
CODE = "newsapi_dentsu.definitions"

GRACE_SECONDS = 600
"""The longest that the platform allows between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class Size:
    """What one replica gets."""

    cpu: float
    memory: str


SMALL = Size(0.5, "1Gi")

SIZES = {
    "dev": {names.WEBSERVER: Size(0.5, "1Gi"), names.DAEMON: Size(1.0, "2Gi")},
    "prod": {names.WEBSERVER: Size(1.0, "2Gi"), names.DAEMON: Size(2.0, "4Gi")},
    "dr": {names.WEBSERVER: Size(1.0, "2Gi"), names.DAEMON: Size(2.0, "4Gi")},
}

COMMANDS = {
    names.WEBSERVER: f"exec dagster-webserver -h 0.0.0.0 -p {UI_PORT} -m {CODE}",
    names.DAEMON: f"exec newsapi daemon --health-port {HEALTH_PORT}",
    names.UPGRADE: "exec newsapi db upgrade",
}
"""Run by a shell that replaces itself, so that signals arrive."""

PREPARE = "export DAGSTER_HOME=$(newsapi home) && "


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the apps stand on."""

    environment: app.ManagedEnvironment
    identities: Identities
    database: Database
    vault: KeyVault
    storage: Storage
    registry: Registry
    observability: Observability

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """What must exist before an app starts: roles, names and the database."""
        return [
            *self.vault.ready,
            *self.registry.ready,
            *self.storage.ready,
            *self.database.ready,
        ]


@dataclass(frozen=True, slots=True)
class Apps:
    """The apps, where they could be made."""

    webserver: app.ContainerApp
    daemon: app.ContainerApp
    upgrade: app.Job


def create_apps(context: Context, around: Surroundings) -> Apps | None:
    """Declare the apps, once the configuration names an image by its digest."""
    digest = context.config.image_digest
    if digest is None:
        return None
    image = pulumi.Output.concat(around.registry.registry.login_server, f"/{names.IMAGE}@{digest}")
    if context.config.run_launcher == "jobs":
        grant_actions(
            context,
            "launch-runs",
            around.identities.apps,
            "Start pipeline runs as Container Apps Jobs",
            LAUNCH_ACTIONS,
        )
    webserver = _app(
        context,
        around,
        names.WEBSERVER,
        image,
        ingress=_ingress(context),
        probes=_probes(),
        scale=_webserver_scale(context),
        grace=60,
        more_secrets={ENTRA_APP_SECRET: names.ENTRA_SECRET},
    )
    require_login(context, webserver)
    daemon = _app(
        context,
        around,
        names.DAEMON,
        image,
        probes=_daemon_probes(),
        # Without a minimum, an app without ingress scales to zero and stays there.
        scale=app.ScaleArgs(min_replicas=1, max_replicas=1),
        grace=GRACE_SECONDS,
    )
    return Apps(webserver, daemon, _upgrade_job(context, around, image))


def _app(
    context: Context,
    around: Surroundings,
    name: str,
    image: pulumi.Output[str],
    *,
    scale: app.ScaleArgs,
    grace: int,
    ingress: app.IngressArgs | None = None,
    probes: list[app.ContainerAppProbeArgs] | None = None,
    more_secrets: dict[str, str] | None = None,
) -> app.ContainerApp:
    return app.ContainerApp(
        name,
        resource_group_name=context.group_name,
        container_app_name=name,
        location=context.location,
        managed_environment_id=around.environment.id,
        workload_profile_name=PROFILE,
        identity=_identity(around),
        configuration=app.ConfigurationArgs(
            # Sticky sessions need it; a rollback is the previous image, deployed by digest.
            active_revisions_mode=app.ActiveRevisionsMode.SINGLE,
            max_inactive_revisions=10,
            ingress=ingress,
            registries=[_registry(around)],
            secrets=_secrets(around, more_secrets or {}),
        ),
        template=app.TemplateArgs(
            containers=[_container(context, around, name, image, probes)],
            scale=scale,
            termination_grace_period_seconds=grace,
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(depends_on=around.ready),
    )


def _upgrade_job(context: Context, around: Surroundings, image: pulumi.Output[str]) -> app.Job:
    """Brings the tables to the image's version; started before its apps, inside the network."""
    return app.Job(
        names.UPGRADE,
        resource_group_name=context.group_name,
        job_name=names.UPGRADE,
        location=context.location,
        environment_id=around.environment.id,
        workload_profile_name=PROFILE,
        identity=_identity(around),
        configuration=app.JobConfigurationArgs(
            trigger_type=app.TriggerType.MANUAL,
            manual_trigger_config=app.JobConfigurationManualTriggerConfigArgs(
                parallelism=1, replica_completion_count=1
            ),
            replica_timeout=3600,
            replica_retry_limit=0,
            registries=[_registry(around)],
            secrets=_secrets(around, {}),
        ),
        template=app.JobTemplateArgs(
            containers=[_container(context, around, names.UPGRADE, image, None)]
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(depends_on=around.ready),
    )


def _container(
    context: Context,
    around: Surroundings,
    name: str,
    image: pulumi.Output[str],
    probes: list[app.ContainerAppProbeArgs] | None,
) -> app.ContainerArgs:
    size = SIZES[context.config.stack].get(name, SMALL)
    return app.ContainerArgs(
        name=name,
        image=image,
        command=["/bin/sh", "-c", PREPARE + COMMANDS[name]],
        env=environment_of(plain_settings(context.config, _outputs(around, image))),
        resources=app.ContainerResourcesArgs(cpu=size.cpu, memory=size.memory),
        probes=probes,
    )


def _identity(around: Surroundings) -> app.ManagedServiceIdentityArgs:
    return app.ManagedServiceIdentityArgs(
        type=app.ManagedServiceIdentityType.USER_ASSIGNED,
        user_assigned_identities=[around.identities.apps.id],
    )


def _registry(around: Surroundings) -> app.RegistryCredentialsArgs:
    return app.RegistryCredentialsArgs(
        server=around.registry.registry.login_server, identity=around.identities.apps.id
    )


def _secrets(around: Surroundings, more: dict[str, str]) -> list[app.SecretArgs]:
    """References to the vault: the app never holds a value of its own."""
    secrets = {secret: secret for secret in SECRETS.values()} | more
    return [
        app.SecretArgs(
            name=own,
            key_vault_url=around.vault.secret_url(secret),
            identity=around.identities.apps.id,
        )
        for own, secret in secrets.items()
    ]


def _outputs(around: Surroundings, image: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    return {
        "POSTGRES_HOST": around.database.host,
        "STORAGE_ACCOUNT_URL": around.storage.account.primary_endpoints.blob,
        "AZURE_CLIENT_ID": around.identities.apps.client_id,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": around.observability.insights.connection_string,
        "DAGSTER_CURRENT_IMAGE": image,
        "ACA_ENVIRONMENT_ID": around.environment.id,
        "ACA_IDENTITY_ID": around.identities.apps.id,
    }


def _ingress(context: Context) -> app.IngressArgs:
    allowed = (
        None
        if context.config.has_gateway
        else [
            app.IpSecurityRestrictionRuleArgs(
                name=f"company-{place}",
                action=app.Action.ALLOW,
                ip_address_range=company,
            )
            for place, company in enumerate(context.config.company_ranges)
        ]
    )
    return app.IngressArgs(
        # To the environment, not the internet: behind a gateway the environment is internal.
        external=True,
        target_port=UI_PORT,
        transport=app.IngressTransportMethod.AUTO,
        allow_insecure=False,
        # Without it, code locations stay "loading" when replicas take turns.
        sticky_sessions=app.IngressStickySessionsArgs(affinity=app.Affinity.STICKY),
        ip_security_restrictions=allowed,
        traffic=[app.TrafficWeightArgs(latest_revision=True, weight=100)],
    )


def _webserver_scale(context: Context) -> app.ScaleArgs:
    return app.ScaleArgs(
        min_replicas=context.config.webserver_min_replicas,
        max_replicas=context.config.webserver_max_replicas,
        rules=[
            app.ScaleRuleArgs(
                name="cpu",
                custom=app.CustomScaleRuleArgs(
                    type="cpu", metadata={"type": "Utilization", "value": "70"}
                ),
            )
        ],
    )


def _probes() -> list[app.ContainerAppProbeArgs]:
    asked = app.ContainerAppProbeHttpGetArgs(path=PROBE_PATH, port=UI_PORT, scheme=app.Scheme.HTTP)
    return [
        # Loading the code location takes a while on half a core: up to two minutes.
        app.ContainerAppProbeArgs(
            type=app.Type.STARTUP, http_get=asked, period_seconds=5, failure_threshold=24
        ),
        app.ContainerAppProbeArgs(
            type=app.Type.READINESS,
            http_get=asked,
            period_seconds=10,
            timeout_seconds=5,
            failure_threshold=3,
        ),
        app.ContainerAppProbeArgs(
            type=app.Type.LIVENESS,
            http_get=asked,
            period_seconds=30,
            timeout_seconds=10,
            failure_threshold=4,
        ),
    ]


def _daemon_probes() -> list[app.ContainerAppProbeArgs]:
    """Its endpoint fails when the daemon acts, but gave no heartbeat for five minutes."""
    asked = app.ContainerAppProbeHttpGetArgs(
        path=HEALTH_PATH, port=HEALTH_PORT, scheme=app.Scheme.HTTP
    )
    return [
        app.ContainerAppProbeArgs(
            type=app.Type.STARTUP, http_get=asked, period_seconds=5, failure_threshold=24
        ),
        app.ContainerAppProbeArgs(
            type=app.Type.LIVENESS,
            http_get=asked,
            period_seconds=60,
            timeout_seconds=5,
            failure_threshold=3,
        ),
    ]
