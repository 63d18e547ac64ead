"""`/graphql` over HTTP: what may be sent, and the page to try it out.

What executes operations is imported with the first of them: it takes a quarter of a second.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from newsapi_dentsu.reading.remembering import RememberingLibrary
from newsapi_dentsu.website import pages
from newsapi_dentsu.website.cache import Revisions, is_kept, known_of, note_revision
from newsapi_dentsu.website.negotiation import accepts

if TYPE_CHECKING:
    from newsapi_dentsu.website.graph.endpoint import Answered, Asked, Executor

MOST_BODY: Final = 100_000
"""Bytes of a request's body."""

SERVER_HEADER: Final = "Read-From"
"""Says of an answer whether the primary or the replica gave it, where there are both."""

RESPONSE: Final = "application/graphql-response+json"
_JSON: Final = "application/json"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NAMES: Final = frozenset({"query", "operationName", "variables", "extensions", "documentId"})


@dataclass(frozen=True, slots=True)
class GraphQLOptions:
    """What of GraphQL is served.

    `introspection` lets everybody ask what the schema is, `trusted` is where the documents are that
    are known by name, and `trusted_only` refuses all others.
    """

    introspection: bool = True
    trusted: Path | None = None
    trusted_only: bool = False

    def name(self) -> str:
        """What names all that answers depend on, the texts of the trusted documents included."""
        where = self.trusted
        files = [] if where is None else sorted(where.rglob("*")) if where.is_dir() else [where]
        told = [(str(path), path.read_bytes()) for path in files if path.is_file()]
        digest = hashlib.sha256(repr(told).encode()).hexdigest()
        return f"{self.introspection} {self.trusted_only} {digest}"


class GraphQL:
    """The answers under `/graphql`."""

    def __init__(
        self, library: RememberingLibrary, revisions: Revisions, options: GraphQLOptions
    ) -> None:
        self._library = library
        self._revisions = revisions
        self._options = options
        self._lock = threading.Lock()
        self._executor: Executor | None = None
        if options.trusted is not None:
            # A mistake in a document is told at the start.
            self._ready()

    async def asked(self, request: Request) -> Response:
        """An operation in an address, or the page to try operations out."""
        if not request.query_params and accepts(request.headers.get("accept", ""), "text/html"):
            page = pages.graphql(datetime.now(UTC))
            return Response(
                page,
                media_type="text/html",
                headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
            )
        given: dict[str, Any] = dict(request.query_params)
        for name in ("variables", "extensions"):
            if given.get(name):
                given[name] = _json(given[name])
            else:
                given.pop(name, None)
        return await self._answered(request, given)

    async def sent(self, request: Request) -> Response:
        """An operation in a body."""
        kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
        if kind.strip() != _JSON or (
            "charset" in rest and "utf-8" not in rest and "utf8" not in rest
        ):
            raise HTTPException(415, f"Send {_JSON} in UTF-8.")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HTTPException(415, "Send the body without compression.")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BODY:
                raise HTTPException(413, f"A request has at most {MOST_BODY:,} bytes here.")
        return await self._answered(request, _json(body))

    async def _answered(self, request: Request, given: object) -> Response:
        taken = request.headers.get("accept", "")
        # Who takes anything is told as clients of before the draft understand it.
        kind = RESPONSE if "graphql-response" in taken else _JSON
        if not accepts(taken, kind):
            raise HTTPException(406, f"This is answered as {_JSON} or {RESPONSE}.")

        known = await known_of(request, self._revisions)

        def work() -> "Answered":
            executor = self._ready()
            asked = self._read(given)
            return executor.answer(asked, tell_revision=is_kept(request), known=known)

        body, executed, revision, server = await run_in_threadpool(work)
        note_revision(request, revision)
        status = 200 if executed or kind == _JSON else 400
        # A half of a character in what was asked may come back in a message.
        told = body.encode(errors="replace")
        headers = {"Cache-Control": "no-store", **({SERVER_HEADER: server} if server else {})}
        return Response(told, status, media_type=kind, headers=headers)

    def _ready(self) -> "Executor":
        with self._lock:
            if self._executor is None:
                from newsapi_dentsu.website.graph.endpoint import Executor

                self._executor = Executor(
                    self._library,
                    introspection=self._options.introspection,
                    trusted=self._options.trusted,
                    trusted_only=self._options.trusted_only,
                )
            return self._executor

    def _read(self, given: object) -> "Asked":
        from newsapi_dentsu.website.graph.endpoint import Asked

        if isinstance(given, list):
            raise HTTPException(400, "One operation a request: batches aren't answered.")
        if not isinstance(given, dict):
            raise HTTPException(400, "Send an object with query or documentId, and variables.")
        unknown = sorted(set(given) - _NAMES)
        if unknown:
            raise HTTPException(400, f"There are only {', '.join(sorted(_NAMES))}.")
        query, document = given.get("query"), given.get("documentId") or _persisted(given)
        operation, variables = given.get("operationName"), given.get("variables") or {}
        texts = (query, document, operation)
        if not all(isinstance(one, str | None) for one in texts) or not isinstance(variables, dict):
            raise HTTPException(
                400, "query, documentId and operationName are texts, variables an object."
            )
        if query is None and document is None:
            raise HTTPException(400, "Say in query or documentId what you ask for.")
        # Clients that try a hash first send the text with it where it wasn't known.
        return Asked(query, None if query else document, operation or None, variables)


def _persisted(given: Mapping[str, Any]) -> str | None:
    """The hash of a document, as clients of Apollo send it."""
    extensions = given.get("extensions") or {}
    found = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    digest = found.get("sha256Hash") if isinstance(found, dict) else None
    return f"sha256:{digest}" if isinstance(digest, str) else None


def _json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise HTTPException(400, "That isn't JSON.") from None


@cache
def script() -> str:
    """The script of the page to try operations out."""
    return (resources.files(__package__) / "graphql.js").read_text("utf-8")
