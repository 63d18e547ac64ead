"""One stack, from its configuration: what is declared, in which order, on what it stands."""

from typing import Any

import pulumi
from pulumi_azure_native import network

from newsapi_infra import names
from newsapi_infra.apps.app_settings import database_logins, database_readers
from newsapi_infra.apps.authentication import LOGIN_PATH
from newsapi_infra.apps.container_apps import Apps, create_apps
from newsapi_infra.apps.containers import Surroundings
from newsapi_infra.apps.environment import create_environment, news_host, ui_host
from newsapi_infra.apps.gateway import create_gateway, private_address
from newsapi_infra.apps.machine_learning import MachineLearning, create_machine_learning
from newsapi_infra.config import load_config
from newsapi_infra.context import Context, open_stack
from newsapi_infra.cost.budget import create_budget
from newsapi_infra.cost.costs import estimate
from newsapi_infra.data.cache import create_cache
from newsapi_infra.data.database import create_database
from newsapi_infra.data.key_vault import create_key_vault
from newsapi_infra.data.registry import create_registry
from newsapi_infra.data.storage import create_storage
from newsapi_infra.identity.identities import create_identities
from newsapi_infra.identity.roles import (
    DEPLOY_ACTIONS,
    METRICS_PUBLISHER,
    PREVIEW_ACTIONS,
    ROTATION_ACTIONS,
    SUBSCRIPTION_PREVIEW_ACTIONS,
    UPKEEP_ACTIONS,
    grant,
    grant_actions,
    keep,
)
from newsapi_infra.monitoring.alert_rules import Target
from newsapi_infra.monitoring.alerts import create_alerts, tell_of_service_health
from newsapi_infra.monitoring.notifications import Notifications, create_notifications
from newsapi_infra.monitoring.observability import (
    create_observability,
    export_old_logs,
    keep_activity_log,
    send_diagnostics,
)
from newsapi_infra.monitoring.workbooks import create_workbooks
from newsapi_infra.network.public_name import name_address
from newsapi_infra.network.remote_access import RemoteAccess, create_remote_access
from newsapi_infra.network.vnet import Network, create_network, public_address


def deploy() -> dict[str, pulumi.Input[Any]]:
    """Declare the whole stack that Pulumi has selected; returns what it tells of itself."""
    config = load_config()
    context = open_stack(config)
    net = create_network(context)
    identities = create_identities(context)
    observability = create_observability(context)
    notifications = create_notifications(context, identities.rotation)
    environment = create_environment(context, net)
    around = Surroundings(
        environment=environment,
        identities=identities,
        database=create_database(context, net, identities),
        vault=create_key_vault(
            context,
            net,
            identities,
            [
                notifications.groups["warning"].id,
                *([notifications.rotate.id] if notifications.rotate is not None else []),
            ],
        ),
        storage=create_storage(context, net, identities),
        registry=create_registry(context, net, identities),
        cache=create_cache(context, net, identities),
        observability=observability,
        ui_host=ui_host(context, environment),
        news_host=news_host(context, environment),
    )
    grant(context, "apps-telemetry", identities.apps, METRICS_PUBLISHER, observability.insights.id)
    if identities.deployment is not None:
        grant_actions(
            context, "deploy", identities.deployment, "Deploy pipeline images", DEPLOY_ACTIONS
        )
    if identities.upkeep is not None:
        grant_actions(context, "upkeep", identities.upkeep, "See which images run", UPKEEP_ACTIONS)
    if identities.preview is not None:
        grant_actions(context, "preview", identities.preview, "Preview changes", PREVIEW_ACTIONS)
        subscription = f"/subscriptions/{config.subscription_id}"
        grant_actions(
            context,
            "preview-subscription",
            identities.preview,
            "Preview what is beyond the group",
            SUBSCRIPTION_PREVIEW_ACTIONS,
            subscription,
            within=subscription,
        )
    apps = create_apps(context, around)
    if apps is not None and identities.rotation is not None:
        grant_actions(
            context,
            "start-rotation",
            identities.rotation,
            "Start the rotation of the database's password",
            ROTATION_ACTIONS,
            apps.jobs[names.ROTATION].id,
        )
    # From the first stage on, so that its name can be registered, and stay.
    address = public_address(context, "gateway-ip") if config.has_gateway else None
    if config.dns_zone is not None and address is not None:
        name_address(context, config.dns_zone, address.ip_address.apply(lambda found: found or ""))
    gateway = None
    if identities.gateway is not None and address is not None and apps is not None:
        gateway = create_gateway(
            context, net, around.vault, identities.gateway, environment, address
        )
    people = create_remote_access(context, net)
    learning = create_machine_learning(context, net, around)

    settings = _watch(around, net, notifications, apps, address, gateway, people)
    if learning is not None:
        _watch_learning(around, learning)
    keep_activity_log(context, observability)
    export_old_logs(context, observability, around.storage.account.id)
    create_alerts(context, _targets(around, net, apps, gateway), notifications)
    tell_of_service_health(context, notifications)
    if config.deletion_locks:
        for name, kept, parts in (
            ("database", around.database.server.id, around.database.parts),
            ("storage", around.storage.account.id, around.storage.parts),
            ("vault", around.vault.vault.id, around.vault.parts),
        ):
            keep(context, name, kept, [*parts, *settings])
    create_workbooks(context, observability.workspace.id, net.nat.id)
    create_budget(context)
    return _outputs(context, around, address)


def _targets(
    around: Surroundings,
    net: Network,
    apps: Apps | None,
    gateway: network.ApplicationGateway | None,
) -> dict[Target, pulumi.Input[str]]:
    targets: dict[Target, pulumi.Input[str]] = {
        "database": around.database.server.id,
        "nat": net.nat.id,
        "vault": around.vault.vault.id,
        "storage": around.storage.account.id,
        "workspace": around.observability.workspace.id,
    }
    if apps is not None:
        targets["webserver"] = apps.webserver.id
        targets["daemon"] = apps.daemon.id
        targets["news"] = apps.news.id
    if around.database.replica is not None:
        targets["replica"] = around.database.replica.id
    if around.cache is not None:
        targets["cache"] = around.cache.cluster.id
    if gateway is not None:
        targets["gateway"] = gateway.id
    return targets


def _watch(
    around: Surroundings,
    net: Network,
    notifications: Notifications,
    apps: Apps | None,
    address: network.PublicIPAddress | None,
    gateway: network.ApplicationGateway | None,
    people: RemoteAccess,
) -> list[pulumi.Resource]:
    """Diagnostic settings of everything that can export logs or metrics; a NAT gateway can't.

    Returns those of what holds data.
    """
    logs = around.observability
    send_diagnostics(logs, "network", net.vnet.id, "logs", "metrics")
    for name, group in net.security_groups.items():
        send_diagnostics(logs, f"nsg-{name}", group.id, "logs")
    send_diagnostics(logs, "nat-ip", net.nat_address.id, "logs", "metrics")
    send_diagnostics(logs, "environment", around.environment.id, "logs", "metrics")
    archive = around.storage.account.id
    database = around.database.server.id
    of_data = [send_diagnostics(logs, "database", database, "logs", "metrics", archive=archive)]
    if around.database.replica is not None:
        replica = around.database.replica.id
        send_diagnostics(logs, "read-replica", replica, "logs", "metrics", archive=archive)
    if around.cache is not None:
        send_diagnostics(logs, "cache", around.cache.cluster.id, "metrics")
        send_diagnostics(logs, "cache-database", around.cache.database.id, "logs")
    of_data.append(send_diagnostics(logs, "vault", around.vault.vault.id, "logs", "metrics"))
    send_diagnostics(logs, "vault-events", around.vault.notices.id, "logs", "metrics")
    of_data.append(send_diagnostics(logs, "storage", around.storage.account.id, "metrics"))
    of_data.append(send_diagnostics(logs, "blobs", around.storage.blobs.id, "logs", "metrics"))
    if around.registry.own:
        send_diagnostics(logs, "registry", around.registry.id, "logs", "metrics")
    send_diagnostics(logs, "workspace", logs.workspace.id, "logs", "metrics")
    send_diagnostics(logs, "slack", notifications.slack.id, "logs", "metrics")
    if notifications.rotation is not None:
        send_diagnostics(logs, "rotation", notifications.rotation.id, "logs", "metrics")
    if apps is not None:
        send_diagnostics(logs, "webserver", apps.webserver.id, "metrics")
        send_diagnostics(logs, "daemon", apps.daemon.id, "metrics")
        send_diagnostics(logs, "news-api", apps.news.id, "metrics")
        for name, job in apps.jobs.items():
            send_diagnostics(logs, name, job.id, "metrics")
    if address is not None:
        send_diagnostics(logs, "gateway-ip", address.id, "logs", "metrics")
    if gateway is not None:
        send_diagnostics(
            logs, "gateway", gateway.id, "logs", "metrics", own_tables=True, archive=archive
        )
    if people.vpn is not None:
        send_diagnostics(logs, "vpn", people.vpn.id, "logs", "metrics")
    if people.bastion is not None:
        send_diagnostics(logs, "bastion", people.bastion.id, "logs")
    return of_data


def _watch_learning(around: Surroundings, learning: MachineLearning) -> None:
    logs = around.observability
    send_diagnostics(logs, "learning", learning.workspace.id, "logs", "metrics")
    send_diagnostics(logs, "learning-storage", learning.account.id, "metrics")
    send_diagnostics(logs, "learning-blobs", learning.blobs.id, "logs", "metrics")
    send_diagnostics(logs, "learning-vault", learning.vault.id, "logs", "metrics")


def _outputs(
    context: Context, around: Surroundings, address: network.PublicIPAddress | None
) -> dict[str, pulumi.Input[Any]]:
    ui_address: pulumi.Input[str | None] = address.ip_address if address is not None else None
    if context.config.ui_access == "vpn":
        ui_address = private_address(context)
    ui_url = pulumi.Output.concat("https://", around.ui_host)
    news_url = pulumi.Output.concat("https://", around.news_host)
    return {
        "registry": around.registry.login_server,
        "database": around.database.host,
        # What the other stack of a pair lets in, on the server that this one's follows.
        "databaseLogins": database_logins(around.identities),
        "databaseReaders": database_readers(around.identities),
        "vault": around.vault.vault.properties.vault_uri,
        "environmentDomain": around.environment.default_domain,
        "uiUrl": ui_url,
        "newsUrl": news_url,
        # What hostName and newsHostName must resolve to; none without a gateway, where the
        # platform names the apps.
        "uiAddress": ui_address,
        "loginRedirect": pulumi.Output.concat(ui_url, LOGIN_PATH),
        "newsLoginRedirect": pulumi.Output.concat(news_url, LOGIN_PATH),
        "monthlyEstimateUsd": round(estimate(context.config).total),
    }
