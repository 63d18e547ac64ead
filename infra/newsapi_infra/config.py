"""Everything a stack may choose, typed and checked before a resource is declared."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from ipaddress import ip_network
from typing import Any, Literal, get_args

import pulumi

from newsapi_infra.database_skus import SKUS, STORAGE_SIZES_GB, DatabaseSku

StackName = Literal["dev", "prod", "dr"]
UiAccess = Literal["gateway", "vpn", "restricted"]
RunLauncher = Literal["daemon", "jobs"]
Stage = Literal["foundation", "apps"]
WafMode = Literal["Detection", "Prevention"]
DatabaseLogin = Literal["entra", "password"]

REDIS_SKUS = ("Balanced_B0", "Balanced_B1", "Balanced_B3", "Balanced_B5", "Balanced_B10")
"""Sizes of Azure Managed Redis: 0.5, 1, 3, 6 and 12 GB."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ConfigurationError(ValueError):
    """A value of the stack's configuration that can't work, with what it must be."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Values that exist only as Pulumi secrets, in the state encrypted, never in plain text."""

    newsapi_key: pulumi.Output[str]
    postgres_password: pulumi.Output[str] | None
    """Of the apps' role; none where identities log in."""
    postgres_admin_password: pulumi.Output[str] | None
    email_password: pulumi.Output[str]
    entra_client_secret: pulumi.Output[str]
    pagerduty_url: pulumi.Output[str]
    """Where Azure Monitor posts; the application's own alerts use the routing key."""
    pagerduty_routing_key: pulumi.Output[str]
    slack_webhook_url: pulumi.Output[str]
    digest_slack_webhook_url: pulumi.Output[str] | None
    """Of the channel that gets the weekly digest."""
    sentiment_endpoint_key: pulumi.Output[str] | None
    """What `sentiment_endpoint` asks for."""
    ui_certificate: pulumi.Output[str]
    """The certificate of `host_name` with its key: PFX without password, in base64."""


@dataclass(frozen=True, slots=True)
class StackConfig:
    """One stack, as its `Pulumi.<stack>.yaml` describes it."""

    stack: StackName
    stage: Stage
    """`foundation`: everything that needs no image; `apps`: that, the apps and the gateway."""
    location: str
    subscription_id: str
    tenant_id: str
    resource_group: str
    suffix: str
    """Four to six characters that make names unique among all of Azure's customers."""
    network_prefix: str
    """The first two octets of the /16 that the network takes."""
    second_region: str | None
    zones: tuple[str, ...]
    ui_access: UiAccess
    """`gateway`: by the internet; `vpn`: by the gateway's private address; `restricted`: no
    gateway, the app's own ingress for the company's ranges."""
    waf_mode: WafMode
    """`Detection` writes down what `Prevention` would refuse."""
    host_name: str
    """The UI's name behind a gateway; without one, the platform names the app."""
    news_host_name: str
    """The name of the news and their API behind the same gateway."""
    news_min_replicas: int
    news_max_replicas: int
    redis_sku: str | None
    """The size of the cache that replicas of the news API share; none: each has its own."""
    dns_zone: str | None
    """The zone of `host_name` and `news_host_name`, where it is in this stack's resource group."""
    company_ranges: tuple[str, ...]
    vpn_gateway: bool
    vpn_client_range: str
    bastion: bool
    jump_host_ssh_key: str
    entra_client_id: str
    owner_email: str
    on_call_email: str
    smtp_host: str | None
    """The mail server that the application's alerts go by, on port 587; none: no mail."""
    smtp_user: str
    alert_email_from: str
    digest_email_to: str
    """Who gets the weekly digest by mail, separated by commas; none: nobody."""
    database_sku: DatabaseSku
    database_storage_gb: int
    database_standby: bool
    database_geo_backup: bool
    database_login: DatabaseLogin
    """How apps and jobs log in: by their identity, or by a password in the vault."""
    database_read_replica: bool
    """Whether the news API reads from a server of its own, which follows the primary."""
    reader_group: str | None
    """The Entra group whose members may read the views with tools of their own."""
    reader_group_id: str | None
    threat_protection: bool
    """Whether Defender watches the database's logins."""
    database_server: str | None
    """The server's name where it isn't the stack's own, as after a restore to a new one."""
    database_restore_from: str | None
    database_restore_time: str | None
    """The moment to restore to, in UTC: needed with `database_restore_from`."""
    database_replica_of: str | None
    """The id of the server in the other region that this stack's only follows, until promoted."""
    pair_database_host: str | None
    """The host of the database's other server, in the other region; none: there is none."""
    pair_network_id: str | None
    """The id of the other region's network: of the stack that joins the two, and only there."""
    pair_network_prefix: str | None
    pair_database_logins: str
    """The other stack's output `databaseLogins`: its identities, which log in here as well."""
    pair_database_readers: str
    """The other stack's output `databaseReaders`."""
    pair_storage_id: str | None
    """The id of the other region's storage account, read here at its second address."""
    registry_id: str | None
    """The id of the registry that a pair shares, where another stack made it."""
    database_admin_group: str
    database_admin_group_id: str
    deletion_locks: bool
    """Whether nobody may delete what holds data, and what lies in it, before the lock is gone."""
    secrets_admin_group_id: str | None
    """The Entra group whose members may rotate secrets; none: nobody may."""
    registry_sku: str
    image_digest: str | None
    """The image that the apps are made with; needed in the stage `apps`, and only there."""
    webserver_min_replicas: int
    webserver_max_replicas: int
    run_launcher: RunLauncher
    machine_learning: bool
    """Whether there is a workspace to train the model of tone in, and to read batches."""
    data_scientists_group_id: str | None
    """The Entra group whose members may train and deploy there."""
    sentiment_endpoint: str | None
    """Where runs have tones read; none: in their own process."""
    secrets_expire: date
    budget_usd: int
    budget_start: date
    docs_url: str
    github_repository: str | None
    secrets: Secrets

    @property
    def protected(self) -> bool:
        """Whether Pulumi refuses to delete what holds data, or an address that others know."""
        return self.stack != "dev"

    @property
    def has_gateway(self) -> bool:
        """Whether an Application Gateway stands before the UI."""
        return self.ui_access != "restricted"

    @property
    def by_identity(self) -> bool:
        """Whether apps and jobs log in to the database without a password."""
        return self.database_login == "entra"

    @property
    def secrets_expire_epoch(self) -> int:
        """The expiry as Key Vault wants it: seconds since 1970."""
        return int(datetime.combine(self.secrets_expire, time(), UTC).timestamp())


def load_config() -> StackConfig:
    """Read the selected stack's configuration.

    Raises:
        ConfigurationError: a value is missing its shape; the message names it.
    """
    own = pulumi.Config("newsapi-infra")
    azure = pulumi.Config("azure-native")
    config = StackConfig(
        stack=_one_of(own, "stack", get_args(StackName)),
        stage=_one_of(own, "stage", get_args(Stage)),
        location=azure.require("location"),
        subscription_id=azure.require("subscriptionId"),
        tenant_id=azure.require("tenantId"),
        resource_group=own.require("resourceGroup"),
        suffix=own.require("suffix"),
        network_prefix=own.require("networkPrefix"),
        second_region=own.get("secondRegion") or None,
        zones=tuple(own.get_object("zones") or ()),
        ui_access=_one_of(own, "uiAccess", get_args(UiAccess)),
        waf_mode=_one_of(own, "wafMode", get_args(WafMode), "Detection"),
        host_name=own.get("hostName") or "",
        news_host_name=own.get("newsHostName") or "",
        news_min_replicas=own.get_int("newsMinReplicas") or 1,
        news_max_replicas=own.get_int("newsMaxReplicas") or 10,
        redis_sku=own.get("redisSku") or None,
        dns_zone=own.get("dnsZone") or None,
        company_ranges=tuple(own.get_object("companyRanges") or ()),
        vpn_gateway=own.get_bool("vpnGateway") or False,
        vpn_client_range=own.get("vpnClientRange") or "172.16.100.0/24",
        bastion=own.get_bool("bastion") or False,
        jump_host_ssh_key=own.get("jumpHostSshKey") or "",
        entra_client_id=own.require("entraClientId"),
        owner_email=own.require("ownerEmail"),
        on_call_email=own.require("onCallEmail"),
        smtp_host=own.get("smtpHost") or None,
        smtp_user=own.get("smtpUser") or "",
        alert_email_from=own.get("alertEmailFrom") or "",
        digest_email_to=own.get("digestEmailTo") or "",
        database_sku=_database_sku(own.require("databaseSku")),
        database_storage_gb=own.require_int("databaseStorageGb"),
        database_standby=own.get_bool("databaseStandby") or False,
        database_geo_backup=own.get_bool("databaseGeoBackup") or False,
        database_login=_one_of(own, "databaseLogin", get_args(DatabaseLogin), "entra"),
        database_read_replica=own.get_bool("databaseReadReplica") or False,
        reader_group=own.get("readerGroup") or None,
        reader_group_id=own.get("readerGroupId") or None,
        threat_protection=own.get_bool("threatProtection") or False,
        database_server=own.get("databaseServer") or None,
        database_restore_from=own.get("databaseRestoreFrom") or None,
        database_restore_time=own.get("databaseRestoreTime") or None,
        database_replica_of=own.get("databaseReplicaOf") or None,
        pair_database_host=own.get("pairDatabaseHost") or None,
        pair_network_id=own.get("pairNetworkId") or None,
        pair_network_prefix=own.get("pairNetworkPrefix") or None,
        pair_database_logins=own.get("pairDatabaseLogins") or "",
        pair_database_readers=own.get("pairDatabaseReaders") or "",
        pair_storage_id=own.get("pairStorageId") or None,
        registry_id=own.get("registryId") or None,
        database_admin_group=own.require("databaseAdminGroup"),
        database_admin_group_id=own.require("databaseAdminGroupId"),
        deletion_locks=_unless_said(own, "deletionLocks", own.get("stack") != "dev"),
        secrets_admin_group_id=own.get("secretsAdminGroupId") or None,
        registry_sku=own.require("registrySku"),
        image_digest=own.get("imageDigest") or None,
        webserver_min_replicas=own.require_int("webserverMinReplicas"),
        webserver_max_replicas=own.require_int("webserverMaxReplicas"),
        run_launcher=_one_of(own, "runLauncher", get_args(RunLauncher), "daemon"),
        machine_learning=own.get_bool("machineLearning") or False,
        data_scientists_group_id=own.get("dataScientistsGroupId") or None,
        sentiment_endpoint=own.get("sentimentEndpoint") or None,
        secrets_expire=date.fromisoformat(own.require("secretsExpire")),
        budget_usd=own.require_int("budgetUsd"),
        budget_start=date.fromisoformat(own.require("budgetStart")),
        docs_url=own.require("docsUrl").rstrip("/"),
        github_repository=own.get("githubRepository") or None,
        secrets=Secrets(
            newsapi_key=own.require_secret("newsapiKey"),
            postgres_password=_chosen_secret(own, "postgresPassword"),
            postgres_admin_password=_chosen_secret(own, "postgresAdminPassword"),
            email_password=own.require_secret("emailPassword"),
            entra_client_secret=own.require_secret("entraClientSecret"),
            pagerduty_url=own.require_secret("pagerdutyUrl"),
            pagerduty_routing_key=own.require_secret("pagerdutyRoutingKey"),
            slack_webhook_url=own.require_secret("slackWebhookUrl"),
            digest_slack_webhook_url=_chosen_secret(own, "digestSlackWebhookUrl"),
            sentiment_endpoint_key=_chosen_secret(own, "sentimentEndpointKey"),
            ui_certificate=own.require_secret("uiCertificate"),
        ),
    )
    _check(config)
    return config


def _one_of(config: pulumi.Config, key: str, allowed: tuple[str, ...], default: str = "") -> Any:
    value = config.get(key) or default
    if value not in allowed:
        raise ConfigurationError(f"{key}: must be one of {', '.join(allowed)}")
    return value


def _unless_said(config: pulumi.Config, key: str, default: bool) -> bool:
    said = config.get_bool(key)
    return default if said is None else said


def _chosen_secret(config: pulumi.Config, key: str) -> pulumi.Output[str] | None:
    """A secret that only some stacks have."""
    return config.get_secret(key) if config.get(key) else None


def _database_sku(name: str) -> DatabaseSku:
    if name not in SKUS:
        raise ConfigurationError(f"databaseSku: must be one of {', '.join(SKUS)}")
    return SKUS[name]


def _check(config: StackConfig) -> None:
    """Refuse combinations that Azure would refuse later, or that would open the UI to all."""
    rules: list[tuple[Callable[[], bool], str]] = [
        (
            lambda: bool(re.fullmatch(r"[a-z0-9]{3,6}", config.suffix)),
            "suffix: 3 to 6 lower-case letters or digits",
        ),
        (
            lambda: bool(re.fullmatch(r"10\.\d{1,3}", config.network_prefix)),
            'networkPrefix: two octets such as "10.0"',
        ),
        (
            lambda: all(ip_network(item) for item in config.company_ranges),
            "companyRanges: address ranges such as 198.51.100.0/24",
        ),
        (
            lambda: (config.stage == "apps") == (config.image_digest is not None),
            "imageDigest: needed with the stage apps, and only there; a stack whose apps run goes "
            "back to the stage foundation only by deleting them",
        ),
        (
            lambda: config.ui_access == "restricted" or "." in config.host_name,
            "hostName: the UI's name, needed with a gateway",
        ),
        (
            lambda: config.ui_access == "restricted" or "." in config.news_host_name,
            "newsHostName: the name of the news, needed with a gateway",
        ),
        (
            lambda: not config.has_gateway or config.news_host_name != config.host_name,
            "newsHostName: another name than hostName",
        ),
        (
            lambda: (
                not config.dns_zone
                or (
                    config.ui_access == "gateway"
                    and config.host_name.endswith(f".{config.dns_zone}")
                    and config.news_host_name.endswith(f".{config.dns_zone}")
                )
            ),
            "dnsZone: the end of hostName and of newsHostName, with uiAccess gateway",
        ),
        (
            lambda: 1 <= config.news_min_replicas <= config.news_max_replicas <= 300,
            "newsMinReplicas: at least 1 and at most newsMaxReplicas",
        ),
        (
            lambda: config.redis_sku is None or config.redis_sku in REDIS_SKUS,
            f"redisSku: one of {', '.join(REDIS_SKUS)}, or none",
        ),
        (
            lambda: (
                config.by_identity
                or (
                    config.secrets.postgres_password is not None
                    and config.secrets.postgres_admin_password is not None
                )
            ),
            "postgresPassword and postgresAdminPassword: needed with databaseLogin password",
        ),
        (
            lambda: config.run_launcher == "daemon" or config.by_identity,
            "runLauncher: jobs show their variables, so they need databaseLogin entra",
        ),
        (
            lambda: (
                not config.database_read_replica
                or (config.database_sku.standby_possible and not config.database_replica_of)
            ),
            "databaseReadReplica: follows a GeneralPurpose server that is no replica itself",
        ),
        (
            lambda: not config.threat_protection or config.database_sku.standby_possible,
            "threatProtection: needs a GeneralPurpose databaseSku",
        ),
        (
            lambda: bool(config.reader_group) == bool(config.reader_group_id),
            "readerGroup and readerGroupId: both, or none",
        ),
        (
            lambda: config.ui_access != "restricted" or bool(config.company_ranges),
            "companyRanges: needed when uiAccess is restricted, else the UI is open to all",
        ),
        (
            lambda: not config.bastion or bool(config.company_ranges),
            "companyRanges: needed with a bastion host",
        ),
        (
            lambda: not config.bastion or config.jump_host_ssh_key.startswith("ssh-"),
            "jumpHostSshKey: the public key of the jump host's user",
        ),
        (
            lambda: not config.smtp_host or "@" in config.alert_email_from,
            "alertEmailFrom: needed with smtpHost",
        ),
        (
            lambda: not config.digest_email_to or bool(config.smtp_host),
            "smtpHost: needed with digestEmailTo",
        ),
        (
            lambda: not config.database_standby or config.database_sku.standby_possible,
            "databaseStandby: needs a GeneralPurpose databaseSku",
        ),
        (
            lambda: not config.database_standby or len(config.zones) >= 2,
            "databaseStandby: needs a region with at least two zones",
        ),
        (
            lambda: not config.database_restore_from or bool(config.database_restore_time),
            "databaseRestoreTime: needed with databaseRestoreFrom, such as 2026-12-01T05:00:00Z",
        ),
        (
            lambda: not (config.database_replica_of and config.database_restore_from),
            "databaseReplicaOf: a server follows another or is restored, not both",
        ),
        (
            lambda: (
                not config.database_replica_of
                or not (config.database_standby or config.database_geo_backup)
            ),
            "databaseReplicaOf: a replica has neither a standby nor a geo-redundant backup",
        ),
        (
            lambda: (
                config.database_sku.standby_possible
                or not (config.database_replica_of or config.pair_database_host)
            ),
            "databaseSku: a Burstable server has no replica",
        ),
        (
            lambda: bool(config.pair_network_prefix) or not config.pair_database_host,
            "pairNetworkPrefix: needed with pairDatabaseHost",
        ),
        (
            lambda: bool(config.pair_database_host) or not config.pair_network_id,
            "pairDatabaseHost: needed with pairNetworkId",
        ),
        (
            lambda: (
                config.pair_network_id is None
                or bool(
                    re.fullmatch(
                        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
                        r"Microsoft\.Network/virtualNetworks/[^/]+",
                        config.pair_network_id,
                    )
                )
            ),
            "pairNetworkId: the id of the other region's network",
        ),
        (
            lambda: config.pair_network_prefix != config.network_prefix,
            "pairNetworkPrefix: networks that reach each other must not overlap",
        ),
        (
            lambda: not config.database_replica_of or bool(config.pair_database_host),
            "pairDatabaseHost: needed with databaseReplicaOf, as are the network's settings",
        ),
        (
            lambda: config.registry_id is None or config.second_region is None,
            "secondRegion: belongs to the stack that made the registry of registryId",
        ),
        (
            lambda: config.database_storage_gb in STORAGE_SIZES_GB,
            f"databaseStorageGb: one of {', '.join(map(str, STORAGE_SIZES_GB))}",
        ),
        (
            lambda: config.registry_sku in ("Basic", "Standard", "Premium"),
            "registrySku: Basic, Standard or Premium",
        ),
        (
            lambda: config.second_region is None or config.registry_sku == "Premium",
            "secondRegion: replicating the registry needs registrySku Premium",
        ),
        (
            lambda: config.image_digest is None or bool(DIGEST.fullmatch(config.image_digest)),
            "imageDigest: sha256: and 64 hexadecimal digits, never a tag",
        ),
        (
            lambda: 1 <= config.webserver_min_replicas <= config.webserver_max_replicas <= 300,
            "webserverMinReplicas: at least 1 and at most webserverMaxReplicas",
        ),
        (
            lambda: (
                config.sentiment_endpoint is None
                or config.sentiment_endpoint.startswith("https://")
            ),
            "sentimentEndpoint: an https address",
        ),
        (
            lambda: (
                config.sentiment_endpoint is None
                or config.secrets.sentiment_endpoint_key is not None
            ),
            "sentimentEndpointKey: needed with sentimentEndpoint",
        ),
        (
            lambda: config.sentiment_endpoint is None or config.run_launcher == "daemon",
            "sentimentEndpoint: its key can't be shown to jobs; needs runLauncher daemon",
        ),
        (
            lambda: not config.machine_learning or config.registry_sku == "Premium",
            "machineLearning: its network needs a registry with private endpoints (Premium)",
        ),
        (
            lambda: (
                config.github_repository is None
                or bool(re.fullmatch(r"[\w-]+/[\w.-]+", config.github_repository))
            ),
            "githubRepository: OWNER/NAME, without an address before it",
        ),
        (
            lambda: config.budget_start.day == 1,
            "budgetStart: the first day of a month",
        ),
    ]
    for holds, message in rules:
        try:
            fine = holds()
        except ValueError:
            fine = False
        if not fine:
            raise ConfigurationError(message)
