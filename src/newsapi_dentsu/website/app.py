"""The web application: which address gives what, and what goes around every answer.

Nothing that a page shows is fetched from elsewhere, and no script runs: the policy sent with it
allows neither. Only those may ask who name a host that this server is known under, so that no page
of a foreign site can read it through a name that leads here.
"""

import hashlib
import logging
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from newsapi_dentsu.errors import ExpiredError, PipelineError
from newsapi_dentsu.reading.library import Library, revision_of
from newsapi_dentsu.reading.memory import Now, OtherRevisionError
from newsapi_dentsu.reading.remembering import RememberingLibrary
from newsapi_dentsu.reading.saved import SavedSearch, SavedSearches
from newsapi_dentsu.reading.stories import State, read_state
from newsapi_dentsu.serving import is_called
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website import api, feeds, pages, search_api, search_pages
from newsapi_dentsu.website.answers import Answers
from newsapi_dentsu.website.cache import (
    AnswerCache,
    Revisions,
    is_kept,
    known_of,
    note_revision,
    now_of,
)
from newsapi_dentsu.website.gate import Access, Gate
from newsapi_dentsu.website.graphql_http import SERVER_HEADER, GraphQL, GraphQLOptions, script
from newsapi_dentsu.website.negotiation import accepts, knows, takes_gzip
from newsapi_dentsu.website.openapi import description
from newsapi_dentsu.website.problems import problem
from newsapi_dentsu.website.questions import QuestionError, is_storable
from newsapi_dentsu.website.rendering import style

logger = logging.getLogger(__name__)

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_SENT_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
_JSON: Final = "application/json"

PROGRAMS: Final = ("/api/", "/feed.", "/health", "/graphql")
"""Beginnings of the addresses that programs ask, which are told of trouble as programs are."""

MOST_AT_ONCE: Final = 200
"""Requests that are answered at the same time; the next ones are told to come again."""

MOST_SECONDS: Final = 60.0
"""Longest time for a statement of the database that somebody waits for."""

MOST_BULK: Final = 8
"""Answers with all articles that are given at the same time."""

MOST_ADDRESS: Final = 8_000
"""Bytes of a request's address."""

MOST_HEADERS: Final = 16_000
"""Bytes of a request's headers."""

_VERSION: Final = version("newsapi-dentsu")
_USUAL_GRAPHQL: Final = GraphQLOptions()

Answer = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def application(
    library: Library,
    hosts: Collection[str],
    access: Access | None = None,
    origins: Collection[str] = (),
    saved: SavedSearches | None = None,
    graphql: GraphQLOptions = _USUAL_GRAPHQL,
    answers: Answers | None = None,
    public_url: str | None = None,
) -> Starlette:
    """The application.

    Args:
        library: what it serves.
        hosts: the names under which it may be asked, beside localhost and addresses in numbers.
        access: who may ask; without it, whoever reaches it, and nobody has a key.
        origins: sites whose scripts may read the answers in a browser, such as https://app.example.
        saved: the saved searches, each of which has a page and feeds.
        graphql: what of GraphQL is served.
        answers: where answers are kept, to be given again.
        public_url: the address that links and feeds name, where a proxy asks under another name.

    Raises:
        SettingsError: a trusted document can't be used.
    """
    reading = RememberingLibrary(library)
    revisions = Revisions(library)
    routes = _Routes(reading, revisions, saved)
    operations = GraphQL(reading, revisions, graphql)

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        if access is not None:
            access.uses.start()
        yield
        revisions.close()
        if access is not None:
            await run_in_threadpool(access.uses.end)
        if answers is not None and answers.far is not None:
            await answers.far.close()

    return Starlette(
        routes=[
            # Those that are asked most often come first: they are tried one after the other.
            Route("/api/v1", _reference, methods=["GET"]),
            Route("/api/v1/openapi.json", _openapi, methods=["GET"]),
            Route("/api/v1/articles", routes.given(api.articles), methods=["GET"]),
            Route("/api/v1/articles.jsonl", routes.bulk(api.JSON_LINES), methods=["GET"]),
            Route("/api/v1/articles.csv", routes.bulk(api.CSV), methods=["GET"]),
            Route("/api/v1/articles.parquet", routes.bulk(api.PARQUET), methods=["GET"]),
            Route("/api/v1/articles/{id}", routes.one(api.article), methods=["GET"]),
            Route("/api/v1/stories", routes.stories, methods=["GET"]),
            Route("/api/v1/stories/{id}", routes.one(api.story), methods=["GET"]),
            Route("/api/v1/changes", routes.given(api.changes), methods=["GET"]),
            Route("/api/v1/search", routes.given(search_api.search), methods=["GET"]),
            Route("/api/v1/search/facets", routes.given(search_api.facets), methods=["GET"]),
            Route("/api/v1/trends", routes.given(search_api.trends), methods=["GET"]),
            Route("/api/v1/sources/{id:path}", routes.one(search_api.source), methods=["GET"]),
            Route(
                "/api/v1/articles/{id}/tones", routes.one(search_api.article_tones), methods=["GET"]
            ),
            Route(
                "/api/v1/stories/{id}/tones", routes.one(search_api.story_tones), methods=["GET"]
            ),
            Route("/api/v1/stories/{id}/related", routes.one(search_api.related), methods=["GET"]),
            Route("/", routes.page(pages.today), methods=["GET"]),
            Route("/stories", routes.page(pages.browse), methods=["GET"]),
            Route("/search", routes.page(search_pages.search), methods=["GET"]),
            Route("/trends", routes.page(search_pages.trends), methods=["GET"]),
            Route("/saved", routes.saved_list, methods=["GET"]),
            Route("/saved/{id}.atom", routes.saved_feed("atom"), methods=["GET"]),
            Route("/saved/{id}.json", routes.saved_feed("json"), methods=["GET"]),
            Route("/saved/{id}", routes.saved_page, methods=["GET"]),
            Route("/source/{id:path}", routes.source, methods=["GET"]),
            Route("/story/{id}", routes.story, methods=["GET"]),
            Route("/feeds", routes.feeds, methods=["GET"]),
            Route("/feed.atom", routes.atom, methods=["GET"]),
            Route("/feed.json", routes.json_feed, methods=["GET"]),
            Route("/style.css", _style, methods=["GET"]),
            Route("/health", routes.health, methods=["GET"]),
            Route("/graphql", operations.asked, methods=["GET"]),
            Route("/graphql", operations.sent, methods=["POST"]),
            Route("/graphql.js", _script, methods=["GET"]),
        ],
        middleware=[
            Middleware(_Around, hosts=frozenset({"localhost", *hosts}), public_url=public_url),
            *([_cross_origin(origins)] if origins else []),
            Middleware(Gate, access=access),
            *(
                [Middleware(AnswerCache, library=library, answers=answers, revisions=revisions)]
                if answers
                else []
            ),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={
            QuestionError: _malformed,
            ExpiredError: _expired,
            PipelineError: _unavailable,
            HTTPException: _refused,
        },
        lifespan=life,
    )


def _cross_origin(origins: Collection[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match"],
        expose_headers=["ETag", "RateLimit", "RateLimit-Policy", "Retry-After"],
    )


class _Routes:
    """The answers that need the library; each is worked out in a thread of its own."""

    def __init__(
        self, library: RememberingLibrary, revisions: Revisions, saved: SavedSearches | None
    ) -> None:
        self._library = library
        self._revisions = revisions
        self._free = threading.BoundedSemaphore(MOST_BULK)
        self._saved = saved

    def page(self, make: Callable[[Session, Mapping[str, str], datetime], str]) -> Answer:
        """A page for people."""

        async def answer(request: Request) -> Response:
            now = now_of(request)
            return await self._page(
                request, lambda session: make(session, request.query_params, now)
            )

        return answer

    async def _page(
        self,
        request: Request,
        make: Callable[[Session], str | None],
        missing: str = "There is no such page here.",
    ) -> Response:
        """A page made of the library, which tells on the way what is read, and from which server.

        Args:
            request: what is answered.
            make: makes the page; None where there is none.
            missing: what is said then.
        """

        def work(session: Session) -> tuple[str | None, dict[str, str]]:
            if is_kept(request):
                note_revision(request, revision_of(session))
            return make(session), _server_headers(self._library, session)

        known = await known_of(request, self._revisions)
        found, headers = await run_in_threadpool(self._library.read, work, known)
        if found is None:
            raise HTTPException(404, missing)
        return _page(found, headers=headers)

    async def story(self, request: Request) -> Response:
        """The page of a story."""

        now = now_of(request)
        return await self._page(
            request,
            lambda session: pages.story(session, _id(request), now),
            "There is no such story: it may have become a part of another one.",
        )

    async def source(self, request: Request) -> Response:
        """The page of a publication."""

        now = now_of(request)
        return await self._page(
            request,
            lambda session: search_pages.source(session, _id(request), now),
            "This publication had nothing to read in the last 90 days.",
        )

    async def saved_list(self, request: Request) -> Response:
        """The page of all saved searches."""

        def work(session: Session) -> str:
            there = self._saved.all() if self._saved else []
            return search_pages.saved(session, there, now_of(request))

        return await self._page(request, work)

    async def saved_page(self, request: Request) -> Response:
        """The page of a saved search: that of the search."""
        found = await run_in_threadpool(self._find_saved, request)
        return RedirectResponse(f"/search?{urlencode({'q': found.q})}", 307)

    def saved_feed(self, kind: str) -> Answer:
        """A feed of a saved search."""

        async def answer(request: Request) -> Response:
            found = await run_in_threadpool(self._find_saved, request)
            made = feeds.atom if kind == "atom" else feeds.json_feed
            media = "application/atom+xml" if kind == "atom" else "application/feed+json"
            return await self._conditional(
                request,
                f"{media}; charset=utf-8",
                lambda session: made(
                    session, {"q": found.q}, _base(request), now_of(request), found.name
                ),
                found.q,
            )

        return answer

    def _find_saved(self, request: Request) -> SavedSearch:
        found = self._saved.find(_id(request)) if self._saved else None
        if found is None:
            raise HTTPException(404, "There is no saved search of this name.")
        return found

    async def feeds(self, request: Request) -> Response:
        """The page about feeds and the API."""

        now = now_of(request)
        return await self._page(request, lambda session: pages.feeds(session, _base(request), now))

    async def atom(self, request: Request) -> Response:
        """The Atom feed."""
        return await self._conditional(
            request,
            "application/atom+xml; charset=utf-8",
            lambda session: feeds.atom(
                session, request.query_params, _base(request), now_of(request)
            ),
        )

    async def json_feed(self, request: Request) -> Response:
        """The JSON feed."""
        return await self._conditional(
            request,
            "application/feed+json; charset=utf-8",
            lambda session: feeds.json_feed(
                session, request.query_params, _base(request), now_of(request)
            ),
        )

    def given(
        self, find: Callable[[Session, Mapping[str, str]], dict[str, object] | bytes]
    ) -> Answer:
        """A list of the API, by the parameters given; as bytes it is JSON already."""

        async def answer(request: Request) -> Response:
            _must_suit(request, _JSON)

            def made(session: Session) -> str | bytes:
                found = find(session, request.query_params)
                return found if isinstance(found, bytes) else api.as_json(found)

            return await self._conditional(request, _JSON, made, at_once=True)

        return answer

    async def stories(self, request: Request) -> Response:
        """The list of stories, which without any news is one of today."""
        now = now_of(request)
        return await self.given(lambda session, given: api.story_list(session, given, now))(request)

    def one(self, find: Callable[[Session, str], dict[str, object] | None]) -> Answer:
        """One thing of the API, by its id."""

        async def answer(request: Request) -> Response:
            _must_suit(request, _JSON)

            def made(session: Session) -> str:
                found = find(session, _id(request))
                if found is None:
                    raise HTTPException(404, "There is nothing of this id.")
                return api.as_json(found)

            return await self._conditional(request, _JSON, made, at_once=True)

        return answer

    def bulk(self, writer: api.Writer) -> Answer:
        """Articles in bulk."""

        async def answer(request: Request) -> Response:
            _must_suit(request, writer.kind)

            def work() -> tuple[dict[str, str], Iterator[bytes] | None]:
                written = api.bulk(self._library.library, request.query_params, writer)
                with self._library.session() as session:
                    state = read_state(session)
                    headers = _state_headers(request, state, revision_of(session, state))
                return headers, None if _is_known(request, headers) else written

            headers, written = await run_in_threadpool(work)
            if written is None:
                return Response(status_code=304, headers=headers)
            headers["Content-Disposition"] = f'attachment; filename="{writer.name}"'
            if request.method == "HEAD":
                return Response(media_type=writer.kind, headers=headers)
            if not self._free.acquire(blocking=False):
                raise HTTPException(
                    503, "Too many read all articles just now: come again.", {"Retry-After": "10"}
                )
            return _Bulk(written, writer.kind, headers, self._free.release)

        return answer

    async def health(self, _request: Request) -> Response:
        """Whether there is something to read, for probes."""

        def work(session: Session) -> dict[str, object]:
            told = {"status": "ok", "change_seq": read_state(session).change_seq}
            server = self._library.server_of(session)
            return told if server is None else {**told, "read_from": server}

        return JSONResponse(await run_in_threadpool(self._library.read, work))

    async def _conditional(
        self,
        request: Request,
        kind: str,
        make: Callable[[Session], str | bytes],
        asked: str = "",
        *,
        at_once: bool = False,
    ) -> Response:
        """Answer in full only those who don't know the present state yet.

        Args:
            request: what is answered.
            kind: the media type of the answer.
            make: makes the answer.
            asked: what is asked for, as far as the address doesn't tell.
            at_once: whether it is made in no time where all that it needs is in memory.
        """

        def work(session: Session) -> tuple[dict[str, str], str | bytes | None]:
            state = read_state(session)
            revision = revision_of(session, state)
            note_revision(request, revision)
            headers = _state_headers(request, state, revision, asked)
            headers.update(_server_headers(self._library, session))
            any_one = request.headers.get("if-none-match", "").strip() == "*"
            if _is_known(request, headers) and not any_one:
                return headers, None
            # Whatever there is would do, if there is something.
            made = make(session)
            return headers, None if any_one else made

        known = await known_of(request, self._revisions)
        headers, body = await self._worked_out(work, known, at_once=at_once)
        if body is None:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    async def _worked_out(
        self, work: Callable[[Session], T], known: Now | None, *, at_once: bool
    ) -> T:
        """Do work that reads, in a thread of its own where the database is asked."""
        if at_once and known is not None and known.revision is not None:
            with suppress(OtherRevisionError):
                return self._library.read_from_memory(work, known)
        return await run_in_threadpool(self._library.read, work, known)


class _Bulk(StreamingResponse):
    """Pieces that are made while they are taken; whoever goes away early frees what makes them."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        kind: str,
        headers: Mapping[str, str],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(pieces, media_type=kind, headers=headers)
        self._pieces = pieces
        self._ended = ended

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await run_in_threadpool(self._close)
            finally:
                self._ended()

    def _close(self) -> None:
        if isinstance(self._pieces, Generator):
            self._pieces.close()


def _must_suit(request: Request, kind: str) -> None:
    """Refuse whoever doesn't take this kind of answer, and parameters that aren't known."""
    if not accepts(request.headers.get("accept", ""), kind):
        raise HTTPException(406, f"This is answered as {kind.partition(';')[0]} only.")
    api.check_given(request.url.path, request.query_params.multi_items())


def _state_headers(
    request: Request, state: State, revision: str | None, asked: str = ""
) -> dict[str, str]:
    headers = {"Cache-Control": "no-cache"}
    if revision is not None:
        headers["ETag"] = _tag(request, state, revision, asked)
    if state.updated_at is not None:
        headers["Last-Modified"] = format_datetime(state.updated_at.astimezone(UTC), usegmt=True)
    return headers


def _server_headers(library: Library, session: Session) -> dict[str, str]:
    server = library.server_of(session)
    return {} if server is None else {SERVER_HEADER: server}


def _is_known(request: Request, headers: Mapping[str, str]) -> bool:
    """Whether whoever asks has this answer already."""
    return "ETag" in headers and knows(request.headers.get("if-none-match", ""), headers["ETag"])


async def _style(request: Request) -> Response:
    return _asset(request, style(), "text/css")


async def _script(request: Request) -> Response:
    return _asset(request, script(), "text/javascript")


def _asset(request: Request, text: str, kind: str) -> Response:
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    if knows(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(text, media_type=kind, headers={"ETag": tag, "Cache-Control": "max-age=300"})


async def _openapi(request: Request) -> Response:
    _must_suit(request, _JSON)
    return JSONResponse(description())


async def _reference(request: Request) -> Response:
    return _page(pages.reference(description(), _base(request), datetime.now(UTC)))


async def _malformed(request: Request, error: Exception) -> Response:
    return _trouble(request, 400, f"{error}.")


async def _expired(request: Request, error: Exception) -> Response:
    return _trouble(request, 410, f"{error}.")


async def _unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, PipelineError)  # noqa: S101
    again = {"Retry-After": "5"} if error.transient else None
    title = "Not to be reached just now" if error.transient else None
    return _trouble(request, 503, f"{error}.", again, title)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    usual = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != usual else _USUAL.get(error.status_code, usual)
    return _trouble(request, error.status_code, detail, error.headers)


_USUAL: Final = {
    404: "There is no such page here.",
    405: "This address is only read: it takes the methods that Allow names.",
}
_TITLES: Final = {
    400: "That can’t be understood",
    404: "Not found",
    410: "Begin again",
    500: "Something went wrong",
    503: "Not ready to be read",
}


def _trouble(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Response:
    """Say what is wrong, to a program or to a person."""
    if request.url.path.startswith(PROGRAMS):
        return problem(status, detail, headers)
    title = title or _TITLES.get(status, HTTPStatus(status).phrase)
    page = pages.trouble(status, title, detail, datetime.now(UTC))
    return _page(page, status, headers)


def _page(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    more = {"Cache-Control": "no-cache", **(headers or {})}
    return Response(text, status, media_type="text/html", headers=more)


def _tag(request: Request, state: State, revision: str, asked: str) -> str:
    """What names an answer: this program, what is read, and what is asked of it at which host."""
    # Where there are no news, lists are of today.
    day = state.newest or now_of(request).date()
    named = f"{(_VERSION, revision, day, asked)} {request.url}"
    return f'W/"{hashlib.sha256(named.encode()).hexdigest()[:24]}"'


def _id(request: Request) -> str:
    """The id in the address; one that no database takes as a text is nobody's."""
    found: str = request.path_params["id"]
    return found if is_storable(found) else ""


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


class _Around:
    """What goes around every answer: bounds of a request, headers, and what to say when it fails.

    Refuses foreign names of this host.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], public_url: str | None) -> None:
        self._app = app
        self._public = urlsplit(public_url) if public_url else None
        known = self._public.hostname if self._public else None
        named = hosts | {known} if known else hosts
        self._is_called = lru_cache(maxsize=1_000)(lambda host: is_called(host, named))
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _SENT_HEADERS if name not in there),
                ]
            await send(message)

        self._under_way += 1
        try:
            refusal = self._refusal(scope)
            await (refusal or self._app)(self._asked(_suited(scope)), receive, with_headers)
        except Exception as error:
            # The path without what was asked: that may hold what is nobody's affair.
            logger.error("%s could not be answered: %s", scope["path"], error, exc_info=error)
            if begun:
                # Cut off, so that nobody takes it for whole.
                raise
            broken = _trouble(
                Request(scope), 500, "That is a mistake in this program: its log says more."
            )
            await broken(scope, receive, with_headers)
        finally:
            self._under_way -= 1

    def _asked(self, scope: Scope) -> Scope:
        """The request as if it had come to the public address."""
        if self._public is None:
            return scope
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        host = (b"host", self._public.netloc.encode())
        return {**scope, "scheme": self._public.scheme, "headers": [host, *others]}

    def _refusal(self, scope: Scope) -> Response | None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1 or not self._is_called(named[0].decode("latin-1")):
            return problem(
                421, "This server isn't known under that name: start it with --allow-host NAME."
            )
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_ADDRESS:
            return problem(414, f"An address has at most {MOST_ADDRESS:,} bytes here.")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            return problem(431, f"The headers may have {MOST_HEADERS:,} bytes here.")
        if self._under_way > MOST_AT_ONCE:
            return problem(503, "Too many ask just now: come again.", {"Retry-After": "5"})
        return None


def _suited(scope: Scope) -> Scope:
    """The request as what compresses answers understands it: it overlooks weights."""
    asked = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    if not asked or b"gzip" not in asked[0] or takes_gzip(asked[0].decode("latin-1")):
        return scope
    kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": kept}
