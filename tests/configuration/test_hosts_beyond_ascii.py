"""A host is the one that its name says, in whatever letters; a name that none can have is refused.

Python looks `straße.example` up as `strasse.example`, which may be somebody else's.
"""

from pathlib import Path

import pytest
from pydantic import SecretStr

from newsapi_dentsu.domain.host_names import ascii_host
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import load_settings

FORMS = {
    "POSTGRES_HOST": "{}",
    "POSTGRES_READ_HOST": "{}",
    "POSTGRES_STANDBY": "{}:5433",
    "SMTP_HOST": "{}",
    "NEWSAPI_HOST": "https://{}/path",
    "SENTIMENT_ENDPOINT": "https://{}:8443/score",
    "POSTGRES_PASSWORD_URL": "https://{}/secrets/password",
    "REDIS_URL": "rediss://user:p%40ss@{}:6380/0",
    "SLACK_WEBHOOK_URL": "https://{}/services/T0/B0/x",
    "DIGEST_SLACK_WEBHOOK_URL": "https://{}/services/T0/B0/x",
    "PAGERDUTY_URL": "https://{}",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://{}:4318",
    "UI_BASE_URL": "https://{}/ui",
    "READING_URL": "https://{}",
}


@pytest.fixture(autouse=True)
def with_mail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALERT_EMAIL_FROM", "a@example.com")
    monkeypatch.setenv("ALERT_EMAIL_TO", "b@example.com")
    monkeypatch.setenv("SMTP_HOST", "mail.example")


def _set(monkeypatch: pytest.MonkeyPatch, setting: str, host: str) -> str:
    monkeypatch.setenv(setting, FORMS[setting].format(host))
    load_settings.cache_clear()
    try:
        value = getattr(load_settings(), setting.lower())
    finally:
        load_settings.cache_clear()
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


@pytest.mark.parametrize("setting", FORMS)
@pytest.mark.parametrize(
    ("host", "known_as"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("müller.example.", "xn--mller-kva.example."),
        ("db_1.example", "db_1.example"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_it_is_known_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, setting: str, host: str, known_as: str
) -> None:
    assert _set(monkeypatch, setting, host) == FORMS[setting].format(known_as)


@pytest.mark.parametrize("setting", FORMS)
@pytest.mark.parametrize("host", ["db..example", ".example", f"{'a' * 64}.example", "ａ․․b"])
def test_a_name_that_no_host_can_have_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, setting: str, host: str
) -> None:
    with pytest.raises(SettingsError, match=f"{setting}: must "):
        _set(monkeypatch, setting, host)


def test_a_whole_name_has_253_letters_at_most() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert ascii_host(name) == name
    with pytest.raises(ValueError, match="no host"):
        ascii_host(f"{name}b")
    assert ascii_host("fe80::1%eth0") == "fe80::1%eth0"
