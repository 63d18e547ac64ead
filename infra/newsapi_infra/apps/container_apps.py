"""The apps, made from one image: the webserver, the daemon that exists once, the news API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import app, managedidentity

from newsapi_infra import names
from newsapi_infra.apps.app_settings import (
    app_settings,
    database_settings,
    environment_of,
    launcher_settings,
    news_settings,
    secret_settings,
)
from newsapi_infra.apps.authentication import ENTRA_APP_SECRET, require_login
from newsapi_infra.apps.containers import (
    GRACE_SECONDS,
    HEALTH_PORT,
    NEWS_PORT,
    UI_PORT,
    Surroundings,
    acting_as,
    as_deployed,
    container,
    registry_login,
    secret_references,
)
from newsapi_infra.apps.environment import PROFILE, inner_host
from newsapi_infra.apps.jobs import create_jobs
from newsapi_infra.context import Context
from newsapi_infra.data.storage import EXPORTS, RAW_ARCHIVE
from newsapi_infra.identity.roles import LAUNCH_ACTIONS, grant_actions

PROBE_PATH = "/server_info"
HEALTH_PATH = "/health"

REQUESTS_A_REPLICA = 20
"""Requests under way at the same time for which one more replica of the news API is started."""


@dataclass(frozen=True, slots=True)
class Apps:
    """The apps and the jobs beside them, where they could be made."""

    webserver: app.ContainerApp
    daemon: app.ContainerApp
    news: app.ContainerApp
    jobs: Mapping[str, app.Job]


def create_apps(context: Context, around: Surroundings) -> Apps | None:
    """Declare the apps, once the configuration names an image by its digest."""
    digest = context.config.image_digest
    if digest is None:
        return None
    image = around.image(digest)
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
        _settings(context, around, image),
        secrets=secret_settings(context.config),
        # Without it, code locations stay "loading" when replicas take turns.
        ingress=_ingress(context, UI_PORT, sticky=True),
        probes=_probes(),
        scale=_webserver_scale(context),
        grace=60,
        more_secrets=((ENTRA_APP_SECRET, names.ENTRA_SECRET),),
    )
    # It tells versions only.
    require_login(context, "login", webserver, [PROBE_PATH])
    daemon = _app(
        context,
        around,
        names.DAEMON,
        image,
        _settings(context, around, image),
        secrets=secret_settings(context.config),
        probes=_daemon_probes(),
        # Without a minimum, an app without ingress scales to zero and stays there.
        scale=app.ScaleArgs(min_replicas=1, max_replicas=1),
        grace=GRACE_SECONDS,
    )
    news = _news(context, around, image)
    # It tells the number of the last change only.
    require_login(context, "login-news", news, [HEALTH_PATH])
    return Apps(webserver, daemon, news, create_jobs(context, around, image))


def _news(context: Context, around: Surroundings, image: pulumi.Output[str]) -> app.ContainerApp:
    """What people and programs read: it sees the views of the database and the cache."""
    replica = around.database.replica
    return _app(
        context,
        around,
        names.NEWS_API,
        image,
        news_settings(
            context.config,
            around.database.host,
            around.identities.news,
            pulumi.Output.concat("https://", around.news_host),
            replica.fully_qualified_domain_name if replica is not None else None,
            around.cache.url if around.cache is not None else None,
        ),
        identity=around.identities.news,
        options=["--allow-host", inner_host(names.NEWS_API, around.environment)],
        # Each answer stands alone.
        ingress=_ingress(context, NEWS_PORT, sticky=False),
        probes=_news_probes(),
        scale=app.ScaleArgs(
            min_replicas=context.config.news_min_replicas,
            max_replicas=context.config.news_max_replicas,
            rules=[
                app.ScaleRuleArgs(
                    name="requests",
                    http=app.HttpScaleRuleArgs(
                        metadata={"concurrentRequests": str(REQUESTS_A_REPLICA)}
                    ),
                )
            ],
        ),
        grace=30,
        more_secrets=((ENTRA_APP_SECRET, names.ENTRA_SECRET),),
    )


def _app(
    context: Context,
    around: Surroundings,
    name: str,
    image: pulumi.Output[str],
    settings: Mapping[str, pulumi.Input[str]],
    *,
    scale: app.ScaleArgs,
    grace: int,
    secrets: tuple[str, ...] = (),
    identity: managedidentity.UserAssignedIdentity | None = None,
    options: Sequence[pulumi.Input[str]] = (),
    ingress: app.IngressArgs | None = None,
    probes: list[app.ContainerAppProbeArgs] | None = None,
    more_secrets: tuple[tuple[str, str], ...] = (),
) -> app.ContainerApp:
    identity = identity or around.identities.apps
    return app.ContainerApp(
        name,
        resource_group_name=context.group_name,
        container_app_name=name,
        location=context.location,
        managed_environment_id=around.environment.id,
        workload_profile_name=PROFILE,
        identity=acting_as(identity),
        configuration=app.ConfigurationArgs(
            # Sticky sessions need it; a rollback is the previous image, deployed by digest.
            active_revisions_mode=app.ActiveRevisionsMode.SINGLE,
            max_inactive_revisions=10,
            ingress=ingress,
            registries=[registry_login(around, identity)],
            secrets=secret_references(around, identity, secrets, more_secrets),
        ),
        template=app.TemplateArgs(
            containers=[
                container(context, name, image, environment_of(settings, secrets), probes, options)
            ],
            scale=scale,
            termination_grace_period_seconds=grace,
        ),
        tags=context.tags,
        opts=as_deployed(context, around, lasting=True),
    )


def _settings(
    context: Context, around: Surroundings, image: pulumi.Output[str]
) -> dict[str, pulumi.Input[str]]:
    """What the pipeline's two apps are told."""
    identity = around.identities.apps
    return app_settings(
        context.config,
        database_settings(context.config, around.database.host, around.password_url, identity),
        around.ui_host,
        identity.client_id,
        _outputs(context, around, image),
    )


def _outputs(
    context: Context, around: Surroundings, image: pulumi.Input[str]
) -> Mapping[str, pulumi.Input[str]]:
    return {
        # For the links in digests.
        "READING_URL": pulumi.Output.concat("https://", around.news_host),
        "BACKUP_LOCATION": around.storage.container_url(EXPORTS),
        "LAKE_LOCATION": around.storage.container_url(RAW_ARCHIVE),
        "APPLICATIONINSIGHTS_CONNECTION_STRING": around.observability.insights.connection_string,
        **launcher_settings(
            context.config,
            around.identities.apps,
            around.environment.id,
            around.vault.vault.properties.vault_uri,
            image,
        ),
    }


def _ingress(context: Context, port: int, *, sticky: bool) -> app.IngressArgs:
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
        target_port=port,
        transport=app.IngressTransportMethod.AUTO,
        allow_insecure=False,
        sticky_sessions=app.IngressStickySessionsArgs(
            affinity=app.Affinity.STICKY if sticky else app.Affinity.NONE
        ),
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


def _news_probes() -> list[app.ContainerAppProbeArgs]:
    """Ready while there is something to read; a database that is away is no reason to restart."""
    listening = app.ContainerAppProbeTcpSocketArgs(port=NEWS_PORT)
    asked = app.ContainerAppProbeHttpGetArgs(
        path=HEALTH_PATH, port=NEWS_PORT, scheme=app.Scheme.HTTP
    )
    return [
        app.ContainerAppProbeArgs(
            type=app.Type.STARTUP, tcp_socket=listening, period_seconds=5, failure_threshold=24
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
            tcp_socket=listening,
            period_seconds=30,
            timeout_seconds=5,
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
