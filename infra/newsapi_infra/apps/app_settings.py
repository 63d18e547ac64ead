"""The environment of the containers: which setting comes from where, and who gets it.

All names but those of `FOR_LIBRARIES` are settings of the application (`settings.py`).
"""

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_azure_native import app, managedidentity

from newsapi_infra import names
from newsapi_infra.config import StackConfig
from newsapi_infra.identity.identities import Identities

SECRETS = {
    "NEWSAPI_KEY": names.NEWSAPI_KEY_SECRET,
    "SMTP_PASSWORD": names.EMAIL_SECRET,
    "SLACK_WEBHOOK_URL": names.SLACK_SECRET,
    "DIGEST_SLACK_WEBHOOK_URL": names.DIGEST_SLACK_SECRET,
    "PAGERDUTY_ROUTING_KEY": names.PAGERDUTY_SECRET,
    "SENTIMENT_ENDPOINT_KEY": names.TONE_SECRET,
}
"""Settings whose value is a secret of the vault."""


def secret_settings(config: StackConfig) -> tuple[str, ...]:
    """Those of them that the pipeline's apps of a stack have."""
    used = {
        "SENTIMENT_ENDPOINT_KEY": bool(config.sentiment_endpoint),
        "DIGEST_SLACK_WEBHOOK_URL": config.secrets.digest_slack_webhook_url is not None,
    }
    return tuple(name for name in SECRETS if used.get(name, True))


FOR_LIBRARIES = {
    "AZURE_CLIENT_ID": "the identity that the Azure libraries log in with",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the exporter's login: Application Insights "
    "takes no figures without one",
    "DAGSTER_CURRENT_IMAGE": "the image by digest, for runs in jobs of their own",
}
"""Variables that the Azure libraries and Dagster read by themselves."""

FOR_COMMANDS = {
    "POSTGRES_ADMIN_USER": "newsapi db role, newsapi db rotate",
    "POSTGRES_ADMIN_AUTH": "newsapi db role, newsapi db rotate",
    "POSTGRES_ROLE_LOGINS": "newsapi db role",
    "NEWS_READER_LOGINS": "newsapi db role",
    "SERVE_WITHOUT_KEYS": "newsapi serve",
    "SERVE_PUBLIC_URL": "newsapi serve",
}
"""Variables that stand for options of a command."""


def database_settings(
    config: StackConfig,
    host: pulumi.Input[str],
    password_url: pulumi.Input[str],
    identity: managedidentity.UserAssignedIdentity,
) -> dict[str, pulumi.Input[str]]:
    """What a container is told that works with the tables; no variable has a password."""
    login: dict[str, pulumi.Input[str]] = (
        {
            "POSTGRES_AUTH": "entra",
            "POSTGRES_USER": identity.name,
            # Whoever makes tables, they are the role's, so that the next version may alter them.
            "POSTGRES_ROLE": names.DATABASE_ROLE,
        }
        if config.by_identity
        else {"POSTGRES_USER": names.DATABASE_ROLE, "POSTGRES_PASSWORD_URL": password_url}
    )
    return _server(config, host, identity) | login


def news_settings(
    config: StackConfig,
    host: pulumi.Input[str],
    identity: managedidentity.UserAssignedIdentity,
    url: pulumi.Input[str],
    read_host: pulumi.Input[str] | None,
    cache_url: pulumi.Input[str] | None,
) -> dict[str, pulumi.Input[str]]:
    """What the news API is told: it logs in as itself, whom the views are shown, and no secret."""
    return {
        **_server(config, host, identity),
        "POSTGRES_AUTH": "entra",
        "POSTGRES_USER": identity.name,
        **({"POSTGRES_READ_HOST": read_host} if read_host is not None else {}),
        **({"REDIS_URL": cache_url, "REDIS_AUTH": "entra"} if cache_url is not None else {}),
        # Entra stands before it.
        "SERVE_WITHOUT_KEYS": "true",
        "SERVE_PUBLIC_URL": url,
    }


def _server(
    config: StackConfig, host: pulumi.Input[str], identity: managedidentity.UserAssignedIdentity
) -> dict[str, pulumi.Input[str]]:
    pair = config.pair_database_host
    return {
        **({"POSTGRES_STANDBY": pair} if pair else {}),
        "LOG_FORMAT": "json",
        "USE_POSTGRES": "true",
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": "5432",
        "POSTGRES_DB": names.DATABASE,
        "POSTGRES_SSLMODE": "require",
        "AZURE_CLIENT_ID": identity.client_id,
    }


def administrator_settings(
    config: StackConfig, identities: Identities
) -> dict[str, pulumi.Input[str]]:
    """How the jobs log in that make roles, and whom they let in as whom."""
    readers: list[pulumi.Input[str]] = [database_readers(identities)]
    if config.reader_group:
        readers.append(f"{config.reader_group}={config.reader_group_id}:group")
    if config.pair_database_readers:
        readers.append(config.pair_database_readers)
    settings: dict[str, pulumi.Input[str]] = {
        "POSTGRES_ADMIN_USER": identities.administration.name,
        "POSTGRES_ADMIN_AUTH": "entra",
        "NEWS_READER_LOGINS": pulumi.Output.all(*readers).apply(" ".join),
    }
    if config.by_identity:
        pair = f" {config.pair_database_logins}" if config.pair_database_logins else ""
        settings["POSTGRES_ROLE_LOGINS"] = pulumi.Output.concat(database_logins(identities), pair)
    return settings


def database_logins(identities: Identities) -> pulumi.Output[str]:
    """The identities that act as the role that owns the tables, as `newsapi db role` takes them."""
    return pulumi.Output.concat(_login(identities.apps), " ", _login(identities.jobs))


def database_readers(identities: Identities) -> pulumi.Output[str]:
    """The identities that read the views, as `newsapi db role` takes them."""
    return _login(identities.news)


def _login(identity: managedidentity.UserAssignedIdentity) -> pulumi.Output[str]:
    return pulumi.Output.concat(identity.name, "=", identity.principal_id)


def alert_settings(config: StackConfig, ui_host: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """What it takes to find out what is wrong and to tell operators, secrets aside."""
    settings: dict[str, pulumi.Input[str]] = {
        "UI_BASE_URL": pulumi.Output.concat("https://", ui_host),
        "DATABASE_SIZE_GB": str(config.database_storage_gb),
    }
    if config.smtp_host:
        settings |= {
            "SMTP_HOST": config.smtp_host,
            "SMTP_PORT": "587",
            "SMTP_SECURITY": "starttls",
            "SMTP_USER": config.smtp_user,
            "ALERT_EMAIL_FROM": config.alert_email_from,
            "ALERT_EMAIL_TO": f"{config.on_call_email},{config.owner_email}",
        }
    return settings


def app_settings(
    config: StackConfig,
    database: Mapping[str, pulumi.Input[str]],
    ui_host: pulumi.Input[str],
    client_id: pulumi.Input[str],
    outputs: Mapping[str, pulumi.Input[str]],
) -> dict[str, pulumi.Input[str]]:
    """What the two apps are told, secrets aside; `outputs` are what only Azure knows."""
    return {
        **database,
        **alert_settings(config, ui_host),
        **({"SENTIMENT_ENDPOINT": config.sentiment_endpoint} if config.sentiment_endpoint else {}),
        **({"DIGEST_EMAIL_TO": config.digest_email_to} if config.digest_email_to else {}),
        "NEWSAPI_SANDBOX": "never",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat(
            "Authorization=AAD;ClientId=", client_id
        ),
        **outputs,
    }


def launcher_settings(
    config: StackConfig,
    identity: managedidentity.UserAssignedIdentity,
    environment: pulumi.Input[str],
    vault: pulumi.Input[str],
    image: pulumi.Input[str],
) -> dict[str, pulumi.Input[str]]:
    """What it takes to start each run in a job of its own.

    Jobs show their variables, so they get no secret: with their identity they log in to the
    database and read the vault.
    """
    if config.run_launcher == "daemon":
        return {}
    return {
        "RUN_LAUNCHER": "jobs",
        "ACA_SUBSCRIPTION_ID": config.subscription_id,
        "ACA_RESOURCE_GROUP": config.resource_group,
        "ACA_REGION": config.location,
        "ACA_ENVIRONMENT_ID": environment,
        "ACA_IDENTITY_ID": identity.id,
        "KEY_VAULT_URL": vault,
        "DAGSTER_CURRENT_IMAGE": image,
    }


def environment_of(
    settings: Mapping[str, pulumi.Input[str]], secrets: Iterable[str]
) -> list[app.EnvironmentVarArgs]:
    """The environment of a container: plain values, and references to the secrets it is given."""
    return [
        *(app.EnvironmentVarArgs(name=name, value=value) for name, value in settings.items()),
        *(app.EnvironmentVarArgs(name=name, secret_ref=SECRETS[name]) for name in secrets),
    ]
