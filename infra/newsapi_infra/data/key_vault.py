"""The vault: secrets by name, a private address, and a notice before a secret expires."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import eventgrid, keyvault

from newsapi_infra import names
from newsapi_infra.context import Context
from newsapi_infra.identity.identities import Identities
from newsapi_infra.identity.roles import SECRETS_OFFICER, SECRETS_USER, grant, grant_group
from newsapi_infra.network.private_endpoints import VAULT, private_endpoint
from newsapi_infra.network.vnet import Network

ADMINISTRATION_SECRETS = (names.POSTGRES_SECRET,)
"""What the jobs read that make the apps' role in the database and change its password."""

NEWS_SECRETS = (names.ENTRA_SECRET,)
"""What the news API reads: what its login needs."""

APP_SECRETS = (
    names.NEWSAPI_KEY_SECRET,
    names.POSTGRES_SECRET,
    names.EMAIL_SECRET,
    names.SLACK_SECRET,
    names.DIGEST_SLACK_SECRET,
    names.PAGERDUTY_SECRET,
    names.ENTRA_SECRET,
    names.TONE_SECRET,
)
"""What the apps read."""

JOB_SECRETS = (
    names.POSTGRES_SECRET,
    names.EMAIL_SECRET,
    names.SLACK_SECRET,
    names.PAGERDUTY_SECRET,
)
"""What the jobs beside the apps read: the database, and the ways to tell operators."""

EXPIRY_EVENTS = ["Microsoft.KeyVault.SecretNearExpiry", "Microsoft.KeyVault.SecretExpired"]
"""The first comes 30 days before the date."""


@dataclass(frozen=True, slots=True)
class KeyVault:
    """The vault, and what must exist before an app may read from it."""

    vault: keyvault.Vault
    notices: eventgrid.SystemTopic
    ready: list[pulumi.Resource]
    parts: list[pulumi.Resource]
    """What lies in the vault, the grants on it included."""

    def secret_url(self, name: str) -> pulumi.Output[str]:
        """The unversioned address of a secret: a new version is picked up by itself."""
        return pulumi.Output.concat(self.vault.properties.vault_uri, "secrets/", name)


def create_key_vault(
    context: Context,
    net: Network,
    identities: Identities,
    told: list[pulumi.Input[str]],
) -> KeyVault:
    """Declare the vault, its secrets and who reads which; `told`: of secrets that expire."""
    vault = private_vault(context, "vault", "kv", context.lasting())
    endpoint = private_endpoint(context, net, VAULT, vault.id)
    topic, subscription = _expiry_notice(context, vault, told)
    ready: list[pulumi.Resource] = [endpoint]
    more: list[pulumi.Resource] = []
    values = context.config.secrets
    readers = {
        "apps": (identities.apps, APP_SECRETS),
        "jobs": (identities.jobs, JOB_SECRETS),
        "news": (identities.news, NEWS_SECRETS),
        "administration": (identities.administration, ADMINISTRATION_SECRETS),
    }
    for name, value in (
        (names.NEWSAPI_KEY_SECRET, values.newsapi_key),
        (names.POSTGRES_SECRET, values.postgres_password),
        (names.EMAIL_SECRET, values.email_password),
        (names.SLACK_SECRET, values.slack_webhook_url),
        (names.DIGEST_SLACK_SECRET, values.digest_slack_webhook_url),
        (names.PAGERDUTY_SECRET, values.pagerduty_routing_key),
        (names.ENTRA_SECRET, values.entra_client_secret),
        (
            names.TONE_SECRET,
            values.sentiment_endpoint_key if context.config.sentiment_endpoint else None,
        ),
    ):
        if value is None or (name == names.POSTGRES_SECRET and context.config.by_identity):
            continue
        secret = _secret(context, vault, subscription, name, value, "text/plain")
        for who, (identity, readable) in readers.items():
            if name in readable:
                ready.append(grant(context, f"{who}-{name}", identity, SECRETS_USER, secret.id))
        if name == names.POSTGRES_SECRET:
            more.append(
                grant(context, "rotation", identities.administration, SECRETS_OFFICER, secret.id)
            )
    if context.config.secrets_admin_group_id is not None:
        more.append(
            grant_group(
                context,
                "secrets-officers",
                context.config.secrets_admin_group_id,
                SECRETS_OFFICER,
                vault.id,
            )
        )
    if identities.gateway is not None:
        certificate = _secret(
            context,
            vault,
            subscription,
            names.CERTIFICATE_SECRET,
            values.ui_certificate,
            "application/x-pkcs12",
        )
        ready.append(
            grant(context, "gateway-certificate", identities.gateway, SECRETS_USER, certificate.id)
        )
    return KeyVault(vault, topic, ready, [*ready, *more])


def private_vault(
    context: Context, name: str, short_name: str, options: pulumi.ResourceOptions | None = None
) -> keyvault.Vault:
    """A vault that answers private endpoints and trusted services only, and deletes nothing.

    `name` is the resource's in the stack, `short_name` begins the one in Azure.
    """
    return keyvault.Vault(
        name,
        resource_group_name=context.group_name,
        vault_name=context.names.unique(short_name),
        location=context.location,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=context.config.tenant_id,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=90,
            enable_purge_protection=True,
            public_network_access="Disabled",
            network_acls=keyvault.NetworkRuleSetArgs(
                # The gateway, for one, fetches its certificate as a trusted service.
                bypass=keyvault.NetworkRuleBypassOptions.AZURE_SERVICES,
                default_action=keyvault.NetworkRuleAction.DENY,
            ),
        ),
        tags=context.tags,
        opts=options,
    )


def _secret(
    context: Context,
    vault: keyvault.Vault,
    subscription: eventgrid.SystemTopicEventSubscription,
    name: str,
    value: pulumi.Output[str],
    content_type: str,
) -> keyvault.Secret:
    return keyvault.Secret(
        f"secret-{name}",
        resource_group_name=context.group_name,
        vault_name=vault.name,
        secret_name=name,
        properties=keyvault.SecretPropertiesArgs(
            value=value,
            content_type=content_type,
            attributes=keyvault.SecretAttributesArgs(
                enabled=True, expires=context.config.secrets_expire_epoch
            ),
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(
            # Notices exist only for versions that are younger than the subscription.
            depends_on=[subscription],
            # Rotation happens in the vault; a later `up` must not bring the first value back.
            ignore_changes=["properties"],
            # Only the vault itself deletes secrets, and from outside of the network it answers
            # nobody: a secret that is no longer declared stays there, for somebody to delete.
            retain_on_delete=True,
        ),
    )


def _expiry_notice(
    context: Context, vault: keyvault.Vault, told: list[pulumi.Input[str]]
) -> tuple[eventgrid.SystemTopic, eventgrid.SystemTopicEventSubscription]:
    """Event Grid can't reach an action group by itself; an Azure Monitor alert can."""
    topic = eventgrid.SystemTopic(
        "vault-events",
        resource_group_name=context.group_name,
        system_topic_name=context.names.of("vault-events"),
        location=context.location,
        source=vault.id,
        topic_type="Microsoft.KeyVault.vaults",
        tags=context.tags,
    )
    subscription = eventgrid.SystemTopicEventSubscription(
        "vault-expiry",
        resource_group_name=context.group_name,
        system_topic_name=topic.name,
        event_subscription_name="secret-expiry",
        event_delivery_schema=eventgrid.EventDeliverySchema.CLOUD_EVENT_SCHEMA_V1_0,
        filter=eventgrid.EventSubscriptionFilterArgs(included_event_types=EXPIRY_EVENTS),
        destination=eventgrid.MonitorAlertEventSubscriptionDestinationArgs(
            endpoint_type="MonitorAlert",
            severity=eventgrid.MonitorAlertSeverity.SEV2,
            description=f"A secret expires: rotate it, {context.config.docs_url}"
            "/deployment.md#rotating-a-secret",
            action_groups=told,
        ),
    )
    return topic, subscription
