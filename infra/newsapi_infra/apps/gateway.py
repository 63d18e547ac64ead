"""The Application Gateway: HTTPS for UI and news, with a firewall; HTTP only points there."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import app, managedidentity, network

from newsapi_infra import names
from newsapi_infra.apps.container_apps import HEALTH_PATH, PROBE_PATH
from newsapi_infra.apps.environment import inner_host
from newsapi_infra.context import Context
from newsapi_infra.data.key_vault import KeyVault
from newsapi_infra.network.addresses import GATEWAY
from newsapi_infra.network.vnet import Network

TIMEOUT_SECONDS = 240
"""As long as the environment's own ingress waits; the gateway's default of 20 cuts the UI off."""

EXCLUDED_ARGUMENTS = (
    # What Entra sends to the login's callback: long random texts that look like attacks.
    ("Equals", "code"),
    ("Equals", "id_token"),
    ("Equals", "state"),
    ("Equals", "session_state"),
    # What the UI sends to /graphql: queries, and runs' configuration inside the variables.
    ("Equals", "operationName"),
    ("Equals", "query"),
    ("StartsWith", "variables"),
)
"""Arguments of requests that the managed rules don't look into; a JSON body's are named by path."""

CERTIFICATE = "ui"
PRIVATE_HOST = 10
"""The gateway's private address is this one of its subnet."""


@dataclass(frozen=True, slots=True)
class Site:
    """One name that people call, and the app behind it."""

    app: str
    host: str
    https: str
    """The names of its listeners."""
    http: str
    probe: str
    probe_path: str
    rule: str
    redirect: str
    priority: int
    """Of its rule; that of the redirect is a hundred more."""


def _sites(context: Context) -> tuple[Site, ...]:
    config = context.config
    return (
        Site(
            names.WEBSERVER,
            config.host_name,
            *("https", "http", "server-info", PROBE_PATH, "ui", "to-https"),
            priority=100,
        ),
        Site(
            names.NEWS_API,
            config.news_host_name,
            *("https-news", "http-news", "news-health", HEALTH_PATH, "news", "news-to-https"),
            priority=300,
        ),
    )


def create_gateway(
    context: Context,
    net: Network,
    vault: KeyVault,
    identity: managedidentity.UserAssignedIdentity,
    environment: app.ManagedEnvironment,
    address: network.PublicIPAddress,
) -> network.ApplicationGateway:
    """Declare the gateway before the apps of an internal environment."""
    parts = _Parts(context)
    sites = _sites(context)
    frontend = "private" if context.config.ui_access == "vpn" else "public"
    return network.ApplicationGateway(
        "gateway",
        resource_group_name=context.group_name,
        application_gateway_name=parts.name,
        location=context.location,
        zones=list(context.config.zones) or None,
        sku=network.ApplicationGatewaySkuArgs(
            name=network.ApplicationGatewaySkuName.WA_F_V2,
            tier=network.ApplicationGatewayTier.WA_F_V2,
        ),
        autoscale_configuration=network.ApplicationGatewayAutoscaleConfigurationArgs(
            min_capacity=1, max_capacity=3
        ),
        enable_http2=True,
        identity=network.ManagedServiceIdentityArgs(
            type=network.ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]
        ),
        firewall_policy=network.SubResourceArgs(id=_firewall(context).id),
        gateway_ip_configurations=[
            network.ApplicationGatewayIPConfigurationArgs(
                name="subnet", subnet=network.SubResourceArgs(id=net.subnet_id(GATEWAY))
            )
        ],
        frontend_ip_configurations=_frontends(context, net, address),
        frontend_ports=[
            network.ApplicationGatewayFrontendPortArgs(name="https", port=443),
            network.ApplicationGatewayFrontendPortArgs(name="http", port=80),
        ],
        ssl_certificates=[
            network.ApplicationGatewaySslCertificateArgs(
                name=CERTIFICATE, key_vault_secret_id=vault.secret_url(names.CERTIFICATE_SECRET)
            )
        ],
        ssl_policy=network.ApplicationGatewaySslPolicyArgs(
            policy_type=network.ApplicationGatewaySslPolicyType.PREDEFINED,
            policy_name=network.ApplicationGatewaySslPolicyName.APP_GW_SSL_POLICY20220101_S,
        ),
        http_listeners=[
            _listener(parts, site, frontend, secure=secure)
            for site in sites
            for secure in (True, False)
        ],
        redirect_configurations=[
            network.ApplicationGatewayRedirectConfigurationArgs(
                name=site.redirect,
                redirect_type=network.ApplicationGatewayRedirectType.PERMANENT,
                target_listener=parts.ref("httpListeners", site.https),
                include_path=True,
                include_query_string=True,
            )
            for site in sites
        ],
        backend_address_pools=[
            network.ApplicationGatewayBackendAddressPoolArgs(
                name=site.app,
                backend_addresses=[
                    network.ApplicationGatewayBackendAddressArgs(
                        fqdn=inner_host(site.app, environment)
                    )
                ],
            )
            for site in sites
        ],
        backend_http_settings_collection=[_backend(parts, site) for site in sites],
        probes=[_probe(site) for site in sites],
        request_routing_rules=_routes(parts, sites),
        tags=context.tags,
        opts=context.lasting(depends_on=vault.ready),
    )


class _Parts:
    """Ids of the gateway's parts, which refer to each other."""

    def __init__(self, context: Context) -> None:
        self.name = context.names.of("gateway")
        self._base = pulumi.Output.concat(
            context.group.id, "/providers/Microsoft.Network/applicationGateways/", self.name
        )

    def ref(self, kind: str, name: str) -> network.SubResourceArgs:
        """A reference to one part."""
        return network.SubResourceArgs(id=pulumi.Output.concat(self._base, f"/{kind}/{name}"))


def private_address(context: Context) -> str:
    """Where the gateway answers inside the network, with `uiAccess: vpn`."""
    return str(GATEWAY.network(context.config.network_prefix)[PRIVATE_HOST])


def _frontends(
    context: Context, net: Network, address: network.PublicIPAddress
) -> list[network.ApplicationGatewayFrontendIPConfigurationArgs]:
    # The second version of the gateway always has a public address; without a listener on it,
    # nothing answers there.
    frontends = [
        network.ApplicationGatewayFrontendIPConfigurationArgs(
            name="public", public_ip_address=network.SubResourceArgs(id=address.id)
        )
    ]
    if context.config.ui_access == "vpn":
        frontends.append(
            network.ApplicationGatewayFrontendIPConfigurationArgs(
                name="private",
                private_ip_address=private_address(context),
                private_ip_allocation_method=network.IPAllocationMethod.STATIC,
                subnet=network.SubResourceArgs(id=net.subnet_id(GATEWAY)),
            )
        )
    return frontends


def _listener(
    parts: _Parts, site: Site, frontend: str, *, secure: bool
) -> network.ApplicationGatewayHttpListenerArgs:
    kinds = network.ApplicationGatewayProtocol
    return network.ApplicationGatewayHttpListenerArgs(
        name=site.https if secure else site.http,
        protocol=kinds.HTTPS if secure else kinds.HTTP,
        frontend_ip_configuration=parts.ref("frontendIPConfigurations", frontend),
        frontend_port=parts.ref("frontendPorts", "https" if secure else "http"),
        host_name=site.host,
        require_server_name_indication=secure,
        ssl_certificate=parts.ref("sslCertificates", CERTIFICATE) if secure else None,
    )


def _backend(parts: _Parts, site: Site) -> network.ApplicationGatewayBackendHttpSettingsArgs:
    return network.ApplicationGatewayBackendHttpSettingsArgs(
        name=site.app,
        protocol=network.ApplicationGatewayProtocol.HTTPS,
        port=443,
        pick_host_name_from_backend_address=True,
        cookie_based_affinity=network.ApplicationGatewayCookieBasedAffinity.DISABLED,
        request_timeout=TIMEOUT_SECONDS,
        probe=parts.ref("probes", site.probe),
        connection_draining=network.ApplicationGatewayConnectionDrainingArgs(
            enabled=True, drain_timeout_in_sec=60
        ),
    )


def _probe(site: Site) -> network.ApplicationGatewayProbeArgs:
    return network.ApplicationGatewayProbeArgs(
        name=site.probe,
        protocol=network.ApplicationGatewayProtocol.HTTPS,
        path=site.probe_path,
        pick_host_name_from_backend_http_settings=True,
        interval=30,
        timeout=30,
        unhealthy_threshold=3,
        # 200 only: a redirect to the login is not a healthy UI.
        match=network.ApplicationGatewayProbeHealthResponseMatchArgs(status_codes=["200"]),
    )


def _routes(
    parts: _Parts, sites: Sequence[Site]
) -> list[network.ApplicationGatewayRequestRoutingRuleArgs]:
    basic = network.ApplicationGatewayRequestRoutingRuleType.BASIC
    rules = []
    for site in sites:
        rules += [
            network.ApplicationGatewayRequestRoutingRuleArgs(
                name=site.rule,
                rule_type=basic,
                priority=site.priority,
                http_listener=parts.ref("httpListeners", site.https),
                backend_address_pool=parts.ref("backendAddressPools", site.app),
                backend_http_settings=parts.ref("backendHttpSettingsCollection", site.app),
            ),
            network.ApplicationGatewayRequestRoutingRuleArgs(
                name=f"redirect-{site.rule}",
                rule_type=basic,
                priority=site.priority + 100,
                http_listener=parts.ref("httpListeners", site.http),
                redirect_configuration=parts.ref("redirectConfigurations", site.redirect),
            ),
        ]
    return rules


def _firewall(context: Context) -> network.WebApplicationFirewallPolicy:
    return network.WebApplicationFirewallPolicy(
        "firewall",
        resource_group_name=context.group_name,
        policy_name=context.names.of("waf"),
        location=context.location,
        policy_settings=network.PolicySettingsArgs(
            state=network.WebApplicationFirewallEnabledState.ENABLED,
            mode=context.config.waf_mode,
            request_body_check=True,
            max_request_body_size_in_kb=128,
            file_upload_limit_in_mb=100,
        ),
        managed_rules=network.ManagedRulesDefinitionArgs(
            exclusions=[
                network.OwaspCrsExclusionEntryArgs(
                    match_variable=network.OwaspCrsExclusionEntryMatchVariable.REQUEST_ARG_NAMES,
                    selector_match_operator=operator,
                    selector=selector,
                )
                for operator, selector in EXCLUDED_ARGUMENTS
            ],
            managed_rule_sets=[
                network.ManagedRuleSetArgs(
                    rule_set_type="Microsoft_DefaultRuleSet", rule_set_version="2.1"
                ),
                network.ManagedRuleSetArgs(
                    rule_set_type="Microsoft_BotManagerRuleSet", rule_set_version="1.1"
                ),
            ],
        ),
        tags=context.tags,
    )
