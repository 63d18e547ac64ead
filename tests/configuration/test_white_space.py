"""White space around a value is no part of it; white space within a host is refused at start."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import ENV_FILE, Settings, load_settings
from support.parts import first_quick

VALUES = {
    # What a valid value is, for settings whose default is none or that contradict others alone.
    "newsapi_key": "a key",
    "newsapi_home": "place",
    "topics_file": "mine.yaml",
    "brands_file": "brands.yaml",
    "sentiment_endpoint": "https://tone.example/score",
    "sentiment_endpoint_key": "a key",
    "sentence_model": "model",
    "max_requests_per_run": "9",
    "backfill_tokens": "9",
    "postgres_role": "owner",
    "postgres_password": "pass word",
    "postgres_password_url": "https://vault.example/secrets/password",
    "postgres_standby": "standby.example:5433",
    "postgres_sslmode": "require",
    "postgres_sslrootcert": "root.pem",
    "dagster_home": "home",
    "compute_logs_account": "account",
    "key_vault_url": "https://vault.example",
    "aca_subscription_id": "id",
    "aca_resource_group": "group",
    "aca_region": "region",
    "aca_environment_id": "id",
    "aca_identity_id": "id",
    "database_size_gb": "32",
    "backup_location": "https://account.blob.core.windows.net/backups",
    "lake_location": "lake",
    "otel_exporter_otlp_endpoint": "http://collector:4318",
    "otel_exporter_otlp_headers": "a=b",
    "applicationinsights_connection_string": "InstrumentationKey=x",
    "alerts_file": "alerts.yaml",
    "saved_searches": "searches.json",
    "ui_base_url": "https://ui.example",
    "smtp_host": "mail.example",
    "smtp_user": "user",
    "smtp_password": "word",
    "alert_email_from": "a@example.com",
    "alert_email_to": "b@example.com",
    "redis_url": "rediss://:x@cache.example:10000",
    "postgres_read_host": "replica.example",
    "postgres_read_port": "5433",
    "slack_webhook_url": "https://hooks.slack.example/x",
    "digest_email_to": "c@example.com",
    "digest_slack_webhook_url": "https://hooks.slack.example/y",
    "reading_url": "https://news.example",
    "pagerduty_routing_key": "routing",
}
WITH_MAIL = {"alert_email_from": "a@example.com", "alert_email_to": "b@example.com"}
OTHERS = {"smtp_host": WITH_MAIL, "digest_email_to": {**WITH_MAIL, "smtp_host": "mail.example"}}
SECRETS = [
    field for field, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)
]


def value_of(field: str) -> str:
    default = Settings.model_fields[field].default
    return VALUES[field] if default is None else str(default)


@pytest.mark.parametrize("field", Settings.model_fields)
@pytest.mark.parametrize(
    "around", first_quick(["\ufeff{}\n", " {} ", "\t{}\r\n", "\u00a0{}\u200b", "{}\n"])
)
def test_it_is_stripped(monkeypatch: pytest.MonkeyPatch, field: str, around: str) -> None:
    others = OTHERS.get(field, {})
    values: dict[str, Any] = {**others, field: value_of(field)}
    plain = Settings(_env_file=None, **values)

    for name, value in others.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv(field.upper(), around.format(value_of(field)))

    assert Settings() == plain


def test_secrets_are_known_to_this_test() -> None:
    assert {"newsapi_key", "postgres_password", "smtp_password"} < set(SECRETS)


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("broken", ["first\nsecond", "first\rsecond", "first\x1bsecond"])
def test_a_secret_of_several_lines_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, field: str, broken: str
) -> None:
    monkeypatch.setenv(field.upper(), broken)
    with pytest.raises(SettingsError, match=rf"^{field.upper()}: must be one line") as failure:
        load_settings()
    assert "first" not in str(failure.value)


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_in_another_encoding_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setenv(field.upper(), os.fsdecode("café".encode("latin-1")))
    with pytest.raises(SettingsError, match=rf"^{field.upper()}: must be UTF-8") as failure:
        load_settings()
    assert "caf" not in str(failure.value)


@pytest.mark.parametrize("field", Settings.model_fields)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_that_a_platform_takes_for_a_part_of_the_value(
    monkeypatch: pytest.MonkeyPatch, field: str, quote: str
) -> None:
    monkeypatch.setenv(field.upper(), f"{quote}{value_of(field)}{quote}")
    if field.endswith("_password"):
        secret = getattr(load_settings(), field)
        assert secret.get_secret_value() == f"{quote}{value_of(field)}{quote}"
    else:
        with pytest.raises(SettingsError, match=f"^{field.upper()}: must not be in quotes"):
            load_settings()


def test_quotes_in_the_file_are_no_part_of_a_value(folder: Path) -> None:
    (folder / ENV_FILE).write_text("NEWSAPI_KEY='first'\nLOG_FORMAT=\"json\"  # a comment\n")
    settings = load_settings()
    assert (settings.newsapi_key, settings.log_format) == (SecretStr("first"), "json")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("POSTGRES_HOST", "my server", "name or the IP address of a host"),
        ("POSTGRES_HOST", "postgres://server/db", "name or the IP address of a host"),
        ("POSTGRES_HOST", "server:5432", "the port is a setting of its own: POSTGRES_PORT"),
        ("SMTP_HOST", "mail.example:587", "the port is a setting of its own: SMTP_PORT"),
        ("SMTP_HOST", "user@mail.example", "name or the IP address of a host"),
        ("SMTP_HOST", "/run/mail", "name or the IP address of a host"),
        ("NEWSAPI_HOST", "https://event registry.org", "must be an address such as"),
        ("NEWSAPI_HOST", "https://[::1", "must be an address such as"),
        ("NEWSAPI_HOST", "https://eventregistry.org:99999", "must be an address such as"),
        ("KEY_VAULT_URL", "https://my vault", "must be an address such as"),
        ("UI_BASE_URL", "https://my ui", "must be an address that begins with https://"),
        ("SLACK_WEBHOOK_URL", "https://[", "must be an https address"),
    ],
)
def test_what_is_no_host_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: .*{says}"):
        load_settings()


@pytest.mark.parametrize(
    "host", ["localhost", "db.internal.", "10.0.0.4", "::1", "/var/run/postgresql", "@socket"]
)
def test_what_postgresql_takes_as_a_host_is_taken(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("POSTGRES_HOST", host)
    assert load_settings().postgres_host == host


def test_a_file_with_the_mark_of_windows_editors(folder: Path) -> None:
    (folder / ENV_FILE).write_bytes("NEWSAPI_KEY=first\r\nLOOKBACK_DAYS=7\r\n".encode("utf-8-sig"))

    settings = load_settings()

    assert settings.newsapi_key == SecretStr("first")
    assert settings.lookback_days == 7


def test_a_file_in_another_encoding_is_named(folder: Path) -> None:
    (folder / ENV_FILE).write_bytes("NEWSAPI_KEY=first\n".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"^\.env is not UTF-8 text: save it as UTF-8$"):
        load_settings()
