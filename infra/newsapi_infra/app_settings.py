"""The environment of the apps: which setting comes from where.

`KNOWN` are settings that the application reads (`settings.py`); `EXPECTED` are agreed on with the
parts of the application that belong to operating it.
"""

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import app

from newsapi_infra import names
from newsapi_infra.config import StackConfig

SECRETS = {
    "NEWSAPI_KEY": names.NEWSAPI_KEY_SECRET,
    "POSTGRES_PASSWORD": names.POSTGRES_SECRET,
    "SMTP_PASSWORD": names.EMAIL_SECRET,
}
"""Settings whose value is a secret of the vault."""

KNOWN = (
    "NEWSAPI_KEY",
    "NEWSAPI_SANDBOX",
    "USE_POSTGRES",
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_DB",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "POSTGRES_SSLMODE",
    "LOG_FORMAT",
)

EXPECTED = {
    "SMTP_PASSWORD": "password of the mail account that alerts are sent from",
    "UI_BASE_URL": "where links in alerts lead",
    "AZURE_CLIENT_ID": "the identity that the Azure libraries log in with",
    "STORAGE_ACCOUNT_URL": "where exports and the raw archive go",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "where traces and metrics go; no secret, since "
    "local authentication is off",
    "RUN_LAUNCHER": "`daemon`: runs inside the daemon; `jobs`: each in its own job",
    "DAGSTER_CURRENT_IMAGE": "the image by digest, for runs in jobs of their own",
    "ACA_SUBSCRIPTION_ID": "where jobs are made",
    "ACA_RESOURCE_GROUP": "where jobs are made",
    "ACA_ENVIRONMENT_ID": "where jobs run",
    "ACA_IDENTITY_ID": "who jobs are",
}


def plain_settings(
    config: StackConfig,
    outputs: Mapping[str, pulumi.Input[str]],
) -> dict[str, pulumi.Input[str]]:
    """The settings that are no secrets; `outputs` are those that only Azure knows."""
    settings: dict[str, pulumi.Input[str]] = {
        "NEWSAPI_SANDBOX": "never",
        "USE_POSTGRES": "true",
        "POSTGRES_PORT": "5432",
        "POSTGRES_DB": names.DATABASE,
        "POSTGRES_USER": names.DATABASE_ROLE,
        "POSTGRES_SSLMODE": "require",
        "LOG_FORMAT": "json",
        "UI_BASE_URL": f"https://{config.host_name}",
        "RUN_LAUNCHER": config.run_launcher,
        **outputs,
    }
    if config.run_launcher == "jobs":
        settings["ACA_SUBSCRIPTION_ID"] = config.subscription_id
        settings["ACA_RESOURCE_GROUP"] = config.resource_group
    return settings


def environment_of(
    settings: Mapping[str, pulumi.Input[str]],
) -> list[app.EnvironmentVarArgs]:
    """The environment of a container: plain values and references to the app's secrets."""
    return [
        *(app.EnvironmentVarArgs(name=name, value=value) for name, value in settings.items()),
        *(app.EnvironmentVarArgs(name=name, secret_ref=secret) for name, secret in SECRETS.items()),
    ]
