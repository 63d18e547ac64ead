"""Secrets are found in a text however the text quotes them."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.logs import without_secrets
from newsapi_dentsu.masking import MASK, known_secrets, mask
from newsapi_dentsu.settings import Settings, load_settings

SECRET = 'p@ss/w0rd+&"it\'s"\\ü=?'


def secrets_of(secret: str) -> tuple[str, ...]:
    return known_secrets(Settings(_env_file=None, postgres_password=secret))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"postgresql://user:{quote(SECRET, safe='')}@host/db",
        f"https://host/?{urlencode({'apiKey': SECRET})}",
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        repr({"password": SECRET}),
        f"<p>{html.escape(SECRET)}</p>",
        "Authorization: Basic " + base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_form(text: str) -> None:
    masked = mask(text, secrets_of(SECRET))

    assert MASK in masked
    assert "w0rd" not in masked
    assert base64.b64encode(SECRET.encode()).decode() not in masked


@given(
    user=st.text(st.characters(codec="utf-8"), max_size=12),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
)
def test_a_login_is_masked_wherever_the_secret_stands_in_it(user: str, secret: str) -> None:
    login = base64.b64encode(f"\0{user}\0{secret}".encode()).decode()
    masked = mask(login, secrets_of(secret))

    assert MASK in masked
    # What is left of the secret are the characters that share a group with others.
    assert len(masked) <= len(login) - 4 * ((len(secret) - 4) // 3) + len(MASK)


def test_the_path_of_a_secret_address_is_masked_alone_too() -> None:
    address = "https://hooks.example.com/services/T00000000/B00000000/XXXXsecretXXXX"
    error = "HTTPSConnectionPool(host='hooks.example.com', port=443): Max retries exceeded with "

    masked = mask(f"{error}url: /services/T00000000/B00000000/XXXXsecretXXXX", secrets_of(address))

    assert "hooks.example.com" in masked
    assert "secret" not in masked


@pytest.mark.parametrize("shown", ["invented/password", "invented%2Fpassword"])
def test_the_password_of_a_secret_address_is_masked_alone_too(shown: str) -> None:
    secrets = secrets_of("rediss://reader:invented%2Fpassword@redis.example.com:6380/0")

    masked = mask(f"WRONGPASS invalid login reader with {shown}", secrets)

    assert masked == f"WRONGPASS invalid login reader with {MASK}"


def test_a_secret_that_holds_another_is_masked_whole() -> None:
    assert mask("abcdefgh abcd", ["abcd", "abcdefgh"]) == f"{MASK} {MASK}"


@pytest.mark.parametrize("half", [chr(0xDCFF), chr(0xD83D)], ids=["latin-1", "half of a pair"])
def test_a_secret_in_another_encoding_is_masked(half: str) -> None:
    secret = f"hidden{half}secret"
    known = known_secrets(Settings.model_construct(postgres_password=SecretStr(secret)))
    for shown in (secret, repr(secret), json.dumps(secret)):
        assert "hidden" not in mask(f"reason: {shown}", known)


def test_texts_without_secrets_stay_as_they_are() -> None:
    assert mask("nothing here", secrets_of(SECRET)) == "nothing here"
    assert known_secrets(Settings(_env_file=None)) == ()


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_malformed_setting_uncovers_no_secret(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {
        name: f"planted-{name.lower()}"
        for name in ("NEWSAPI_KEY", "REDIS_URL", "SLACK_WEBHOOK_URL")
    }
    monkeypatch.chdir(tmp_path)
    for name, secret in planted.items():
        monkeypatch.delenv(name, raising=False)
        if where == "environment":
            monkeypatch.setenv(name, secret)
    if where == ".env":
        lines = [f"{name}={secret}" for name, secret in planted.items()]
        (tmp_path / ".env").write_text("\n".join(lines))
    load_settings.cache_clear()

    with pytest.raises(SettingsError):
        load_settings()
    assert without_secrets(" and ".join(planted.values())) == " and ".join([MASK] * len(planted))
