"""Keys as they are given out and checked: made of chance, told by their checksum, kept as a digest.

`newsapi_3f9c01ab_<48 digits of chance><8 digits of checksum>`. The first eight digits name the key
and may be shown. A digest needs no salt and no slow hash: nobody guesses 192 bits.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

SCOPES: Final = {
    "pages": "the pages for people",
    "feeds": "Atom and JSON feeds",
    "api": "the REST API, page by page",
    "bulk": "all articles in one answer",
    "graphql": "GraphQL",
}
"""What a key may be for."""

USUAL_RATE: Final = 600
"""Requests a minute of a key."""

BEGINNING: Final = "newsapi_"
_FORM: Final = re.compile(r"newsapi_([0-9a-f]{8})_([0-9a-f]{48})([0-9a-f]{8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept."""

    key_id: str
    name: str
    digest: str
    scopes: frozenset[str]
    per_minute: int
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def fits(self, secret: str) -> bool:
        """Whether this is the whole key; a key that is almost right takes as long as any other."""
        return hmac.compare_digest(self.digest, digest(secret))


def new_key() -> tuple[str, str]:
    """Make a key: its id, and the whole key, of which only a digest is kept."""
    key_id, chance = secrets.token_hex(4), secrets.token_hex(24)
    return key_id, f"{BEGINNING}{key_id}_{chance}{_checksum(key_id, chance)}"


def key_id_of(secret: str) -> str | None:
    """The id in a key; None for what was never a key, which nothing needs to be asked for."""
    found = _FORM.fullmatch(secret)
    return found[1] if found and _checksum(found[1], found[2]) == found[3] else None


def digest(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(key_id: str, chance: str) -> str:
    return f"{zlib.crc32(f'{key_id}{chance}'.encode()):08x}"
