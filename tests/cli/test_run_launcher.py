"""Runs in jobs of their own: what Dagster is told, and that no secret is told with it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.hosting.home import dagster_yaml
from newsapi_dentsu.settings import Settings, load_settings

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/x/apps"
ENVIRONMENT = {
    "RUN_LAUNCHER": "jobs",
    "USE_POSTGRES": "true",
    "POSTGRES_HOST": "db.example.com",
    "POSTGRES_AUTH": "entra",
    "POSTGRES_USER": "newsapi-prod-apps-id",
    "KEY_VAULT_URL": "https://vault.example.com/",
    "ACA_SUBSCRIPTION_ID": "s",
    "ACA_RESOURCE_GROUP": "newsapi-rg",
    "ACA_REGION": "eastus",
    "ACA_ENVIRONMENT_ID": "/subscriptions/s/env",
    "ACA_IDENTITY_ID": IDENTITY,
    "AZURE_CLIENT_ID": "client",
    "SMTP_PASSWORD": "planted-mail-password",
    "NEWSAPI_KEY": "planted-key",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def launcher() -> dict[str, Any]:
    part: dict[str, Any] = yaml.safe_load(dagster_yaml(Settings()))["run_launcher"]
    return part


def test_the_official_launcher_is_told_where_and_as_whom() -> None:
    part = launcher()
    assert (part["module"], part["class"]) == ("dagster_azure.container_apps", "AcaRunLauncher")
    config = part["config"]
    assert config["resource_group"] == "newsapi-rg"
    assert config["identity_id"] == IDENTITY
    assert config["run_job_replica_timeout"] > 1800


def test_jobs_inherit_the_settings_but_no_secret() -> None:
    names = launcher()["config"]["env_vars"]
    assert {"POSTGRES_HOST", "POSTGRES_AUTH", "KEY_VAULT_URL", "AZURE_CLIENT_ID"} <= set(names)
    assert not {"NEWSAPI_KEY", "SMTP_PASSWORD", "POSTGRES_PASSWORD"} & set(names)
    assert all(name in os.environ for name in names)
    assert "planted" not in dagster_yaml(Settings())


def test_a_connection_string_is_inherited_only_where_it_is_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=x")
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING" not in launcher()["config"]["env_vars"]
    monkeypatch.setenv("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD")
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING" in launcher()["config"]["env_vars"]


def test_by_default_runs_are_in_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUN_LAUNCHER")
    assert "run_launcher" not in yaml.safe_load(dagster_yaml(Settings()))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ACA_REGION", "", "RUN_LAUNCHER=jobs needs ACA_REGION"),
        ("KEY_VAULT_URL", "", "RUN_LAUNCHER=jobs needs KEY_VAULT_URL"),
        ("POSTGRES_AUTH", "password", "POSTGRES_AUTH=entra"),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    with pytest.raises(SettingsError, match=said):
        load_settings()
