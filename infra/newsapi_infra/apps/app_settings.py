"""The environment of the containers: which setting comes from where, and who gets it.

All names but those of `FOR_LIBRARIES` are settings of the application (`settings.py`).
"""

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_azure_native import app, managedidentity

from newsapi_infra import names
from newsapi_infra.config import StackConfig

SECRETS = {
    "NEWSAPI_KEY": names.NEWSAPI_KEY_SECRET,
    "SMTP_PASSWORD": names.EMAIL_SECRET,
    "SLACK_WEBHOOK_URL": names.SLACK_SECRET,
    "PAGERDUTY_ROUTING_KEY": names.PAGERDUTY_SECRET,
}
"""Settings whose value is a secret of the vault."""

ADMINISTRATION = {"POSTGRES_ADMIN_PASSWORD": names.POSTGRES_ADMIN_SECRET}
"""What only `newsapi db role` and `newsapi db rotate` read; POSTGRES_ADMIN_USER goes with it."""

FOR_LIBRARIES = {
    "AZURE_CLIENT_ID": "the identity that the Azure libraries log in with",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the exporter's login: Application Insights "
    "takes no figures without one",
    "DAGSTER_CURRENT_IMAGE": "the image by digest, for runs in jobs of their own",
}
"""Variables that the Azure libraries and Dagster read by themselves."""


def database_settings(
    config: StackConfig,
    host: pulumi.Input[str],
    password_url: pulumi.Input[str],
    client_id: pulumi.Input[str],
) -> dict[str, pulumi.Input[str]]:
    """What every container that reaches the database is told; the vault has the password."""
    pair = config.pair_database_host
    return {
        **({"POSTGRES_STANDBY": pair} if pair else {}),
        "LOG_FORMAT": "json",
        "USE_POSTGRES": "true",
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": "5432",
        "POSTGRES_DB": names.DATABASE,
        "POSTGRES_USER": names.DATABASE_ROLE,
        "POSTGRES_PASSWORD_URL": password_url,
        "POSTGRES_SSLMODE": "require",
        "AZURE_CLIENT_ID": client_id,
    }


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
    database, as the role of its name, and read the vault.
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
        "POSTGRES_AUTH": "entra",
        "POSTGRES_USER": identity.name,
        "DAGSTER_CURRENT_IMAGE": image,
    }


def environment_of(
    settings: Mapping[str, pulumi.Input[str]], secrets: Iterable[str]
) -> list[app.EnvironmentVarArgs]:
    """The environment of a container: plain values, and references to the secrets it is given."""
    return [
        *(app.EnvironmentVarArgs(name=name, value=value) for name, value in settings.items()),
        *(
            app.EnvironmentVarArgs(name=name, secret_ref=(SECRETS | ADMINISTRATION)[name])
            for name in secrets
        ),
    ]
