"""The web application: which address gives what, and what goes around every answer.

Nothing that a page shows is fetched from elsewhere, and no script runs: the policy sent with it
allows neither. Only those may ask who name a host that this server is known under, so that no page
of a foreign site can read it through a name that leads here.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsapi_dentsu.errors import ExpiredError, PipelineError
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.stories import State, read_state
from newsapi_dentsu.serving import is_called
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website import api, feeds, pages
from newsapi_dentsu.website.openapi import description
from newsapi_dentsu.website.questions import QuestionError
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

Answer = Callable[[Request], Awaitable[Response]]


def application(library: Library, hosts: Collection[str]) -> Starlette:
    """The application.

    Args:
        library: what it serves.
        hosts: the names under which it may be asked, beside localhost and addresses in numbers.
    """
    routes = _Routes(library)
    return Starlette(
        routes=[
            Route("/", routes.page(pages.today), methods=["GET"]),
            Route("/stories", routes.page(pages.browse), methods=["GET"]),
            Route("/story/{id}", routes.story, methods=["GET"]),
            Route("/feeds", routes.feeds, methods=["GET"]),
            Route("/feed.atom", routes.atom, methods=["GET"]),
            Route("/feed.json", routes.json_feed, methods=["GET"]),
            Route("/style.css", _style, methods=["GET"]),
            Route("/health", routes.health, methods=["GET"]),
            Route("/api/v1/openapi.json", _openapi, methods=["GET"]),
            Route("/api/v1/articles", routes.given(api.articles), methods=["GET"]),
            Route("/api/v1/articles.jsonl", routes.bulk(api.JSON_LINES), methods=["GET"]),
            Route("/api/v1/articles.csv", routes.bulk(api.CSV), methods=["GET"]),
            Route("/api/v1/articles/{id}", routes.one(api.article), methods=["GET"]),
            Route("/api/v1/stories", routes.given(_stories_of_now), methods=["GET"]),
            Route("/api/v1/stories/{id}", routes.one(api.story), methods=["GET"]),
            Route("/api/v1/changes", routes.given(api.changes), methods=["GET"]),
        ],
        middleware=[
            Middleware(_Around, hosts=frozenset({"localhost", *hosts})),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={
            QuestionError: _malformed,
            ExpiredError: _expired,
            PipelineError: _unavailable,
            HTTPException: _refused,
            Exception: _broken,
        },
    )


class _Routes:
    """The answers that need the library; each is worked out in a thread of its own."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def page(self, make: Callable[[Session, Mapping[str, str], datetime], str]) -> Answer:
        """A page for people."""

        async def answer(request: Request) -> Response:
            def work() -> str:
                with self._library.session() as session:
                    return make(session, request.query_params, datetime.now(UTC))

            return _page(await run_in_threadpool(work))

        return answer

    async def story(self, request: Request) -> Response:
        """The page of a story."""

        def work() -> str | None:
            with self._library.session() as session:
                return pages.story(session, _id(request), datetime.now(UTC))

        found = await run_in_threadpool(work)
        if found is None:
            raise HTTPException(
                404, "There is no such story: it may have become a part of another one."
            )
        return _page(found)

    async def feeds(self, request: Request) -> Response:
        """The page about feeds and the API."""

        def work() -> str:
            with self._library.session() as session:
                return pages.feeds(session, _base(request), datetime.now(UTC))

        return _page(await run_in_threadpool(work))

    async def atom(self, request: Request) -> Response:
        """The Atom feed."""
        return await self._conditional(
            request,
            "application/atom+xml; charset=utf-8",
            lambda session: feeds.atom(
                session, request.query_params, _base(request), datetime.now(UTC)
            ),
        )

    async def json_feed(self, request: Request) -> Response:
        """The JSON feed."""
        return await self._conditional(
            request,
            "application/feed+json; charset=utf-8",
            lambda session: feeds.json_feed(
                session, request.query_params, _base(request), datetime.now(UTC)
            ),
        )

    def given(self, find: Callable[[Session, Mapping[str, str]], dict[str, object]]) -> Answer:
        """A list of the API, by the parameters given."""

        async def answer(request: Request) -> Response:
            return await self._conditional(
                request,
                "application/json",
                lambda session: api.as_json(find(session, request.query_params)),
            )

        return answer

    def one(self, find: Callable[[Session, str], dict[str, object] | None]) -> Answer:
        """One thing of the API, by its id."""

        async def answer(request: Request) -> Response:
            def made(session: Session) -> str:
                found = find(session, _id(request))
                if found is None:
                    raise HTTPException(404, "There is nothing of this id.")
                return api.as_json(found)

            return await self._conditional(request, "application/json", made)

        return answer

    def bulk(self, writer: api.Writer) -> Answer:
        """Articles in bulk."""

        async def answer(request: Request) -> Response:
            written = await run_in_threadpool(api.bulk, self._library, request.query_params, writer)
            return StreamingResponse(written, media_type=writer.kind)

        return answer

    async def health(self, _request: Request) -> Response:
        """Whether there is something to read, for probes."""

        def work() -> State:
            with self._library.session() as session:
                return read_state(session)

        state = await run_in_threadpool(work)
        return JSONResponse({"status": "ok", "change_seq": state.change_seq})

    async def _conditional(
        self, request: Request, kind: str, make: Callable[[Session], str]
    ) -> Response:
        """Answer only whom the state of now is new to."""

        def work() -> tuple[dict[str, str], str | None]:
            with self._library.session() as session:
                state = read_state(session)
                tag = _tag(request, state)
                headers = {"ETag": tag, "Cache-Control": "no-cache"}
                if state.updated_at is not None:
                    headers["Last-Modified"] = format_datetime(
                        state.updated_at.astimezone(UTC), usegmt=True
                    )
                given = request.headers.get("if-none-match", "")
                if tag in {part.strip() for part in given.split(",")}:
                    return headers, None
                return headers, make(session)

        headers, body = await run_in_threadpool(work)
        if body is None:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)


def _stories_of_now(session: Session, given: Mapping[str, str]) -> dict[str, object]:
    return api.story_list(session, given, datetime.now(UTC))


async def _style(request: Request) -> Response:
    text = style()
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(
        text, media_type="text/css", headers={"ETag": tag, "Cache-Control": "max-age=300"}
    )


async def _openapi(_request: Request) -> Response:
    return JSONResponse(description())


async def _malformed(request: Request, error: Exception) -> Response:
    return _trouble(request, 400, f"{error}.")


async def _expired(request: Request, error: Exception) -> Response:
    return _trouble(request, 410, f"{error}.")


async def _unavailable(request: Request, error: Exception) -> Response:
    return _trouble(request, 503, f"{error}.")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    usual = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != usual else "There is no such page here."
    return _trouble(request, error.status_code, detail, error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    logger.error("%s could not be answered: %s", request.url.path, error, exc_info=error)
    return _trouble(request, 500, "That is a mistake in this program: its log says more.")


_TITLES: Final = {
    400: "That can’t be understood",
    404: "Not found",
    410: "Begin again",
    500: "Something went wrong",
    503: "Nothing to read yet",
}


def _trouble(
    request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Say what is wrong, to a program (RFC 9457) or to a person."""
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    if request.url.path.startswith(("/api/", "/feed.", "/health")):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        return JSONResponse(problem, status, media_type="application/problem+json", headers=headers)
    page = pages.trouble(status, title, detail, datetime.now(UTC))
    return _page(page, status, headers)


def _page(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    more = {"Cache-Control": "no-cache", **(headers or {})}
    return Response(text, status, media_type="text/html", headers=more)


def _tag(request: Request, state: State) -> str:
    """What names an answer: this program, the state, and what is asked of it at which host."""
    asked = f"{version('newsapi-dentsu')} {state.change_seq} {state.updated_at} {request.url}"
    return f'W/"{hashlib.sha256(asked.encode()).hexdigest()[:24]}"'


def _id(request: Request) -> str:
    """The id in the address; one that no database takes as a text is nobody's."""
    found: str = request.path_params["id"]
    return "" if "\0" in found else found


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


class _Around:
    """Refuses foreign names of this host, and sends the headers of every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in _HEADERS.items()),
                ]
            await send(message)

        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) == 1 and is_called(named[0].decode("latin-1"), self._hosts):
            await self._app(scope, receive, with_headers)
        else:
            refusal = PlainTextResponse(
                "This server isn't known under that name: start it with --allow-host NAME\n", 421
            )
            await refusal(scope, receive, with_headers)
