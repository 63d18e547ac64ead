"""The Container Apps environment and its name inside the network."""

import pulumi
from pulumi_azure_native import app, privatedns

from newsapi_infra import names
from newsapi_infra.context import Context
from newsapi_infra.network.addresses import APPS
from newsapi_infra.network.vnet import Network, private_zone

PROFILE = "Consumption"


def create_environment(context: Context, net: Network) -> app.ManagedEnvironment:
    """Declare the environment: internal behind a gateway, else open to the allowed ranges."""
    internal = context.config.has_gateway
    environment = app.ManagedEnvironment(
        "environment",
        resource_group_name=context.group_name,
        environment_name=context.names.of("env"),
        location=context.location,
        # Without a profile it would become the older kind, with other network rules.
        workload_profiles=[
            app.WorkloadProfileArgs(name=PROFILE, workload_profile_type="Consumption")
        ],
        vnet_configuration=app.VnetConfigurationArgs(
            infrastructure_subnet_id=net.subnet_id(APPS), internal=internal
        ),
        public_network_access=(
            app.PublicNetworkAccess.DISABLED if internal else app.PublicNetworkAccess.ENABLED
        ),
        # Through a diagnostic setting: the other way would need the workspace's shared key.
        app_logs_configuration=app.AppLogsConfigurationArgs(destination="azure-monitor"),
        zone_redundant=bool(context.config.zones),
        tags=context.tags,
    )
    if internal:
        _name_inside(context, net, environment)
    return environment


def ui_host(context: Context, environment: app.ManagedEnvironment) -> pulumi.Output[str]:
    """The name that people reach the UI by: the gateway's, or the app's own."""
    if context.config.has_gateway:
        return pulumi.Output.from_input(context.config.host_name)
    return inner_host(names.WEBSERVER, environment)


def news_host(context: Context, environment: app.ManagedEnvironment) -> pulumi.Output[str]:
    """The name that people reach the news by: the gateway's, or the app's own."""
    if context.config.has_gateway:
        return pulumi.Output.from_input(context.config.news_host_name)
    return inner_host(names.NEWS_API, environment)


def inner_host(name: str, environment: app.ManagedEnvironment) -> pulumi.Output[str]:
    """The name that an app has in its environment."""
    return pulumi.Output.concat(name, ".", environment.default_domain)


def _name_inside(context: Context, net: Network, environment: app.ManagedEnvironment) -> None:
    """The environment's domain resolves to its private address in the network only."""
    zone, _ = private_zone(context, "environment", environment.default_domain, net.vnet)
    for kind, name in (("all", "*"), ("apex", "@")):
        privatedns.PrivateRecordSet(
            f"environment-name-{kind}",
            resource_group_name=context.group_name,
            private_zone_name=zone.name,
            record_type="A",
            relative_record_set_name=name,
            ttl=300,
            a_records=[privatedns.ARecordArgs(ipv4_address=environment.static_ip)],
        )
