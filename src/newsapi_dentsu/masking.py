"""Keeping secrets out of whatever leaves the process: logs, errors, metadata, alerts."""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

from pydantic import SecretStr

from newsapi_dentsu.settings import Settings

MASK = "***"

SHORTEST = 4
"""Characters that a secret has at least: masking shorter ones would blot out ordinary words."""


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace each of the `secrets` in a text, the longest first; see `known_secrets`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


@lru_cache(maxsize=1)
def known_secrets(settings: Settings) -> tuple[str, ...]:
    """Every secret of the settings in each form that a text may quote it in, longest first."""
    forms: set[str] = set()
    for field in Settings.model_fields:
        value = getattr(settings, field)
        if isinstance(value, SecretStr):
            forms.update(_forms(value.get_secret_value()))
    return tuple(
        sorted(
            (form for form in forms if len(form) >= SHORTEST), key=lambda form: (-len(form), form)
        )
    )


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as urls, JSON, Python, HTML and HTTP or SMTP logins quote it."""
    if len(secret) < SHORTEST:
        return
    yield secret
    as_bytes = _bytes(secret)
    for encoded in (quote(as_bytes), quote(as_bytes, safe=""), quote_plus(as_bytes)):
        yield encoded
        yield _lower_escapes(encoded)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    yield from _base64(as_bytes)
    scheme, _, rest = secret.partition("://")
    if rest and scheme.isalpha():
        # HTTP libraries name the path alone in their errors, and those of databases the password.
        yield "/" + rest.partition("/")[2]
        login, at, _ = rest.rpartition("@")
        password = login.partition(":")[2]
        if at and password:
            yield from _forms(password)
            if unquote(password) != password:
                yield from _forms(unquote(password))


def _bytes(secret: str) -> bytes:
    """A secret as it goes out; one in another encoding than UTF-8 arrived as half characters."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def _base64(secret: bytes) -> Iterator[str]:
    """The pieces of base64 that give a secret away, wherever in an encoded text it begins."""
    yield base64.b64encode(secret).decode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            padded = b"\0" * offset + secret
            whole = encode(padded[: len(padded) // 3 * 3]).decode()
            # The group at the beginning also holds what stands before the secret.
            part = whole[4:] if offset else whole
            if len(part) >= 2 * SHORTEST:
                yield part


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])
