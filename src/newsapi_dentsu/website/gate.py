"""Who is let in, and how often: keys, rates, and what is noted of their use."""

import base64
import binascii
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsapi_dentsu.access import keys, limits
from newsapi_dentsu.access.keys import Key
from newsapi_dentsu.access.limits import Buckets, LocalBuckets, Verdict
from newsapi_dentsu.access.store import KeyStore
from newsapi_dentsu.access.uses import Uses
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.website.problems import problem

logger = logging.getLogger(__name__)

KEY_PARAMETER: Final = "key"
"""The parameter in which feeds take a key: their readers send no headers."""

OPEN_RATE: Final = 1_000_000
"""Requests a minute that this machine may make without a key."""

ADDRESS_RATE: Final = 60_000
"""Requests a minute of an address without a key, where others are let in without one.

Whatever stands before the server may be that one address.
"""

REFUSED_RATE: Final = 60
"""Requests a minute with keys that don't hold, of one address."""

_QUOTA: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_OPEN_TO_ALL: Final = ("/health",)
_NOBODY: Final = "-"


@dataclass(frozen=True, slots=True)
class Access:
    """What decides about who asks.

    `closed` lets nobody in without a key. `alone` says that only this machine can ask.
    """

    store: KeyStore
    buckets: Buckets
    uses: Uses
    closed: bool
    alone: bool


class _RefusalError(Exception):
    """A request that isn't let in."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str],
        kind: str = "about:blank",
        key_id: str = _NOBODY,
    ) -> None:
        super().__init__(detail)
        self.key_id = key_id
        self.answer = problem(status, detail, headers, kind)


class Gate:
    """Lets in who may, counts the requests of each, and notes the use of keys."""

    def __init__(self, app: ASGIApp, access: Access | None) -> None:
        self._app = app
        self._access = access
        self._local = LocalBuckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in _OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        status, rate_headers = 500, list[tuple[bytes, bytes]]()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *rate_headers]
            await send(message)

        key_id = _NOBODY
        try:
            secret = _taken_secret(scope)
            key, policy, verdict = await self._let_in(scope, secret)
            key_id = key.key_id if key else _NOBODY
            rate_headers = _rate_headers(policy, verdict)
            if not verdict.taken:
                again = math.ceil(verdict.again_in) or 1
                raise _RefusalError(
                    429,
                    f"That is more than {policy[1]:,} requests a minute: come again in {again} s.",
                    {"Retry-After": str(again)},
                    _QUOTA,
                    key_id,
                )
            await self._app(scope, receive, counted)
        except _RefusalError as refusal:
            key_id = refusal.key_id
            await refusal.answer(scope, receive, counted)
        finally:
            if self._access is not None and (key_id != _NOBODY or self._access.closed):
                self._access.uses.note(
                    key_id, _address(scope), scope["method"][:10], _route(scope), status
                )

    async def _let_in(
        self, scope: Scope, secret: str | None
    ) -> tuple[Key | None, tuple[str, int], Verdict]:
        """Who asks, the name and size of their rate, and whether there is still some of it."""
        access, address = self._access, _address(scope)
        if secret is None:
            if access is not None and access.closed:
                raise _RefusalError(
                    401, "A key is needed: give it as a Bearer token.", _challenge(scope)
                )
            name, rate = (
                ("local", OPEN_RATE)
                if access is None or access.alone
                else ("address", ADDRESS_RATE)
            )
            return None, (name, rate), limits.ask(self._local, f"{name} {address}", rate)
        try:
            key = await run_in_threadpool(self._find, secret)
        except PipelineError as error:
            logger.error("Keys can't be checked: %s", error)
            raise _RefusalError(503, "Keys can't be checked now.", {"Retry-After": "10"}) from error
        if access is None or key is None:
            refused = limits.ask(self._local, f"refused {address}", REFUSED_RATE)
            if not refused.taken:
                again = str(math.ceil(refused.again_in) or 1)
                raise _RefusalError(429, "Too many keys that don't hold.", {"Retry-After": again})
            raise _RefusalError(401, "This key doesn't hold: ask for another.", _challenge(scope))
        wanted = _scope_of(scope["path"])
        if wanted not in key.scopes:
            raise _RefusalError(
                403,
                f"This key isn't for {keys.SCOPES[wanted]} (scope {wanted}).",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'},
                key_id=key.key_id,
            )
        try:
            verdict = await run_in_threadpool(
                limits.ask, access.buckets, f"key {key.key_id}", key.per_minute
            )
        except PipelineError as error:
            logger.error("Requests can't be counted: %s", error)
            raise _RefusalError(
                503, "Requests can't be counted now.", {"Retry-After": "10"}
            ) from error
        return key, ("key", key.per_minute), verdict

    def _find(self, secret: str) -> Key | None:
        key_id = keys.key_id_of(secret)
        if self._access is None or key_id is None:
            return None
        key = self._access.store.find(key_id)
        return key if key is not None and key.fits(secret) else None


def _taken_secret(scope: Scope) -> str | None:
    """The key that a request gives; taken out of it, so that nothing behind can tell it on.

    A login that is none of this server's keys is for whatever stands before it.
    """
    found: str | None = None
    if logins := [value for name, value in scope["headers"] if name == b"authorization"]:
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
        scheme, _, value = logins[0].decode("latin-1").strip().partition(" ")
        if scheme.lower() == "bearer":
            found = value.strip()
        elif scheme.lower() == "basic":
            found = _password(value.strip())
    query = scope["query_string"]
    # Whoever asks often gives none here; a name may come in escapes.
    may_give = KEY_PARAMETER.encode() in query or b"%" in query
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if may_give else []
    given = [value for name, value in asked if name == KEY_PARAMETER]
    if given:
        kept = [pair for pair in asked if pair[0] != KEY_PARAMETER]
        # As the parser takes them apart: characters that aren't ASCII have come in escapes.
        scope["query_string"] = urlencode(kept).encode()
        if not scope["path"].startswith("/feed."):
            raise _RefusalError(
                400, "Only feeds take a key in the address: give it as a Bearer token here.", {}
            )
        found = given[0]
    return found if found is not None and found.startswith(keys.BEGINNING) else None


def _password(encoded: str) -> str | None:
    """The password of a login by name and password; browsers and feed readers ask people for it."""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None


def _scope_of(path: str) -> str:
    if path.startswith("/graphql"):
        return "graphql"
    if path.startswith("/feed."):
        return "feeds"
    if path.startswith("/api/"):
        return "bulk" if path.rpartition(".")[2] in ("jsonl", "csv", "parquet") else "api"
    return "pages"


def _challenge(scope: Scope) -> dict[str, str]:
    kind = "Bearer" if _scope_of(scope["path"]) in ("api", "bulk", "graphql") else "Basic"
    return {"WWW-Authenticate": f'{kind} realm="news"'}


def _rate_headers(policy: tuple[str, int], verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """How many requests there are (draft-ietf-httpapi-ratelimit-headers-10)."""
    name, rate = policy
    told = f'"{name}";r={verdict.left};t={math.ceil(verdict.full_in)}'
    return [_policy_header(name, rate), (b"ratelimit", told.encode())]


@lru_cache(maxsize=100)
def _policy_header(name: str, rate: int) -> tuple[bytes, bytes]:
    return b"ratelimit-policy", f'"{name}";q={rate};w={limits.WINDOW:.0f}'.encode()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else _NOBODY


def _route(scope: Scope) -> str:
    """The address that was asked for, without ids; none where it leads nowhere."""
    if "endpoint" not in scope:
        return _NOBODY
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}")
    return path
